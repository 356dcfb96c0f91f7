"""One client of streams: the unmodified ccxt.pro, bound, tapped and purged. It knows none of that library's exceptions.

Every decoded message passes a tap, in the order in which it came: nothing is read out of the client's caches, which may lose
what comes between two questions. The client dials, subscribes, answers pings, decodes and keeps books; of trades, candles and
the account it sees nothing, since its parsers cost ten times what reading the few fields that count does, and may fail.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from trader_core.model.errors import DataFault, VenueUnavailable
from trader_core.model.instrument import Instrument
from trader_core.venues import marketdata
from trader_core.venues.adapters.speech import Speech
from trader_core.venues.fields import market_id
from trader_core.venues.profiles import Profile
from trader_core.venues.spoken import Depth, Kind, Moved, Name, Said
from trader_core.venues.stream_door import Transport

WHY_MAX = 160
DEPTH = 20


class StreamClient:
    """Streams of some instruments and, with a key, of the account. `hear` is called with whatever they say."""

    def __init__(
        self, exchange: Any, profile: Profile, speech: Speech, instruments: Mapping[str, Instrument], timeframe: str, step_ms: int
    ) -> None:
        """Take the client over: its sockets, its timers and what it sees now pass through here. `nonce` tells the venue's time."""
        self._exchange, self._profile, self._speech = exchange, profile, speech
        self._now_ms: Callable[[], int] = exchange.nonce
        self._instruments, self._timeframe, self._step = instruments, timeframe, step_ms
        self._known = {market_id(one): one for one in instruments.values()}
        self.hear: Callable[[Said], None] = lambda _: None
        self._transport: Transport | None = None
        self._timers: list[asyncio.TimerHandle] = []
        speech.tune(exchange.options, profile.speed)
        exchange.set_markets([speech.market(one) for one in instruments.values()])
        exchange.delay = self._delay
        setattr(exchange, speech.hook, self._tapped(getattr(exchange, speech.hook)))
        exchange.handle_message = self._guarded(exchange.handle_message)
        self._watch = {
            Kind.TRADES: exchange.watch_trades,
            Kind.KLINES: lambda symbol: exchange.watch_ohlcv(symbol, self._timeframe),
            Kind.BOOK: exchange.watch_order_book,
            Kind.ORDERS: lambda _: exchange.watch_orders(),
            Kind.FILLS: lambda _: exchange.watch_my_trades(),
            Kind.BALANCE: lambda _: exchange.watch_balance(),
        }

    async def watch(self, name: Name) -> str:
        """Keep a stream open until it breaks and return why: then only `drop` makes it a stream again. Of a book each state returns ""."""
        task = asyncio.current_task()
        self._open()
        try:
            found = await self._watch[name.kind](name.symbol)
            if name.kind is Kind.BOOK:
                self._book(name.symbol, found)
        except asyncio.CancelledError:
            if task is not None and task.cancelling():
                raise
            return "its connection was closed"
        except DataFault as fault:
            return str(fault)[:WHY_MAX]
        except Exception as error:  # noqa: BLE001 - whatever the client throws, the stream is broken
            return f"{type(error).__name__}: {error}"[:WHY_MAX]
        return ""

    async def drop(self) -> None:
        """Forget connections, books, listen key and timers: what comes next begins anew."""
        exchange, gone = self._exchange, VenueUnavailable("a stream", "its connection was given up", "it is dialled again")
        clients, exchange.clients = list(exchange.clients.values()) if exchange.clients else [], {}
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        exchange.orderbooks.clear()
        exchange.options["listenKey"], exchange.options["listenKeyFetching"] = None, False
        exchange.ws_dial_backoff = {}
        for client in clients:
            client.error = gone  # else its late farewell would take the next connection's place away
            client.reset(gone)
        await asyncio.gather(*(client.close() for client in clients), return_exceptions=True)

    async def close(self) -> None:
        """Leave no socket and no timer behind."""
        await self.drop()
        transport, self._transport, self._exchange.session = self._transport, None, None
        await self._exchange.close()
        if transport is not None:
            await transport.close()

    def _open(self) -> None:
        if self._transport is None:
            self._transport = Transport(self._profile, self._speech)
            self._exchange.session, self._exchange.own_session = self._transport, False

    def _delay(self, timeout_ms: float, method: Any, *args: Any) -> None:
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(timeout_ms / 1_000, self._exchange.spawn, method, *args))

    def _tapped(self, heard: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """Return a handler that hears messages in the client's place; one that cannot be vouched for breaks its connection."""

        def tapped(client: Any, message: Any) -> Any:
            try:
                said = self._speech.said(message, self._known, self._timeframe, self._step, self._now_ms())
                if said is not None:
                    self.hear(said)
            except DataFault as fault:
                client.reset(fault)
                return None
            return heard(client, message) if said is None or isinstance(said, Moved) else None

        return tapped

    def _guarded(self, handle: Callable[[Any, Any], Any]) -> Callable[[Any, Any], None]:
        """Return a handler that never raises: an error in it would end the client's loop of reading, and nobody would be told."""

        def guarded(client: Any, message: Any) -> None:
            if self._exchange.clients.get(client.url) is not client:
                asyncio.ensure_future(client.close())  # noqa: RUF006 - a connection that was dropped while it was dialled
                return
            try:
                handle(client, message)
            except Exception as error:  # noqa: BLE001 - whatever it could not read, the stream is broken
                client.reset(VenueUnavailable("a message that the client can read", f"{type(error).__name__}: {error}", "listen again"))

        return guarded

    def _book(self, symbol: str, found: Any) -> None:
        sides = {side: [[price, qty] for price, qty, *_ in found[side][:DEPTH]] for side in ("bids", "asks")}
        book = marketdata.book(sides, self._instruments[symbol])
        self.hear(Depth(symbol, self._now_ms(), book))
