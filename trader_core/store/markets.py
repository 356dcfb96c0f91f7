"""The market of a backtest: frozen instruments and their stored bars on one grid, handed over piece by piece."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection, text

from trader_core.model.bar import BAR, Bars, timeframe_ms
from trader_core.model.errors import BadInput, DataFault
from trader_core.model.instrument import Instrument, freeze
from trader_core.store.candles import candle_range, load_bars
from trader_core.store.instruments import find_instrument

PIECE_BARS = 500_000
"""Bars that are in memory at a time, over all instruments: about 25 MB."""
HIGHEST = """
select count(*), coalesce(max(high), 0) from candle
 where instrument_id = :instrument and timeframe = :timeframe and ts >= :from_ms and ts < :to_ms
"""


class Piece(NamedTuple):
    """Slots of a market: bars [warm + T, N], of which the first `warm` were there before and are looked back on only."""

    bars: Bars
    warm: int


@dataclass(slots=True)
class Market:
    """What a backtest sees: instruments, the interval [from, to), and `lookback` slots before it that fill the first window.

    `bars` and `data` are known once every piece has been read: bars inside the interval, missing ones not counted, and the
    SHA-256, in hex, of every bar that was read.
    """

    instruments: tuple[Instrument, ...]
    ids: tuple[int, ...]
    timeframe: str
    from_ms: int
    to_ms: int
    lookback: int
    piece_bars: int = PIECE_BARS
    align: int = 1
    """Every piece but the last holds a multiple of this many slots, and so does what is looked back on."""
    bars: int = 0
    data: str = ""
    step_ms: int = field(init=False)

    def __post_init__(self) -> None:
        """Derive the grid."""
        self.step_ms = timeframe_ms(self.timeframe)

    @property
    def slots(self) -> int:
        """Return the number of slots in the interval."""
        return (self.to_ms - self.from_ms) // self.step_ms

    def pieces(self, db: Connection) -> Iterator[Piece]:
        """Yield the interval in order; the bars that a piece ends with stand before the next one again."""
        count, digest = len(self.ids), hashlib.sha256()
        slots = max(self.piece_bars // count // self.align, 1) * self.align
        at = self.from_ms - min(self.lookback, self.from_ms // self.step_ms // self.align * self.align) * self.step_ms
        warm, before, self.bars = (self.from_ms - at) // self.step_ms, np.zeros((0, count), BAR), 0
        while at < self.to_ms:
            end = min(at + (slots + warm - len(before)) * self.step_ms, self.to_ms)
            columns = [load_bars(db, number, self.timeframe, at, end) for number in self.ids]
            fresh = on_grid(columns, at, end, self.step_ms)
            digest.update(fresh.tobytes())
            piece = Piece(np.concatenate([before, fresh]) if len(before) else fresh, warm)
            self.bars += int(np.count_nonzero(piece.bars["close"][warm:]))
            yield piece
            before = piece.bars[max(len(piece.bars) - self.lookback, 0) :].copy()
            assert len(before) % self.align == 0 or at >= self.to_ms, "what is looked back on is whole"
            at, warm = end, len(before)
        self.data = digest.hexdigest()


def load_instruments(db: Connection, venue: str, symbols: Sequence[str]) -> list[tuple[int, Instrument]]:
    """Return the stored instruments; raises UnknownName, and BadInput unless all are quoted in one currency."""
    found = [find_instrument(db, venue, symbol) for symbol in symbols]
    quotes = sorted({instrument.quote for _, instrument in found})
    if len(quotes) > 1:
        raise BadInput("symbols of one quote currency: a session settles in one", ", ".join(quotes), "run one backtest per currency")
    return found


def open_market(db: Connection, venue: str, symbols: Sequence[str], timeframe: str, interval: tuple[int, int], lookback: int) -> Market:
    """Return the market of [from, to), its instruments frozen at the highest price; raises UnknownName, or DataFault without any bar."""
    step_ms, (from_ms, to_ms) = timeframe_ms(timeframe), interval
    first_ms, instruments, ids = max(from_ms - lookback * step_ms, 0), [], []
    for instrument_id, instrument in load_instruments(db, venue, symbols):
        values = {"instrument": instrument_id, "timeframe": timeframe, "from_ms": from_ms, "to_ms": to_ms}
        inside, _ = db.execute(text(HIGHEST), values).one()
        if not inside:
            raise _nothing_stored(db, instrument_id, instrument, timeframe)
        _, highest = db.execute(text(HIGHEST), values | {"from_ms": first_ms}).one()
        instruments.append(freeze(instrument, int(highest)))
        ids.append(instrument_id)
    return Market(tuple(instruments), tuple(ids), timeframe, from_ms, to_ms, lookback)


def _nothing_stored(db: Connection, instrument_id: int, instrument: Instrument, timeframe: str) -> DataFault:
    first, last, count = candle_range(db, instrument_id, timeframe)
    stored = f"{count} bars, ts {first} to {last}" if count else "none"
    return DataFault(
        f"{timeframe} bars of {instrument.symbol} on {instrument.venue} in that interval",
        f"an empty interval (stored of it: {stored})",
        "choose another interval, or import or collect the bars",
    )


def on_grid(columns: Sequence[Bars], from_ms: int, to_ms: int, step_ms: int) -> Bars:
    """Return bars of shape [T, N] for every slot of [from, to): its time, and zeros where an instrument has none."""
    grid = np.zeros(((to_ms - from_ms) // step_ms, len(columns)), BAR)
    grid["ts"] = (from_ms + step_ms * np.arange(len(grid), dtype=np.int64))[:, None]
    for index, bars in enumerate(columns):
        grid[(bars["ts"] - from_ms) // step_ms, index] = bars
    return grid
