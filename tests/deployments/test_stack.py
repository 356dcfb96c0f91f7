"""The local stack's supervisor: what it cannot restart now it restarts later."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deployments import stack as stacks
from deployments.postgres import Server
from trader_core.settings import Settings


def test_a_supervisor_outlives_a_restart_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "RESTART_S", 0.01)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    made = stacks.Stack(Settings(home=tmp_path), Server(embedded=False, base=""), None, {"paper": dead})
    tries, again = [0], threading.Event()

    def start(self: stacks.Stack, account: str) -> None:
        tries[0] += 1
        if tries[0] == 1:
            raise BlockingIOError("no process to be had")
        again.set()

    monkeypatch.setattr(stacks.Stack, "start_trader", start)
    thread = threading.Thread(target=made.supervise, daemon=True)
    thread.start()
    assert again.wait(5), "it tried once and died"
    made.stopping.set()
    thread.join()


def test_a_child_is_never_given_a_real_venue_s_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GATEHOUSE_VENUE_KEY", "GATEHOUSE_VENUE_SECRET", "GATEHOUSE_LOG_LEVEL"):
        monkeypatch.setenv(name, "CANARY123")
    given = stacks.environment(Settings(home=tmp_path))
    assert (given["GATEHOUSE_HOME"], given["GATEHOUSE_LOG_LEVEL"]) == (str(tmp_path), "CANARY123")
    assert not {"GATEHOUSE_VENUE_KEY", "GATEHOUSE_VENUE_SECRET"} & set(given)
