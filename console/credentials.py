"""`gatehouse credentials`: keys into a file that nobody else reads, and what a key may do. No key is ever an argument."""

import asyncio
import getpass
import ipaddress
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from console import options, show
from trader_core.model.errors import BadInput, GatehouseError, WrongKey

if TYPE_CHECKING:
    from pathlib import Path

    from trader_core.settings import Settings

credentials_app = typer.Typer(no_args_is_help=True, help="Keep, test and remove the keys of venues and of Slack.")

AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object.")]
Name = Annotated[str, typer.Argument(help="mexc, or slack for the webhook of the alerts.")]
SLACK = "slack"
SYMBOL = "BTC/USDT"


class KeyTooStrong(GatehouseError):
    """A key may do more than trade spot, or not even that."""


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(credentials_app, name="credentials")


@credentials_app.command("set")
def set_(*, name: Name, as_json: AsJson = False) -> None:
    """Ask for key and secret (or Slack's webhook) without showing them, or read them line by line from a pipe; keep them for me alone."""
    keys = import_module("trader_core.venues.keys")
    path = _place(options.settings(), name)
    if name == SLACK:
        values = {"webhook": _webhook(*_asked("Webhook"))}
    else:
        values = dict(zip(("key", "secret"), _asked("API key", "Secret"), strict=True))
    keys.write(path, values)
    todo = "gatehouse alert test" if name == SLACK else f"gatehouse credentials test {name}"
    show.answer({"kept": str(path), "mode": "0600, yours alone", "next": f"`{todo}`"}, as_json=as_json)


@credentials_app.command("test")
def ask(*, name: Annotated[str, typer.Argument(help="sandbox or mexc.")], as_json: AsJson = False) -> None:
    """Ask the venue what the key may do. One that can withdraw, or trade margin or futures, is refused."""
    from trader_core.venues import permissions

    settings, venue = options.settings(), options.venue(name)
    if venue == SLACK:
        raise BadInput("a venue", "slack", "`gatehouse alert test` sends a message to the webhook")
    with show.working(f"Asking {venue}"):
        found, identity = asyncio.run(_permissions(settings, venue))
    wrong = permissions.faults(found)
    if wrong:
        what, todo = ("; ".join(one[part] for one in wrong) for part in (0, 1))
        raise KeyTooStrong("a key that trades spot and does nothing else", what, f"{todo}; then `gatehouse credentials set {venue}`")
    show.answer(
        {"venue": venue, "account": identity, "trades": "spot", "withdraws": "no", "not visible": permissions.UNSEEN}, as_json=as_json
    )


async def _permissions(settings: "Settings", venue: str) -> tuple[Any, str]:
    from trader_core.model.errors import VenueUnavailable
    from trader_core.venues.link import connect
    from trader_core.venues.port import Outcome

    link = await connect(venue, settings.folder(), (SYMBOL,), "1m", None, private=True)
    try:
        reply = await link.gateway.permissions()
    finally:
        await link.close()
    found = f"{reply.outcome} {reply.code} {reply.evidence[:200]}"
    if reply.outcome is Outcome.AUTH:
        raise WrongKey(f"a key that {venue} accepts", found, f"`gatehouse credentials set {venue}` with the right one")
    if reply.value is None:
        raise VenueUnavailable(f"what {venue} says of this key", found, "try again")
    return reply.value, link.identity


@credentials_app.command("remove")
def remove(*, name: Name, as_json: AsJson = False) -> None:
    """Delete the file of a key. What it opened at the venue has to be closed there."""
    path = _place(options.settings(), name)
    there = path.exists() or path.is_symlink()
    path.unlink(missing_ok=True)
    there_too = "delete the webhook at Slack too" if name == SLACK else f"delete the key on the page of {name} too: only that ends it"
    show.answer({"removed": str(path) if there else "nothing was there", "next": there_too}, as_json=as_json)


def _place(settings: "Settings", name: str) -> "Path":
    """Return the file of a name that has one; raises UnknownName, and BadInput for the embedded exchange, whose key is its own."""
    from trader_core.venues import keys
    from trader_core.venues.profiles import SANDBOX, profile_named

    if name == SANDBOX:
        raise BadInput("a real venue, or slack", SANDBOX, "nothing: the embedded exchange announces its own key")
    if name != SLACK:
        profile_named(name)
    return keys.place(name, settings.folder())


def _asked(*what: str) -> list[str]:
    """Return one line for each thing asked for: typed without echo, or read from a pipe. Raises BadInput for too few or too many."""
    if sys.stdin.isatty():
        return [getpass.getpass(f"{name}: ", stream=sys.stderr).strip() for name in what]
    lines = [line.strip() for line in sys.stdin.read(100_000).splitlines() if line.strip()]
    if len(lines) != len(what):
        todo = "call it on a terminal, or pipe one line for each"
        raise BadInput(f"{len(what)} lines: {', '.join(what)}", f"{len(lines)} lines", todo)
    return lines


def _webhook(text: str) -> str:
    """Return a webhook's address; raises BadInput without showing it."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        inside = parts.scheme == "http" and ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside and not (text.startswith("https://") and len(text) > len("https://a.b/c") and "." in text):
        raise BadInput(
            "a webhook's address, https://hooks.slack.com/services/...", "something else", "copy it from Slack's page of the app"
        )
    return text
