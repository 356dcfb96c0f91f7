"""The ladder: what a stage must have shown, and what a whole road has earned. Promotion never looks at profit. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trader_core.evidence.permit import Level
from trader_core.evidence.statistics import mean_interval
from trader_core.evidence.verdict import EPISODES_MIN, Finding, Judgement, Verdict, judge_edge
from trader_core.model.money import to_text
from trader_core.model.stage import StageName

CUMULATIVE_EUR = 12
"""All that the three stages together may lose, in EUR."""
SLIPPAGE_MAX_BPS = 50.0
ORDER = (Verdict.NO_GO, Verdict.NOT_ENOUGH_EVIDENCE, Verdict.GO)


@dataclass(frozen=True, slots=True)
class StageShown:
    """What one stage's session showed; money in account units of the settlement currency."""

    stage: StageName
    hours: float
    hours_min: float
    episodes: int
    episodes_min: int
    lost: int
    budget: int
    lost_before: int
    budget_all: int
    left: str
    """What it still holds, in words; empty: flat."""
    operations: Judgement
    slippage_bps: float | None
    """Mean of fills against their decisions' closes; positive is worse for us."""
    probe: str
    """What is wrong with its probe; empty: nothing, or none was due."""


def judge_stage(shown: StageShown) -> Judgement:
    """Return NO_GO for any hard failure, NOT_ENOUGH_EVIDENCE when it was too short or something could not be judged, else GO."""
    all_lost = shown.lost + shown.lost_before
    hard = (
        Finding("ends flat", shown.left or "flat", "flat", not shown.left, "`gatehouse close-all`, then look at the venue"),
        Finding("probe", shown.probe or "nothing is wrong", "nothing is wrong", not shown.probe, "see the probe's session, then try again"),
        Finding("lost in this stage", to_text(shown.lost), f"less than {to_text(shown.budget)}", shown.lost < shown.budget,
                "go back to paper with a smaller risk"),
        Finding("lost on the road so far", to_text(all_lost), f"at most {to_text(shown.budget_all)}", all_lost <= shown.budget_all,
                "end this road: its budget is spent"),
        Finding("slippage, mean (bps)", "no fill" if shown.slippage_bps is None else f"{shown.slippage_bps:.1f}",
                f"at most {SLIPPAGE_MAX_BPS:.0f}", shown.slippage_bps is None or shown.slippage_bps <= SLIPPAGE_MAX_BPS,
                "trade more liquid instruments, or a longer timeframe"),
        *shown.operations.findings,
    )  # fmt: skip
    extent = (
        Finding("hours", f"{shown.hours:.1f}", f"at least {shown.hours_min:g}", shown.hours >= shown.hours_min, "let the stage run longer"),
        Finding("round trips", str(shown.episodes), f"at least {shown.episodes_min}", shown.episodes >= shown.episodes_min,
                "let the stage run longer, or take more instruments"),
    )  # fmt: skip
    verdict = Verdict.GO
    if any(finding.holds is False for finding in hard) or shown.operations.verdict is Verdict.NO_GO:
        verdict = Verdict.NO_GO
    elif shown.operations.verdict is not Verdict.GO or not all(finding.holds for finding in (*extent, *hard)):
        verdict = Verdict.NOT_ENOUGH_EVIDENCE
    return Judgement(f"stage {shown.stage}", verdict, (*extent, *hard))


@dataclass(frozen=True, slots=True)
class Earned:
    """Both verdicts of a road, and the permit that follows."""

    operations: Judgement
    edge: Judgement
    level: Level
    stage: StageName


def judge_road(gates: Mapping[str, Judgement], required: Sequence[str], returns: Sequence[float], stages: Sequence[StageName]) -> Earned:
    """Return what a road has earned: `gates` by name, the names that a whole road has, and the stages that said GO.

    Operations is the worst gate, and a gate that was never judged is not enough evidence. Edge is judged on the round trips
    of validation and stages. FULL needs GO on both and on the last stage; an edge of NO_GO blocks; one of NOT_ENOUGH_EVIDENCE
    caps at the stages.
    """
    findings = []
    verdicts = []
    for name in required:
        found = gates.get(name)
        verdict = found.verdict if found else Verdict.NOT_ENOUGH_EVIDENCE
        verdicts.append(verdict)
        first = found.first() if found and verdict is not Verdict.GO else None
        said = f"{verdict}: {first}" if first else str(verdict) if found else "not reached"
        holds = {Verdict.GO: True, Verdict.NO_GO: False}.get(verdict)
        findings.append(Finding(name, said, "GO", holds, first.todo if first else "" if found else "walk the road again"))
    if not required:
        raise ValueError("a road has gates: none was required")
    operations = Judgement("operations", next(v for v in ORDER if v in verdicts), tuple(findings))
    edge = judge_edge(list(returns))
    tried = gates.get("backtest")
    if not returns and tried is not None and tried.verdict is Verdict.NO_GO:
        edge = Judgement("edge", Verdict.NO_GO, tried.findings)  # it never came further than its history, and lost there
    highest = max(stages, key=tuple(StageName).index, default=StageName.PAPER)
    level = Level.LIMITED if stages else Level.PAPER_ONLY
    if edge.verdict is Verdict.NO_GO or operations.verdict is Verdict.NO_GO:
        level, highest = Level.PAPER_ONLY, StageName.PAPER
    elif operations.verdict is Verdict.GO and edge.verdict is Verdict.GO and highest is StageName.EUR_100:
        level = Level.FULL
    return Earned(operations, edge, level, highest)


def days_to_evidence(returns: Sequence[float], per_day: float) -> float | None:
    """Return after how many more days, at this rate of round trips, the edge could be told from zero; None when that cannot be said.

    The mean's interval m ± 1.96 s / sqrt(n) leaves zero at n = (1.96 s / m)², and 30 round trips are the least.
    """
    found = mean_interval(returns)
    if per_day <= 0 or found is None:
        return None
    mean, low, _ = found
    needed = max(EPISODES_MIN, len(returns) * ((mean - low) / abs(mean)) ** 2) if mean else None
    return None if needed is None else max(needed - len(returns), 0.0) / per_day
