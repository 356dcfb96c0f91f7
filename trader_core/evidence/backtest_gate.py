"""The backtest's gate before paper, and what is wrong with a night. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from trader_core.evidence.statistics import mean_interval
from trader_core.evidence.verdict import Finding, Judgement, Verdict

TRADES_MIN = 30
DRAWDOWN_MAX_PPM = 300_000
NIGHTS_MIN = 10
Z_WIDE = 3.0
SPREAD_MIN_PPM = 100.0
"""A deviation below one basis point is rounding: it would tell of every move."""


def judge_backtest(returns: Sequence[float], drawdown_ppm: int, profit_factor: float | None, causality: Finding) -> Judgement:
    """Return NO_GO when the strategy surely loses, fell too far or sees the future, NOT_ENOUGH_EVIDENCE below 30 round trips, else GO.

    `returns`: each round trip's profit over what was paid, after costs. The 95 % interval of their mean must not lie below
    zero; that it lies above is no condition here: the edge is judged on its own.
    """
    found = mean_interval(returns)
    text = "none" if found is None else f"{found[0] * 100:.3f} % ({found[1] * 100:.3f} to {found[2] * 100:.3f} %)"
    enough = len(returns) >= TRADES_MIN
    loses = found is not None and enough and found[2] < 0
    findings = (
        Finding("round trips", str(len(returns)), f"at least {TRADES_MIN}", enough, "collect more history, or take more instruments"),
        Finding("mean round trip after costs", text, "an interval that does not lie below zero", (not loses) if enough else None,
                "change the strategy or its parameters: its costs eat more than it earns"),
        Finding("largest drawdown (ppm)", str(drawdown_ppm), f"at most {DRAWDOWN_MAX_PPM}", drawdown_ppm <= DRAWDOWN_MAX_PPM,
                "add a stop, or trade smaller"),
        causality,
        Finding("profit factor", "nothing to divide by" if profit_factor is None else f"{profit_factor:.3f}", "reported", holds=True),
    )  # fmt: skip
    if loses or drawdown_ppm > DRAWDOWN_MAX_PPM or causality.holds is False:
        return Judgement("backtest", Verdict.NO_GO, findings)
    return Judgement("backtest", Verdict.GO if enough and causality.holds else Verdict.NOT_ENOUGH_EVIDENCE, findings)


class NightFigures(NamedTuple):
    """One night of a plan: what decides the result, the result, and its return."""

    inputs: tuple[str, str, str]
    result_digest: str
    return_ppm: int


def nightly_finding(night: NightFigures, before: Sequence[NightFigures]) -> str:
    """Return what is wrong with a night, or an empty text; `before` holds earlier nights of the plan.

    Equal plan, data and code must give an equal result. A return outside three deviations of at least ten earlier nights of
    the same plan, each computed on data of its own, is told as a change of the market or of the data.
    """
    for earlier in before:
        if earlier.inputs == night.inputs and earlier.result_digest != night.result_digest:
            return (
                f"the same plan, data and code gave {night.result_digest[:12]} and before {earlier.result_digest[:12]}: this must never be"
            )
    same = {one.inputs: one.return_ppm for one in before if one.inputs[0] == night.inputs[0] and one.inputs[1] != night.inputs[1]}
    plan = [float(one) for one in same.values()]
    if len(plan) < NIGHTS_MIN:
        return ""
    mean = sum(plan) / len(plan)
    spread = max((sum((one - mean) ** 2 for one in plan) / (len(plan) - 1)) ** 0.5, SPREAD_MIN_PPM)
    if abs(night.return_ppm - mean) > Z_WIDE * spread:
        low, high = mean - Z_WIDE * spread, mean + Z_WIDE * spread
        return f"return {night.return_ppm} ppm lies outside this plan's own interval, {low:.0f} to {high:.0f} ppm over {len(plan)} nights"
    return ""
