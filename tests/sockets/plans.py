"""Plans of the second tier: one run over real sockets as data; a file of it is a regression.

    {"seed": 7, "slots": 30, "traders": 1, "dialect": "mexc", "clock": "stepped", "market": "usual", "symbols": 3,
     "venue": [{"site": "POST /api/v3/order", "kind": "reset", "when": "after", "nth": 3, "count": 1}],
     "faults": [{"kind": "answer lost", "site": "order", "nth": 2, "value": 0},
                {"kind": "database away", "site": "moment", "nth": 90, "value": 400}],
     "commands": [{"command": "kill", "by": "file", "stir": "has left", "nth": 4, "delay_ms": 10}]}

`venue` holds rules of the embedded exchange (docs/faults.md). `nth` counts what passes a site, from 1; at the site `moment` it counts
requests to the exchange, whatever strikes then: a busy machine is slower, and its plans are the same.
"""

import json
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, NamedTuple

from simulation.faults import Fault
from simulation.plans import ABOUT_TO, ADVICE, HAS_LEFT
from trader_core.model.command import Command
from trader_core.model.errors import BadInput

COMMITTING, PASSES = "is being committed", "a request passes"
"""The moments at which the COMMIT of a SENDING goes to the database, and at which any request comes to the exchange."""
ORDER, LEFT, REQUEST, COMMIT, SENDING, MOMENT = "order", "left", "request", "commit", "sending", "moment"
WAYS = ("word", "switch", "file")
"""How a kill or a pause is said: by the operator's word, by the database's switch, by a file in the trader's home."""
SAID = (Command.KILL, Command.PAUSE, Command.RESUME, Command.CANCEL_ALL, Command.CLOSE_ALL)


class Chaos(StrEnum):
    """What happens to a connection, to the database or to a process; the names of the simulator's where they mean the same."""

    REQUEST_LOST = Fault.REQUEST_LOST.value
    REQUEST_CUT = "request cut"
    SLOW_REQUEST = Fault.SLOW_REQUEST.value
    ANSWER_LOST = Fault.ANSWER_LOST.value
    ANSWER_CUT = "answer cut"
    SLOW_ANSWER = Fault.SLOW_ANSWER.value
    LOSSY = "requests lost by chance"
    EXCHANGE_AWAY = "exchange away"
    EXCHANGE_STALLS = "exchange stalls"
    COMMIT_FAILED = Fault.COMMIT_FAILED.value
    COMMIT_UNANSWERED = Fault.COMMIT_UNANSWERED.value
    SLOW_COMMIT = "slow commit"
    DATABASE_AWAY = Fault.DATABASE_AWAY.value
    DATABASE_STALLS = "database stalls"
    DATABASE_CUT = "database cut in mid-message"
    LOCK_LOST = Fault.LOCK_LOST.value
    CRASH = Fault.CRASH.value
    PAUSED = Fault.PAUSED.value
    OVERTAKEN = "process overtaken"


class Trait(NamedTuple):
    """Where a kind can strike, what its value means, and between what it is drawn."""

    sites: tuple[str, ...]
    means: str
    low: int
    high: int


ANYWHERE = (ORDER, LEFT, COMMIT, SENDING, MOMENT)
TRAITS = {
    Chaos.REQUEST_LOST: Trait((ORDER, REQUEST), "ms until the connection is reset", 0, 1_500),
    Chaos.REQUEST_CUT: Trait((ORDER, REQUEST), "bytes that arrive", 1, 400),
    Chaos.SLOW_REQUEST: Trait((ORDER, REQUEST), "ms", 50, 1_500),
    Chaos.ANSWER_LOST: Trait((ORDER, REQUEST), "ms until the connection is reset", 0, 1_500),
    Chaos.ANSWER_CUT: Trait((ORDER, REQUEST), "bytes that arrive", 0, 300),
    Chaos.SLOW_ANSWER: Trait((ORDER, REQUEST), "ms", 50, 1_500),
    Chaos.LOSSY: Trait((MOMENT,), "percent, for two seconds", 20, 20),
    Chaos.EXCHANGE_AWAY: Trait((MOMENT,), "ms", 100, 1_500),
    Chaos.EXCHANGE_STALLS: Trait((MOMENT,), "ms", 100, 1_500),
    Chaos.COMMIT_FAILED: Trait((COMMIT, SENDING), "ms that the database stays away", 0, 700),
    Chaos.COMMIT_UNANSWERED: Trait((COMMIT, SENDING), "ms that the database stays away", 0, 700),
    Chaos.SLOW_COMMIT: Trait((COMMIT, SENDING), "ms", 50, 1_500),
    Chaos.DATABASE_AWAY: Trait((MOMENT,), "ms", 100, 1_500),
    Chaos.DATABASE_STALLS: Trait((MOMENT,), "ms", 100, 1_500),
    Chaos.DATABASE_CUT: Trait((MOMENT,), "bytes that still arrive", 1, 3_000),
    Chaos.LOCK_LOST: Trait((MOMENT,), "nothing", 0, 0),
    Chaos.CRASH: Trait(ANYWHERE, "ms until it is started again", 0, 500),
    Chaos.PAUSED: Trait(ANYWHERE, "ms", 50, 1_500),
    Chaos.OVERTAKEN: Trait(ANYWHERE, "ms for which it stands still without its database", 1_500, 3_500),
}


