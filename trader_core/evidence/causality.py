"""Causality: a strategy's targets rest on nothing that came later. Shown on sampled cuts of a market, not proven for all. Pure.

A target that changes when the bars after it are cut off or replaced has seen the future. A backtest cannot tell: there the
future is always there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from trader_core.engine import strategies
from trader_core.evidence.verdict import Finding, Judgement, Verdict
from trader_core.model.bar import BAR, Bars
from trader_core.model.errors import StrategyFault
from trader_core.model.plan import Plan

Targets = NDArray[np.int64]
Whole = Callable[[Bars], Targets]
"""Bars [T] -> targets [T] in bps, -1 where nothing is decided."""
SLOT_MS = 60_000
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """What is looked at: `cuts` are lengths of prefixes, each at least 1 and at most T."""

    bars: Bars
    cuts: tuple[int, ...]


def market(rows: int, seed: int) -> Bars:
    """Return a seeded random walk BAR[rows] on a grid of minutes, with 0.2 % moves and without gaps, in hundredths around 100.00."""
    drawn = lots(7 * rows, seed).reshape(7, rows)
    moves = 0.002 * (drawn[:4] / 2.0**64 - 0.5).sum(axis=0) * np.sqrt(3.0)  # four uniforms, scaled to a deviation of one
    closes = np.maximum(np.rint(10_000 * np.exp(np.cumsum(moves))), 10).astype(np.int64)
    bars = np.zeros(rows, BAR)
    bars["ts"] = 1_700_006_400_000 + SLOT_MS * np.arange(rows)
    bars["close"], bars["open"] = closes, np.concatenate([[10_000], closes[:-1]])
    body = np.stack([bars["open"], bars["close"]])
    bars["high"], bars["low"] = body.max(axis=0) + (drawn[4] % 10).astype(np.int64), body.min(axis=0) - (drawn[5] % 5).astype(np.int64)
    bars["volume"] = 1 + (drawn[6] % 10**6).astype(np.int64)
    return bars


def sample(rows: int, lookback: int, count: int, seed: int) -> Sample:
    """Return a market and `count` cuts spread over it at random, the first full window and the last bar among them."""
    first = min(lookback, rows)
    chosen = {first + int(lot) % (rows + 1 - first) for lot in lots(count, seed + 1)}
    return Sample(market(rows, seed), tuple(sorted({first, rows - 1, rows} | chosen)))


def lots(count: int, seed: int) -> NDArray[np.uint64]:
    """Return numbers as if by lot, the same on every machine: SplitMix64 (Steele, Lea and Flood 2014)."""
    state = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed * 0xD1342543DE82EF95 % 2**64)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = state ^ (state >> np.uint64(31))
    return mixed


def judge_causality(lookback: int, decide: Whole, decide_all: Whole, seen: Sample) -> Judgement:
    """Return NO_GO with the first bars at which a strategy's target depends on what it must not know, else GO.

    `decide` gives the targets by the window alone, `decide_all` those of the sweep. A market in which nothing is ever decided
    differently is NOT_ENOUGH_EVIDENCE: a constant passes every comparison.
    """
    whole = decide_all(seen.bars)
    found = [
        _finding("sweep and window decide alike", _apart(whole, decide(seen.bars)), "make decide_all what decide is"),
        _finding("prefix invariance", _prefixes(decide_all, whole, seen), "it looks at bars behind the one that it decides on"),
        _finding("future poisoning", _poisoned(decide_all, whole, seen), "it looks at bars behind the one that it decides on"),
        _finding("warm-up", _warmed(decide_all, lookback, whole, seen), "it remembers more than its lookback says: raise that"),
    ]
    decided = sorted(set(whole[whole >= 0].tolist()))
    verdict = Verdict.GO if all(one.holds for one in found) else Verdict.NO_GO
    if verdict is Verdict.GO and not decided:
        verdict = Verdict.NOT_ENOUGH_EVIDENCE
        found.append(Finding("decisions", "none", "at least one", holds=False, todo="use more bars than its lookback"))
    return Judgement("causality", verdict, tuple(found))


def _finding(name: str, rows: Sequence[int], todo: str) -> Finding:
    said = f"{len(rows)} bars differ" + (f", the first {', '.join(map(str, rows[:SHOWN]))}" if rows else "")
    return Finding(name, said, "0 bars differ", holds=not rows, todo="" if not rows else todo)


def _apart(one: Targets, other: Targets) -> list[int]:
    return [int(at) for at in np.flatnonzero(one != other)]


def _prefixes(decide_all: Whole, whole: Targets, seen: Sample) -> list[int]:
    """Return the bars whose target is another one when nothing comes after a cut, the last bar of the prefix among them."""
    apart: set[int] = set()
    for cut in seen.cuts:
        apart |= set(_apart(decide_all(seen.bars[:cut].copy()), whole[:cut]))
    return sorted(apart)


def _poisoned(decide_all: Whole, whole: Targets, seen: Sample) -> list[int]:
    """Return the bars whose target is another one when all that comes after a cut is ten times as dear, or a tenth."""
    apart: set[int] = set()
    for number, cut in enumerate(seen.cuts):
        bars = seen.bars.copy()
        for name in ("open", "high", "low", "close"):
            bars[name][cut:] = bars[name][cut:] * 10 if number % 2 else np.maximum(bars[name][cut:] // 10, 1)
        apart |= set(_apart(decide_all(bars)[:cut], whole[:cut]))
    return sorted(apart)


def _warmed(decide_all: Whole, lookback: int, whole: Targets, seen: Sample) -> list[int]:
    """Return the bars whose target is another one when the market begins with their window."""
    return [cut - 1 for cut in seen.cuts if cut >= lookback and decide_all(seen.bars[cut - lookback : cut].copy())[-1] != whole[cut - 1]]


PLAN_ROWS, PLAN_CUTS, PLAN_SEED = 600, 80, 7


def judge_strategy(name: str, params: Mapping[str, int], rows: int, cuts: int, seed: int) -> Judgement:
    """Return the judgement of a strategy by name on a seeded market; raises StrategyFault where it fails on it."""
    lookback = strategies.lookback(name, params)
    decide, decide_all = partial(strategies.targets_of, name, params), partial(strategies.targets_all, name, params)
    return judge_causality(lookback, decide, decide_all, sample(rows, lookback, cuts, seed))


@lru_cache(maxsize=64)
def _judged(name: str, params: tuple[tuple[str, int], ...]) -> Judgement:
    rows = PLAN_ROWS + 2 * strategies.lookback(name, dict(params))
    return judge_strategy(name, dict(params), rows, PLAN_CUTS, PLAN_SEED)


def plan_finding(plan: Plan) -> Finding:
    """Return whether none of a plan's strategies sees the future; one that never decides on that market is not judged."""
    judged = [(rule.strategy, _judged(rule.strategy, rule.params)) for rule in plan.rules]
    wrong = [(name, one, first) for name, one in judged if one.verdict is Verdict.NO_GO and (first := one.first())]
    said = f"{len(judged)} strategies, {PLAN_CUTS} cuts each" if not wrong else f"{wrong[0][0]}: {wrong[0][2].name}, {wrong[0][2].measured}"
    unjudged = any(one.verdict is Verdict.NOT_ENOUGH_EVIDENCE for _, one in judged)
    todo = wrong[0][2].todo if wrong else "" if not unjudged else "see `gatehouse strategy check`"
    return Finding("causality", said, "no target depends on a later bar", holds=False if wrong else None if unjudged else True, todo=todo)


def require_causal(plan: Plan) -> None:
    """Raise StrategyFault when a strategy that could look ahead was not shown not to."""
    for rule in plan.rules:
        if strategies.find(rule.strategy).proven:
            continue
        judged = _judged(rule.strategy, rule.params)
        first = judged.first()
        if judged.verdict is Verdict.NO_GO and first is not None:
            raise StrategyFault(f"{rule.strategy} without a look ahead", f"{first.name}: {first.measured}", first.todo)
