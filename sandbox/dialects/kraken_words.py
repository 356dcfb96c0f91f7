"""Kraken's words: why it refuses, and how it writes amounts, prices and times. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime

from sandbox.orders import No, Refused
from trader_core.model.money import to_text

WORDS: Mapping[No, str] = {
    No.SYMBOL: "EQuery:Unknown asset pair",
    No.FUNDS: "EOrder:Insufficient funds",
    No.LOT: "EGeneral:Invalid arguments:volume",
    No.TICK: "EOrder:Tick size check failed",
    No.QTY_ZERO: "EGeneral:Invalid arguments:volume",
    No.QTY_MIN: "EGeneral:Invalid arguments:volume minimum not met",
    No.NO_QTY: "EGeneral:Invalid arguments:volume",
    No.NOTIONAL_MIN: "EOrder:Cost minimum not met",
    No.NOTIONAL_MAX: "EGeneral:Invalid arguments:volume",
    No.NO_ORDER: "EOrder:Invalid order",
    No.NOT_CANCELABLE: "EOrder:Unknown order",
    No.DUPLICATE: "EGeneral:Invalid arguments:cl_ord_id not unique",
    No.WOULD_TAKE: "EOrder:Post only order",
    No.PARAMETER: "EGeneral:Invalid arguments:{detail}",
    No.ILLEGAL: "EGeneral:Invalid arguments:{detail}",
    No.PRECISION: "EGeneral:Invalid arguments:{detail}",
    No.REPEATED: "EGeneral:Invalid arguments:{detail}",
    No.KEY: "EAPI:Invalid key",
    No.SIGNATURE: "EAPI:Invalid signature",
    No.TIMESTAMP: "EAPI:Invalid nonce",
    No.RATE: "EAPI:Rate limit exceeded",
    No.WOULD_TRIGGER: "EOrder:Invalid price",
    No.TOO_MANY: "EOrder:Orders limit exceeded",
    No.BAND: "EOrder:Invalid price",
    No.HALTED: "EService:Market in cancel_only mode",
    No.LISTEN_KEY: "ESession:Invalid session",
}
UNKNOWN_METHOD = "EGeneral:Unknown method"


class Worded(Refused):
    """A refusal for which only Kraken has a word."""

    def __init__(self, why: No, words: str) -> None:
        """Keep the words; `why` is the nearest reason of the core."""
        super().__init__(why, words)
        self.words = words


def late() -> Worded:
    """Return the refusal of an order whose deadline has passed."""
    return Worded(No.TIMESTAMP, "EService:Deadline elapsed")


def no_price(detail: str = "") -> Worded:
    """Return the refusal of a price that is zero, or has more decimals than its pair."""
    return Worded(No.TICK, f"EOrder:Invalid price:{detail}".removesuffix(":"))


def forbidden() -> Worded:
    """Return the refusal of what the key may not do."""
    return Worded(No.KEY, "EGeneral:Permission denied")


def words_of(refused: Refused) -> str:
    """Return a refusal in Kraken's words."""
    if isinstance(refused, Worded):
        return refused.words
    return WORDS[refused.why].format(detail=refused.detail).removesuffix(":")


def padded(amount: int, exponent: int, decimals: int) -> str:
    """Return `amount` counts of 10^-exponent as text with at least so many decimals."""
    whole, _, fraction = to_text(amount, exponent).partition(".")
    return f"{whole}.{fraction.ljust(decimals, '0')}" if decimals or fraction else whole


def seconds(ms: int) -> float:
    """Return a time as Kraken writes it: seconds with a fraction."""
    return ms / 1_000


def rfc3339(ms: int) -> str:
    """Return a time as text, to the second."""
    return datetime.fromtimestamp(ms // 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc1123(ms: int) -> str:
    """Return a time as the venue's clock tells it, with a year of two digits."""
    return datetime.fromtimestamp(ms // 1_000, UTC).strftime("%a, %d %b %y %H:%M:%S +0000")
