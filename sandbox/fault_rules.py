"""What one rule of a fault plan is: where, when, and what happens instead. Pure data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from sandbox.chance import chance
from sandbox.fault_kinds import KINDS, Area

JSON_TYPE = "application/json"
WORLD = "world"
STREAM = "stream:"
CONNECTION = "stream:connection"
"""A connection as a whole, whatever it listens to."""


class Answer(NamedTuple):
    """One HTTP response."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()


class Trouble(StrEnum):
    """What a venue says in its own words when it is in trouble."""

    RATE = "RATE"
    BANNED = "BANNED"
    INTERNAL = "INTERNAL"
    MAINTENANCE = "MAINTENANCE"
    UNKNOWN = "UNKNOWN"
    CLOCK = "CLOCK"


class Facts(NamedTuple):
    """What a rule can ask of a request or a message, in the exchange's own words."""

    symbol: str = ""
    side: str = ""
    client_id: str = ""
    params: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Only:
    """Narrows a rule; what is left out holds for all."""

    symbol: str = ""
    side: str = ""
    client_id: str = ""
    """The beginning of a client id."""
    param: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the request that must be equal."""
    chance: float = 1.0
    """The share of those that fit which is hit, drawn from the plan's seed."""

    def fits(self, facts: Facts) -> bool:
        """Return whether what was asked for is meant, chance aside."""
        return (
            self.symbol in ("", facts.symbol)
            and self.side in ("", facts.side.upper())
            and facts.client_id.startswith(self.client_id)
            and all(facts.params.get(name) == value for name, value in self.param.items())
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule: of what happens at a site while its window is open, `count` from the `nth` on meet `kind`."""

    site: str
    kind: str
    when: str = "after"
    """Whether a request is executed (`after`) or not (`before`)."""
    nth: int = 1
    count: int | None = None
    """None stands for 1, and for all where a window or chance limits them."""
    params: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    fired: int = 0
    since: str = ""
    until: str = ""
    """The window as written: ISO times, or offsets such as +90s."""
    since_ms: int | None = None
    until_ms: int | None = None
    only: Only = field(default_factory=Only)
    seed: int = 0
    number: int = 1
    """Its place in its plan, counted from 1."""

    @property
    def area(self) -> Area:
        """Return what it acts on."""
        if self.site == WORLD:
            return Area.WORLD
        return Area.STREAM if self.site.startswith(STREAM) else Area.REQUEST

    @property
    def last(self) -> int | None:
        """Return the number of the last one that it can hit; None is no end."""
        if self.count is not None:
            return self.nth + self.count - 1
        limited = self.since or self.until or self.only.chance < 1
        return None if limited and not KINDS[self.kind].once else self.nth

    def param(self, name: str) -> Any:
        """Return a parameter, or what it usually is."""
        return self.params.get(name, KINDS[self.kind].params[name].usual)

    def is_at(self, site: str) -> bool:
        """Return whether a site is meant; a pattern of streams does not mean connections."""
        return site == self.site if site == CONNECTION else fnmatchcase(site, self.site)

    def open_at(self, now_ms: int) -> bool:
        """Return whether its window is open: from its beginning on, and before its end."""
        return (self.since_ms is None or self.since_ms <= now_ms) and (self.until_ms is None or now_ms < self.until_ms)

    def draw(self, *what: int | str) -> float:
        """Return the number in [0, 1) that its present count has drawn, for a further choice where one is named."""
        return chance(self.seed, self.number, self.seen, *what)

    def data(self) -> dict[str, Any]:
        """Return it as a plan file has it, with its counts."""
        only = {name: value for name, value in asdict(self.only).items() if value != getattr(Only(), name)}
        window = {name: text for name, text in (("from", self.since), ("until", self.until)) if text}
        count = self.last - self.nth + 1 if self.last else None
        return {
            "site": self.site, "kind": self.kind, "when": self.when, "nth": self.nth, "count": count, "params": self.params,
            **window, "only": only, "seen": self.seen, "fired": self.fired,
        }  # fmt: skip


class Plan(NamedTuple):
    """Rules and the seed of their chance."""

    seed: int = 0
    rules: tuple[Fault, ...] = ()
