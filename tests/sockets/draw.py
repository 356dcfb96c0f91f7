"""From a seed to a plan of the second tier: each kind of fault and each word is on or off by lot, rare or frequent."""

from random import Random
from typing import Any

from sandbox.fault_kinds import REQUEST_KINDS, STREAM_KINDS, WORLD_KINDS
from sandbox.swarm import PARAMS as DRAWS
from sandbox.swarm import Ground, _Dice
from simulation.plans import ABOUT_TO, HAS_LEFT, source
from tests.sockets.plans import COMMITTING, MOMENT, PASSES, SAID, TRAITS, Chaos, SockPlan, Strike, Trait, Word
from trader_core.model.command import Command

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
ORDER_SITE, ANY_SITE, READS = "POST /api/v3/order", "* /*", "GET /api/v3/*"
NOT_ASKED = frozenset({"crossed_book", "sequence_gap"})
"""Kinds that act on order books, which a session does not ask for."""
LISTS = frozenset({"partial_list", "empty_list"})
"""Kinds that find something to change in lists alone: bars, open orders, trades, balances."""
LIES = frozenset({"clock_error"})
"""Executed and then refused with a proof, no protocol survives these: only `before`."""
GROUND = Ground((ORDER_SITE,), tuple(name.replace("/", "") for name in SYMBOLS), ("BTC", "ETH", "SOL", "USDT"), streams=True)
PARAMS: dict[str, dict[str, Any]] = {"429": {"retry_after": 1}, "418": {"retry_after": 1}, "timeout": {"seconds": 2.5}}
"""A ban of minutes would never end on a clock that stands still while nobody may ask for bars."""
VENUE_KINDS = tuple(name for name in (*REQUEST_KINDS, *WORLD_KINDS) if name not in NOT_ASKED and name != "listen_key_loss")
STREAM_VENUE_KINDS = tuple(name for name in STREAM_KINDS if name not in NOT_ASKED)
STREAM_SITES = ("stream:klines", "stream:klines", "stream:orders", "stream:fills")
ON_REQUEST, ON_WORLD, ON_STREAM, ON_CHAOS, ON_WORD = 0.12, 0.12, 0.5, 0.25, 0.12
RUNNING, TWO_TRADERS, ON_OVERTAKEN = 0.1, 0.2, 0.7
ORDERS, REQUESTS, COMMITS = 14, 150, 60
HORIZON = {"order": ORDERS, "left": ORDERS, "sending": ORDERS, "request": REQUESTS, "commit": COMMITS, MOMENT: REQUESTS}


def draw(seed: int) -> SockPlan:
    """Return the plan of a seed."""
    chance = source(seed, "sockets")
    clock = "60x" if chance.random() < RUNNING else "stepped"
    dialect, market = chance.choice(("mexc", "binance")), chance.choice(("usual", "usual", "wild", "gaps", "thin", "crash", "worst"))
    traders, symbols = 2 if chance.random() < TWO_TRADERS else 1, chance.choice((2, 3, 3, 3))
    slots = 12 if clock == "60x" else chance.choice((30, 45, 60))
    strikes = [one for kind in Chaos for one in _strikes(source(seed, f"fault {kind}"), kind, traders)]
    return SockPlan(
        seed, slots, traders, dialect, clock, market, symbols, tuple(_venue(seed, slots, clock, dialect)), tuple(strikes),
        tuple(_words(seed)),
    )  # fmt: skip


def _strikes(chance: Random, kind: Chaos, traders: int) -> list[Strike]:
    if kind is Chaos.OVERTAKEN and traders == 1:
        return []
    if chance.random() >= (ON_OVERTAKEN if kind is Chaos.OVERTAKEN else ON_CHAOS):
        return []
    trait = TRAITS[kind]
    return [_strike(chance, kind, trait) for _ in range(chance.choice((1, 1, 2)))]


def _strike(chance: Random, kind: Chaos, trait: Trait) -> Strike:
    site = chance.choice(trait.sites)
    return Strike(kind, site, chance.randint(1, HORIZON[site]), chance.randint(trait.low, trait.high))


