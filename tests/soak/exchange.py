"""An embedded exchange in a process of its own, its operator's port, and what a process holds of memory and files."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from trader_core.venues.link import ANNOUNCE

READY_S = 30.0
PAGE = os.sysconf("SC_PAGE_SIZE")


class Held(NamedTuple):
    """What a process holds at a time, in seconds since the beginning."""

    at_s: float
    rss_mb: float
    files: int


def held(pid: int, at_s: float) -> Held:
    """Return what a process holds now; it needs Linux's /proc."""
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return Held(at_s, resident / 1e6, len(list(Path(f"/proc/{pid}/fd").iterdir())))


class Exchange:
    """One exchange whose announcement lies where a session would look for it."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home, place = home, home / ANNOUNCE
        place.parent.mkdir(parents=True)
        command = [sys.executable, "-m", "sandbox", "--announce", str(place), "--parent", str(os.getpid()), *options]
        with (home / "stderr").open("wb") as stderr:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=stderr)
        until = time.monotonic() + READY_S
        while not place.exists():
            if self.process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"the exchange did not start: {self.said()}")
            time.sleep(0.05)
        self.announced: dict[str, Any] = json.loads(place.read_text())

    def said(self) -> str:
        """Return what it wrote to stderr."""
        return (self.home / "stderr").read_text()

    def ask(self, method: str, path: str) -> Any:
        """Return what its operator's port answers."""
        headers = {"X-Sandbox-Token": self.announced["admin_token"]}
        request = urllib.request.Request(self.announced["admin_url"] + path, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def stop(self) -> str:
        """End it and return what it said."""
        self.process.terminate()
        self.process.wait(20)
        return self.said()
