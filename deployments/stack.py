"""The local stack: database, embedded exchange and traders, as children of one supervisor that restarts a dead trader.

`python -m deployments.stack` is the supervisor that `gatehouse up` leaves running; the demo is its own supervisor.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments import postgres
from sandbox import launch
from trader_core.model.errors import BadInput, GatehouseError
from trader_core.model.session import LOCAL_ACCOUNTS
from trader_core.settings import Settings

if TYPE_CHECKING:
    from deployments.prefect_local import PrefectStack

PREFECT = "--prefect"
RESTART_S = 1.0
STOP_S = 10.0


class StackFault(GatehouseError):
    """A part of the local stack did not start."""


@dataclass(slots=True)
class Stack:
    """What runs; `trader_pids` changes when a trader is restarted."""

    settings: Settings
    server: postgres.Server
    sandbox: launch.Launched | None
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)
    restarts: int = 0
    prefect: "PrefectStack | None" = None
    courier: "subprocess.Popen[bytes] | None" = None
    webhook: str = ""
    """Where the courier delivers instead of where the settings say: `sink` keeps alerts in a file."""

    def start_courier(self) -> None:
        """Start what delivers alerts; its log goes to the home folder."""
        logs = self.settings.folder() / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        more = {"GATEHOUSE_SLACK_WEBHOOK": self.webhook} if self.webhook else {}
        with (logs / "courier.log").open("ab") as out:
            self.courier = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", "tasks.courier", "--parent", str(os.getpid())], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, env={**environment(self.settings), **more}, cwd=Path(__file__).parents[1],
            )  # fmt: skip

    def start_prefect(self) -> "PrefectStack":
        """Start Prefect's server and worker beside the rest."""
        from deployments.prefect_local import PrefectStack  # noqa: PLC0415 - only who wants it

        self.prefect = PrefectStack(self.settings)
        self.prefect.start()
        return self.prefect

    def start_trader(self, account: str) -> None:
        """Start one account's trader; its log goes to the home folder."""
        logs = self.settings.folder() / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / f"trader-{account}.log").open("ab") as out:
            command = [sys.executable, "-m", "console", "trader", "--account", account, "--parent", str(os.getpid())]
            self.children[account] = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, env=environment(self.settings)
            )

    def supervise(self) -> None:
        """Restart the embedded database and each trader that died, until told to stop."""
        while not self.stopping.wait(RESTART_S):
            # What fails now is tried again: without this thread nobody would restart anything.
            with suppress(GatehouseError, OSError, subprocess.SubprocessError):
                self._restart()

    def _restart(self) -> None:
        if self.server.embedded and not postgres.status(self.settings).running:
            self.restarts += 1
            with postgres.running(self.settings, migrated=False):
                pass
        for account, child in list(self.children.items()):
            if child.poll() is not None and not self.stopping.is_set():
                self.restarts += 1
                self.start_trader(account)
        if self.courier is not None and self.courier.poll() is not None and not self.stopping.is_set():
            self.restarts += 1
            self.start_courier()
        if self.prefect is not None and not self.stopping.is_set():
            self.restarts += self.prefect.restart_dead()

    def stop(self) -> None:
        """End Prefect, the traders, then the exchange; a child that ignores SIGTERM is killed."""
        self.stopping.set()
        if self.prefect is not None:
            self.prefect.stop()
        ending = [*self.children.values(), *([self.courier] if self.courier else [])]
        for child in ending:
            with suppress(ProcessLookupError):
                child.terminate()
        for child in ending:
            try:
                child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if self.sandbox is not None:
            announce_path(self.settings).unlink(missing_ok=True)
            self.sandbox.stop()


def environment(settings: Settings) -> dict[str, str]:
    """Return a child's environment: ours, with the same home, and without a real venue's key, which none of them needs."""
    ours = {name: value for name, value in os.environ.items() if name not in {"GATEHOUSE_VENUE_KEY", "GATEHOUSE_VENUE_SECRET"}}
    return {**ours, "GATEHOUSE_HOME": str(settings.folder())}


def announce_path(settings: Settings) -> Path:
    """Return where the embedded exchange says how to reach it."""
    return settings.folder() / "run" / "sandbox.json"