def _venue(seed: int, slots: int, clock: str, dialect: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for kind in REQUEST_KINDS:
        chance = source(seed, f"venue {kind}")
        if kind in VENUE_KINDS and chance.random() < ON_REQUEST:
            found.append(_request_rule(chance, seed, kind))
    worlds = (*WORLD_KINDS, *(STREAM_KINDS if clock != "stepped" else ()))
    for kind in worlds:
        chance = source(seed, f"venue {kind}")
        streams = kind in STREAM_KINDS
        if kind in NOT_ASKED or chance.random() >= (ON_STREAM if streams else ON_WORLD):
            continue
        if kind == "listen_key_loss" and (clock == "stepped" or dialect != "mexc"):
            continue
        found.append(_stream_rule(chance, seed, kind) if streams else _world_rule(chance, seed, kind, slots))
    return found


def _params(seed: int, kind: str) -> dict[str, Any]:
    if kind in PARAMS:
        return {"params": PARAMS[kind]}
    return {"params": DRAWS[kind](_Dice(seed, kind), GROUND)} if kind in DRAWS else {}


def _request_rule(chance: Random, seed: int, kind: str) -> dict[str, Any]:
    whens = REQUEST_KINDS[kind].whens if kind not in LIES else ("before",)
    rule: dict[str, Any] = {"kind": kind, "when": chance.choice(whens), **_params(seed, kind)}
    if kind == "late_execution":
        rule["when"] = "before"
    if kind in LISTS:
        return {**rule, "site": READS, "from": "+2m", "only": {"chance": round(chance.uniform(0.1, 0.3), 3)}}
    if chance.random() < 0.7:
        return {**rule, "site": ORDER_SITE, "nth": chance.randint(1, ORDERS), "count": chance.choice((1, 1, 2))}
    if kind in {"418", "429"}:
        return {**rule, "site": ANY_SITE, "nth": chance.randint(1, REQUESTS), "count": 1}
    if kind in LIES:
        return {**rule, "site": "GET /api/v3/order", "nth": chance.randint(1, ORDERS), "count": 1}
    return {**rule, "site": ANY_SITE, "from": "+2m", "only": {"chance": round(chance.uniform(0.02, 0.1), 3)}}


def _world_rule(chance: Random, seed: int, kind: str, slots: int) -> dict[str, Any]:
    begins = chance.randint(120, max(slots * 40, 180))
    rule: dict[str, Any] = {"site": "world", "kind": kind, "from": f"+{begins}s", **_params(seed, kind)}
    if kind != "revised_candle":
        rule["until"] = f"+{begins + chance.randint(60, 300)}s"
    return rule


def _stream_rule(chance: Random, seed: int, kind: str) -> dict[str, Any]:
    site = STREAM_SITES[0] if kind in {"unclosed_as_closed", "silent_stall"} else chance.choice(STREAM_SITES)
    rule = {"site": site, "kind": kind, "nth": chance.randint(1, 6), "count": chance.choice((1, 5)), **_params(seed, kind)}
    if kind == "silent_stall":
        rule["params"] = {"ms": 60_000}
    if kind in {"silent_stall", "disconnect"}:
        rule["count"] = 1
    return rule


def _words(seed: int) -> list[Word]:
    found: list[Word] = []
    for command in SAID:
        chance = source(seed, f"word {command}")
        if chance.random() >= ON_WORD * (3 if command is Command.RESUME else 1):
            continue
        by = chance.choice(("word", "switch", "file")) if command in {Command.KILL, Command.PAUSE} else "word"
        if command is Command.RESUME or chance.random() < 0.3:
            found.append(Word(command, by, PASSES, chance.randint(REQUESTS // 3, REQUESTS)))
        else:
            stir, nth = chance.choice((ABOUT_TO, HAS_LEFT, COMMITTING)), chance.randint(2, ORDERS)
            found.append(Word(command, by, stir, nth, chance.choice((0, 0, 5, 30))))
    return found
