"""Compiled equals plain Python on plans and markets that chance makes: `make parity` takes ten thousand of them."""

import os
import pickle
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.plain_worker import digest_of
from tests.engine.test_properties import simulated_plans
from trader_core.engine.kernel import COMPILED
from trader_core.model.plan import Plan

CASES = int(os.environ.get("GATEHOUSE_PARITY_CASES", "200"))
pytestmark = pytest.mark.skipif(not COMPILED, reason="the plain engine would be compared with itself")


@pytest.fixture(scope="module")
def plain() -> Iterator["subprocess.Popen[Any]"]:
    environment = {**os.environ, "GATEHOUSE_ENGINE": "python"}
    command = [sys.executable, "-m", "tests.engine.plain_worker"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], env=environment)
    yield process
    process.communicate()


@settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(simulated_plans(), st.integers(0, 10**9), st.integers(5, 40))
def test_compiled_and_plain_give_the_same_bytes(plain: "subprocess.Popen[Any]", chosen: Plan, seed: int, rows: int) -> None:
    case = pickle.dumps((chosen, seed, rows))
    assert plain.stdin is not None
    assert plain.stdout is not None
    plain.stdin.write(struct.pack("<I", len(case)) + case)
    plain.stdin.flush()
    answer = plain.stdout.read(100).rstrip()
    assert answer == digest_of(chosen, seed, rows)
