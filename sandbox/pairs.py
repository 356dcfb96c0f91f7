"""The ten pairs that the embedded exchange trades, and the rules that hold for all of them."""

from dataclasses import dataclass, fields, replace

from trader_core.model.errors import OutOfRange
from trader_core.model.money import MONEY_EXP, PPM, money


@dataclass(frozen=True, slots=True)
class Pair:
    """One market: prices count 10^-price_exp, quantities 10^-qty_exp; the tick and the lot are 1 of these."""

    base: str
    quote: str
    price_exp: int
    qty_exp: int
    reference: int
    """The price around which the seeded market moves."""
    volatility_day: float
    """Standard deviation of a day's logarithmic return."""
    turnover_day: float
    """Traded volume of a usual day in quote."""
    qty_min: int = 1
    depth: float = 1.0
    """Size of the levels of its book, in usual ones."""
    spread: float = 1.0
    """Distance of the levels of its book, in usual ones."""
    levels: int = 100
    """Levels on each side of its book, at most 100."""

    def __post_init__(self) -> None:
        """Refuse a grid on which a notional would not be a whole number of ledger units."""
        if self.price_exp + self.qty_exp > MONEY_EXP:
            raise OutOfRange(f"price_exp + qty_exp up to {MONEY_EXP}", f"{self.price_exp} + {self.qty_exp}", "use a coarser grid")

    @property
    def id(self) -> str:
        """Return the venue's name of the market, such as BTCUSDT."""
        return self.base + self.quote

    @property
    def symbol(self) -> str:
        """Return the usual name of the market, such as BTC/USDT."""
        return f"{self.base}/{self.quote}"

    @property
    def notional_factor(self) -> int:
        """Return the ledger units (10^-10 of the quote) that one tick times one lot is worth: exact by construction."""
        return int(10 ** (MONEY_EXP - self.price_exp - self.qty_exp))

    @property
    def qty_factor(self) -> int:
        """Return the ledger units (10^-10 of the base) of one lot."""
        return int(10 ** (MONEY_EXP - self.qty_exp))


PAIRS = (
    Pair("BTC", "USDT", 2, 6, 95_000_00, 0.025, 90e6),
    Pair("ETH", "USDT", 2, 5, 3_300_00, 0.035, 60e6),
    Pair("SOL", "USDT", 2, 4, 140_00, 0.042, 30e6),
    Pair("XRP", "USDT", 4, 2, 2_1000, 0.040, 30e6),
    Pair("DOGE", "USDT", 5, 2, 14_000, 0.045, 20e6),
    Pair("ADA", "USDT", 4, 2, 4_000, 0.043, 15e6),
    Pair("LINK", "USDT", 3, 3, 13_000, 0.042, 12e6),
    Pair("LTC", "USDT", 2, 4, 80_00, 0.036, 12e6),
    Pair("AVAX", "USDT", 3, 3, 13_500, 0.045, 10e6),
    Pair("DOT", "USDT", 4, 2, 2_1000, 0.043, 10e6),
)
"""Precisions as MEXC's; prices and liquidity plausible for the start of 2026, not anybody's quotes."""

