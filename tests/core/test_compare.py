"""Two journals compared: what differs is counted once and where it belongs."""

from typing import Any

from trader_core.trader.compare import Compared, compare
from trader_core.trader.records import Kind, Record


def slot(ts: int, close: int = 100, target: int = 0) -> Record:
    return Record(Kind.BARS, {"ts": ts, "bars": [[close]], "targets": [target], "decisions": []})


def order(cid: str, ts: int, qty: int = 5) -> Record:
    return Record(Kind.INTENT, {"client_order_id": cid, "instrument": 0, "side": 1, "ts": ts, "qty": qty})


def fill(cid: str, ts: int, **changes: Any) -> Record:
    return Record(Kind.FILL, {"client_order_id": cid, "ts": ts, "qty": 5, "price": 100, "fee": 1} | changes)


def told(one: list[Record], other: list[Record]) -> tuple[int, ...]:
    """Return slots, bars, decisions, orders, fills that differ and slots that only one has; either way round it is the same."""
    found: Compared = compare(one, other)
    back = compare(other, one)
    numbers = (found.slots, found.bars_differ, found.decisions_differ, found.orders_differ, found.fills_differ, found.only_one)
    assert numbers == (back.slots, back.bars_differ, back.decisions_differ, back.orders_differ, back.fills_differ, back.only_one)
    assert bool(found.first) == any(numbers[1:5])
    return numbers


def test_equal_journals_differ_in_nothing_whatever_their_ids() -> None:
    assert told([slot(0), order("a", 0), fill("a", 1)], [slot(0), order("b", 0), fill("b", 1)]) == (1, 0, 0, 0, 0, 0)


def test_an_order_that_only_one_wanted_or_another_quantity_is_a_difference_though_nothing_was_filled() -> None:
    assert told([slot(0), order("a", 0)], [slot(0)]) == (1, 0, 0, 1, 0, 0)
    assert told([slot(0), order("a", 0, 5)], [slot(0), order("b", 0, 6)]) == (1, 0, 0, 1, 0, 0)


def test_two_equal_partial_fills_are_not_one() -> None:
    one, two = [slot(0), order("a", 0), fill("a", 1)], [slot(0), order("b", 0), fill("b", 1), fill("b", 1)]
    assert told(one, two) == (1, 0, 0, 0, 1, 0)


def test_a_fill_at_another_price_counts_once() -> None:
    assert told([slot(0), order("a", 0), fill("a", 1)], [slot(0), order("b", 0), fill("b", 1, price=101)]) == (1, 0, 0, 0, 1, 0)


def test_where_bars_differ_neither_decisions_nor_orders_nor_fills_are_blamed() -> None:
    assert told([slot(0), order("a", 0), fill("a", 1)], [slot(0, close=101, target=1)]) == (1, 1, 0, 0, 0, 0)


def test_another_target_on_equal_bars_is_a_decision_and_a_slot_of_one_alone_is_told() -> None:
    assert told([slot(0, target=1), slot(1)], [slot(0)]) == (1, 0, 1, 0, 0, 1)
