"""The adapters by name, and what those venues speak that have streams. Pure."""

from trader_core.venues.adapters.base import Adapter
from trader_core.venues.adapters.binance import Binance
from trader_core.venues.adapters.binance_speech import BinanceSpeech
from trader_core.venues.adapters.kraken import Kraken
from trader_core.venues.adapters.mexc import Mexc
from trader_core.venues.adapters.mexc_speech import MexcSpeech
from trader_core.venues.adapters.speech import Speech

ADAPTERS: dict[str, Adapter] = {adapter.name: adapter for adapter in (Mexc(), Binance(), Kraken())}
SPEECHES: dict[str, Speech] = {"mexc": MexcSpeech(), "binance": BinanceSpeech()}
"""Kraken is missing: there the feed asks by REST."""
