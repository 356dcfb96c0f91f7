"""Verdicts: what measured evidence says about operations (does the machine do what it says) and edge (does the strategy earn).

Both are judged apart and in three values. A gate returns every finding, never a bare bool.
"""

import math
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a gate says."""

    GO = "GO"
    NO_GO = "NO_GO"
    NOT_ENOUGH_EVIDENCE = "NOT_ENOUGH_EVIDENCE"


@dataclass(frozen=True, slots=True)
class Finding:
    """One threshold: what was measured, what is allowed, whether it holds (None: it could not be judged), and what to do if not."""

    name: str
    measured: str
    allowed: str
    holds: bool | None
    todo: str = ""

    def __str__(self) -> str:
        """Return one line fit for a report."""
        mark = {True: "holds", False: "FAILS", None: "not judged"}[self.holds]
        return f"{self.name}: {self.measured}, allowed {self.allowed}: {mark}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with every finding that led to it."""

    gate: str
    verdict: Verdict
    findings: tuple[Finding, ...]

    def first(self) -> Finding | None:
        """Return the first finding that fails, or else the first that could not be judged; None when all hold."""
        failing = [finding for finding in self.findings if finding.holds is False]
        unjudged = [finding for finding in self.findings if finding.holds is None]
        return next(iter(failing or unjudged), None)


@dataclass(frozen=True, slots=True)
class Operations:
    """What was counted of one session's machine."""

    slots_expected: int
    slots_stepped: int
    duplicate_slots: int
    chain_verifies: bool
    fold_equals: bool
    unresolved_orders: int
    signals_without_outcome: int
    orders_sent_twice: int
    differences: int
    anomalies: int


def judge_operations(counts: Operations) -> Judgement:
    """Return GO only when every count is what it must be; a session without slots is no evidence."""
    read, look = "read the trader's log, and report it", "look at the venue, then at `gatehouse session show`"
    exact = [
        ("slots stepped", counts.slots_stepped, counts.slots_expected, read),
        ("slots stepped twice", counts.duplicate_slots, 0, read),
        ("unresolved orders", counts.unresolved_orders, 0, look),
        ("signals without an outcome", counts.signals_without_outcome, 0, read),
        ("client ids at the venue more than once", counts.orders_sent_twice, 0, "stop, look at the venue, and report it"),
        ("differences between the venue's books and ours", counts.differences, 0, "stop, and compare with the venue"),
        ("anomalies", counts.anomalies, 0, "`gatehouse session show` names them"),
    ]
    findings = [Finding(name, str(measured), str(allowed), measured == allowed, todo) for name, measured, allowed, todo in exact]
    findings.append(Finding("hash chain of the journal", _holds(yes=counts.chain_verifies), "verifies", counts.chain_verifies,
                            "stop, and compare with a backup and the anchors"))  # fmt: skip
    findings.append(Finding("folding the journal", _equal(yes=counts.fold_equals), "equals the running state", counts.fold_equals,
                            "report it: the machine is not what its journal says"))  # fmt: skip
    if counts.slots_expected == 0:
        return Judgement("operations", Verdict.NOT_ENOUGH_EVIDENCE, tuple(findings))
    verdict = Verdict.GO if all(finding.holds for finding in findings) else Verdict.NO_GO
    return Judgement("operations", verdict, tuple(findings))


EPISODES_MIN = 30
"""Below this many round trips no interval of the mean is worth its name."""
Z_95 = 1.959963984540054


def judge_edge(episode_returns: list[float]) -> Judgement:
    """Return GO when the 95 % interval of the mean return per episode lies above zero, NO_GO when below.

    Source: normal approximation of the mean, m ± 1.96 s / sqrt(n); it holds for large n only, hence EPISODES_MIN.
    """
    count = len(episode_returns)
    if count < EPISODES_MIN:
        found = Finding("round trips", str(count), f"at least {EPISODES_MIN}", None, "trade longer, or more instruments")
        return Judgement("edge", Verdict.NOT_ENOUGH_EVIDENCE, (found,))
    mean = math.fsum(episode_returns) / count
    variance = math.fsum((value - mean) ** 2 for value in episode_returns) / (count - 1)
    half = Z_95 * math.sqrt(variance / count)
    text = f"{mean * 100:.3f} % ± {half * 100:.3f} % over {count} round trips"
    verdict = Verdict.GO if mean - half > 0 else Verdict.NO_GO if mean + half < 0 else Verdict.NOT_ENOUGH_EVIDENCE
    holds = {Verdict.GO: True, Verdict.NO_GO: False}.get(verdict)
    todo = "trade longer: the interval holds zero" if holds is None else "change the strategy: it loses after costs"
    return Judgement("edge", verdict, (Finding("mean return of a round trip, after costs", text, "an interval above zero", holds, todo),))


def _holds(*, yes: bool) -> str:
    return "verifies" if yes else "is broken"


def _equal(*, yes: bool) -> str:
    return "gives the running state" if yes else "gives another state"
