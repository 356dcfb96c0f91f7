"""The operator's words: kill, pause, resume, cancel-all, close-all. Each is recorded first, then has its effect."""

import getpass
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console import options, reach, show
from trader_core.model.command import Command
from trader_core.model.errors import BadInput, StoreError, UnknownName
from trader_core.model.session import ACCOUNTS, PAUSE_SENTINEL, SENTINEL

if TYPE_CHECKING:
    from trader_core.settings import Settings
    from trader_core.store.database import Connection

ANSWER_S = 10.0

Json = Annotated[bool, typer.Option("--json", help="Answer as one JSON object.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; recorded for ever.")]
Account = Annotated[str, typer.Option("--account", help="paper or sandbox; empty: both.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for name, word in (("kill", kill), ("pause", pause), ("resume", resume), ("cancel-all", cancel_all), ("close-all", close_all)):
        app.command(name)(word)


def kill(*, account: Account = "", reason: Reason = "", as_json: Json = False) -> None:
    """Stop every new order at once: sentinel file first, then the database's switch, then a command to each trader."""
    settings, chosen = options.settings(), _chosen(account)
    said = _held(settings, Command.KILL, chosen, reason, "no trader of this home sends a new order")
    show.answer({"sentinel": "set: nothing is sent from now on", **said}, as_json=as_json)


def resume(*, account: Account = "", reason: Reason = "", as_json: Json = False) -> None:
    """Clear the sentinel files, the database's switches and the traders' flags; a session with unresolved orders refuses."""
    show.answer(_say(options.settings(), Command.RESUME, _chosen(account), reason), as_json=as_json)


def pause(*, account: Account = "", reason: Reason = "", as_json: Json = False) -> None:
    """Let nothing new in, by file, switch and command; exits and cancels go on until `resume`."""
    settings, chosen = options.settings(), _chosen(account)
    said = _held(settings, Command.PAUSE, chosen, reason, "no trader of this home opens anything new")
    show.answer({"sentinel": "set: nothing new is opened from now on", **said}, as_json=as_json)


def cancel_all(*, account: Account = "", reason: Reason = "", as_json: Json = False) -> None:
    """Cancel every order that rests at the venue."""
    show.answer(_say(options.settings(), Command.CANCEL_ALL, _chosen(account), reason), as_json=as_json)


def close_all(*, account: Account = "", reason: Reason = "", as_json: Json = False) -> None:
    """Cancel every order and sell every position that a journal explains."""
    show.answer(_say(options.settings(), Command.CLOSE_ALL, _chosen(account), reason), as_json=as_json)


def sentinel(settings: "Settings", name: str = SENTINEL) -> Path:
    """Return the file whose presence kills (or pauses), whatever else is away."""
    return settings.folder() / name


def require_no_kill(settings: "Settings", db: "Connection") -> None:
    """Raise BadInput while a kill stands: what is started now would never send an order, and not say why."""
    switch = import_module("trader_core.store.commands").read_switches(db)["kill"]
    causes = [f"the file {sentinel(settings)}"] if sentinel(settings).exists() else []
    causes += [f"the database's switch ({switch.reason})"] if switch.is_on else []
    if causes:
        raise BadInput("no kill that stands", " and ".join(causes), "`gatehouse resume` first, once its reason is gone")


def actor() -> str:
    """Return who speaks: the name of the user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "an operator without a name on this machine"


def outcome(server: Any, number: int) -> str:
    """Wait a moment for the trader's answer, and return it or what is known without it."""
    commands = import_module("trader_core.store.commands")
    until = time.monotonic() + ANSWER_S
    while time.monotonic() < until:
        with reach.connection(server, "api") as db:
            found = commands.outcome_of(db, number)
        if found is not None:
            return str(found)
        time.sleep(0.1)
    return f"command {number} is recorded; no trader has taken it yet (`gatehouse up` starts them)"


def _chosen(account: str) -> tuple[str, ...]:
    if account and account not in ACCOUNTS:
        raise UnknownName(f"an account of {', '.join(ACCOUNTS)}", repr(account), "choose one of them")
    return (account,) if account else ACCOUNTS


def _say(settings: "Settings", command: Command, accounts: tuple[str, ...], reason: str) -> dict[str, str]:
    """Record a command for each account and return what became of it."""
    commands = import_module("trader_core.store.commands")
    with reach.database(settings) as server:
        with reach.connection(server, "api") as db:
            if command in {Command.KILL, Command.PAUSE, Command.RESUME}:
                _switch(settings, db, command, reason)
            numbers = {name: commands.request(db, name, command, actor=actor(), reason=reason) for name in accounts}
        return {name: outcome(server, number) for name, number in numbers.items()}


def _held(settings: "Settings", command: Command, accounts: tuple[str, ...], reason: str, effect: str) -> dict[str, str]:
    """Leave the file that holds without any database, then say the command; an error names the file and what it does."""
    path = sentinel(settings, SENTINEL if command is Command.KILL else PAUSE_SENTINEL)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(reason or f"{command} by {actor()}\n")
    try:
        return _say(settings, command, accounts, reason)
    except StoreError as error:
        todo = f"{error.todo}; the file {path} stands meanwhile: {effect}"
        raise type(error)(error.expected, error.found, todo) from error


def _switch(settings: "Settings", db: "Connection", command: Command, reason: str) -> None:
    """Turn the database's switches; on resume the files go too, and only now that the database answers."""
    set_switch = import_module("trader_core.store.commands").set_switch
    if command is not Command.RESUME:
        set_switch(db, str(command), is_on=True, actor=actor(), reason=reason or command)
        return
    for name, file in (("kill", SENTINEL), ("pause", PAUSE_SENTINEL)):
        set_switch(db, name, is_on=False, actor=actor(), reason=reason or command)
        sentinel(settings, file).unlink(missing_ok=True)
