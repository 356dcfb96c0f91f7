"""From a seed to a plan: each kind of fault, each command, the market and the limits are on or off, rare or frequent, by lot.

A swarm finds more than a mean: a run in which half of all kinds are off reaches places that a run with everything on does not.
"""

import math
from dataclasses import replace
from random import Random

from simulation.faults import CRASHES, FOREVER_MS, LOSSES, TRAITS, Fault, Strike, Trait
from simulation.plans import ABOUT_TO, DATABASE_GONE, HAS_LEFT, SLOTS, Choices, RunPlan, Word, source
from trader_core.model.command import Command
from trader_core.model.money import MONEY_MAX, UNIT

SLOT_MS = 60_000
RATES = (0.02, 0.1, 0.3)
RATES_OFTEN = (0.1, 0.3, 0.8)
RATES_RARE = (0.001, 0.004, 0.012)
OFTEN = frozenset({Fault.PARTIAL, Fault.RESTING, Fault.BLIND})
RARE = CRASHES - {Fault.CRASH_AWAY} | {Fault.DATABASE_LOST, Fault.LOST_IN_COMMIT}
RATES_PER_SECOND = (0.0003, 0.001, 0.004)
DRAWN = tuple(kind for kind in Fault if kind is not Fault.CRASH_AT)
HORIZON = {"query": 500, "effect": 800, "commit": 800, "second": 3_600, "feed": 180, "stop": 300, "step": 800}
HORIZON_ORDERS = 80
"""How often a kind can be asked about in one run, a little generously: per order where HORIZON does not name the site."""
ON, ON_OFTEN, ON_WORD, ON_LOSS, WINDOWED = 0.5, 0.8, 0.35, 0.3, 0.1
GONE_MS_MAX = (5_000, 60_000, 400_000)
FOREVER_ONE_IN = 10
TWO_TRADERS = 0.25
STOPS = 0.4
"""Runs whose stops rest at the venue."""
FEES_LATER = 0.15
"""Runs whose venue tells fees after the fills."""
WORDS = (Command.KILL, Command.PAUSE, Command.CANCEL_ALL, Command.CLOSE_ALL, Command.REDUCE)
WORD_GAPS_S = (200, 800, 2_400)
RESUME_GAP_S, RESUME_KILLED_GAP_S = 60, 1_000
RESOLVE_GAP_S = 40
WORDS_AWAY = (Command.KILL, Command.CANCEL_ALL, Command.CLOSE_ALL)
WORD_AWAY_MS_MAX = (400, 10_000, 90_000)
NOT_WINDOWED = frozenset({"second", "effect", "commit", "feed", "step", "away"})


def draw(seed: int, slots: int = 0, traders: int = 0) -> RunPlan:
    """Return the plan of a seed; slots and traders of 0 are drawn as well."""
    chance = source(seed, "size")
    drawn_slots, drawn_traders = chance.choice((20, SLOTS, 60)), 2 if chance.random() < TWO_TRADERS else 1
    slots, traders = slots or drawn_slots, traders or drawn_traders
    choices, stops = _choices(source(seed, "choices")), source(seed, "stops at the venue")
    if stops.random() < STOPS:
        loss = choices.stop_loss_ppm or (0 if choices.trailing_ppm else 10_000)
        choices = replace(choices, resting=True, stop_loss_ppm=loss, take_profit_ppm=0)
    fees = source(seed, "fees later")
    if fees.random() < FEES_LATER:
        choices = replace(choices, fees_later_ms=fees.choice((2_000, 30_000, 400_000)))
    faults: list[Strike] = []
    crashes: list[Strike] = []
    for kind in DRAWN:
        strikes = _strikes(source(seed, f"fault {kind}"), kind, slots)
        (crashes if kind in CRASHES else faults).extend(strikes)
    return RunPlan(seed, slots, traders, choices, tuple(faults), _words(seed, slots), tuple(crashes))


def _strikes(chance: Random, kind: Fault, slots: int) -> list[Strike]:
    if chance.random() >= (ON_OFTEN if kind in OFTEN else ON_LOSS if kind in LOSSES else ON):
        return []
    trait = TRAITS[kind]
    if trait.site not in NOT_WINDOWED and chance.random() < WINDOWED:
        start = chance.randrange(slots * SLOT_MS)
        return [Strike(kind, 0, _value(chance, kind), (start, start + chance.randint(5_000, 120_000)))]
    often = kind in OFTEN or kind is Fault.LOST_BEHIND_ORDER
    rates = RATES_OFTEN if often else RATES_RARE if kind in RARE else RATES_PER_SECOND if trait.site == "second" else RATES
    hits = _hits(chance, chance.choice(rates), HORIZON.get(trait.site, HORIZON_ORDERS))
    return [Strike(kind, nth, _value(chance, kind)) for nth in hits]


