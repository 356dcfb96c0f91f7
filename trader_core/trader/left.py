"""Words that were left as files, because no database could take them: one file per word and account, obeyed once.

While the database is away a trader cancels by them; when it is back they go to the sessions as any other word, and stand in the journal.
A file is removed when every session has journaled its word, so that a trader that dies before finds it again.
"""

import json
from collections.abc import Iterator
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
    """Yield the words that were left for an account, in their order of effect; one that cannot be read is a word all the same.

    Its number is negative and follows from the moment at which the file was left: the same file is obeyed once.
    """
    for at, command in enumerate(LEFT):
        path = path_of(home, command, account)
        try:
            number = -(path.stat().st_mtime_ns * len(LEFT) + at)
        except FileNotFoundError:
            continue
        try:
            said = dict(json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            said = {}
        yield ev.Operator(command, number, str(said.get("actor", "a file")), str(said.get("reason", f"{path.name} stands")), now_ms)


def forget(home: Path, account: str, word: ev.Operator, outcome: str) -> None:
    """Remove the file of a word that was answered, unless the word was left once more meanwhile."""
    if any(one.command_id == word.command_id for one in found(home, account, word.now_ms)):
        path = path_of(home, word.command, account)
        log.warning("a word that was left is answered", file=path.name, outcome=outcome)
        path.unlink(missing_ok=True)
