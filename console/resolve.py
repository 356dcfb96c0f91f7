"""`gatehouse resolve`: what you saw at the venue, of an order that was given up or of trades that its lists do not show any more."""

import re
from importlib import import_module
from typing import Annotated

import typer

from console import options, reach, show, words
from trader_core.model.command import Command
from trader_core.model.errors import BadInput

_ID = re.compile(r"[!-~]{1,64}")


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("resolve")(resolve)


def resolve(
    session_id: Annotated[str, typer.Argument(help="The session's id.")],
    order: Annotated[str, typer.Argument(help="The client order id, as `gatehouse audit query` shows it.")] = "",
    *,
    found: Annotated[str, typer.Option("--found", help="The venue has the order, under this id of its own.")] = "",
    absent: Annotated[bool, typer.Option("--absent", help="The venue never had the order.")] = False,
    trades: Annotated[bool, typer.Option("--trades", help="No trade is missing, although the venue does not list them any more.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="What you saw, and where; recorded for ever.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Answer as one JSON object.")] = False,
) -> None:
    """Resolve an order that was given up (QUARANTINED), or vouch for trades; refused where the venue's own lists say otherwise now."""
    about = _about(order, found, absent=absent, trades=trades)
    commands, sessions = import_module("trader_core.store.commands"), import_module("trader_core.store.sessions")
    settings = options.settings()
    with reach.database(settings) as server:
        with reach.connection(server, "api") as db:
            account = sessions.load_session(db, session_id).account
            args = {"about": about, "found": found}
            asked = commands.request(
                db, account, Command.RESOLVE, actor=words.actor(), reason=reason, session_id=session_id, args=args
            )  # fmt: skip
        outcome = words.outcome(settings, asked)
    show.answer({"session_id": session_id, "about": about, "outcome": outcome}, as_json=as_json)


def _about(order: str, found: str, *, absent: bool, trades: bool) -> str:
    """Return what the word is about; raises BadInput unless it says just one thing."""
    given = [name for name, used in (("--found", found), ("--absent", absent), ("--trades", trades)) if used]
    if len(given) != 1:
        raise BadInput("one of --found ID, --absent and --trades", " and ".join(given) or "none", "say the one thing that you saw")
    if trades == bool(order):
        raise BadInput("an order with --found and --absent, and none with --trades", repr(order)[:80], "leave it out, or name it")
    for what, text in (("an order's id", order), ("the venue's id", found)):
        if text and not _ID.fullmatch(text):
            raise BadInput(f"{what} of at most 64 visible characters", repr(text)[:80], "copy it from `gatehouse audit query` or the venue")
    return "trades" if trades else order
