"""What operators say: recorded before it has an effect, taken by the trader, answered; and the two switches."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, text

from trader_core.model.command import Command
from trader_core.model.errors import BadInput, ChainBroken
from trader_core.store import journal
from trader_core.store.database import translated
from trader_core.store.tables import OPERATOR_COMMAND

log = structlog.get_logger()
SWITCHES = ("kill", "pause")
CHANNEL = "gatehouse_words"
"""What traders listen to."""
CHAIN_TRIES = 20
PENDING = """
select command_id, account, session_id, command, args, actor, reason from operator_command
 where account = :account and done_at is null order by command_id
"""
TAKE = "update operator_command set taken_at = now() where command_id = :id and taken_at is null"
FINISH = "update operator_command set done_at = now(), outcome = :outcome where command_id = :id and done_at is null"
SWITCH = """
insert into switch (name, is_on, reason, actor) values (:name, :is_on, :reason, :actor)
on conflict (name) do update set is_on = excluded.is_on, reason = excluded.reason, actor = excluded.actor, at = now()
"""


@dataclass(frozen=True, slots=True)
class CommandRow:
    """One command that waits for its answer."""

    command_id: int
    account: str
    session_id: str | None
    command: Command | None
    """None for a word that does not exist: such a row is answered, and changes nothing."""
    said: str
    """The word as it was written."""
    args: dict[str, Any]
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch: who set it, and why."""

    is_on: bool
    reason: str
    actor: str


def request(
    db: Connection, account: str, command: Command, *, actor: str, reason: str, session_id: str | None = None,
    args: Mapping[str, Any] | None = None,
) -> int:  # fmt: skip
    """Record a command for an account's trader and return its command_id; raises BadInput without a reason."""
    if not reason.strip():
        raise BadInput(f"a reason for {command}", "none", "say why: --reason TEXT; it is recorded for ever")
    values = {"account": account, "session_id": session_id, "command": command, "args": dict(args or {}), "actor": actor, "reason": reason}
    with translated():
        made = db.execute(OPERATOR_COMMAND.insert().values(values).returning(OPERATOR_COMMAND.c.command_id))
        number = int(made.scalar_one())
    chained(db, "COMMAND", {"command_id": number, **values, "command": str(command)})
    notify(db, {"account": account})
    return number


def pending(db: Connection, account: str) -> list[CommandRow]:
    """Return the account's commands without an answer, oldest first."""
    with translated():
        rows = db.execute(text(PENDING), {"account": account}).mappings().all()
    return [CommandRow(**(dict(row) | {"command": _known(row["command"]), "said": row["command"]})) for row in rows]


def _known(word: str) -> Command | None:
    return Command(word) if word in set(Command) else None


def take(db: Connection, command_id: int) -> bool:
    """Mark a command as taken and say whether this was the first time."""
    with translated():
        return db.execute(text(TAKE), {"id": command_id}).rowcount == 1


def finish(db: Connection, command_id: int, outcome: str) -> bool:
    """Record a command's outcome and say whether it was the first one: a later one changes nothing."""
    with translated():
        return db.execute(text(FINISH), {"id": command_id, "outcome": outcome}).rowcount == 1


def outcome_of(db: Connection, command_id: int) -> str | None:
    """Return the outcome of a command, or None while it has none."""
    query = "select outcome from operator_command where command_id = :id and done_at is not null"
    return db.execute(text(query), {"id": command_id}).scalar_one_or_none()


def set_switch(db: Connection, name: str, *, is_on: bool, actor: str, reason: str) -> None:
    """Turn a switch on or off."""
    assert name in SWITCHES, f"no such switch: {name}"
    with translated():
        db.execute(text(SWITCH), {"name": name, "is_on": is_on, "actor": actor, "reason": reason})
    chained(db, "SWITCH", {"name": name, "is_on": is_on, "actor": actor, "reason": reason})
    notify(db, {"switch": name, "on": is_on, "reason": (reason or name)[:200]})


def notify(db: Connection, said: Mapping[str, Any]) -> None:
    """Wake the traders when this is committed: one that hears of a kill need not ask the database again."""
    with translated():
        db.execute(text("select pg_notify(:channel, :said)"), {"channel": CHANNEL, "said": json.dumps(said)})


def chained(db: Connection, kind: str, body: Mapping[str, Any]) -> None:
    """Append a word to the operators' chain; a chain that cannot be extended keeps nobody from speaking, and is logged."""
    record = journal.Record(kind, json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
    for _ in range(CHAIN_TRIES):
        try:
            with db.begin_nested():
                journal.append_operators(db, [record])
        except ChainBroken as error:  # somebody else spoke at the same moment, or the chain is broken
            last = error
            continue
        return
    log.warning("not in the operators' chain", kind=kind, text=str(last))


def unresolved(db: Connection, account: str) -> int:
    """Return how many orders of an account's running sessions are unresolved."""
    query = """
        select count(*) from unresolved_order o join trading_session s using (session_id)
         where o.account = :account and s.status in ('running', 'stopping')"""
    with translated():
        return int(db.execute(text(query), {"account": account}).scalar_one())


def read_switches(db: Connection) -> dict[str, Switch]:
    """Return both switches; one that nobody ever set is off."""
    with translated():
        rows = db.execute(text("select name, is_on, reason, actor from switch")).all()
    found = {row.name: Switch(row.is_on, row.reason, row.actor) for row in rows}
    return {name: found.get(name, Switch(is_on=False, reason="", actor="")) for name in SWITCHES}


def keyed(db: Connection, account: str, key: str) -> int | None:
    """Return the number of the command that was recorded under a key, or None: a flow that is repeated says nothing twice."""
    query = "select command_id from operator_command where account = :account and args ->> 'key' = :key order by command_id limit 1"
    with translated():
        found = db.execute(text(query), {"account": account, "key": key}).scalar_one_or_none()
    return None if found is None else int(found)