def _value(chance: Random, kind: Fault) -> int:
    trait: Trait = TRAITS[kind]
    if kind in LOSSES:
        return FOREVER_MS if chance.random() * FOREVER_ONE_IN < 1 else chance.randint(trait.low, chance.choice(GONE_MS_MAX))
    return chance.randint(trait.low, trait.high) if trait.parameter else 0


def _hits(chance: Random, rate: float, horizon: int) -> list[int]:
    """Return the numbers up to the horizon at which something strikes that happens at a rate, by the gaps between them."""
    found, at, scale = list[int](), 0, 1 / math.log(1 - rate)
    while True:
        at += 1 + int(math.log(1 - chance.random()) * scale)
        if at > horizon:
            return found
        found.append(at)


def _times(chance: Random, gap_s: int, slots: int) -> list[int]:
    found, at_s, end_s = list[int](), 0.0, slots * SLOT_MS / 1_000
    while True:
        at_s += chance.expovariate(1 / gap_s)
        if at_s >= end_s:
            return found
        found.append(int(at_s * 1_000))


def _words(seed: int, slots: int) -> tuple[Word, ...]:
    """Return what operators say: words by time, words at the worst moment, and resumes."""
    found: list[Word] = []
    for command in WORDS:
        chance = source(seed, f"command {command}")
        if chance.random() >= ON_WORD:
            continue
        ambushes = chance.randint(1, 2) if command is Command.KILL else chance.randint(0, 3)
        for _ in range(ambushes):
            stir = chance.choice((ABOUT_TO, HAS_LEFT))
            found.append(Word(command, stir=stir, nth=chance.randint(1, max(slots // 4, 1)), delay_ms=chance.randint(0, 40)))
        if command is not Command.KILL:
            found += [Word(command, at_ms=at) for at in _times(chance, chance.choice(WORD_GAPS_S), slots)]
    chance = source(seed, "command resume")
    found += [Word(Command.RESUME, at_ms=at, held=True) for at in _times(chance, RESUME_GAP_S, slots)]
    found += [Word(Command.RESUME, at_ms=at) for at in _times(chance, RESUME_KILLED_GAP_S, slots)]
    chance = source(seed, "command resolve")
    found += [Word(Command.RESOLVE, at_ms=at) for at in _times(chance, RESOLVE_GAP_S, slots)]
    chance = source(seed, "words while the database is away")
    for command in WORDS_AWAY:
        if chance.random() < ON_WORD:
            delay_ms = chance.randint(0, chance.choice(WORD_AWAY_MS_MAX))
            found.append(Word(command, stir=DATABASE_GONE, nth=chance.randint(1, 4), delay_ms=delay_ms))
    return tuple(found)


def _choices(chance: Random) -> Choices:
    pick = chance.choice
    return Choices(
        symbols=pick((1, 2, 3, 3, 3)),
        base_fees=pick((0, 1, 2, 4, 7)),
        fee_ppm=pick((0, 100, 1_000, 2_500)),
        volatility=pick((10, 60, 60, 300)),
        held_before=pick((0, 0, 1, 1_000)),
        rest_ticks=pick((5, 20, 100)),
        positions_max=pick((1, 2, 3)),
        exposure_max=pick((300, 600, 900, 10_000)) * UNIT,
        order_max=pick((MONEY_MAX, MONEY_MAX, 200 * UNIT)),
        orders_per_hour=pick((0, 0, 30)),
        orders_per_instrument_day=pick((0, 0, 6)),
        errors_max=pick((0, 0, 3)),
        losses_max=pick((0, 0, 3)),
        drawdown_max_ppm=pick((0, 0, 0, 10_000)),
        cooldown_ms=pick((3, 5, 30)) * SLOT_MS,
        latch=pick((False, False, False, True)),
        stop_loss_ppm=pick((0, 10_000)),
        take_profit_ppm=pick((0, 10_000)),
        trailing_ppm=pick((0, 0, 8_000)),
        capital=pick((100, 1_000, 1_000, 20_000)) * UNIT,
        window_ms=pick((3_000, 5_000, 5_000, 10_000)),
        visibility_ms=pick((3_000, 10_000, 10_000, 20_000)),
        give_up_ms=pick((15_000, 45_000, 600_000)),
        asks_per_minute=pick((0, 0, 0, 0, 20, 60)),
        validity_window=pick((True,) * 7 + (False,)),
        lookup=pick((True,) * 7 + (False,)),
    )
