"""Prefect on this machine: one server and one worker, on loopback, with their metadata under GATEHOUSE_HOME.

The server's own data (runs, logs, artifacts) lies in SQLite: the embedded PostgreSQL lacks an extension that it needs.
Nothing that money depends on lies there: the road is rows in our database.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deployments.cluster import free_port
from trader_core.model.errors import GatehouseError
from trader_core.settings import Settings

POOL = "gatehouse"
QUEUES = {"default": 4, "money": 1, "operators": 4}
"""Work queues and how many runs of each may go at a time: a nicety; the database's locks are what keeps two stages apart."""
PORT = 4200
START_S, DEPLOY_S, STOP_S = 60.0, 60.0, 15.0
FILE = Path(__file__).parents[1] / "prefect.yaml"


class PrefectFault(GatehouseError):
    """A part of Prefect did not start."""


@dataclass(slots=True)
class PrefectStack:
    """Server and worker as children of this process; both are started again when they die."""

    settings: Settings
    port: int = 0
    children: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def api_url(self) -> str:
        """Return where clients reach the server."""
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def ui_url(self) -> str:
        """Return where people look."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Leave a server with our pool, queues and deployments, and a worker, running; raises PrefectFault with the last words."""
        self.port = free_port(self.settings.prefect_port or PORT)
        self._server()
        self._wait_healthy()
        self._deploy()
        self._worker()
        announce(self.settings, {"api_url": self.api_url, "ui_url": self.ui_url, "pid": os.getpid()})

    def restart_dead(self) -> int:
        """Start what died again, and return how many that were; a worker waits until its server answers."""
        dead = [name for name, child in self.children.items() if child.poll() is not None]
        for name in dead:
            if name == "server":
                self._server()
            elif healthy(self.api_url):
                self._worker()
        return len(dead)

    def stop(self) -> None:
        """End the worker, then the server; a leash kills what ignores SIGTERM, with all that it started."""
        announce_path(self.settings).unlink(missing_ok=True)
        for name in ("worker", "server"):
            child = self.children.pop(name, None)
            if child is None:
                continue
            with suppress(ProcessLookupError):
                child.terminate()
            try:
                child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _server(self) -> None:
        self._child("server", "server", "start", "--host", "127.0.0.1", "--port", str(self.port))

    def _worker(self) -> None:
        self._child("worker", "worker", "start", "--pool", POOL, "--type", "process", "--name", "gatehouse")

    def _child(self, name: str, *words: str) -> None:
        logs = self.settings.folder() / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        leash = [sys.executable, "-m", "deployments.leash", str(os.getpid())]
        with (logs / f"prefect-{name}.log").open("ab") as out:
            self.children[name] = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [*leash, sys.executable, "-m", "prefect", *words], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, env=environment(self.settings, self.api_url), cwd=FILE.parent,
            )  # fmt: skip

    def _wait_healthy(self) -> None:
        deadline = time.monotonic() + START_S
        while not healthy(self.api_url):
            if time.monotonic() > deadline or self.children["server"].poll() is not None:
                raise PrefectFault("a Prefect server that answers within a minute", _tail(self.settings, "server"), "read that log")
            time.sleep(0.1)

    def _deploy(self) -> None:
        """Create pool, queues and deployments, once per content of prefect.yaml and of the flows."""
        mark = prefect_home(self.settings) / "deployed"
        wanted = hashlib.sha256(b"\0".join(path.read_bytes() for path in _sources())).hexdigest() + f" {self.port}"
        if mark.exists() and mark.read_text() == wanted:
            return
        done = subprocess.run(
            [sys.executable, "-m", "deployments.prefect_deploy"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            env=environment(self.settings, self.api_url), cwd=FILE.parent, timeout=DEPLOY_S, check=False,
        )  # fmt: skip
        if done.returncode:
            raise PrefectFault("the deployments of prefect.yaml to be created", (done.stdout + done.stderr).strip()[-800:], "correct it")
        mark.write_text(wanted)


def environment(settings: Settings, api_url: str) -> dict[str, str]:
    """Return the environment of server, worker and commands: no telemetry, short polls, patience while the server restarts."""
    return {
        **os.environ, "GATEHOUSE_HOME": str(settings.folder()), "PREFECT_HOME": str(prefect_home(settings)), "PREFECT_API_URL": api_url,
        "PREFECT_SERVER_UI_API_URL": api_url, "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1",
        "PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_WORKER_HEARTBEAT_SECONDS": "15", "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_CLIENT_MAX_RETRIES": "10", "PREFECT_SERVER_LOGGING_LEVEL": "WARNING", "PREFECT_CLI_COLORS": "false",
    }  # fmt: skip


def prefect_home(settings: Settings) -> Path:
    """Return the folder of Prefect's own data."""
    folder = settings.folder() / "prefect"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def announce_path(settings: Settings) -> Path:
    """Return the file that says where the server is."""
    return settings.folder() / "run" / "prefect.json"


def announce(settings: Settings, said: dict[str, Any]) -> None:
    """Write where the server is, for commands and flows."""
    path = announce_path(settings)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(said))
    fresh.replace(path)


def healthy(api_url: str) -> bool:
    """Tell whether a server answers."""
    try:
        with urllib.request.urlopen(f"{api_url}/health", timeout=2) as answer:  # noqa: S310 - a loopback address of ours
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's word for well
    except (OSError, urllib.error.URLError):
        return False


def _sources() -> list[Path]:
    folder = FILE.parent
    return [FILE, Path(__file__).with_name("prefect_deploy.py"), *sorted((folder / "flows").glob("*.py"))]


def _tail(settings: Settings, name: str) -> str:
    path = settings.folder() / "logs" / f"prefect-{name}.log"
    return f"{path}: " + path.read_bytes()[-600:].decode(errors="replace").strip()
