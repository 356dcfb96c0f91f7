"""A recorded order book: a snapshot and the changes that follow it, folded into one book for every tick. Pure but for reading files."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from sandbox import recordings
from sandbox.book import LEVELS, Book, Level
from sandbox.market import TICK_MS
from sandbox.pairs import Pair
from sandbox.recordings import Columns, Kind

SNAPSHOT = {"ts": Kind.TIME, "last_update_id": Kind.COUNT, "side": Kind.SIDE, "price": Kind.PRICE, "qty": Kind.NUMBER}
CHANGES = {**SNAPSHOT, "first_update_id": Kind.COUNT}
NEAR = 100
"""A recorded book is shown where the last price lies within its best quotes or 1/100 beyond: elsewhere somebody moved the price."""


@dataclass(frozen=True, slots=True)
class RecordedBook:
    """The books of one pair by tick, from `first` on; ticks are counted from 1970."""

    first: int
    books: tuple[Book, ...]

    def at(self, tick: int, last: int) -> Book | None:
        """Return the book at a tick; None beyond the recording, and where the price `last` is none of its."""
        if not 0 <= tick - self.first < len(self.books):
            return None
        book = self.books[tick - self.first]
        near = book.bids[0].price * (NEAR - 1) < last * NEAR < book.asks[0].price * (NEAR + 1)
        return book if near else None


def load(pair: Pair, snapshot: Path, changes: Path) -> RecordedBook:
    """Return the book of two Parquet files: ts, last_update_id, side, price, qty, and with first_update_id the changes.

    Raises DataFault naming file and row for values that are none, ids that leave something out, and a book that is crossed.
    """
    begin, rows = recordings.read(snapshot, SNAPSHOT), recordings.read(changes, CHANGES)
    recordings.ascending(changes, rows["ts"])
    if len(np.unique(begin["last_update_id"])) > 1:
        row = int(np.flatnonzero(np.diff(begin["last_update_id"]))[0]) + 1
        raise recordings.fault(snapshot, row, "last_update_id", begin["last_update_id"][row], "one snapshot, of one id")
    sides: dict[bool, dict[int, int]] = {True: {}, False: {}}
    for side, price, qty in _levels(pair, snapshot, begin):
        sides[side][price] = qty
    start = _follows(changes, rows, int(begin["last_update_id"][0]))
    first = int(rows["ts"][start]) // TICK_MS
    last = int(rows["ts"][-1]) // TICK_MS
    ends = np.searchsorted(rows["ts"], (np.arange(first, last + 1) + 1) * TICK_MS)
    todo = list(_levels(pair, changes, rows))
    books = []
    for low, high in pairwise([start, *ends.tolist()]):
        for side, price, qty in todo[low:high]:
            if qty:
                sides[side][price] = qty
            else:
                sides[side].pop(price, None)
        books.append(_book(changes, high - 1, sides))
    return RecordedBook(first, tuple(books))


def _levels(pair: Pair, path: Path, columns: Columns) -> Iterator[tuple[bool, int, int]]:
    prices = recordings.grid(path, "price", columns["price"], pair.price_exp)
    lots = np.rint(columns["qty"] * 10**pair.qty_exp).astype(np.int64)
    return zip(columns["side"].tolist(), prices.tolist(), lots.tolist(), strict=True)


def _follows(path: Path, rows: Columns, snapshot_id: int) -> int:
    """Return the first row that the snapshot does not hold; raises DataFault where an update is missing."""
    firsts, lasts = rows["first_update_id"], rows["last_update_id"]
    new = np.flatnonzero(lasts > snapshot_id)
    if not len(new):
        raise recordings.fault(path, len(lasts) - 1, "last_update_id", lasts[-1], f"updates after {snapshot_id}, the snapshot's")
    start = int(new[0])
    if firsts[start] > snapshot_id + 1:
        raise recordings.fault(path, start, "first_update_id", firsts[start], f"an update that begins with {snapshot_id + 1} or before")
    same = (firsts[1:] == firsts[:-1]) & (lasts[1:] == lasts[:-1])
    holes = np.flatnonzero(~same & (firsts[1:] != lasts[:-1] + 1)) + 1
    holes = holes[holes > start]
    if len(holes):
        row = int(holes[0])
        raise recordings.fault(path, row, "first_update_id", firsts[row], f"{lasts[row - 1] + 1}, which follows the update before")
    return start


def _book(path: Path, row: int, sides: dict[bool, dict[int, int]]) -> Book:
    bids = tuple(Level(price, sides[True][price]) for price in sorted(sides[True], reverse=True)[:LEVELS])
    asks = tuple(Level(price, sides[False][price]) for price in sorted(sides[False])[:LEVELS])
    if not bids or not asks or bids[0].price >= asks[0].price:
        found = f"{bids[0].price if bids else 'none'} and {asks[0].price if asks else 'none'}"
        raise recordings.fault(path, row, "price", found, "a best bid below a best ask after each change")
    return Book(bids, asks)
