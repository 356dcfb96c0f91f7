"""Binance's streams: JSON. Its trades are numbered without a hole, so they can prove a bar. Pure."""

from collections.abc import Mapping
from typing import Any

from trader_core.model.bar import TIMEFRAMES_MS
from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument
from trader_core.venues.adapters.speech import Speech, candle, count, instrument_of, moment, trade
from trader_core.venues.fields import record
from trader_core.venues.spoken import Candle, Kind, Moved, Said, Stirred, Traded

_PRIVATE = {"outboundAccountPosition": Kind.BALANCE, "balanceUpdate": Kind.BALANCE}
_FILLED = "TRADE"


class BinanceSpeech(Speech):
    """What Binance's streams say."""

    hook = "handle_message"
    per_line = 200
    calls = frozenset({("GET", "/api/v3/depth")})
    words = frozenset({"SUBSCRIBE", "UNSUBSCRIBE", "userDataStream.subscribe.signature", "userDataStream.unsubscribe"})
    intervals = {timeframe: timeframe for timeframe in TIMEFRAMES_MS}  # noqa: RUF012

    def tune(self, options: dict[str, Any], _speed: float) -> None:
        """Let all streams share one connection."""
        options["streamLimits"] = {**options.get("streamLimits", {}), "spot": 1}

    def said(self, message: object, known: Mapping[str, Instrument], timeframe: str, step_ms: int, now_ms: int) -> Said | None:
        """Return what a message says; answers to requests say nothing."""
        outer = record(message, "a message")
        inner = outer.get("event", outer)
        if not isinstance(inner, dict):
            raise DataFault("an event as an object", repr(inner)[:60], "listen again")
        event = inner.get("e")
        if event in _PRIVATE:
            return Stirred(_PRIVATE[event], moment(inner.get("E"), now_ms))
        if event == "executionReport":
            return Stirred(Kind.FILLS if inner.get("x") == _FILLED else Kind.ORDERS, moment(inner.get("E"), now_ms))
        if event == "trade":
            instrument, number = instrument_of(known, inner.get("s")), count(inner.get("t"), "a trade's number")
            one = trade(inner, instrument, moment(inner.get("T"), now_ms), number, ("p", "q"))
            return Traded(instrument.symbol, moment(inner.get("E"), now_ms), (one,))
        if event == "kline":
            instrument, bar = instrument_of(known, inner.get("s")), record(inner.get("k"), "a candle")
            if bar.get("i") != self.intervals[timeframe]:
                raise DataFault(f"candles of {timeframe}", repr(bar.get("i"))[:60], "listen again")
            row = candle([bar.get(key) for key in ("t", "o", "h", "l", "c", "v")], instrument, step_ms, now_ms)
            return Candle(instrument.symbol, moment(inner.get("E"), now_ms), row)
        if event == "depthUpdate":
            instrument = instrument_of(known, inner.get("s"))
            span = count(inner.get("U"), "an update's number"), count(inner.get("u"), "an update's number")
            return Moved(instrument.symbol, moment(inner.get("E"), now_ms), *span)
        return None
