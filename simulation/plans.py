"""Plans: one run as data. The same plan gives the same run, on every machine and in every process; a file of it is a regression.

    {"seed": 7, "slots": 40, "traders": 1, "choices": {...},
     "faults": [{"site": "request", "kind": "request lost", "nth": 3, "params": {"ms": 7000}},
                {"site": "query", "kind": "query failed", "window": [60000, 90000]}],
     "commands": [{"command": "kill", "at_ms": 61000}, {"command": "pause", "stir": "has left", "nth": 2, "delay_ms": 30}],
     "crashes": [{"site": "commit", "kind": "commit failed", "nth": 12, "params": {"down_ms": 900}}]}

`nth` counts the times that the kind could strike, from 1; a window holds ms since the run's start. What the plan does not name
(prices, delays, the order of what happens at one moment) comes from sources of chance of their own, each made from the seed.
"""

import json
from dataclasses import asdict, dataclass, field, fields, replace
from random import Random
from typing import Any

from simulation.faults import CRASHES, TRAITS, Fault, Strike
from trader_core.model.command import Command
from trader_core.model.errors import BadInput
from trader_core.model.money import MONEY_MAX, UNIT

SLOTS = 40
SLOTS_MAX = 10_000
ABOUT_TO, HAS_LEFT, DATABASE_GONE = "about to leave", "has left", "database gone"
STIRS = frozenset({"", ABOUT_TO, HAS_LEFT, DATABASE_GONE})
ADVICE = "correct the plan, or draw a new one from its seed"


def source(seed: int, name: str) -> Random:
    """Return the source of chance of one name: what one source is asked for changes nothing in another."""
    return Random(f"{seed} {name}")  # noqa: S311 - chance that can be repeated is the point


@dataclass(frozen=True, slots=True)
class Choices:
    """The market, the limits and the bounds of a run. Money in account units, rates in parts per million, times in ms."""

    symbols: int = 3
    base_fees: int = 2
    """Bit k: buys of instrument k pay their fee in the base currency."""
    fee_ppm: int = 1_000
    volatility: int = 60
    """A bar moves by at most so many hundredths of a percent."""
    held_before: int = 0
    """Lots of each instrument that lay on the account before the session; they are nobody's business."""
    rest_ticks: int = 20
    """A resting order fills a little further on average once in so many looks at it."""
    positions_max: int = 3
    exposure_max: int = MONEY_MAX
    order_max: int = MONEY_MAX
    orders_per_hour: int = 0
    orders_per_instrument_day: int = 0
    errors_max: int = 0
    losses_max: int = 0
    drawdown_max_ppm: int = 0
    cooldown_ms: int = 300_000
    latch: bool = False
    stop_loss_ppm: int = 0
    take_profit_ppm: int = 0
    trailing_ppm: int = 0
    resting: bool = False
    """Stops are orders at the venue."""
    capital: int = 1_000 * UNIT
    window_ms: int = 5_000
    visibility_ms: int = 10_000
    give_up_ms: int = 600_000
    validity_window: bool = True
    lookup: bool = True
    """Whether the venue refuses a request that comes too late, and finds an order that has ended by its client id."""
    fees_later_ms: int = 0
    """So long after a trade the venue tells its fee, which then is half of what the schedule says; 0: at once, and all of it."""
    asks_per_minute: int = 0
    """So many questions to the venue on average, half as many at once, a quarter of those left to cancels; 0: as many as there are."""


@dataclass(frozen=True, slots=True)
class Word:
    """What an operator says: at a time, or after an order is about to leave, has left, or the database is lost for the nth time."""

    command: Command
    at_ms: int = 0
    stir: str = ""
    nth: int = 0
    delay_ms: int = 0
    held: bool = False
    """Only where something holds the session back and no kill does: a resume by routine."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """One run."""

    seed: int
    slots: int = SLOTS
    traders: int = 1
    """2: a second process waits for the lease."""
    choices: Choices = field(default_factory=Choices)
    faults: tuple[Strike, ...] = ()
    commands: tuple[Word, ...] = ()
    crashes: tuple[Strike, ...] = ()

    def without(self, *kinds: Fault) -> "RunPlan":
        """Return the plan without all faults and crashes of some kinds."""
        faults = tuple(strike for strike in self.faults if strike.kind not in kinds)
        return replace(self, faults=faults, crashes=tuple(strike for strike in self.crashes if strike.kind not in kinds))

    def dying_at(self, *points: int, down_ms: int = 1_000) -> "RunPlan":
        """Return the plan with a crash at some positions of the run in place of all its own crashes."""
        return replace(self, crashes=tuple(Strike(Fault.CRASH_AT, point, down_ms) for point in points))

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        return {
            "seed": self.seed, "slots": self.slots, "traders": self.traders, "choices": asdict(self.choices),
            "faults": [_strike_json(strike) for strike in self.faults],
            "commands": [{name: value for name, value in asdict(word).items() if value} for word in self.commands],
            "crashes": [_strike_json(strike) for strike in self.crashes],
        }  # fmt: skip

    def text(self) -> str:
        """Return the plan as the text of a file: one line per fault, so that two plans can be compared."""
        parts = self.to_json()
        lines = [f'  "{name}": {json.dumps(parts[name])},' for name in ("seed", "slots", "traders", "choices")]
        for name in ("faults", "commands", "crashes"):
            rows = ",\n".join(f"    {json.dumps(row)}" for row in parts[name])
            lines.append(f'  "{name}": [' + (f"\n{rows}\n  ]" if rows else "]") + ("" if name == "crashes" else ","))
        return "{\n" + "\n".join(lines) + "\n}\n"


def parse(text: str) -> RunPlan:
    """Return the plan that a file's text holds; raises BadInput naming what cannot be read in it."""
    try:
        body = json.loads(text)
    except ValueError as error:
        raise BadInput("a plan as JSON", str(error)[:80], ADVICE) from error
    if not isinstance(body, dict):
        raise BadInput("a plan as a JSON object", type(body).__name__, ADVICE)
    known = {item.name for item in fields(RunPlan)}
    if not body.keys() <= known or "seed" not in body:
        raise BadInput(f"a plan with a seed, and of {', '.join(sorted(known))}", ", ".join(map(str, body))[:80], ADVICE)
    choices = _record(Choices, body.get("choices", {}))
    faults, crashes = (tuple(_strike(row) for row in _rows(body, name)) for name in ("faults", "crashes"))
    if wrong := [s.kind for s in faults if s.kind in CRASHES] + [s.kind for s in crashes if s.kind not in CRASHES]:
        raise BadInput("crashes under crashes, and every other fault under faults", str(wrong[0]), ADVICE)
    words = tuple(_word(row) for row in _rows(body, "commands"))
    seed, slots, traders = (_within(name, body.get(name, low), low, high) for name, low, high in _BOUNDS)
    slots = slots if "slots" in body else SLOTS
    return RunPlan(seed, slots, traders, _checked(choices), faults, words, crashes)


