"""Words that were left as files, because no database could take them: one file per word and account, obeyed once.

While the database is away a trader cancels by them; when it is back they go to the sessions as any other word, and stand in the journal.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import structlog

from trader_core.model.command import Command
from trader_core.model.errors import StoreError
from trader_core.trader import events as ev

log = structlog.get_logger()
LEFT = (Command.CANCEL_ALL, Command.CLOSE_ALL)
"""Words that may be left."""


def path_of(home: Path, command: Command, account: str) -> Path:
    """Return where a word to an account's trader is left."""
    return home / f"{command.upper()}.{account}"


def leave(home: Path, command: Command, account: str, actor: str, reason: str) -> Path:
    """Leave a word, whole or not at all, and return its file; raises StoreError where there is no place for it."""
    path = path_of(home, command, account)
    fresh = path.with_suffix(path.suffix + ".new")
    try:
        home.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps({"actor": actor, "reason": reason}))
        fresh.replace(path)
    except OSError as error:
        raise StoreError(f"a place for {path}", str(error), "make room there; cancel at the exchange meanwhile") from error
    return path


def found(home: Path, account: str, now_ms: int) -> Iterator[ev.Operator]:
    """Yield the words that were left for an account, in their order of effect; one that cannot be read is a word all the same."""
    for command in LEFT:
        path = path_of(home, command, account)
        if not path.exists():
            continue
        try:
            said = dict(json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            said = {}
        yield ev.Operator(command, 0, str(said.get("actor", "a file")), str(said.get("reason", f"{path.name} stands")), now_ms)


def forget(home: Path, account: str, why: str, commands: Iterable[Command] = LEFT) -> None:
    """Remove words that were left for an account."""
    for command in commands:
        path = path_of(home, command, account)
        if path.exists():
            log.warning("a word that was left is removed", file=str(path), why=why)
            path.unlink(missing_ok=True)
