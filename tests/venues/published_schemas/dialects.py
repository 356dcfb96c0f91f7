"""All that was published, by dialect."""

from tests.venues.published_schemas import binance, binance_streams, kraken, mexc, mexc_streams
from tests.venues.published_schemas.shapes import Dialect

DIALECTS = {
    "mexc": Dialect(
        mexc.PUBLISHED | mexc_streams.PUBLISHED,
        mexc.UNPUBLISHED | mexc_streams.UNPUBLISHED,
        mexc.DIFFERENCES | mexc_streams.DIFFERENCES,
    ),
    "binance": Dialect(
        binance.PUBLISHED | binance_streams.PUBLISHED,
        binance.UNPUBLISHED | binance_streams.UNPUBLISHED,
        binance.DIFFERENCES | binance_streams.DIFFERENCES,
    ),
    "kraken": Dialect(kraken.PUBLISHED, kraken.UNPUBLISHED, kraken.DIFFERENCES),
}
