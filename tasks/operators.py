"""The operator's words: kill, pause, resume, reduce, cancel-all, close-all. Each is recorded first, then has its effect."""

import getpass
import time
from collections.abc import Sequence
from pathlib import Path

from tasks import reach
from trader_core.model.command import Command
from trader_core.model.errors import BadInput, StoreError, UnknownName
from trader_core.model.session import ACCOUNTS, LOCAL_ACCOUNTS, PAUSE_SENTINEL, SENTINEL, SessionStatus
from trader_core.settings import Settings
from trader_core.store import commands, lease, sessions
from trader_core.store.database import Connection, begin
from trader_core.trader import left

ANSWER_S = 10.0
WORDS = {
    "kill": Command.KILL, "pause": Command.PAUSE, "resume": Command.RESUME, "reduce": Command.REDUCE, "cancel-all": Command.CANCEL_ALL,
    "close-all": Command.CLOSE_ALL,
}  # fmt: skip
"""What an operator may say to everything that trades, by the word that is typed."""
HELD = {Command.KILL: ("kill", SENTINEL), Command.PAUSE: ("pause", PAUSE_SENTINEL)}
"""Words that hold by a switch and by a file besides, until a resume clears them."""


def say_word(settings: Settings, action: str, account: str, session_id: str, reason: str, actor: str) -> dict[str, str]:
    """Say a word by its name, to one account or to all, and return what became of it; raises UnknownName for another word."""
    if action not in WORDS:
        raise UnknownName(f"a word of {', '.join(WORDS)}", repr(action)[:40], "choose one of them")
    return say(settings, WORDS[action], chosen(account), reason, actor, session_id)


def chosen(account: str) -> tuple[str, ...]:
    """Return the named account, or all; raises UnknownName."""
    if account and account not in ACCOUNTS:
        raise UnknownName(f"an account of {', '.join(ACCOUNTS)}", repr(account)[:40], "choose one of them")
    return (account,) if account else ACCOUNTS


