"""Compiled and plain are one engine: the same bytes from the same input."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.engine.parity_report import report
from trader_core.engine.kernel import COMPILED

ROOT = Path(__file__).parents[2]


def test_the_other_engine_gives_the_same_bytes() -> None:
    environment = {**os.environ, "GATEHOUSE_ENGINE": "python" if COMPILED else ""}
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.parity_report"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    other, ours = json.loads(done.stdout), report()
    assert all(int(ours[f"run {seed}"].split()[2]) > 10 for seed in range(5)), "the runs trade"
    assert other == ours
    assert done.stderr == ""


def test_the_plain_engine_does_not_import_numba() -> None:
    program = "import sys; import trader_core.engine.simulate, trader_core.engine.strategies; print('numba' in sys.modules)"
    environment = {**os.environ, "GATEHOUSE_ENGINE": "python"}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
