"""The database of this installation: the embedded PostgreSQL under GATEHOUSE_HOME, or one of the user's own.

Who runs it is settled by two locks that the kernel gives back when their process dies: `start.lock` is held while somebody
starts or stops the server, `users.lock` is shared by all who use it. The last user out stops it, unless `up` has pinned it.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg

from deployments.bootstrap import DATABASE, ROLES, adopt, ensure_database, ensure_rights, role_name
from deployments.cluster import Address, Cluster
from deployments.locate import choose_runner
from trader_core.model.errors import BadInput, DatabaseAway, UnknownName
from trader_core.settings import Settings

DRIVER = "postgresql+psycopg"
SUPERUSER = "postgres"


@dataclass(frozen=True, slots=True)
class Server:
    """A database that is up, has its roles and, unless asked otherwise, the schema of this code."""

    embedded: bool
    base: str = field(repr=False)
    """postgresql://…, of the user's own server; empty for the embedded one."""
    address: Address | None = None
    passwords: dict[str, str] = field(default_factory=dict, repr=False)
    database: str = DATABASE

    def url(self, role: str) -> str:
        """Return the SQLAlchemy URL for one of migrate, trader, flow, api, verify; raises UnknownName for another."""
        if role not in ROLES:
            raise UnknownName(f"a role of {', '.join(ROLES)}", repr(role), "correct the program")
        if not self.embedded:
            return with_role(self.base, role)
        return self._url(role_name(role), self.passwords[role])

    def admin_url(self) -> str:
        """Return the SQLAlchemy URL of the login that set everything up; only bootstrap and tests have a reason to."""
        return self._url(SUPERUSER, self.passwords[SUPERUSER]) if self.embedded else _with_driver(self.base)

    def _url(self, user: str, password: str) -> str:
        assert self.address is not None, "an embedded server has an address"
        at = f"host={quote(self.address.host, safe='')}&port={self.address.port}"
        return f"{DRIVER}://{user}:{quote(password, safe='')}@/{self.database}?{at}"


@dataclass(frozen=True, slots=True)
class Status:
    """What `status` found; `place` holds no password."""

    embedded: bool
    running: bool
    pinned: bool
    place: str
    pid: int | None
    version: str


@contextmanager
def running(settings: Settings, *, migrated: bool = True) -> Iterator[Server]:
    """Yield a database that is up, with roles and (if `migrated`) the schema of this code, and stop what this call started.

    Raises DatabaseAway, DatabaseTooOld or NotMigrated.
    """
    own = own_url(settings)
    if own:
        adopt(own)
        server = Server(embedded=False, base=own)
        _migrate(server, wanted=migrated)
        yield server
        return
    place = Place.of(settings)
    with place.used():
        with place.locked():
            server = place.ensure()
        _migrate(server, wanted=migrated)
        yield server


def up(settings: Settings) -> Server:
    """Return the database, up and migrated; the embedded one keeps running until `down`."""
    with running(settings) as server:
        if server.embedded:
            Place.of(settings).pin()
        return server


def down(settings: Settings) -> bool:
    """Stop the embedded PostgreSQL, whoever uses it, and say whether it was running. A server of the user's own is left alone."""
    if own_url(settings):
        return False
    place = Place.of(settings)
    if not place.folder.exists():
        return False
    with place.locked():
        place.unpin()
        return place.cluster().stop()


def status(settings: Settings) -> Status:
    """Return what runs, starting nothing. Raises DatabaseAway when a server of the user's own does not answer."""
    own = own_url(settings)
    if own:
        try:
            with psycopg.connect(own, connect_timeout=10) as db:
                version = db.info.parameter_status("server_version") or ""
        except psycopg.OperationalError as error:
            raise DatabaseAway(
                "the database at GATEHOUSE_DATABASE_URL", str(error).strip()[:300], "start it, or correct the URL"
            ) from error
        return Status(embedded=False, running=True, pinned=False, place=_without_password(own), pid=None, version=version)
    place = Place.of(settings)
    pid = place.cluster_pid()
    version = (place.folder / "data" / "PG_VERSION").read_text().strip() if (place.folder / "data" / "PG_VERSION").exists() else ""
    return Status(embedded=True, running=pid is not None, pinned=place.pinned(), place=str(place.folder), pid=pid, version=version)