EUR_PAIRS = tuple(replace(pair, quote="EUR", reference=pair.reference * 86 // 100) for pair in PAIRS)
"""The same coins against the euro; a market of its own each, not tied to the dollar's."""

KRAKEN_GRIDS = {
    "BTC": (1, 8, 5_000), "ETH": (2, 8, 100_000), "SOL": (2, 8, 2_000_000), "XRP": (5, 5, 200_000), "DOGE": (7, 3, 20_000),
    "ADA": (6, 4, 50_000), "LINK": (5, 5, 20_000), "LTC": (2, 8, 4_000_000), "AVAX": (2, 8, 10_000_000), "DOT": (4, 6, 700_000),
}  # fmt: skip
"""Decimals of the price, decimals of the quantity, and the smallest quantity in lots: 0.00005 BTC."""


def _regrided(pair: Pair, price_exp: int, qty_exp: int, qty_min: int) -> Pair:
    """Return a pair on another grid, at the same price."""
    reference = pair.reference * 10**price_exp // 10**pair.price_exp
    return replace(pair, price_exp=price_exp, qty_exp=qty_exp, qty_min=qty_min, reference=reference)


KRAKEN_PAIRS = tuple(_regrided(pair, *KRAKEN_GRIDS[pair.base]) for pair in EUR_PAIRS)
"""The pairs against the euro on Kraken's grids. Lots of coins with many decimals in their price are coarser than its 8 decimals."""

DUPLICATES = ("open", "always", "accept")
CROSSINGS = ("reject", "cancel")
FEES_IN = ("quote", "received")
QUEUES = ("through", "touch")
SELF_TRADES = ("allow", "expire_taker", "expire_maker")
SKEW_MAX_MS = 86_400_000
CHOICES = {"duplicates": DUPLICATES, "crossing": CROSSINGS, "fee_in": FEES_IN, "queue": QUEUES, "self_trade": SELF_TRADES}
"""What the rules that are words may say."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How the exchange behaves; what MEXC does is not known for `duplicates` and `crossing`, so every setting must be survived."""

    maker_ppm: int = 0
    taker_ppm: int = 500
    notional_min: int = money("1")
    notional_max: int = money("2000000")
    duplicates: str = "open"
    """A client id used before is refused while that order is open, refused always, or accepted."""
    crossing: str = "reject"
    """A post-only order that would take is refused, or accepted and cancelled at once."""
    read_lag_ms: int = 0
    """Orders and fills become visible to reads this much venue time after they were written."""
    skew_ms: int = 0
    """The venue's clock, as it reports it and checks signatures with, runs this much ahead of the market's."""
    fee_in: str = "quote"
    """Fees are taken in quote, or from what a fill brings in: a buyer pays in base then."""
    weight_limit: int = 0
    """Request weight allowed in a minute of venue time; 0 is unlimited."""
    accounts_meet: bool = False
    """Orders of accounts trade with each other too, and stand in the book; else with the synthetic market alone."""
    self_trade: str = "expire_maker"
    """What happens where accounts meet and an order meets one of its own account: they trade, or one of the two ends."""
    queue: str = "through"
    """A resting order fills when a tick trades through its price, or already at its price once those before it are served."""
    fee_currency: str = ""
    """Fees are taken in this third currency while its free balance suffices; none where it is empty."""
    fee_rates: tuple[tuple[str, int], ...] = ()
    """(quote, price of one unit of the fee's currency in ledger units of that quote); other quotes are charged as usual."""
    open_orders_max: int = 0
    """Open orders that an account may have on one market; 0 is unlimited."""
    price_band_ppm: int = 0
    """How far from the last price a limit may lie; 0 is anywhere."""

    def __post_init__(self) -> None:
        """Refuse rules under which the ledger could not promise what it locks, and values that mean nothing."""
        for field in fields(self):
            value, kind = getattr(self, field.name), type(field.default)
            if type(value) is not kind:
                raise OutOfRange(f"{field.name} as {kind.__name__}", repr(value), "correct it")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise OutOfRange(f"{name} of {', '.join(choices)}", repr(getattr(self, name)), "choose one of them")
        if not 0 <= self.maker_ppm <= self.taker_ppm < PPM:
            raise OutOfRange("0 <= maker fee <= taker fee < 100 %", f"{self.maker_ppm}/{self.taker_ppm} ppm", "correct the fees")
        if abs(self.skew_ms) > SKEW_MAX_MS:
            raise OutOfRange(f"a skew_ms of at most {SKEW_MAX_MS} either way", str(self.skew_ms)[:40], "correct it")
        least = min(self.notional_min, self.read_lag_ms, self.weight_limit, self.open_orders_max, self.price_band_ppm)
        if least < 0 or self.notional_max < self.notional_min:
            raise OutOfRange("rules of at least 0 with notional_min <= notional_max", repr(self), "correct them")
        priced = all(type(quote) is str and type(price) is int and price > 0 for quote, price in self.fee_rates)
        if not priced or bool(self.fee_currency) != bool(self.fee_rates):
            expected = "a fee_currency together with fee_rates above 0, or neither"
            raise OutOfRange(expected, f"{self.fee_currency!r} and {self.fee_rates}", "give both, or neither")

    def fee_price(self, quote: str) -> int:
        """Return the price of one unit of the fee's currency in ledger units of a quote; 0 where fees are charged as usual."""
        return next((price for name, price in self.fee_rates if name == quote), 0)