class Strike(NamedTuple):
    """One planned fault."""

    kind: Chaos
    site: str
    nth: int
    value: int = 0


@dataclass(frozen=True, slots=True)
class Word:
    """What an operator says, how, and when: soon after the nth request, or the nth order that leaves, left or is committed."""

    command: Command
    by: str = "word"
    stir: str = PASSES
    nth: int = 1
    delay_ms: int = 0


@dataclass(frozen=True, slots=True)
class SockPlan:
    """One run."""

    seed: int
    slots: int = 30
    traders: int = 1
    """2: a second process is kept started beside the first, on a home of its own."""
    dialect: str = "mexc"
    clock: str = "stepped"
    market: str = "usual"
    symbols: int = 3
    venue: tuple[dict[str, Any], ...] = ()
    faults: tuple[Strike, ...] = ()
    commands: tuple[Word, ...] = ()

    def text(self) -> str:
        """Return the plan as the text of a file, one line per fault."""
        head = [f'  "{name}": {json.dumps(getattr(self, name))}' for name in PLAIN]
        rows = {
            "venue": list(self.venue),
            "faults": [one._asdict() for one in self.faults],
            "commands": [{name: value for name, value in asdict(word).items() if value} for word in self.commands],
        }
        for name, found in rows.items():
            lines = ",\n".join(f"    {json.dumps(row)}" for row in found)
            head.append(f'  "{name}": [' + (f"\n{lines}\n  ]" if lines else "]"))
        return "{\n" + ",\n".join(head) + "\n}\n"


PLAIN = ("seed", "slots", "traders", "dialect", "clock", "market", "symbols")
_BOUNDS = {"seed": (0, 2**63), "slots": (1, 10_000), "traders": (1, 2), "symbols": (1, 3)}
_CHOICES = {
    "dialect": ("mexc", "binance"), "clock": ("stepped", "60x"), "market": ("usual", "calm", "wild", "gaps", "thin", "crash", "worst"),
}  # fmt: skip


def parse(text: str) -> SockPlan:
    """Return the plan that a file's text holds; raises BadInput naming what cannot be read in it."""
    try:
        body = json.loads(text)
    except ValueError as error:
        raise BadInput("a plan as JSON", str(error)[:80], ADVICE) from error
    known = {one.name for one in fields(SockPlan)}
    if not isinstance(body, dict) or "seed" not in body or not body.keys() <= known:
        raise BadInput(f"an object with a seed, and of {', '.join(sorted(known))}", repr(body)[:80], ADVICE)
    plain = {name: body[name] for name in PLAIN if name in body}
    for name, value in plain.items():
        _check(name, value)
    lists = {name: body.get(name, []) for name in ("venue", "faults", "commands")}
    if not all(isinstance(rows, list) and all(isinstance(row, dict) for row in rows) for rows in lists.values()):
        raise BadInput("venue, faults and commands as lists of objects", repr(lists)[:80], ADVICE)
    faults, commands = tuple(_strike(row) for row in lists["faults"]), tuple(_word(row) for row in lists["commands"])
    return SockPlan(**plain, venue=tuple(lists["venue"]), faults=faults, commands=commands)


def _check(name: str, value: Any) -> None:
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise BadInput(f"a {name} of {', '.join(_CHOICES[name])}", repr(value)[:40], ADVICE)
        return
    low, high = _BOUNDS[name]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadInput(f"{name} as an integer from {low} to {high}", repr(value)[:40], ADVICE)


def _whole(row: dict[str, Any], name: str, low: int = 0) -> int:
    value = row.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= 2**40:
        raise BadInput(f"{name} as an integer from {low}", repr(row)[:80], ADVICE)
    return value


def _strike(row: dict[str, Any]) -> Strike:
    if row.get("kind") not in set(Chaos) or not row.keys() <= set(Strike._fields):
        raise BadInput(f"a kind of {', '.join(Chaos)}", repr(row)[:80], ADVICE)
    kind = Chaos(row["kind"])
    if row.get("site") not in TRAITS[kind].sites:
        raise BadInput(f"{kind} at a site of {', '.join(TRAITS[kind].sites)}", repr(row)[:80], ADVICE)
    return Strike(kind, row["site"], _whole(row, "nth", 1), _whole(row, "value"))


def _word(row: dict[str, Any]) -> Word:
    known = {one.name for one in fields(Word)}
    by, stir = row.get("by", "word"), row.get("stir", PASSES)
    if row.get("command") not in set(SAID) or not row.keys() <= known or stir not in {PASSES, ABOUT_TO, HAS_LEFT, COMMITTING}:
        raise BadInput(f"a command of {', '.join(SAID)} with {', '.join(sorted(known))}", repr(row)[:80], ADVICE)
    command = Command(row["command"])
    if by not in WAYS or (by != "word" and command not in {Command.KILL, Command.PAUSE}):
        raise BadInput("a word, or a kill or a pause by switch or file", repr(row)[:80], ADVICE)
    return Word(command, by, stir, _whole(row, "nth", 1), _whole(row, "delay_ms"))
