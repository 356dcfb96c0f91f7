"""The faults in force: which rule a request or a message meets, and how often each was seen and fired. Pure."""

from collections.abc import Callable, Container
from dataclasses import replace
from typing import Any, Protocol

from sandbox.chance import chance
from sandbox.false_answers import changed
from sandbox.fault_files import plan_of
from sandbox.fault_kinds import KINDS as ALL_KINDS
from sandbox.fault_kinds import REQUEST_KINDS, Area
from sandbox.fault_rules import Answer, Facts, Fault, Only, Plan

__all__ = ["KINDS", "Answer", "Changes", "Fault", "FaultPlan", "changed"]
KINDS = tuple(REQUEST_KINDS)
"""The kinds that a request can meet."""
SITES_KEPT = 512
NOBODY = Facts()
Reader = Callable[[Any], Plan]


class Changes(Protocol):
    """Who carries out the rules that change the exchange itself."""

    def take(self, fault: Fault, /) -> None:
        """Begin and end a rule at its times."""

    def clear(self) -> None:
        """Undo what lasts, and forget what has not begun."""


class _Live:
    """A rule in force and its counts."""

    __slots__ = ("asks", "fault", "fired", "seen")

    def __init__(self, fault: Fault) -> None:
        self.fault, self.seen, self.fired = fault, 0, 0
        self.asks = fault.only != Only(chance=fault.only.chance)

    def now(self) -> Fault:
        return replace(self.fault, seen=self.seen, fired=self.fired)

    def concerns(self, now_ms: int, facts: Callable[[], Facts]) -> bool:
        return self.fault.open_at(now_ms) and (not self.asks or self.fault.only.fits(facts()))

    def meets(self) -> bool:
        """Return whether the one just seen is hit."""
        fault = self.fault
        if self.seen < fault.nth or (fault.last is not None and self.seen > fault.last):
            return False
        return fault.only.chance >= 1 or chance(fault.seed, fault.number, self.seen) < fault.only.chance


class FaultPlan:
    """The rules in force, and of every kind how often it was seen and fired since the beginning."""

    def __init__(self, read: Reader | None = None) -> None:
        """Begin without faults; `read` checks plain data."""
        self._read: Reader = read or (lambda data: plan_of(data, "the faults given"))
        self._lives: list[_Live] = []
        self._at: dict[str, tuple[_Live, ...]] = {}
        self._seen, self._fired = dict.fromkeys(ALL_KINDS, 0), dict.fromkeys(ALL_KINDS, 0)
        self.changes: Changes | None = None

    @property
    def rules(self) -> list[Fault]:
        """Return the rules in force with their counts."""
        return [live.now() for live in self._lives]

    @property
    def kinds(self) -> dict[str, dict[str, int]]:
        """Return how often every kind was seen and fired since the beginning, those that never were included."""
        return {kind: {"seen": self._seen[kind], "fired": self._fired[kind]} for kind in ALL_KINDS}

    def add(self, faults: Any) -> None:
        """Add rules from plain data, a list or a whole plan; raises GatehouseError, and adds none, when one is wrong."""
        self.take(self._read(faults))

    def take(self, plan: Plan) -> None:
        """Add the rules of a plan that was checked."""
        self._lives += [_Live(fault) for fault in plan.rules]
        self._at.clear()
        for fault in plan.rules:
            if fault.area is Area.WORLD and self.changes is not None:
                self.changes.take(fault)

    def clear(self) -> None:
        """Remove all rules and undo what they changed; the counts of the kinds stay."""
        self._lives, self._at = [], {}
        if self.changes is not None:
            self.changes.clear()

    def hit(
        self, site: str, now_ms: int = 0, facts: Callable[[], Facts] = lambda: NOBODY, kinds: Container[str] = ALL_KINDS
    ) -> Fault | None:
        """Count a request of `site`, such as `POST /api/v3/order`, or a message, and return the first rule that it meets.

        Only rules of the kinds named are asked.
        """
        found: _Live | None = None
        for live in self._about(site):
            if live.fault.kind not in kinds or not live.concerns(now_ms, facts):
                continue
            live.seen += 1
            self._seen[live.fault.kind] += 1
            if found is None and live.meets():
                found = live
        if found is None:
            return None
        found.fired += 1
        self._fired[found.fault.kind] += 1
        return found.now()

    def happened(self, fault: Fault, took_effect: bool) -> None:  # noqa: FBT001 - a fact, not a switch
        """Count a rule whose time has come by itself, and whether it found anything that it could change."""
        self._seen[fault.kind] += 1
        self._fired[fault.kind] += took_effect
        for live in self._same(fault):
            live.seen, live.fired = live.seen + 1, live.fired + took_effect

    def spared(self, fault: Fault) -> None:
        """Take back that a rule fired: it found nothing that it could change."""
        self._fired[fault.kind] -= 1
        for live in self._same(fault):
            live.fired -= 1

    def _same(self, fault: Fault) -> list[_Live]:
        rule = replace(fault, seen=0, fired=0)
        return [live for live in self._lives if live.fault == rule][:1]

    def _about(self, site: str) -> tuple[_Live, ...]:
        """Return the rules whose site this is."""
        if not self._lives:
            return ()
        known = self._at.get(site)
        if known is None:
            if len(self._at) >= SITES_KEPT:
                self._at.clear()
            known = self._at[site] = tuple(live for live in self._lives if live.fault.is_at(site))
        return known