def say(
    settings: Settings, command: Command, accounts: Sequence[str], reason: str, actor: str = "", session_id: str = ""
) -> dict[str, str]:  # fmt: skip
    """Leave the files that hold without any database, record the command, and return what became of it per account.

    Raises StoreError when the database does not answer: a kill's or a pause's file stands all the same, and the error says so.
    """
    who = actor or person()
    if command is Command.KILL:
        reason = reason.strip() or f"{who} gave no reason"  # nobody is kept from it by a question
    if not reason.strip():
        raise BadInput(f"a reason for {command}", "none", "say why: --reason TEXT; it is recorded for ever")
    if command is Command.RESUME and not session_id:
        return _resumed(settings, accounts, reason, who)
    if command in left.LEFT and not session_id:
        return _said_or_left(settings, command, accounts, reason, who)
    if command not in HELD or session_id:
        return _recorded(settings, command, accounts, reason, who, session_id)
    path = sentinel(settings, HELD[command][1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(reason or f"{command} by {who}\n")
    try:
        return _recorded(settings, command, accounts, reason, who, session_id)
    except StoreError as error:
        kills = command is Command.KILL
        effect = "sends nothing new and cancels what rests at its exchange" if kills else "opens nothing new"
        todo = f"accepted: the file {path} stands, and every trader of this home {effect}; {error.todo}"
        raise type(error)(error.expected, error.found, todo) from error


def _said_or_left(settings: Settings, command: Command, accounts: Sequence[str], reason: str, actor: str) -> dict[str, str]:
    """Record a word, or leave it as a file for each account's trader; raises StoreError, which says so, where it was left."""
    try:
        return _recorded(settings, command, accounts, reason, actor, "")
    except StoreError as error:
        files = [left.leave(settings.folder(), command, name, actor, reason) for name in accounts]
        todo = f"accepted: {files[0]} stands, and traders cancel what rests; when the database is back they obey {command}; {error.todo}"
        raise type(error)(error.expected, error.found, todo) from error


def sentinel(settings: Settings, name: str = SENTINEL) -> Path:
    """Return the file whose presence kills (or pauses), whatever else is away."""
    return settings.folder() / name


def standing_kill(settings: Settings, db: Connection) -> str:
    """Return by what a kill stands, or an empty text."""
    switch = commands.read_switches(db)["kill"]
    causes = [f"the file {sentinel(settings)}"] if sentinel(settings).exists() else []
    causes += [f"the database's switch ({switch.reason})"] if switch.is_on else []
    return " and ".join(causes)


def require_no_kill(settings: Settings, db: Connection) -> None:
    """Raise BadInput while a kill stands: what is started now would never send an order, and not say why."""
    causes = standing_kill(settings, db)
    if causes:
        raise BadInput("no kill that stands", causes, "`gatehouse resume` first, once its reason is gone")


def person() -> str:
    """Return who speaks: the name of the user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "an operator without a name on this machine"


def outcome(settings: Settings, number: int) -> str:
    """Wait a moment for the trader's answer, and return it or what is known without it."""
    until = time.monotonic() + ANSWER_S
    with reach.engine(settings, "api") as engine:
        while time.monotonic() < until:
            with begin(engine) as db:
                found = commands.outcome_of(db, number)
            if found is not None:
                return str(found)
            time.sleep(0.1)
    return f"command {number} is recorded; no trader has taken it yet (`gatehouse up` starts them)"


def _recorded(
    settings: Settings, command: Command, accounts: Sequence[str], reason: str, actor: str, session_id: str
) -> dict[str, str]:  # fmt: skip
    with reach.transaction(settings, "api") as db:
        if not session_id:
            _switch(db, command, reason, actor)
        used = [name for name in accounts if name in LOCAL_ACCOUNTS or len(accounts) == 1 or in_use(db, name)]
        numbers = {name: commands.request(db, name, command, actor=actor, reason=reason, session_id=session_id or None) for name in used}
    return {name: outcome(settings, number) for name, number in numbers.items()}


def in_use(db: Connection, account: str) -> bool:
    """Return whether an account has a trader now, or sessions that are not at their end: a command for it is not for nobody."""
    found = lease.load_lease(db, account)
    active = [SessionStatus.REQUESTED, SessionStatus.RUNNING, SessionStatus.STOPPING]
    alive = found is not None and found.expires_ms > time.time() * 1000
    return alive or bool(sessions.sessions_of(db, account, active))


def _switch(db: Connection, command: Command, reason: str, actor: str) -> None:
    """Turn the database's switch on for a word that holds."""
    if command in HELD:
        commands.set_switch(db, HELD[command][0], is_on=True, actor=actor, reason=reason)


def _resumed(settings: Settings, accounts: Sequence[str], reason: str, actor: str) -> dict[str, str]:
    """Clear files, switches and the sessions' flags, or none of them.

    Refused before anything is changed while an order is unresolved; where a session refuses all the same, what stood before
    stands again, and the answer says so.
    """
    with reach.transaction(settings, "api") as db:
        waiting = {name: commands.unresolved(db, name) for name in accounts}
        before = commands.read_switches(db)
    if any(waiting.values()):
        found = ", ".join(f"{count} of {name}" for name, count in waiting.items() if count)
        raise BadInput("no order whose fate is unknown", f"unresolved orders: {found}", "wait, or look at the venue; nothing was changed")
    files = {path: path.read_text() for path in (sentinel(settings, file) for _, file in HELD.values()) if path.exists()}
    with reach.transaction(settings, "api") as db:
        for name, _ in HELD.values():
            commands.set_switch(db, name, is_on=False, actor=actor, reason=reason)
    for path in files:
        path.unlink(missing_ok=True)
    said = _recorded(settings, Command.RESUME, accounts, reason, actor, "")
    if not any("refused" in answer for answer in said.values()):
        return said
    for path, text in files.items():
        path.write_text(text)
    with reach.transaction(settings, "api") as db:
        for name, switch in before.items():
            if switch.is_on:
                commands.set_switch(db, name, is_on=True, actor=switch.actor, reason=switch.reason)
    stands = "the kill or pause stands as before" if files or any(switch.is_on for switch in before.values()) else "nothing else was held"
    return {name: f"{answer}; {stands}" if "refused" in answer else answer for name, answer in said.items()}
