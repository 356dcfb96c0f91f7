"""What Kraken tells anybody: clock, pairs, bars, books and tickers. Pure."""

from typing import Any

import numpy as np

from trader_core.model.bar import BAR, Bars
from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument, price_from
from trader_core.venues.adapters import kraken_fields as kf
from trader_core.venues.adapters.base import Adapter, Row
from trader_core.venues.ask import Ask
from trader_core.venues.fields import CURRENCY, record, rows, text
from trader_core.venues.marketdata import Book, Ticker
from trader_core.venues.marketdata import bars as bars_of
from trader_core.venues.marketdata import book as book_of

MINUTES = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "1d": 1440}


class KrakenPublic(Adapter):
    """The half of the protocol that needs no key."""

    def time(self) -> Ask:
        """Ask for the clock; it is told in whole seconds."""
        return kf.public("Time", {})

    def time_of(self, payload: object) -> int:
        """Return the clock in epoch ms: the middle of the second that it names."""
        return kf.ms_of(kf.result_of(payload).get("unixtime"), "unixtime") + 500

    def filters(self) -> Ask:
        """Ask for every pair's filters."""
        return kf.public("AssetPairs", {})

    def listed(self, payload: object) -> dict[str, Row]:
        """Return the rows of pairs by symbol."""
        found = [row for row in kf.result_of(payload).values() if isinstance(row, dict)]
        return {"/".join(map(kf.plain, str(row.get("wsname")).split("/"))): row for row in found}

    def instrument(self, row: Row, venue: str, *, fee_in_base: bool) -> Instrument:
        """Return the filters of one row, not yet frozen; the fees are those of the schedule's first tier."""
        base, _, quote = str(row.get("wsname")).partition("/")
        base, quote = kf.plain(base), kf.plain(quote)
        if not (CURRENCY.fullmatch(base) and CURRENCY.fullmatch(quote)) or row.get("altname") != kf.raw(base) + kf.raw(quote):
            raise DataFault("a pair named by its base and quote", repr(row.get("wsname"))[:60], "do not trade it")
        if row.get("status") != "online":
            raise DataFault(f"{base}/{quote} online", f"status {row.get('status')!r}", "choose another pair")
        price_exp, tick = kf.grid(row, "tick_size", "pair_decimals")
        qty_exp = kf.decimals(row, "lot_decimals")
        return Instrument(
            venue=venue,
            symbol=f"{base}/{quote}",
            base=base,
            quote=quote,
            price_exp=price_exp,
            qty_exp=qty_exp,
            tick=tick,
            lot=1,
            qty_min=kf.up(row, "ordermin", qty_exp),
            notional_min=kf.up(row, "costmin", 10),
            maker_ppm=kf.tier_ppm(row.get("fees_maker") or row.get("fees")),
            taker_ppm=kf.tier_ppm(row.get("fees")),
            fee_in_base=fee_in_base,
        )

    def bars_ask(self, instrument: Instrument, timeframe: str, since_ms: int, _limit: int) -> Ask:
        """Ask for bars from a time on: at most the youngest 720 are kept. `since` itself is left out, so it lies a second before."""
        if timeframe not in MINUTES:
            raise DataFault(f"a timeframe of {', '.join(MINUTES)}", timeframe, "choose one that the venue has")
        params = {"pair": kf.pair_id(instrument), "interval": str(MINUTES[timeframe]), "since": str(since_ms // 1_000 - 1)}
        return kf.public("OHLC", params)

    def bars(self, payload: object, instrument: Instrument, step_ms: int, since_ms: int, until_ms: int) -> Bars:
        """Return bars, oldest first; those outside the span are left out."""
        found = [row if isinstance(row, list) else [] for row in rows(kf.only(kf.result_of(payload), instrument), "candles")]
        inside = list[list[Any]]()
        for row in found:
            if len(row) < 7:  # noqa: PLR2004 - time, four prices, mean price, volume
                raise DataFault("a candle of time, four prices, mean price and volume", repr(row)[:80], "fetch it again")
            opened_ms = kf.ms_of(row[0], "a candle's time")
            if since_ms <= opened_ms <= until_ms:
                inside.append([opened_ms, *row[1:5], row[6]])
        return bars_of(inside, instrument, step_ms, since_ms, until_ms) if inside else np.zeros(0, BAR)

    def book_ask(self, instrument: Instrument, depth: int) -> Ask:
        """Ask for the best levels."""
        return kf.public("Depth", {"pair": kf.pair_id(instrument), "count": str(depth)})

    def book(self, payload: object, instrument: Instrument) -> Book:
        """Return both sides, best first."""
        return book_of(kf.only(kf.result_of(payload), instrument), instrument)

    def ticker_ask(self, instrument: Instrument) -> Ask:
        """Ask for the last price and the best bid and ask."""
        return kf.public("Ticker", {"pair": kf.pair_id(instrument)})

    def ticker(self, payload: object, instrument: Instrument) -> Ticker:
        """Return the last price and the best bid and ask."""
        row = record(kf.only(kf.result_of(payload), instrument), "a ticker")
        last, bid, ask = (price_from(instrument, text({"0": (rows(row.get(key), key) or [None])[0]}, "0")) for key in ("c", "b", "a"))
        if bid >= ask:
            raise DataFault("a bid below the ask", f"{bid} / {ask}", "fetch it again")
        return Ticker(last, bid, ask)
