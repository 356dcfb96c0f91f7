"""`python -m deployments.leash PARENT WORD...`: runs a program that does not watch its parent, and ends it when that is gone.

A supervisor that is killed leaves nothing behind: its exchange, traders and courier watch it themselves, and this watches
it for programs of others.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

POLL_S = 0.5
STOP_S = 8.0


def main() -> int:
    """Return the program's exit code; SIGTERM and SIGINT end the program, by force if it does not listen."""
    parent, told = int(sys.argv[1]), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    child = subprocess.Popen(sys.argv[2:], start_new_session=True)  # noqa: S603 - what our own supervisor names
    while child.poll() is None and os.getppid() == parent and not told.is_set():
        time.sleep(POLL_S)
    if child.poll() is None:
        end(child)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def end(child: "subprocess.Popen[bytes]") -> None:
    """End a program with all that it started: by SIGTERM, then by force."""
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


if __name__ == "__main__":
    sys.exit(main())
