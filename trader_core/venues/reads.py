"""Public reads of a venue over the wire, each one validated before it counts."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from trader_core.model.bar import Bars, timeframe_ms
from trader_core.model.errors import DataFault, OutOfRange, UnknownName
from trader_core.model.instrument import Instrument
from trader_core.venues import outcomes
from trader_core.venues.ask import Ask
from trader_core.venues.fields import vouched
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


class Reads:
    """What anybody may ask of a venue. Each call returns a Reply; none raises for what the venue does."""

    def __init__(self, wire: Wire, instruments: dict[str, Instrument] | None = None) -> None:
        """Read over `wire`; `instruments` may be shared with another client of the same venue."""
        self._wire, self._adapter = wire, wire.adapter
        self._instruments: dict[str, Instrument] = {} if instruments is None else instruments

    @property
    def profile(self) -> Profile:
        """Return the venue's profile."""
        return self._wire.profile

    def use(self, instruments: Iterable[Instrument]) -> None:
        """Take frozen instruments: from now on their doors bound every price that the venue reports."""
        self._instruments.update({instrument.symbol: instrument for instrument in instruments})

    async def time_ms(self) -> Reply[int]:
        """Return the venue's clock in epoch ms."""
        return await self._read(self._adapter.time(), self._adapter.time_of)

    async def instruments(self, symbols: list[str]) -> Reply[list[Instrument]]:
        """Return the filters and fees of symbols, not yet frozen, and use them; NOT_FOUND names symbols that cannot be traded.

        With a key the fees are the account's own (one call for each symbol), otherwise those that the venue publishes.
        """
        listed = await self._read(self._adapter.filters(), self._adapter.listed)
        if listed.value is None:
            return Reply(listed.outcome, code=listed.code, evidence=listed.evidence)
        found, missing = list[Instrument](), list[str]()
        for symbol in symbols:
            row = listed.value.get(symbol)
            if row is None or symbol.partition("/")[2] not in self.profile.quotes:
                missing.append(symbol)
                continue
            try:
                found.append(vouched(self._instrument, row))
            except (DataFault, OutOfRange) as fault:
                missing.append(f"{symbol} ({fault})")
        if missing:
            return Reply(Outcome.NOT_FOUND, code="symbol", evidence=self._wire.clean(f"cannot be traded: {', '.join(missing)}"))
        return await self._with_fees(found)

    async def fees(self, symbol: str) -> Reply[tuple[int, int]]:
        """Return the account's (maker, taker) fees of a symbol in parts per million."""
        instrument = self._known(symbol)
        return await self._read(self._adapter.fees_ask(instrument), lambda raw: self._adapter.fees(raw, instrument), Lane.ORDERS)

    async def bars(self, symbol: str, timeframe: str, since_ms: int, limit: int) -> Reply[Bars]:
        """Return up to `limit` (at most BARS_PER_PAGE) bars that open from `since_ms` on; the last one may still be open.

        Raises UnknownName for a timeframe that the venue does not offer and OutOfRange for another limit.
        """
        step = timeframe_ms(timeframe)
        if timeframe not in self.profile.timeframes:
            raise UnknownName(f"a timeframe of {', '.join(self.profile.timeframes)}", timeframe, f"{self.profile.name} offers no other")
        if not 1 <= limit <= BARS_PER_PAGE:
            raise OutOfRange(f"a page of 1 to {BARS_PER_PAGE} bars", str(limit), "ask for it page by page")
        instrument, end = self._known(symbol), since_ms + limit * step - 1
        until = min(end, self._wire.now_ms() + AHEAD_MS)
        ask = self._adapter.bars_ask(instrument, timeframe, since_ms, limit)
        return await self._read(ask, lambda raw: self._adapter.bars(raw, instrument, step, since_ms, until))

    async def book(self, symbol: str, depth: int = 20) -> Reply[Book]:
        """Return the best `depth` levels of each side."""
        instrument = self._known(symbol)
        return await self._read(self._adapter.book_ask(instrument, depth), lambda raw: self._adapter.book(raw, instrument))

    async def ticker(self, symbol: str) -> Reply[Ticker]:
        """Return the last price and the best bid and ask."""
        instrument = self._known(symbol)
        return await self._read(self._adapter.ticker_ask(instrument), lambda raw: self._adapter.ticker(raw, instrument))

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

    def _instrument(self, row: dict[str, Any]) -> Instrument:
        return self._adapter.instrument(row, self.profile.name, fee_in_base=self.profile.fee_in_base)

    def _known(self, symbol: str) -> Instrument:
        if symbol not in self._instruments:
            raise UnknownName("a symbol whose instrument was loaded", repr(symbol), "call instruments() or use() first")
        return self._instruments[symbol]

    async def _read(self, ask: Ask, parse: Callable[[Any], T], lane: Lane = Lane.DATA, timeout_s: float = 0.0) -> Reply[T]:
        call = await self._wire.ask(self._wire.call(ask, timeout_s=timeout_s), lane)
        outcome = outcomes.of_read(call)
        return self._parsed(call, parse, Outcome.RETRYABLE_READ) if outcome is Outcome.OK else self._reply(call, outcome)

    def _parsed(self, call: Call, parse: Callable[[Any], T], otherwise: Outcome) -> Reply[T]:
        try:
            return Reply(Outcome.OK, vouched(parse, call.payload))
        except DataFault as fault:
            return Reply(otherwise, code="malformed", evidence=self._wire.evidence(call, str(fault)))

    def _reply(self, call: Call, outcome: Outcome) -> Reply[Any]:
        return Reply(outcome, code=outcomes.code_of(call), evidence=self._wire.evidence(call))
