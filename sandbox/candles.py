"""Candles as a client asks for them: any interval, closed ones and the current one, encoded once. Pure."""

from collections.abc import Callable, Iterable

import numpy as np

from sandbox.market import (
    CLOSE,
    DAY_MS,
    HIGH,
    LOW,
    MINUTE_MS,
    MINUTES_DAY,
    OPEN,
    QUOTE,
    VOLUME,
    Block,
    Ints,
    Market,
    minute_candles,
    partial_candle,
)
from sandbox.pairs import Pair

INTERVALS_MS = {
    "1m": MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS, "30m": 30 * MINUTE_MS, "60m": 60 * MINUTE_MS,
    "4h": 240 * MINUTE_MS, "1d": DAY_MS, "1W": 7 * DAY_MS,
}  # fmt: skip
MONDAY_MS = 4 * DAY_MS
"""1970-01-05: weeks begin on Mondays."""
ROWS_MAX = 500
Writer = Callable[[Pair, int, int, list[int]], str]
"""(pair, minute it opens in, minutes that it lasts, its six numbers) to JSON; empty where nothing was traded."""
DAYS_KEPT = 80


class Candles:
    """The candles of a market from `history_from_ms` on; a day of minutes is encoded once and kept."""

    def __init__(self, market: Market, history_from_ms: int, write: Writer | None = None) -> None:
        """Know where to look, and how a dialect writes a candle: MEXC's way unless it says otherwise."""
        self._write = write or row_text
        self._market, self._first = market, -(-history_from_ms // MINUTE_MS)
        self._days: dict[tuple[str, int], tuple[Block, list[str]]] = {}

    def rows(self, name: str, interval: str, start_ms: int | None, end_ms: int | None, limit: int, now_ms: int) -> bytes:
        """Return a JSON list of candles that opened in [start, end) and not after now, at most `limit`, oldest first.

        Without a start the youngest are returned. Raises KeyError for an unknown interval.
        """
        step = INTERVALS_MS[interval] // MINUTE_MS
        offset = MONDAY_MS // MINUTE_MS if interval == "1W" else 0
        stop = now_ms // MINUTE_MS + 1 if end_ms is None else min(now_ms // MINUTE_MS + 1, -(-end_ms // MINUTE_MS))
        floor = -(-(self._first - offset) // step)
        last = -(-(stop - offset) // step)
        if start_ms is None:
            first = max(floor, last - limit)
        else:
            first = max(floor, -(-(start_ms - offset * MINUTE_MS) // (step * MINUTE_MS)))
            last = min(last, first + limit)
        if step == 1:
            return _joined(self._minute(name, minute, now_ms) for minute in range(first, last))
        return _joined(self._wide(name, at * step + offset, step, now_ms) for at in range(first, last))

    def since(self, name: str, first: int, now_ms: int) -> Ints:
        """Return the minute candles, shape [n, 6], from minute `first` to now, the current one as far as it has come."""
        minute = now_ms // MINUTE_MS
        closed = minute_candles(self._market, name, first, minute)
        partial = partial_candle(self._market, name, minute, now_ms)
        rows = closed if partial is None else np.concatenate([closed, partial[None]])
        return rows[rows[:, HIGH] > 0]

    def _minute(self, name: str, minute: int, now_ms: int) -> str:
        if minute == now_ms // MINUTE_MS:
            candle = partial_candle(self._market, name, minute, now_ms)
            return "" if candle is None else self._write(self._market.pairs[name], minute, 1, candle.tolist())
        day, row = divmod(minute, MINUTES_DAY)
        key, block = (name, day), self._market.block(name, day)
        if key not in self._days or self._days[key][0] is not block:
            if len(self._days) >= DAYS_KEPT:
                del self._days[next(iter(self._days))]
            pair, opens = self._market.pairs[name], range(day * MINUTES_DAY, (day + 1) * MINUTES_DAY)
            rows = [self._write(pair, at, 1, candle) for at, candle in zip(opens, block.candles.tolist(), strict=True)]
            self._days[key] = (block, rows)
        return self._days[key][1][row]

    def _wide(self, name: str, minute: int, step: int, now_ms: int) -> str:
        end = minute + step
        minutes = self.since(name, minute, now_ms) if end > now_ms // MINUTE_MS else minute_candles(self._market, name, minute, end)
        minutes = minutes[minutes[:, HIGH] > 0]
        if not len(minutes):
            return ""
        candle = [0] * 6
        candle[OPEN], candle[CLOSE] = int(minutes[0, OPEN]), int(minutes[-1, CLOSE])
        candle[HIGH], candle[LOW] = int(minutes[:, HIGH].max()), int(minutes[:, LOW].min())
        candle[VOLUME], candle[QUOTE] = int(minutes[:, VOLUME].sum()), sum(minutes[:, QUOTE].tolist())
        return self._write(self._market.pairs[name], minute, step, candle)


def row_text(pair: Pair, minute: int, step: int, candle: list[int]) -> str:
    """Return one candle as MEXC writes it, numbers as texts; empty where nothing was traded."""
    if not candle[HIGH]:
        return ""
    price, lot, both = 10**pair.price_exp, 10**pair.qty_exp, 10 ** (pair.price_exp + pair.qty_exp)
    pe, qe = pair.price_exp, pair.qty_exp
    o, h, lo, c, v, q = candle
    ts = minute * MINUTE_MS
    return (
        f'[{ts},"{o // price}.{o % price:0{pe}}","{h // price}.{h % price:0{pe}}","{lo // price}.{lo % price:0{pe}}",'
        f'"{c // price}.{c % price:0{pe}}","{v // lot}.{v % lot:0{qe}}",{ts + step * MINUTE_MS},"{q // both}.{q % both:0{pe + qe}}"]'
    )


def _joined(rows: Iterable[str]) -> bytes:
    return f"[{','.join(row for row in rows if row)}]".encode()
