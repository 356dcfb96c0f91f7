"""What an embedded exchange is started with."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from sandbox.character import character_named
from sandbox.fault_rules import Plan
from sandbox.market import DAY_MS
from sandbox.pairs import EUR_PAIRS, KRAKEN_PAIRS, PAIRS, Pair, Rules
from trader_core.model.errors import OutOfRange, UnknownName
from trader_core.model.money import money

START_MS = 1_767_571_200_000
"""2026-01-05 00:00 UTC."""
END_MS = 7_258_118_400_000
"""2200-01-01."""
PORT_MAX = 65_535
LISTED: dict[str, tuple[Pair, ...]] = {"mexc": PAIRS, "binance": PAIRS + EUR_PAIRS, "kraken": KRAKEN_PAIRS}
"""What each dialect's exchange trades unless it is told otherwise."""
USUAL: dict[str, Rules] = {"mexc": Rules(), "binance": Rules(), "kraken": Rules(2_500, 4_000, money("0.45"))}
"""How each dialect's exchange behaves unless it is told otherwise."""
TREND_BPS = 180
"""The planted trend that the demonstration uses; 0 is none."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything about one exchange; the same config gives the same market to the last tick."""

    seed: int = 7
    start_ms: int = START_MS
    clock: str = "stepped"
    trend_bps: int = 0
    history_days: int = 30
    rules: Rules | None = None
    """How it behaves; none stands for the dialect's usual ones."""
    dialect: str = "mexc"
    """The protocol that it speaks: mexc, binance or kraken."""
    pairs: tuple[Pair, ...] = ()
    """What it trades; none stands for the dialect's usual ones."""
    credits: tuple[tuple[str, str], ...] = ()
    """What the generated account begins with; none stands for 10,000 of each quote currency."""
    replay: tuple[tuple[str, str], ...] = ()
    """(BASE/QUOTE, Parquet file of minutes or trades): these become the market, and the seeded one is not used."""
    books: tuple[tuple[str, str], ...] = ()
    """(BASE/QUOTE, Parquet files of a snapshot and of changes, with a comma between): the book of what is replayed."""
    market: str = "usual"
    """The character of the seeded market, and of all books that are not recorded: a name of sandbox.character."""
    faults: Plan = field(default_factory=Plan)
    """What goes wrong, from the start on."""
    port: int = 0
    admin_port: int = 0

    def __post_init__(self) -> None:
        """Refuse what no market can be made of."""
        if self.dialect not in LISTED:
            raise UnknownName(f"a dialect of {', '.join(LISTED)}", repr(self.dialect), "choose one of them")
        character_named(self.market)
        if self.seed < 0 or self.history_days < 0 or not 0 <= self.trend_bps <= 1_000:  # noqa: PLR2004 - 10 % swings are plenty
            found = f"seed {self.seed}, history_days {self.history_days}, trend_bps {self.trend_bps}"
            raise OutOfRange("a seed and history of at least 0 and a trend of 0 to 1000 bps", found, "correct it")
        if not (0 <= self.port <= PORT_MAX and 0 <= self.admin_port <= PORT_MAX):
            raise OutOfRange(f"ports from 0 to {PORT_MAX}", f"{self.port} and {self.admin_port}", "choose others; 0 takes a free one")
        if not self.history_days * DAY_MS <= self.start_ms < END_MS:
            raise OutOfRange("a start after 1970 and its history, and before 2200", str(self.start_ms), "choose another")

    @property
    def in_force(self) -> Rules:
        """Return how it behaves."""
        return self.rules or USUAL[self.dialect]

    @property
    def listed(self) -> tuple[Pair, ...]:
        """Return what is traded."""
        return self.pairs or LISTED[self.dialect]

    @property
    def paid_in(self) -> tuple[tuple[str, str], ...]:
        """Return what the generated account begins with."""
        return self.credits or tuple((quote, "10000") for quote in sorted({pair.quote for pair in self.listed}))

    @property
    def history_from_ms(self) -> int:
        """Return the time from which on candles are offered."""
        return self.start_ms - self.history_days * DAY_MS


def instant_ms(text: str) -> int:
    """Return an ISO date or time (UTC where it names no zone) as epoch ms; raises OutOfRange for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise OutOfRange("an ISO time such as 2026-01-05T00:00", repr(text), "write it so") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
