"""The leash: a program that does not listen ends all the same, with what it started."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STUBBORN = "import os, signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); child = subprocess.Popen(['sleep', '600']); print(os.getpid(), child.pid, flush=True); time.sleep(600)"  # noqa: E501
ENDED_S = 30.0


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pids: list[int]) -> bool:
    until = time.monotonic() + ENDED_S
    while any(map(alive, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    return not any(map(alive, pids))


@pytest.fixture
def leash() -> "subprocess.Popen[str]":
    """Return a leash around a program that ignores SIGTERM and has a child of its own."""
    command = [sys.executable, "-m", "deployments.leash", str(os.getpid()), sys.executable, "-c", STUBBORN]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see who lives")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_program_that_ignores_a_signal_is_ended_by_force_with_its_children(
    leash: "subprocess.Popen[str]", number: signal.Signals
) -> None:
    assert leash.stdout is not None
    pids = [int(word) for word in leash.stdout.readline().split()]
    assert all(map(alive, pids))
    leash.send_signal(number)
    leash.wait(ENDED_S)
    assert gone(pids)
    leash.stdout.close()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see who lives")
def test_a_supervisor_that_is_killed_leaves_nothing_behind() -> None:
    """A parent starts the leash and is killed by SIGKILL: neither leash nor program nor its child goes on."""
    parent = "import os, subprocess, sys, time; subprocess.Popen([sys.executable, '-m', 'deployments.leash', str(os.getpid()), sys.executable, '-c', sys.argv[1]]); time.sleep(600)"  # noqa: E501
    with subprocess.Popen([sys.executable, "-c", parent, STUBBORN], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        assert all(map(alive, pids))
        process.kill()
        assert gone(pids)
