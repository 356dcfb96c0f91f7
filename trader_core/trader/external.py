"""What lies on the account and is not ours: open orders that no intent explains, and the cash that they lock. Pure.

It is recorded when it appears and when it goes, shown, and counted at its worst where a purchase is about to leave; it is never
cancelled and never touched. Accounts are dedicated: somebody should not have been there.
"""

from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Any

from trader_core.model.money import MONEY_EXP
from trader_core.trader import events as ev
from trader_core.trader.records import Kind
from trader_core.venues.port import Balance

if TYPE_CHECKING:
    from trader_core.trader.run import Run
    from trader_core.trader.state import State

SHOWN_MOST = 100
"""Orders that a record names; the cash that is locked counts all of them."""


def cash(quote: str, balances: list[Balance]) -> tuple[int, int]:
    """Return what of the settlement currency is free, rounded down, and what is locked in orders, rounded up; in account units."""
    free = sum((Decimal(one.free) for one in balances if one.currency == quote), Decimal(0))
    locked = sum((Decimal(one.locked) for one in balances if one.currency == quote), Decimal(0))
    return int(free.scaleb(MONEY_EXP)), int(locked.scaleb(MONEY_EXP).to_integral_value(ROUND_CEILING))


def seen(run: "Run", event: ev.ExternalSeen) -> None:
    """Record what changed of what is not ours; read while nothing of ours was on its way."""
    state = run.state
    ours = {order.venue_order_id for order in state.orders.values()}
    found = {key: row for key, row in state.external.items() if row[0] in event.unread}
    for symbol, order in event.orders:
        if order.client_order_id not in state.orders and order.venue_order_id not in ours:
            found[f"{symbol} {order.venue_order_id}"] = [symbol, order.venue_order_id, order.client_order_id, order.qty, order.filled]
    rows = [found[key] for key in sorted(found)][:SHOWN_MOST]
    taken = min(event.locked, max(int(state.account["cash"][0]) - event.free, 0))
    if rows == [*state.external.values()] and (event.locked, taken) == (state.external_locked, state.external_taken):
        return
    new = [key for key in sorted(found) if key not in state.external]
    run.write(Kind.EXTERNAL, orders=rows, locked=event.locked, taken=taken, at_ms=event.now_ms)
    if new:
        run.effects.append(ev.Alert(f"orders that are not ours are open: {', '.join(new)}; they are counted, and never touched"[:400]))


def apply(state: "State", body: dict[str, Any]) -> None:
    """Keep what is not ours as it was last seen."""
    state.external = {f"{row[0]} {row[1]}": row for row in body["orders"]}
    state.external_locked, state.external_taken = body["locked"], body["taken"]