@dataclass(frozen=True, slots=True)
class Place:
    """The embedded server's folder, its locks and its secrets."""

    folder: Path
    secrets: Path
    durable: bool = True

    @classmethod
    def of(cls, settings: Settings) -> "Place":
        """Return the place under GATEHOUSE_HOME."""
        home = settings.folder()
        return cls(home / "postgres", home / "secrets")

    def make(self) -> None:
        """Leave both folders behind, readable by nobody else."""
        for folder in (self.folder, self.secrets):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def cluster(self) -> Cluster:
        """Return the cluster and the way to run it."""
        return Cluster(self.folder, choose_runner(self.folder), durable=self.durable)

    def cluster_pid(self) -> int | None:
        """Return the running server's process id without choosing how to run one."""
        from deployments.locate import Runner  # noqa: PLC0415

        return Cluster(self.folder, Runner(Path())).pid()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the right to start and stop."""
        self.make()
        with (self.folder / "start.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def used(self) -> Iterator[None]:
        """Count as a user of the server; the last one out stops it unless it is pinned."""
        self.make()
        with (self.folder / "users.lock").open("a") as file:
            with self.locked():
                fcntl.flock(file, fcntl.LOCK_SH)
            try:
                yield
            finally:
                with self.locked():
                    fcntl.flock(file, fcntl.LOCK_UN)
                    if not self.pinned() and self._unused():
                        self.cluster().stop()

    def ensure(self) -> Server:
        """Return the server, made and started if need be, with roles and database; the lock is held."""
        passwords = self._passwords()
        cluster = self.cluster()
        fresh = not cluster.exists()
        if fresh:
            cluster.create(passwords[SUPERUSER])
        remembered = self._remembered()
        address = cluster.start(int(remembered.get("port", 0)))
        server = Server(embedded=True, base="", address=address, passwords=passwords)
        if fresh or not remembered.get("ready"):
            admin = _plain(server.admin_url())
            logins = {role: passwords[role] for role in ROLES}
            ensure_database(admin.replace(f"/{DATABASE}?", "/postgres?"), logins)
            with psycopg.connect(admin, autocommit=True) as db:
                ensure_rights(db)
        self._remember({"host": address.host, "port": address.port, "ready": True})
        return server

    def pin(self) -> None:
        """Keep the server running after its last user."""
        (self.folder / "pinned").touch()

    def unpin(self) -> None:
        """Let the last user stop the server."""
        (self.folder / "pinned").unlink(missing_ok=True)

    def pinned(self) -> bool:
        """Say whether `up` keeps the server running."""
        return (self.folder / "pinned").exists()

    def _unused(self) -> bool:
        with (self.folder / "users.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    def _passwords(self) -> dict[str, str]:
        path = self.secrets / "postgres.json"
        if path.exists():
            return {str(name): str(word) for name, word in json.loads(path.read_text()).items()}
        if (self.folder / "data").exists():
            raise BadInput(f"the passwords of the cluster in {self.folder}", f"no {path}", "restore that file, or remove the folder")
        passwords = {name: secrets.token_urlsafe(24) for name in (SUPERUSER, *ROLES)}
        _write_private(path, json.dumps(passwords, indent=1))
        return passwords

    def _remembered(self) -> dict[str, Any]:
        with suppress(FileNotFoundError, json.JSONDecodeError):
            return dict(json.loads((self.folder / "server.json").read_text()))
        return {}

    def _remember(self, state: dict[str, Any]) -> None:
        if state != self._remembered():
            _write_private(self.folder / "server.json", json.dumps(state))


def own_url(settings: Settings) -> str:
    """Return GATEHOUSE_DATABASE_URL as libpq reads it, or nothing."""
    return _plain(settings.database_url.get_secret_value()) if settings.database_url else ""


def with_role(url: str, role: str) -> str:
    """Return a login's URL that takes on one of our roles as it connects."""
    parts = urlsplit(_with_driver(url))
    option = "options=" + quote(f"-c role={role_name(role)}", safe="")
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, option)))))


def _migrate(server: Server, *, wanted: bool) -> None:
    if wanted:
        from trader_core.store.database import ensure_migrated  # noqa: PLC0415 - alembic and SQLAlchemy cost 0.3 s

        ensure_migrated(server.url("migrate"))


def _plain(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"postgresql://{rest}" if scheme.startswith("postgres") else url


def _with_driver(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{DRIVER}://{rest}" if scheme.startswith("postgres") else url


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
