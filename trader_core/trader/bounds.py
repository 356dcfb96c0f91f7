"""Bounds: from a venue's profile to the protocol that a session freezes in its first record. Pure."""

from dataclasses import replace

from trader_core.model.errors import OutOfRange
from trader_core.model.plan import Plan
from trader_core.trader.protocol import Protocol
from trader_core.venues.port import TRADES_MADE_HERE
from trader_core.venues.profiles import Profile, Stops

ASKS_PER_MINUTE_MAX, ASKS_BURST_MAX = 300, 150
"""More helps no order: a look each second for five of them."""
ASKS_RESERVE_MIN = 2
"""What a proof by the lists costs: looks leave so much, or one proof would wait for ever beside many looks."""
LOOK_WEIGHT = 2
_MINUTE_MS = 60_000


def require_stops(plan: Plan, profile: Profile) -> None:
    """Pass when the venue can do what the plan asks of its stops; raises OutOfRange otherwise.

    Also where orders are only simulated: what is proven there is to be trusted with money at that venue.
    """
    if plan.execution.resting and profile.stops is not Stops.RESTING:
        todo = "leave `resting` out: then the trader watches; or choose another venue (`gatehouse venue list`)"
        raise OutOfRange("a venue that holds stops, for a plan with `resting`", f"{profile.name}, which holds none for spot", todo)


def protocol_of(profile: Profile, plan: Plan, *, real_orders: bool) -> Protocol:
    """Return the protocol of a session on a venue; one whose orders are simulated asks its venue about none, and needs no budget."""
    kept_ms = profile.trades_kept_ms if real_orders else TRADES_MADE_HERE
    stops = Stops.RESTING if plan.execution.resting else Stops.BOT_SIDE
    plain = Protocol(
        stops=str(stops), window_ms=profile.window_ms_max, visibility_ms=profile.visibility_ms, trades_kept_ms=kept_ms,
        client_ids=str(profile.client_ids), lookup=profile.lookup_by_client_id, validity_window=profile.validity_window,
        dead_man_switch=profile.dead_mans_switch,
    )  # fmt: skip
    if not real_orders or profile.stepped:  # on a stepped clock nothing would flow into it while a session waits
        return plain
    looks = (profile.weight_orders - profile.weight_reserve) // LOOK_WEIGHT
    burst, per_minute = min(looks, ASKS_BURST_MAX), min(looks * _MINUTE_MS // profile.weight_window_ms, ASKS_PER_MINUTE_MAX)
    return replace(plain, asks_per_minute=per_minute, asks_burst=burst, asks_reserve=max(burst // 4, ASKS_RESERVE_MIN))
