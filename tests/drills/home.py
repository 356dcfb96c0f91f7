"""A home of the drills' own: the whole local stack with Prefect's server and worker, and ways to end its processes by force."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from console.demo import EXCHANGE
from deployments import stack
from tests.integration.test_recovery import share_cache
from trader_core.settings import Settings
from trader_core.store.database import Engine, open_engine

if TYPE_CHECKING:
    from deployments.prefect_local import PrefectStack

SEED = "7"


@dataclass
class Home:
    """What a drill holds on to; `engine` outlives a restart of the database."""

    settings: Settings
    stack: stack.Stack
    prefect: "PrefectStack"
    engine: Engine

    def engines(self) -> list[int]:
        """Return the processes in which flows run now."""
        return [one for worker in self.workers() for one in children(worker)]

    def workers(self) -> list[int]:
        """Return the worker's process, without the leash that holds it."""
        return children(self.prefect.children["worker"].pid)

    def servers(self) -> list[int]:
        """Return the process of Prefect's server, without the leash that holds it."""
        return children(self.prefect.children["server"].pid)


@contextmanager
def opened(folder: Path, config: str = "") -> Iterator[Home]:
    """Yield a running home in a new folder, and stop all of it at the end."""
    folder.mkdir()
    share_cache(folder)
    (folder / "gatehouse.toml").write_text(config)
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith("PREFECT_") or name == "GATEHOUSE_DATABASE_URL":
            del os.environ[name]  # another home's
    os.environ.update({"GATEHOUSE_HOME": str(folder), "GATEHOUSE_PREFECT_PORT": str(free_port())})
    try:
        settings = Settings()
        with stack.local(settings, [*EXCHANGE, "--seed", SEED], accounts=("paper", "sandbox"), webhook="sink") as run:
            yield Home(settings, run, run.start_prefect(), open_engine(run.server.url("flow"), pool=False))
    finally:
        os.environ.clear()
        os.environ.update(before)


def say(text: str) -> None:
    """Show a line at once: a drill takes minutes, and people watch it."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def children(pid: int) -> list[int]:
    """Return the processes that a process has started; none when it is gone."""
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def end(pids: list[int], how: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal; raises AssertionError without a process to send it to."""
    assert pids, "the process that the drill ends runs"
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, how)


def until(holds: Callable[[], bool], within_s: float) -> float:
    """Wait until a callable returns True and return the seconds that it took; raises AssertionError when it never does."""
    began = time.monotonic()
    while time.monotonic() < began + within_s:
        if holds():
            return time.monotonic() - began
        time.sleep(0.2)
    raise AssertionError(f"it did not come true in {within_s:.0f} s")


def free_port() -> int:
    """Return a port on loopback that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
