"""Why a session may do less, and how much less. Pure."""

from typing import TYPE_CHECKING, Any

from trader_core.engine import core
from trader_core.model.session import Mode

if TYPE_CHECKING:
    from trader_core.trader.state import State

FLAG_MODES = {
    "kill": Mode.KILLED,
    "start": Mode.HALTED,
    "difference": Mode.HALTED,
    "history": Mode.HALTED,
    "database": Mode.HALTED,
    "fault": Mode.HALTED,
    "overfill": Mode.HALTED,
    "closing": Mode.REDUCING,
    "pause": Mode.REDUCING,
    "stopping": Mode.REDUCING,
    "stale": Mode.REDUCING,
    "dead_letter": Mode.REDUCING,
    "restricted": Mode.REDUCING,
    "reduce": Mode.REDUCING,
    "permit": Mode.REDUCING,
    "errors": Mode.REDUCING,
    "naked": Mode.REDUCING,
    "key": Mode.REDUCING,
}
"""Each reason to trade less, and the mode that it forces; the worst one holds."""


def apply(state: "State", body: dict[str, Any]) -> None:
    """Set or clear a flag; a kill withdraws what an operator wanted sold, and the engine is told the mode."""
    if body["on"]:
        state.flags[body["flag"]] = body["why"]
    else:
        state.flags.pop(body["flag"], None)
    if body["flag"] == "kill" and body["on"]:
        for index in range(len(state.instruments)):
            core.on_operator(state.account, state.slots, index, core.WITHDRAW)
        for order in state.pending.values():
            order.outranked = True
    if body["flag"] == "errors" and body["on"]:
        state.error_trips = [*state.error_trips, body["at_ms"]][-state.protocol.errors_trips_max :]
    core.on_mode(state.account, int(state.mode))
