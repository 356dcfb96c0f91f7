"""Walking a book by hand, and a real one from its snapshot through its changes."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

from trader_core.engine.depth import walk

BOOKS = Path(__file__).parents[3] / "shared" / "data" / "books"


def walked(levels: list[tuple[int, int]], side: int, qty: int, limit: int) -> tuple[int, int, int]:
    prices, quantities = (np.array(column, np.int64) for column in zip(*levels, strict=True))
    return tuple(int(value) for value in walk(prices, quantities, side, qty, limit, 1, 1))  # type: ignore[return-value]


ASKS, BIDS = [(100, 5), (101, 10), (103, 100)], [(99, 5), (98, 10), (95, 100)]


@pytest.mark.parametrize(
    ("levels", "side", "qty", "limit", "expected"),
    [
        (ASKS, 1, 5, 200, (5, 500, 100)),
        (ASKS, 1, 12, 200, (12, 500 + 707, 101)),
        (ASKS, 1, 20, 102, (15, 500 + 1010, 101)),
        (ASKS, 1, 20, 99, (0, 0, 0)),
        (ASKS, 1, 999, 103, (115, 500 + 1010 + 10_300, 103)),
        (BIDS, -1, 12, 1, (12, 495 + 686, 98)),
        (BIDS, -1, 20, 98, (15, 495 + 980, 98)),
        ([(99, 0), (98, 3)], -1, 2, 1, (2, 196, 98)),
    ],
)
def test_levels_are_taken_from_the_best_up_to_the_limit(
    levels: list[tuple[int, int]], side: int, qty: int, limit: int, expected: tuple[int, int, int]
) -> None:  # fmt: skip
    assert walked(levels, side, qty, limit) == expected


def test_each_level_rounds_against_us() -> None:
    """Half a unit of money a level: two for two halves when buying, none when selling."""
    levels = np.array([5, 5], np.int64), np.array([1, 1], np.int64)
    assert walk(*levels, 1, 2, 9, 1, 10)[1] == 2
    assert walk(*levels, -1, 2, 1, 1, 10)[1] == 0


@pytest.mark.skipif(not BOOKS.exists(), reason=f"{BOOKS} is not on this machine")
def test_a_recorded_book_is_replayed_and_walked() -> None:
    """Twelve minutes of BTC/USDT: the best level equals the recorded best quote, and a walk never beats it nor passes its own levels."""

    def read(name: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(BOOKS / f"binance_BTC_USDT-{name}.parquet").to_pylist()
        return rows

    book: dict[str, dict[int, int]] = {"bid": {}, "ask": {}}
    for row in read("depth-snapshots"):
        book[row["side"]][round(row["price"] * 100)] = round(row["qty"] * 10**5)
    start = row["last_update_id"]
    quotes = {row["update_id"]: row for row in read("bookticker")}
    events: dict[int, list[dict[str, Any]]] = {}
    for row in read("depth-diffs"):
        events.setdefault(row["last_update_id"], []).append(row)
    compared = walks = 0
    for number, (update, rows) in enumerate(events.items()):
        if update <= start:
            continue
        for row in rows:
            price, qty = round(row["price"] * 100), round(row["qty"] * 10**5)
            if qty:
                book[row["side"]][price] = qty
            else:
                book[row["side"]].pop(price, None)
        if update in quotes:
            best = (max(book["bid"]), min(book["ask"]))
            assert best == (round(quotes[update]["bid"] * 100), round(quotes[update]["ask"] * 100))
            compared += 1
        if number % 50 == 0:
            walks += walk_both(book)
    assert compared == 1072
    assert walks > 200


def walk_both(book: dict[str, dict[int, int]]) -> int:
    """Take 20 coins from each side, compare with the plain sum over the levels, and return how many walks there were."""
    for side, name in ((1, "ask"), (-1, "bid")):
        levels = sorted(book[name].items(), reverse=side < 0)
        prices, quantities = np.array([p for p, _ in levels], np.int64), np.array([q for _, q in levels], np.int64)
        qty = 20 * 10**5
        filled, money, worst = walk(prices, quantities, side, qty, 10**9 if side > 0 else 1, 1000, 1)
        left, paid = qty, 0
        for price, there in levels:
            taken = min(left, there)
            left, paid = left - taken, paid + price * taken * 1000
        assert (filled, money) == (qty - left, paid)
        average = money / filled / 1000
        assert (average - levels[0][0]) * side >= 0
        assert (worst - average) * side >= 0
    return 2
