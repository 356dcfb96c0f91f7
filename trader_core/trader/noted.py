"""What records change of a state besides money and orders: anomalies, dead letters, the place in a spool. Pure."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trader_core.trader.state import State


def anomaly(state: "State", body: dict[str, Any]) -> None:
    """Count it; a trade that was set aside is not looked at again."""
    state.anomalies += 1
    if body.get("seen"):
        state.seen.add(body["seen"])


def letter(state: "State", body: dict[str, Any]) -> None:
    """Keep a dead letter open."""
    state.letters[body["number"]] = body
    state.letters_count = body["number"]


def spooled(state: "State", body: dict[str, Any]) -> None:
    """Remember the last line of a spool that stands in the journal."""
    state.spooled[body["spool"]] = body["hash"]