_BOUNDS = (("seed", 0, 2**63), ("slots", 1, SLOTS_MAX), ("traders", 1, 2))
_CHOICE_BOUNDS = {
    "symbols": (1, 3), "base_fees": (0, 7), "fee_ppm": (0, 100_000), "volatility": (0, 2_000), "held_before": (0, 10**6),
    "rest_ticks": (1, 10**6), "positions_max": (1, 60), "window_ms": (2_000, 60_000), "visibility_ms": (1_500, 120_000),
    "give_up_ms": (1_000, 3_600_000),
    "capital": (UNIT, 10**6 * UNIT), "asks_per_minute": (0, 10**6),
}  # fmt: skip


def _checked(choices: Choices) -> Choices:
    for name, (low, high) in _CHOICE_BOUNDS.items():
        _within(name, getattr(choices, name), low, high)
    return choices


def _within(name: str, value: Any, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadInput(f"{name} as an integer from {low} to {high}", repr(value)[:40], ADVICE)
    return value


def _rows(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = body.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadInput(f"{name} as a list of objects", repr(rows)[:60], ADVICE)
    return rows


def _record(kind: Any, body: Any) -> Any:
    known = {item.name: item.type for item in fields(kind)}
    if not isinstance(body, dict) or not body.keys() <= known.keys():
        raise BadInput(f"{kind.__name__.lower()} of {', '.join(known)}", repr(body)[:80], ADVICE)
    for name, value in body.items():
        if (known[name] is bool and not isinstance(value, bool)) or not isinstance(value, int):
            raise BadInput(f"{name} as {getattr(known[name], '__name__', known[name])}", repr(value)[:40], ADVICE)
    return kind(**body)


def _word(row: dict[str, Any]) -> Word:
    known = {item.name for item in fields(Word)}
    if row.keys() - known or row.get("command") not in set(Command) or row.get("stir", "") not in STIRS:
        raise BadInput(f"a command of {', '.join(Command)} with {', '.join(sorted(known))}", repr(row)[:80], ADVICE)
    numbers = {name: _within(name, row.get(name, 0), 0, 2**40) for name in ("at_ms", "nth", "delay_ms")}
    return Word(Command(row["command"]), stir=row.get("stir", ""), held=bool(row.get("held", False)), **numbers)


def _strike(row: dict[str, Any]) -> Strike:
    if row.get("kind") not in set(Fault):
        raise BadInput(f"a kind of {', '.join(Fault)}", repr(row.get("kind"))[:60], ADVICE)
    kind = Fault(row["kind"])
    trait, params = TRAITS[kind], row.get("params", {})
    wanted = {trait.parameter} if trait.parameter else set()
    if not isinstance(params, dict) or set(params) != wanted or row.get("site", trait.site) != trait.site:
        raise BadInput(f"{kind} at the site {trait.site} with params {sorted(wanted)}", repr(row)[:80], ADVICE)
    value = _within(trait.parameter, params[trait.parameter], min(trait.low, 0), trait.high * 10) if wanted else 0
    window = row.get("window")
    if window is None:
        return Strike(kind, _within("nth", row.get("nth"), 1, 2**40), value)
    if not isinstance(window, list) or len(window) != 2 or "nth" in row:  # noqa: PLR2004 - from and to
        raise BadInput("a window of two numbers of ms, and then no nth", f"window {window!r}"[:80], ADVICE)
    start, end = (_within("window", part, 0, 2**40) for part in window)
    return Strike(kind, 0, value, (start, end))


def _strike_json(strike: Strike) -> dict[str, Any]:
    trait = TRAITS[strike.kind]
    row: dict[str, Any] = {"site": trait.site, "kind": str(strike.kind)}
    row |= {"nth": strike.nth} if strike.window is None else {"window": list(strike.window)}
    return row | ({"params": {trait.parameter: strike.value}} if trait.parameter else {})
