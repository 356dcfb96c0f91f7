"""Market data and filters out of raw MEXC payloads, or a DataFault. Pure."""

from decimal import ROUND_CEILING, Decimal
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from trader_core.model.bar import BAR, Bars
from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument, price_from, qty_from, volume_from
from trader_core.model.money import MONEY_EXP, PPM, PRODUCT_MAX
from trader_core.venues.fields import CURRENCY, market_id, number_of, record, rows, same, text, time_of

_GRID_MAX = 12
_STEP_MAX = 1_000_000


class Book(NamedTuple):
    """The best levels of an order book, best first; prices and quantities on the instrument's exponents."""

    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


class Ticker(NamedTuple):
    """The last price and the best bid and ask, counting 10^-price_exp."""

    last: int
    bid: int
    ask: int


def bars(payload: object, instrument: Instrument, step_ms: int, since_ms: int, until_ms: int) -> Bars:
    """Return klines as BAR records, oldest first; raises DataFault unless all lie on the grid, ascend, and none opens after `until_ms`.

    The last one may still be open: its reader drops what has not closed. A kline whose prices cannot be is left out, as one that the
    venue does not have: it must not hide those around it for as long as the venue keeps it. DataFault where no other is there.
    """
    found = rows(payload, "klines")
    out = np.zeros(len(found), BAR)
    door, before, impossible = instrument.price_max or PRODUCT_MAX, since_ms - 1, ""
    for i, row in enumerate(found):
        if not isinstance(row, list) or len(row) < 6:  # noqa: PLR2004 - time, four prices, volume
            raise DataFault("a kline of time, four prices and volume", repr(row)[:80], "fetch it again")
        ts = time_of(row[0], "a kline's time")
        if ts % step_ms or ts <= before or ts > until_ms:
            raise DataFault(f"kline times on the grid of {step_ms} ms, ascending from {since_ms} to {until_ms}", str(ts), "fetch it again")
        fields = {str(j): value for j, value in enumerate(row[:6])}
        before, volume = ts, volume_from(instrument, text(fields, "5"))
        open_, high, low, close = _prices(instrument, fields)
        if 0 < low <= min(open_, close) <= max(open_, close) <= high <= door:
            out[i] = (ts, open_, high, low, close, volume)
        else:
            impossible = repr(row)[:80]
    possible = out[out["close"] > 0]
    if impossible and not len(possible):
        raise DataFault("a kline whose high and low enclose open and close", impossible, "fetch it again")
    return possible


def _prices(instrument: Instrument, fields: dict[str, Any]) -> tuple[int, int, int, int]:
    """Return open, high, low and close; zeros where they are numbers, but no prices of this instrument. DataFault for what is no number."""
    texts = [text(fields, str(j)) for j in range(1, 5)]
    for one in texts:
        number_of(one, "a kline's price")
    try:
        open_, high, low, close = (price_from(instrument, one) for one in texts)
    except DataFault:
        return 0, 0, 0, 0
    return open_, high, low, close


def book(payload: object, instrument: Instrument) -> Book:
    """Return an order book; raises DataFault when a side is empty, unsorted, or the sides cross."""
    row = record(payload, "a book")
    sides = [tuple(_level(level, instrument) for level in rows(row.get(side), side)) for side in ("bids", "asks")]
    bids, asks = sides
    down = all(a[0] > b[0] for a, b in pairwise(bids))
    up = all(a[0] < b[0] for a, b in pairwise(asks))
    if not bids or not asks or not down or not up or bids[0][0] >= asks[0][0]:
        raise DataFault("a book with two sorted sides that do not cross", f"{bids[:2]} / {asks[:2]}", "fetch it again")
    return Book(bids, asks)


def ticker(payload: object, instrument: Instrument) -> Ticker:
    """Return the last, bid and ask price; raises DataFault when they are missing or cross."""
    row = record(payload, "a ticker")
    same("symbol", row.get("symbol"), market_id(instrument))
    last, bid, ask = (price_from(instrument, text(row, key)) for key in ("lastPrice", "bidPrice", "askPrice"))
    if bid >= ask:
        raise DataFault("a bid below the ask", f"{bid} / {ask}", "fetch it again")
    return Ticker(last, bid, ask)


