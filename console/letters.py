"""`gatehouse letters`: what could not be applied; replay it, or say that it is explained."""

from importlib import import_module
from typing import Annotated, Any

import typer

from console import options, reach, show, words
from trader_core.model.command import Command
from trader_core.model.errors import BadInput

letters_app = typer.Typer(no_args_is_help=True, help="Dead letters: list them, show one, replay or dismiss it.")
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object.")]
SessionId = Annotated[str, typer.Argument(help="The session's id.")]
Number = Annotated[int, typer.Argument(help="The letter's number in its session.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; recorded for ever.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(letters_app, name="letters")


@letters_app.command("list")
def list_(*, session: Annotated[str, typer.Option("--session", help="One session; empty: all that have not ended.")] = "",
          as_json: AsJson = False) -> None:  # fmt: skip
    """List what could not be applied; while a session has a letter it risks nothing new, and is not resumed."""
    found = _open(session)
    if as_json:
        show.answer({"letters": found}, as_json=True)
        return
    lines = [[one["session_id"], one["number"], one["source"], show.moment(one["at_ms"]), one["why"]] for one in found]
    show.rows("" if lines else "No letter is open", ["session", "letter", "what", "when", "why"], lines)


@letters_app.command("show")
def show_(session_id: SessionId, number: Number, *, as_json: AsJson = False) -> None:
    """Show one letter with its raw form."""
    show.answer(_one(session_id, number), as_json=as_json)


@letters_app.command("replay")
def replay(session_id: SessionId, number: Number, *, reason: Reason = "", as_json: AsJson = False) -> None:
    """Try once more to apply a letter; what was applied already is not applied twice."""
    _say(Command.REPLAY, session_id, number, reason, as_json=as_json)


@letters_app.command("dismiss")
def dismiss(session_id: SessionId, number: Number, *, reason: Reason = "", as_json: AsJson = False) -> None:
    """Close a letter that you have explained, without applying it."""
    _say(Command.DISMISS, session_id, number, reason, as_json=as_json)


def _open(session_id: str) -> list[dict[str, Any]]:
    letters = import_module("trader_core.store.letters")
    with reach.database(options.settings()) as server, reach.connection(server, "api") as db:
        found: list[dict[str, Any]] = letters.open_letters(db, session_id)
    return found


def _one(session_id: str, number: int) -> dict[str, Any]:
    letter = next((one for one in _open(session_id) if one["number"] == number), None)
    if letter is None:
        raise BadInput(f"an open letter of {session_id}", str(number), "`gatehouse letters list` shows them")
    return letter


def _say(command: Command, session_id: str, number: int, reason: str, *, as_json: bool) -> None:
    letter = _one(session_id, number)
    commands = import_module("trader_core.store.commands")
    settings = options.settings()
    with reach.database(settings) as server:
        with reach.connection(server, "api") as db:
            asked = commands.request(
                db, letter["account"], command, actor=words.actor(), reason=reason, session_id=session_id, args={"letter": number}
            )
        outcome = words.outcome(settings, asked)
    show.answer({"session_id": session_id, "letter": number, "outcome": outcome}, as_json=as_json)
