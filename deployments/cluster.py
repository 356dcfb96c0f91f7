"""One PostgreSQL cluster in one folder: made, started, found again and stopped, whatever was killed before.

The folder holds data/, server.log and the sockets. Nothing outside it is written. Callers hold the folder's lock.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from deployments.locate import Runner
from trader_core.model.errors import DatabaseAway

SOCKET_PORT = 5432
"""A socket's file is named by a port; in a folder of its own there is no other."""
SOCKET_PATH_MAX = 107
NO_PID = 4_194_305
"""One above the highest process id that Linux gives out."""
START_S = 60.0
RETRY_S = 15.0
STOP_S = 30.0
POLL_S = 0.01
LOG_BYTES_MAX = 10_000_000
READY_LINE, SOCKET_LINE, LISTEN_LINE = 7, 4, 5
TRANSIENT = ("pre-existing shared memory block", "already exists", "Address already in use")

SETTINGS = """\
# Written at every start. Settings of your own belong into GATEHOUSE_DATABASE_URL's server.
max_connections = 100
shared_buffers = 128MB
max_wal_size = 2GB
checkpoint_timeout = 15min
password_encryption = scram-sha-256
synchronous_commit = on
fsync = {fsync}
full_page_writes = {fsync}
client_connection_check_interval = 1s
idle_in_transaction_session_timeout = 5min
max_parallel_workers_per_gather = 0  # small containers have little shared memory
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_checkpoints = off
unix_socket_permissions = 0700
"""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens: `host` is a socket's folder or 127.0.0.1."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Cluster:
    """A folder, how its programs run, and whether commits must survive a power cut."""

    folder: Path
    runner: Runner
    durable: bool = True

    @property
    def data(self) -> Path:
        """Return the data folder."""
        return self.folder / "data"

    def exists(self) -> bool:
        """Say whether the cluster has been made, completely."""
        return (self.data / "PG_VERSION").exists()

    def create(self, password: str) -> None:
        """Make the cluster, with checksums and password authentication, in one step: a kill in between leaves none."""
        fresh, pwfile = self.folder / "data.new", self.folder / "password.new"
        shutil.rmtree(fresh, ignore_errors=True)
        pwfile.unlink(missing_ok=True)
        descriptor = os.open(pwfile, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(password + "\n")
            self.runner.own(pwfile)
            options = ["-D", str(fresh), "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={pwfile}", "-k"]
            options += ["-E", "UTF8", "--no-locale", "--no-instructions", *([] if self.durable else ["--no-sync"])]
            with tempfile.TemporaryFile() as said:
                code = self.runner.run("initdb", *options, timeout_s=START_S, said=said)
                said.seek(0)
                words = said.read().decode(errors="replace").strip()[-600:]
        finally:
            pwfile.unlink(missing_ok=True)
        if code:
            todo = f"check space and rights in {self.folder}, or set GATEHOUSE_DATABASE_URL"
            raise DatabaseAway("a new PostgreSQL cluster", words or f"exit code {code} of initdb", todo)
        fresh.rename(self.data)

    def pid(self) -> int | None:
        """Return the server's process id, or None when none of *this* cluster runs: a reused id is told apart."""
        lines = self._pid_lines()
        pid = int(lines[0]) if lines and lines[0].isdigit() else 0
        return pid if pid and _is_server_of(pid, self.data) else None

    def address(self) -> Address | None:
        """Return where the running server listens, or None until it is ready."""
        lines = self._pid_lines()
        if len(lines) <= READY_LINE or lines[READY_LINE].strip() != "ready":
            return None
        return Address(lines[SOCKET_LINE] or "127.0.0.1", int(lines[SOCKET_LINE - 1]))

    def start(self, port_last: int = 0) -> Address:
        """Start the server, or attach to the one that runs, and return where it listens.

        A port of `port_last` is used again when it is free. Raises DatabaseAway with the server's last words.
        """
        deadline = time.monotonic() + RETRY_S
        while self.pid() is None:
            mark = self._turn_log()
            self._forget_the_dead()
            self._write_settings(port_last)
            arguments = ("-D", str(self.data), "-l", str(self.folder / "server.log"), "-w", "-t", str(int(START_S)), "start")
            try:
                code = self.runner.run("pg_ctl", *arguments, timeout_s=START_S + 5)
            except subprocess.TimeoutExpired:
                code = 1
            if code == 0:
                break
            said = self._log_since(mark)
            # After a kill -9 the old server's children need a moment to go.
            if time.monotonic() > deadline or not any(words in said for words in TRANSIENT):
                raise DatabaseAway("the embedded PostgreSQL to start", said[-600:] or f"exit code {code}", f"read {self.folder}/server.log")
            time.sleep(POLL_S * 5)
        return self._wait_ready()

    def stop(self) -> bool:
        """Stop the server and wait for its end; say whether one was running. Raises DatabaseAway when it does not end."""
        pid = self.pid()
        if pid is None:
            return False
        deadline = time.monotonic() + STOP_S
        os.kill(pid, signal.SIGINT)  # PostgreSQL's fast shutdown
        while self.pid() == pid and _is_server_of(pid, self.data):
            if time.monotonic() > deadline:
                raise DatabaseAway("the embedded PostgreSQL to stop", f"process {pid} still running", f"read {self.folder}/server.log")
            time.sleep(POLL_S)
        while _is_server_of(pid, self.data) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        return True

    def _wait_ready(self) -> Address:
        deadline = time.monotonic() + START_S
        while (address := self.address()) is None:
            if time.monotonic() > deadline or self.pid() is None:
                raise DatabaseAway("the embedded PostgreSQL to be ready", self._log_since(0)[-600:], f"read {self.folder}/server.log")
            time.sleep(POLL_S)
        return address

    def _pid_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().split("\n")
        except (FileNotFoundError, UnicodeDecodeError):
            return []

    def _forget_the_dead(self) -> None:
        """Make a pid file whose process id now belongs to somebody else harmless.

        The file itself stays: its shared memory key is how PostgreSQL notices children of a killed server.
        """
        path, lines = self.data / "postmaster.pid", self._pid_lines()
        if lines and lines[0].isdigit():
            path.write_text("\n".join([str(NO_PID), *lines[1:]]))
            self.runner.own(path)
        elif path.exists():
            path.unlink()  # empty or torn: PostgreSQL itself would refuse to start on it
        for name in (f".s.PGSQL.{SOCKET_PORT}", f".s.PGSQL.{SOCKET_PORT}.lock"):
            (self.folder / name).unlink(missing_ok=True)

    def _write_settings(self, port_last: int) -> None:
        place = f"listen_addresses = ''\nport = {SOCKET_PORT}\nunix_socket_directories = '{_quoted(self.folder)}'\n"
        if not socket_fits(self.folder):
            place = f"listen_addresses = '127.0.0.1'\nport = {free_port(port_last)}\nunix_socket_directories = ''\n"
        path = self.data / "postgresql.conf"
        path.write_text(SETTINGS.format(fsync="on" if self.durable else "off") + place)
        self.runner.own(path)

    def _turn_log(self) -> int:
        """Put a long log aside and return the current one's size."""
        log = self.folder / "server.log"
        if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
            log.replace(self.folder / "server.log.1")
        return log.stat().st_size if log.exists() else 0

    def _log_since(self, mark: int) -> str:
        try:
            return (self.folder / "server.log").read_bytes()[mark:].decode(errors="replace").strip()
        except FileNotFoundError:
            return ""


def socket_fits(folder: Path) -> bool:
    """Say whether a unix socket can live in `folder`: its path is short enough and the file system knows sockets."""
    if len(os.fsencode(folder / f".s.PGSQL.{SOCKET_PORT}")) > SOCKET_PATH_MAX or "," in str(folder):
        return False
    probe = folder / ".s.probe"
    probe.unlink(missing_ok=True)
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(probe))
    except OSError:
        return False
    finally:
        probe.unlink(missing_ok=True)
    return True


def free_port(wanted: int) -> int:
    """Return `wanted` when nothing listens there on loopback, else a free port."""
    for port in (wanted, 0):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(sock.getsockname()[1])
    raise DatabaseAway("a free port on loopback", "none", "close some programs")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _is_server_of(pid: int, data: Path) -> bool:
    """Say whether the process is a postmaster of this very data folder, by its working folder or its arguments."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        words = _words_by_ps(pid)
    if not words or Path(os.fsdecode(words[0])).name != "postgres":
        return False
    named = [os.fsdecode(words[i + 1]) for i, word in enumerate(words[:-1]) if word == b"-D"]
    return any(_same(Path(place), data) for place in (f"/proc/{pid}/cwd", *named))


def _words_by_ps(pid: int) -> list[bytes]:
    if Path("/proc/self").exists() or not shutil.which("ps"):
        return []
    answer = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)  # noqa: S603, S607
    return answer.stdout.split()


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