def instrument(row: dict[str, Any], venue: str, fee_in_base: bool) -> Instrument:  # noqa: FBT001 - a profile's word
    """Return the filters of one exchangeInfo row, not yet frozen; raises DataFault when it is closed, malformed or off the grids."""
    base, quote = str(row.get("baseAsset")), str(row.get("quoteAsset"))
    if not (CURRENCY.fullmatch(base) and CURRENCY.fullmatch(quote)) or row.get("symbol") != base + quote:
        raise DataFault("a symbol made of its base and quote", repr(row.get("symbol"))[:60], "do not trade it")
    if str(row.get("status")) != "1" or row.get("isSpotTradingAllowed") is not True:
        raise DataFault(f"{base}/{quote} open for spot trading", f"status {row.get('status')!r}", "choose another symbol")
    price_exp, qty_exp = (_exponent(row, key) for key in ("quoteAssetPrecision", "baseAssetPrecision"))
    return Instrument(
        venue=venue,
        symbol=f"{base}/{quote}",
        base=base,
        quote=quote,
        price_exp=price_exp,
        qty_exp=qty_exp,
        tick=1,
        lot=1,
        qty_min=up(row, "baseSizePrecision", qty_exp),
        notional_min=up(row, "quoteAmountPrecision", MONEY_EXP),
        maker_ppm=fee_ppm(row, "makerCommission"),
        taker_ppm=fee_ppm(row, "takerCommission"),
        fee_in_base=fee_in_base,
    )


def grid(row: object, key: str) -> tuple[int, int]:
    """Return (exponent, step) of a grid that a row tells as a decimal step: 0.05 is (2, 5)."""
    return grid_of(text(record(row, "a filter"), key), key)


def grid_of(value: str, what: str) -> tuple[int, int]:
    """Return (exponent, step) of a decimal step; raises DataFault unless it is positive and has at most 12 decimals."""
    step = number_of(value, what).normalize()
    exponent = max(-int(step.as_tuple().exponent), 0)
    if step <= 0 or exponent > _GRID_MAX:
        raise DataFault(f"{what} as a positive step of at most {_GRID_MAX} decimals", value[:60], "do not trade it")
    if step > _STEP_MAX:
        raise DataFault(f"{what} up to {_STEP_MAX}", value[:60], "do not trade it")
    return exponent, int(step.scaleb(exponent))


def fee_ppm(row: dict[str, Any], key: str) -> int:
    """Return a fee rate in parts per million, rounded up; raises DataFault unless it lies from 0 to 10 %."""
    value = number_of(text(row, key), key)
    if not 0 <= value <= Decimal("0.1"):
        raise DataFault(f"{key} from 0 to 0.1", str(value)[:40], "check the venue's fees")
    return int((value * PPM).to_integral_value(ROUND_CEILING))


def up(row: dict[str, Any], key: str, exponent: int) -> int:
    """Return a minimum on its exponent, rounded up; raises DataFault when nothing could be as large."""
    found = int(number_of(text(row, key), key).scaleb(exponent).to_integral_value(ROUND_CEILING))
    if found > PRODUCT_MAX:
        raise DataFault(f"{key} within the doors", str(row.get(key))[:60], "do not trade it")
    return found


def _exponent(row: dict[str, Any], key: str) -> int:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _GRID_MAX:
        raise DataFault(f"{key} from 0 to {_GRID_MAX}", repr(value)[:60], "do not trade it")
    return value


def _level(level: object, instrument: Instrument) -> tuple[int, int]:
    if not isinstance(level, list) or len(level) < 2:  # noqa: PLR2004 - price and quantity
        raise DataFault("a level of price and quantity", repr(level)[:60], "fetch it again")
    fields = {"price": level[0], "qty": level[1]}
    return price_from(instrument, text(fields, "price")), qty_from(instrument, text(fields, "qty"))
