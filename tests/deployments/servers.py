"""Starting, holding and asking the embedded server in tests."""

import subprocess
import sys
from pathlib import Path

import psycopg

from deployments import postgres
from trader_core.settings import Settings

HOLD = """
import sys
from pathlib import Path
from deployments import postgres
from trader_core.settings import Settings
with postgres.running(Settings(home=Path(sys.argv[1]), database_url=None), migrated=False) as server:
    print(postgres.status(Settings(home=Path(sys.argv[1]), database_url=None)).pid, flush=True)
    sys.stdin.read()
"""


def at(home: Path) -> Settings:
    return Settings(home=home, database_url=None)


def ask(server: postgres.Server, query: str, role: str = "verify") -> object:
    with psycopg.connect(server.url(role).replace("+psycopg", "")) as db:
        row = db.execute(query).fetchone()
    assert row is not None
    return row[0]


def gone(pid: int | None) -> bool:
    assert pid is not None
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() == b""
    except (FileNotFoundError, ProcessLookupError):
        return True


def hold(home: Path) -> "tuple[subprocess.Popen[str], int]":
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def let_go(process: "subprocess.Popen[str]") -> None:
    process.communicate()
    assert process.returncode == 0
