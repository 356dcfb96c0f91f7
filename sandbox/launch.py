"""Starts an embedded exchange in its own process and takes it down again."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from trader_core.model.errors import PortTaken, VenueUnavailable

READY_S = 15.0
STOP_S = 5.0
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Launched:
    """A running exchange: its process, and what it announced (addresses, keys, clock)."""

    process: subprocess.Popen[bytes]
    announced: dict[str, Any]
    folder: Path
    """Holds the announcement and what the process wrote to stderr."""

    def stop(self) -> None:
        """End the process and remove its folder's files; safe to repeat."""
        _end(self.process)
        for name in ("announce.json", "stderr"):
            (self.folder / name).unlink(missing_ok=True)
        if self.folder.exists():
            self.folder.rmdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def launch(*options: str) -> Launched:
    """Return an exchange that listens, started with command-line options such as `--seed 7`; it ends with this process.

    Raises PortTaken, or VenueUnavailable with what the process said, when it does not come up.
    """
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-sandbox-"))
    path = folder / "announce.json"
    command = [sys.executable, "-m", "sandbox", "--announce", str(path), "--parent", str(os.getpid()), *options]
    with (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=stderr)  # noqa: S603 - our own module
    until = time.monotonic() + READY_S
    while process.poll() is None and not path.exists() and time.monotonic() < until:
        time.sleep(POLL_S)
    if path.exists():
        return Launched(process, json.loads(path.read_text()), folder)
    _end(process)
    said = (folder / "stderr").read_text()[-2_000:].strip()
    Launched(process, {}, folder).stop()
    if "another program listens there" in said:
        raise PortTaken("free ports for the embedded exchange", "another program on one of them", "choose other ports, or 0")
    raise VenueUnavailable(f"the embedded exchange to listen within {READY_S:.0f} s", said or "silence", "read its message")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