def announce(settings: Settings, said: dict[str, Any]) -> None:
    """Write how to reach the embedded exchange where traders and commands look, readable by its owner alone."""
    path = announce_path(settings)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(said, file)


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Hold this home's right to run a local stack, which ends with its process; raises BadInput when another command has it."""
    path = settings.folder() / "run" / "stack.lock"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            todo = "wait for its end, `gatehouse down`, or set GATEHOUSE_HOME to another folder"
            raise BadInput("no other local stack in this home", "one that another command runs", todo) from error
        yield


@contextmanager
def local(
    settings: Settings, options: Sequence[str] | None, accounts: Sequence[str] = LOCAL_ACCOUNTS, webhook: str = ""
) -> Iterator[Stack]:  # fmt: skip
    """Yield a running stack and stop all of it at the end; `options` None leaves the exchange out."""
    with alone(settings), postgres.running(settings) as server:
        port = ("--port", str(settings.sandbox_port)) if settings.sandbox_port else ()
        exchange = launch.launch(*port, *options) if options is not None else None
        stack = Stack(settings, server, exchange, webhook=webhook)
        try:
            if exchange is not None:
                announce(settings, exchange.announced)
            for account in accounts:
                stack.start_trader(account)
            stack.start_courier()
            watcher = threading.Thread(target=stack.supervise, name="supervisor", daemon=True)
            watcher.start()
            yield stack
            stack.stopping.set()
            watcher.join()
        finally:
            stack.stop()


def supervisor_path(settings: Settings) -> Path:
    """Return the file in which a supervisor left running says its process id."""
    return settings.folder() / "run" / "supervisor.json"


def up(settings: Settings, arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Leave a supervisor running and return what it said; one that runs already is left as it is."""
    found = status(settings)
    if found:
        return found
    logs = settings.folder() / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / "supervisor.log").open("ab") as out:
        mark = out.tell()
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "deployments.stack", *arguments],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, env=environment(settings), cwd=Path.cwd(),
        )  # fmt: skip
    for _ in range(600):
        found = status(settings)
        if found:
            return found
        if child.poll() is not None:
            break
        time.sleep(0.1)
    said = (logs / "supervisor.log").read_bytes()[mark:].decode(errors="replace").strip()[-600:]
    raise StackFault("a local stack that starts within a minute", said or "silence", f"read {logs / 'supervisor.log'}")


def ensure(settings: Settings) -> None:
    """Start a local stack unless one is up, be it a supervisor's or a demonstration's."""
    try:
        pid = int(json.loads(announce_path(settings).read_text())["pid"])
        os.kill(pid, 0)
    except (OSError, ValueError, KeyError):
        up(settings)


def down(settings: Settings) -> bool:
    """End a supervisor that was left running, and say whether there was one."""
    found = status(settings)
    if not found:
        return False
    os.kill(found["pid"], signal.SIGTERM)
    for _ in range(300):
        if not _alive(found["pid"]):
            break
        time.sleep(0.1)
    supervisor_path(settings).unlink(missing_ok=True)
    return True


def status(settings: Settings) -> dict[str, Any]:
    """Return what a running supervisor said of itself, or nothing."""
    try:
        said: dict[str, Any] = json.loads(supervisor_path(settings).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return said if _alive(said["pid"]) else {}


def _alive(pid: int) -> bool:
    """Whether the process is a supervisor of ours: a process id may have been given to another program."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        return b"deployments.stack" in words and b"\nState:\tZ" not in Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return False


def main() -> None:
    """Run the supervisor until SIGTERM; what keeps it from starting is one line in its log."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        keep_up(Settings(), stop)
    except GatehouseError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


def keep_up(settings: Settings, stop: threading.Event) -> None:
    """Run the local stack and say so in the home folder, until told to stop."""
    words = [word for word in sys.argv[1:] if word != PREFECT]
    with local(settings, words) as stack:
        address = stack.sandbox.announced["base_url"] if stack.sandbox else ""
        said = {"pid": os.getpid(), "sandbox": address, "accounts": list(stack.children)}
        if PREFECT in sys.argv[1:]:
            said["prefect"] = stack.start_prefect().ui_url
        path = supervisor_path(settings)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(said))
        stop.wait()
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
