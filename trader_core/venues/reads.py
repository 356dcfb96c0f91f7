"""Public reads of a venue over the wire, each one validated before it counts."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from trader_core.model.bar import TIMEFRAMES_MS, Bars, timeframe_ms
from trader_core.model.errors import DataFault, OutOfRange, UnknownName
from trader_core.model.instrument import Instrument
from trader_core.venues import marketdata, outcomes
from trader_core.venues.fields import market_id, record, rows, time_of
from trader_core.venues.limiter import Lane
from trader_core.venues.marketdata import Book, Ticker
from trader_core.venues.outcomes import Call
from trader_core.venues.port import Outcome, Reply
from trader_core.venues.profiles import Profile
from trader_core.venues.wire import Wire

T = TypeVar("T")

BARS_PER_PAGE = 500
AHEAD_MS = 1_000
"""How far the venue's clock may lie ahead of what we think it shows."""
_INTERVALS = {name: {"1h": "60m"}.get(name, name) for name in TIMEFRAMES_MS}


class Reads:
    """What anybody may ask of a venue. Each call returns a Reply; none raises for what the venue does."""

    def __init__(self, wire: Wire) -> None:
        """Read over `wire`."""
        self._wire = wire
        self._instruments: dict[str, Instrument] = {}

    @property
    def profile(self) -> Profile:
        """Return the venue's profile."""
        return self._wire.profile

    def use(self, instruments: Iterable[Instrument]) -> None:
        """Take frozen instruments: from now on their doors bound every price that the venue reports."""
        self._instruments.update({instrument.symbol: instrument for instrument in instruments})

    async def time_ms(self) -> Reply[int]:
        """Return the venue's clock in epoch ms."""
        return await self._read("time", {}, lambda raw: time_of(record(raw, "a time").get("serverTime"), "serverTime"))

    async def instruments(self, symbols: list[str]) -> Reply[list[Instrument]]:
        """Return the filters and fees of symbols, not yet frozen, and use them; NOT_FOUND names symbols that cannot be traded.

        With a key the fees are the account's own (one call for each symbol), otherwise those that the venue publishes.
        """
        listed = await self._read("exchangeInfo", {}, lambda raw: rows(record(raw, "filters").get("symbols"), "symbols"), weight=25)
        if listed.outcome is not Outcome.OK or listed.value is None:
            return Reply(listed.outcome, code=listed.code, evidence=listed.evidence)
        by_name = {row.get("symbol"): row for row in listed.value if isinstance(row, dict)}
        found, missing = list[Instrument](), list[str]()
        for symbol in symbols:
            row = by_name.get(symbol.replace("/", ""))
            if row is None or symbol.partition("/")[2] not in self.profile.quotes:
                missing.append(symbol)
                continue
            try:
                found.append(marketdata.instrument(row, self.profile.name, self.profile.fee_in_base))
            except (DataFault, OutOfRange) as fault:
                missing.append(f"{symbol} ({fault})")
        if missing:
            return Reply(Outcome.NOT_FOUND, code="symbol", evidence=f"cannot be traded: {', '.join(missing)}"[: outcomes.EVIDENCE_MAX])
        return await self._with_fees(found)

    async def fees(self, symbol: str) -> Reply[tuple[int, int]]:
        """Return the account's (maker, taker) fees of a symbol in parts per million."""
        params = {"symbol": market_id(self._known(symbol))}

        def both(raw: object) -> tuple[int, int]:
            data = record(record(raw, "fees").get("data"), "fees")
            return marketdata.fee_ppm(data, "makerCommission"), marketdata.fee_ppm(data, "takerCommission")

        return await self._read("tradeFee", params, both, Lane.ORDERS, 20)

    async def bars(self, symbol: str, timeframe: str, since_ms: int, limit: int) -> Reply[Bars]:
        """Return up to `limit` (at most BARS_PER_PAGE) bars that open from `since_ms` on; the last one may still be open.

        Raises UnknownName for another timeframe and OutOfRange for another limit.
        """
        step = timeframe_ms(timeframe)
        if not 1 <= limit <= BARS_PER_PAGE:
            raise OutOfRange(f"a page of 1 to {BARS_PER_PAGE} bars", str(limit), "ask for it page by page")
        instrument, end = self._known(symbol), since_ms + limit * step - 1
        params = {
            "symbol": market_id(instrument),
            "interval": _INTERVALS[timeframe],
            "startTime": str(since_ms),
            "endTime": str(end),
            "limit": str(limit),
        }
        until = min(end, self._wire.now_ms() + AHEAD_MS)
        return await self._read("klines", params, lambda raw: marketdata.bars(raw, instrument, step, since_ms, until))

    async def book(self, symbol: str, depth: int = 20) -> Reply[Book]:
        """Return the best `depth` levels of each side."""
        instrument = self._known(symbol)
        params = {"symbol": market_id(instrument), "limit": str(depth)}
        return await self._read("depth", params, lambda raw: marketdata.book(raw, instrument), weight=3)

    async def ticker(self, symbol: str) -> Reply[Ticker]:
        """Return the last price and the best bid and ask."""
        instrument = self._known(symbol)
        params = {"symbol": market_id(instrument)}
        return await self._read("ticker/24hr", params, lambda raw: marketdata.ticker(raw, instrument), weight=25)

    async def close(self) -> None:
        """Leave no socket behind."""
        await self._wire.close()

    async def _with_fees(self, found: list[Instrument]) -> Reply[list[Instrument]]:
        self.use(found)
        if not self._wire.has_key:
            return Reply(Outcome.OK, found)
        out = []
        for instrument in found:
            fees = await self.fees(instrument.symbol)
            if fees.value is None:
                return Reply(fees.outcome, code=fees.code, evidence=fees.evidence)
            out.append(replace(instrument, maker_ppm=fees.value[0], taker_ppm=fees.value[1]))
        self.use(out)
        return Reply(Outcome.OK, out)

    def _known(self, symbol: str) -> Instrument:
        if symbol not in self._instruments:
            raise UnknownName("a symbol whose instrument was loaded", repr(symbol), "call instruments() or use() first")
        return self._instruments[symbol]

    async def _read(
        self, endpoint: str, params: dict[str, str], parse: Callable[[Any], T], lane: Lane = Lane.DATA, weight: int = 1
    ) -> Reply[T]:
        call = await self._wire.ask(Call("GET", endpoint), params, lane, weight)
        outcome = outcomes.of_read(call)
        return self._parsed(call, parse, Outcome.RETRYABLE_READ) if outcome is Outcome.OK else self._reply(call, outcome)

    def _parsed(self, call: Call, parse: Callable[[Any], T], otherwise: Outcome) -> Reply[T]:
        try:
            return Reply(Outcome.OK, parse(call.payload))
        except DataFault as fault:
            return Reply(otherwise, code="malformed", evidence=self._wire.evidence(call, str(fault)))

    def _reply(self, call: Call, outcome: Outcome) -> Reply[Any]:
        return Reply(outcome, code=outcomes.code_of(call), evidence=self._wire.evidence(call))
