"""What the streams say of one symbol's bars, slot by slot: candles as they grow, and the sums of trades. Pure.

A candle of a stream is an expectation and no more, because its last change may have been lost. Trades *prove* a bar when the
venue numbers them and none is missing from the last one before the bar's open to the first one after its close. Where it
does not number them nothing is ever proven.
"""

from dataclasses import dataclass, field

from trader_core.venues.spoken import Print, Row

KEPT = 4
"""Slots that are remembered; what comes later than that is no longer of use."""
LOW, VOLUME = 3, 5


@dataclass(slots=True)
class Tally:
    """The trades of one slot."""

    first: tuple[int, int, int] = (0, 0, 0)
    """Time, number or order of arrival, and price."""
    last: tuple[int, int, int] = (0, 0, 0)
    high: int = 0
    low: int = 0
    volume: int = 0
    numbers: set[int] = field(default_factory=set)
    numbered: bool = True

    def add(self, one: Print, arrival: int) -> bool:
        """Count a trade and return whether it is new; only numbers tell a repetition from a second trade that is alike."""
        if one.number >= 0:
            if one.number in self.numbers:
                return False
            self.numbers.add(one.number)
        self.numbered &= one.number >= 0
        mark = (one.ts_ms, one.number if one.number >= 0 else arrival, one.price)
        self.first = min(self.first, mark) if self.volume else mark
        self.last = max(self.last, mark)
        self.high = max(self.high, one.price)
        self.low = min(self.low, one.price) if self.volume else one.price
        self.volume += one.qty
        return True

    def row(self, slot_ms: int) -> Row:
        """Return the bar that these trades make."""
        return slot_ms, self.first[2], self.high, self.low, self.last[2], self.volume

    @property
    def unbroken(self) -> bool:
        """Return whether every number from the lowest to the highest is there."""
        return self.numbered and len(self.numbers) == max(self.numbers) - min(self.numbers) + 1


class Witness:
    """One symbol's streams as they remember the last slots."""

    def __init__(self, step_ms: int) -> None:
        """Know nothing yet."""
        self._step = step_ms
        self._candles: dict[int, Row] = {}
        self._tallies: dict[int, Tally] = {}
        self._arrivals = 0
        self._whole_from_ms = -1
        """Trades are heard without an interruption since then; -1: they are not heard."""
        self._last_number = -1
        self.heard_until_ms = 0
        """The time of the newest trade that was heard."""

    def candle(self, row: Row) -> bool:
        """Take a state of a bar and return whether it is news: within a bar volumes never shrink, so what has less is an older state."""
        known = self._candles.get(row[0])
        if (known is not None and row[VOLUME] < known[VOLUME]) or row[0] < self._oldest(row[0]):
            return False
        self._candles[row[0]] = row
        self._forget()
        return known != row

    def trade(self, one: Print, now_ms: int) -> int:
        """Take a trade and return how many numbers were skipped before it: what they stand for is missing, or late."""
        slot_ms = one.ts_ms - one.ts_ms % self._step
        if self._whole_from_ms < 0:
            self._whole_from_ms = now_ms
        if slot_ms < self._oldest(slot_ms):
            return 0
        self._arrivals += 1
        self._tallies.setdefault(slot_ms, Tally()).add(one, self._arrivals)
        self.heard_until_ms = max(self.heard_until_ms, one.ts_ms)
        skipped = max(one.number - self._last_number - 1, 0) if self._last_number >= 0 else 0
        self._last_number = max(self._last_number, one.number)
        self._forget()
        return skipped

    def cut(self) -> None:
        """Take that the stream of trades broke: until it is heard again nothing is known of what is missing."""
        self._whole_from_ms = -1

    def expected(self, slot_ms: int) -> Row | None:
        """Return the last state of a slot's bar that a candle showed."""
        return self._candles.get(slot_ms)

    def traded(self, slot_ms: int) -> Row | None:
        """Return the bar that a slot's trades make, when they were heard from before its open on without an interruption."""
        tally = self._tallies.get(slot_ms)
        whole = 0 <= self._whole_from_ms <= slot_ms
        return tally.row(slot_ms) if tally is not None and whole else None

    def proven(self, slot_ms: int) -> Row | None:
        """Return the bar of a slot when its trades prove it."""
        tally = self._tallies.get(slot_ms)
        if tally is None or not tally.unbroken:
            return None
        before = [max(other.numbers) for ts_ms, other in self._tallies.items() if ts_ms < slot_ms and other.numbers]
        after = [min(other.numbers) for ts_ms, other in self._tallies.items() if ts_ms > slot_ms and other.numbers]
        enclosed = before and after and max(before) + 1 == min(tally.numbers) and min(after) - 1 == max(tally.numbers)
        return tally.row(slot_ms) if enclosed else None

    def _oldest(self, slot_ms: int) -> int:
        newest = max([slot_ms, *self._candles, *self._tallies])
        return newest - (KEPT - 1) * self._step

    def _forget(self) -> None:
        oldest = self._oldest(0)
        self._candles = {ts: row for ts, row in self._candles.items() if ts >= oldest}
        self._tallies = {ts: tally for ts, tally in self._tallies.items() if ts >= oldest}
