"""The operator's words: kill, pause, resume, reduce, cancel-all, close-all. Each is recorded first, then has its effect."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console import options, show
from trader_core.model.command import Command
from trader_core.model.session import SENTINEL

if TYPE_CHECKING:
    from trader_core.settings import Settings
    from trader_core.store.database import Connection

Json = Annotated[bool, typer.Option("--json", help="Answer as one JSON object.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; recorded for ever.")]
Account = Annotated[str, typer.Option("--account", help="paper, sandbox or mexc; empty: every one that is in use.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    said = {"kill": kill, "pause": pause, "resume": resume, "reduce": reduce, "cancel-all": cancel_all, "close-all": close_all}
    for name, word in said.items():
        app.command(name)(word)


def kill(*, account: Account = "", reason: Reason = "", as_json: Json = False) -> None:
    """Stop every new order at once: sentinel file first, then the database's switch, then a command to each trader."""
    said = _say(Command.KILL, account, reason)
    show.answer({"sentinel": "set: nothing is sent from now on", **said}, as_json=as_json)


def resume(*, account: Account = "", reason: Reason = "", as_json: Json = False) -> None:
    """Clear the sentinel files, the database's switches and the traders' flags; a session with unresolved orders refuses."""
    show.answer(_say(Command.RESUME, account, reason), as_json=as_json)


def pause(*, account: Account = "", reason: Reason = "", as_json: Json = False) -> None:
    """Let nothing new in, by file, switch and command; exits and cancels go on until `resume`."""
    said = _say(Command.PAUSE, account, reason)
    show.answer({"sentinel": "set: nothing new is opened from now on", **said}, as_json=as_json)


def reduce(*, account: Account = "", reason: Reason = "", as_json: Json = False) -> None:
    """Let nothing new into the sessions that run now, until `resume`; what starts later is not touched."""
    show.answer(_say(Command.REDUCE, account, reason), as_json=as_json)


def cancel_all(*, account: Account = "", reason: Reason = "", as_json: Json = False) -> None:
    """Cancel every order that rests at the venue."""
    show.answer(_say(Command.CANCEL_ALL, account, reason), as_json=as_json)


def close_all(*, account: Account = "", reason: Reason = "", as_json: Json = False) -> None:
    """Cancel every order and sell every position that a journal explains."""
    show.answer(_say(Command.CLOSE_ALL, account, reason), as_json=as_json)


def _operators() -> Any:
    return import_module("tasks.operators")


def _say(command: Command, account: str, reason: str) -> dict[str, str]:
    operators = _operators()
    said: dict[str, str] = operators.say(options.settings(), command, operators.chosen(account), reason)
    return said


def sentinel(settings: "Settings", name: str = SENTINEL) -> Path:
    """Return the file whose presence kills (or pauses), whatever else is away."""
    return settings.folder() / name


def require_no_kill(settings: "Settings", db: "Connection") -> None:
    """Raise BadInput while a kill stands: what is started now would never send an order, and not say why."""
    _operators().require_no_kill(settings, db)


def actor() -> str:
    """Return who speaks: the name of the user."""
    return str(_operators().person())


def outcome(settings: "Settings", number: int) -> str:
    """Wait a moment for the trader's answer, and return it or what is known without it."""
    return str(_operators().outcome(settings, number))
