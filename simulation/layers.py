"""All eight layers of the guard in the checker's own words, from what the records say: of an intent, and once more of its sending."""

from typing import TYPE_CHECKING, Any

from simulation import rules
from simulation.amounts import worth
from simulation.money import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    from simulation.books import Books

COLLAR_PPM = 100_000
MODE, BREAKER, SIZE = 0, 1, 5


def refusing(books: "Books", body: dict[str, Any]) -> list[int]:
    """Return the layers that refuse an intent now; what of it is in flight and counted already is left out."""
    return _of_a_buy(books, body) if body["side"] > 0 else _of_a_sale(books, body)


def _of_a_sale(books: "Books", body: dict[str, Any]) -> list[int]:
    """A reduction is stopped by the mode, and where the venue would not take it or there is not so much; by no other layer."""
    money, index, qty = books.money, body["instrument"], body["qty"]
    coin, close = money.coins[index], money.closes[index]
    mode = rules.allowed(rules.mode_of(books.flags), buys=False, cause=body["cause"])
    size = qty <= money.positions[index] and qty >= coin.qty_min and worth(coin, close, qty, up=False) >= coin.notional_min
    return [layer for layer, passed in ((MODE, mode), (SIZE, size)) if not passed]


def _of_a_buy(books: "Books", body: dict[str, Any]) -> list[int]:
    money, limits, index, ts, qty = books.money, books.checker.limits, body["instrument"], body["ts"], body["qty"]
    own = body["client_order_id"]
    coin, close, limit = money.coins[index], money.closes[index], body["limit"]
    others = {cid: reserve for cid, reserve in books.buying.items() if cid != own}
    underway = [books.intents[cid]["instrument"] for cid in others]
    opens = {i for i, held in enumerate(money.positions) if held >= money.coins[i].lot}.union(underway)
    in_flight = sum(books.intents[cid]["qty"] - books.booked[cid] for cid in others if books.intents[cid]["instrument"] == index)
    wanted = sum(others.values()) + books.reserve(index, limit, qty)
    sending = own in books.states
    counted = 1 if sending else 0
    locked, taken = books.external if sending else (0, 0)
    entries, orders = books.entries[index, ts // DAY_MS] - counted, books.orders_of_hour[ts // HOUR_MS] - counted
    passed = (
        rules.mode_of(books.flags) == rules.ACTIVE,
        not money.breaker,
        index in opens or len(opens) < limits.positions_max,
        index not in books.blocked
        and money.positions[index] + in_flight + qty <= coin.qty_max
        and not 0 < limits.orders_per_instrument_day <= entries,
        sum(money.cost) + wanted + locked <= limits.exposure_max,
        qty >= coin.qty_min
        and worth(coin, close, qty, up=False) >= coin.notional_min
        and worth(coin, limit, qty, up=True) <= limits.order_max
        and wanted + taken <= money.cash,
        limit <= close + close * COLLAR_PPM // 10**6,
        not 0 < limits.orders_per_hour <= orders,
    )
    return [layer for layer, one in enumerate(passed) if not one]
