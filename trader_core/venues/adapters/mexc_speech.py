"""MEXC's streams: protobuf that the client decodes. Its trades have no numbers, its candles no word for closed. Pure."""

from collections.abc import Mapping
from typing import Any

from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument
from trader_core.venues.adapters.speech import Speech, candle, count, instrument_of, moment, trade
from trader_core.venues.fields import record, rows
from trader_core.venues.spoken import Candle, Kind, Moved, Said, Stirred, Traded

_PRIVATE = {"privateOrders": Kind.ORDERS, "privateDeals": Kind.FILLS, "privateAccount": Kind.BALANCE}
_KEEP_ALIVE_MS = 1_200_000
_SECOND_MS = 1_000


class MexcSpeech(Speech):
    """What MEXC's streams say."""

    hook = "handle_protobuf_message"
    per_line = 30
    calls = frozenset({("POST", "/api/v3/userDataStream"), ("PUT", "/api/v3/userDataStream"), ("GET", "/api/v3/depth")})
    words = frozenset({"SUBSCRIPTION", "UNSUBSCRIPTION", "ping"})
    intervals = {"1m": "Min1", "5m": "Min5", "15m": "Min15", "30m": "Min30", "1h": "Min60", "4h": "Hour4", "1d": "Day1"}  # noqa: RUF012

    def tune(self, options: dict[str, Any], speed: float) -> None:
        """Keep the listen key alive in the venue's time."""
        options["listenKeyRefreshRate"] = int(_KEEP_ALIVE_MS / speed)

    def said(self, message: object, known: Mapping[str, Instrument], timeframe: str, step_ms: int, now_ms: int) -> Said | None:
        """Return what a message says."""
        outer = record(message, "a message")
        event_ms = moment(outer.get("sendTime", outer.get("createTime")), now_ms)
        for key, kind in _PRIVATE.items():
            if key in outer:
                return Stirred(kind, event_ms)
        if "publicAggreDeals" in outer:
            instrument = instrument_of(known, outer.get("symbol"))
            deals = [record(row, "a trade") for row in rows(_inner(outer, "publicAggreDeals").get("deals"), "trades")]
            prints = (trade(row, instrument, moment(row.get("time"), now_ms), -1, ("price", "quantity")) for row in deals)
            return Traded(instrument.symbol, event_ms, tuple(prints))
        if "publicSpotKline" in outer:
            instrument, inner = instrument_of(known, outer.get("symbol")), _inner(outer, "publicSpotKline")
            if inner.get("interval") != self.intervals[timeframe]:
                raise DataFault(f"candles of {timeframe}", repr(inner.get("interval"))[:60], "listen again")
            opens_ms = count(inner.get("windowStart"), "the open of a candle") * _SECOND_MS
            names = ("openingPrice", "highestPrice", "lowestPrice", "closingPrice", "volume")
            return Candle(instrument.symbol, event_ms, candle([opens_ms, *map(inner.get, names)], instrument, step_ms, now_ms))
        if "publicAggreDepths" in outer:
            instrument, inner = instrument_of(known, outer.get("symbol")), _inner(outer, "publicAggreDepths")
            span = count(inner.get("fromVersion"), "a version"), count(inner.get("toVersion"), "a version")
            return Moved(instrument.symbol, event_ms, *span)
        return None


def _inner(outer: dict[str, Any], key: str) -> dict[str, Any]:
    return record(outer[key], key)
