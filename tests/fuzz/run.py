"""One case: a question to the gateway, one answer that is not a healthy one, and what came out. Cases are numbered by a seed."""

import signal
import traceback
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from types import FrameType
from typing import Any

from sandbox.dialects.base import Request
from tests.fuzz import mutate, oracle
from tests.fuzz.memory import Said
from tests.fuzz.subject import CALLS, Subject, gateway_to, place, refresh

HANG_S = 10.0
KEPT = 10
"""How many findings are told in full."""
OFTEN = ("submit",) * 4 + ("order", "cancel", "trades", "open_orders")
"""Calls that are asked more often than the others."""


class Hung(BaseException):
    """A call took too long. No Exception, so that nothing on the way takes it for the client's."""


@dataclass
class Tally:
    """What was asked and what came out."""

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By venue, call and outcome."""
    findings: list[str] = field(default_factory=list)
    found: int = 0

    def finding(self, text: str) -> None:
        self.found += 1
        if len(self.findings) < KEPT:
            self.findings.append(text)

    def add(self, other: "Tally") -> None:
        self.counts += other.counts
        self.found += other.found
        self.findings = (self.findings + other.findings)[:KEPT]


class Fuzzer:
    """A gateway of one venue that is told nonsense."""

    def __init__(self, subject: Subject, seed: int) -> None:
        self.subject, self.seed = subject, seed
        self.tally = Tally()
        self._healthy = subject.healthy()
        self._answers: dict[str, Said] = {}
        self._told: Said | None = None
        self.names = sorted(name for name, answers in subject.calls.items() if answers)
        self._often = [*self.names, *(name for name in OFTEN if name in self.names)]
        self.gateway = gateway_to(subject, self._answer)

    def _answer(self, asked: Request) -> Said:
        where = place(asked)
        return self._answers.get(where) or self._answers.get(asked.site) or self._healthy.get(where) or Said(404, b"{}")

    def case(self, index: int) -> tuple[str, str, Said]:
        """Return the call of a case, the place of the answer that is not healthy, and that answer: a function of the seed and the index."""
        rng = Random(f"{self.seed}/{self.subject.venue}/{index}")
        call = rng.choice(self._often)
        answers = self.subject.calls[call]
        where = rng.choice(list(answers))
        return call, where, mutate.answer(rng, answers[where], list(self._healthy.values()))

    async def run(self, index: int) -> None:
        """Ask one question, and note what came out and what should not have."""
        call, where, said = self.case(index)
        self._answers = {**self.subject.calls[call], where: said}
        refresh(self.gateway, self.subject)
        try:
            result: Any = await CALLS[call](self.gateway, self.subject)
        except Hung:
            self._note(index, call, where, said, f"no answer within {HANG_S} s")
            return
        except Exception:  # noqa: BLE001 - this is what is looked for
            self._note(index, call, where, said, traceback.format_exc())
            return
        for reply in result if isinstance(result, list) else [result]:
            outcome = str(getattr(reply, "outcome", "NONE"))
            self.tally.counts[self.subject.venue, call, outcome] += 1
        for fault in oracle.faults(self.subject, call, said, result):
            self._note(index, call, where, said, f"{fault}: {result!r}"[:1_500])

    def _note(self, index: int, call: str, where: str, said: Said, what: str) -> None:
        again = f"python -m tests.fuzz --seed {self.seed} --case {self.subject.venue}:{index}"
        heard = f"HTTP {said.status} {said.charset} {said.body[:1_500]!r}"
        self.tally.finding(f"{self.subject.venue} {call}, answer to {where}: {what}\n  {heard}\n  {again}\n")

    async def close(self) -> None:
        await self.gateway.close()


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise Hung


async def fuzz(subject: Subject, seed: int, indexes: range) -> Tally:
    """Run some cases of a venue and return what came out; a call that hangs is a finding too."""
    fuzzer = Fuzzer(subject, seed)
    before = signal.signal(signal.SIGALRM, _ring)
    try:
        for index in indexes:
            signal.setitimer(signal.ITIMER_REAL, HANG_S)
            await fuzzer.run(index)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        await fuzzer.close()
    return fuzzer.tally
