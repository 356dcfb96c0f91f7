"""The adapters by name. Pure."""

from trader_core.venues.adapters.base import Adapter
from trader_core.venues.adapters.binance import Binance
from trader_core.venues.adapters.kraken import Kraken
from trader_core.venues.adapters.mexc import Mexc

ADAPTERS: dict[str, Adapter] = {adapter.name: adapter for adapter in (Mexc(), Binance(), Kraken())}
