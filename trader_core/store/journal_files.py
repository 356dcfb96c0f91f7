"""The per-bar journal of a backtest: one Parquet file, a row per slot."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from trader_core.engine.simulate import Result
from trader_core.model.bar import Bars
from trader_core.store.markets import Market


class Journal:
    """A journal that is being written: piece by piece, in order."""

    def __init__(self, path: Path, market: Market) -> None:
        """Begin a file beside the one that it becomes."""
        self.path, self.digest = path, ""
        self._market, self._part = market, path.with_suffix(f".{os.getpid()}.part")
        self._held = np.zeros(len(market.instruments), np.int64)
        names = [f"{what}:{one.symbol}" for one in market.instruments for what in ("close", "target", "position")]
        self._schema = pa.schema([(name, pa.int64()) for name in ("ts", "cash", "equity", *names)])
        # neighbouring bars differ little: deltas take a third of the space of a dictionary, and half of its time
        self._writer = pyarrow.parquet.ParquetWriter(
            str(self._part), self._schema, compression="zstd", use_dictionary=False, column_encoding="DELTA_BINARY_PACKED"
        )

    def write(self, bars: Bars, targets: NDArray[np.int64], result: Result) -> None:
        """Append a piece: ts, cash, equity and each instrument's close, target and position after every slot."""
        held = positions(self._market, self._held, result)
        self._held, columns = held[-1].copy(), [result.ts, result.cash, result.equity]
        for index in range(len(self._held)):
            columns += [bars["close"][:, index], targets[:, index], held[:, index]]
        self._writer.write_table(pa.table([np.ascontiguousarray(column) for column in columns], schema=self._schema))

    def close(self, session_id: str) -> None:
        """Say whose it is, and let the file appear; the exponents, the symbols and the run's digest stand in its metadata."""
        exponents = {one.symbol: f"price_exp={one.price_exp} qty_exp={one.qty_exp}" for one in self._market.instruments}
        self._writer.add_key_value_metadata({"session_id": session_id, "digest": self.digest, **exponents})
        self._writer.close()
        self._part.replace(self.path)

    def drop(self) -> None:
        """Leave nothing behind."""
        self._writer.close()
        self._part.unlink(missing_ok=True)


@contextmanager
def journal(folder: Path, session_id: str, market: Market) -> Iterator[Journal]:
    """Yield a journal, whose `digest` the body sets; the file is whole at the end, or absent. The integers are the engine's."""
    folder.mkdir(parents=True, exist_ok=True)
    found = Journal(folder / f"{session_id}.parquet", market)
    try:
        yield found
    except BaseException:
        found.drop()
        raise
    found.close(session_id)


def positions(market: Market, before: NDArray[np.int64], result: Result) -> NDArray[np.int64]:
    """Return the quantity held after each slot, shape [T, N], from what was held before the first."""
    changes = np.zeros((len(result.ts), len(market.instruments)), np.int64)
    changes[0] = before
    fills = result.fills
    if len(fills):
        slots = (fills["ts"] - result.ts[0]) // market.step_ms
        np.add.at(changes, (slots, fills["instrument"]), fills["side"] * fills["qty"] - fills["fee_base"])
    held: NDArray[np.int64] = changes.cumsum(axis=0)
    return held
