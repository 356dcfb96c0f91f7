"""Many plans, one after the other, and what they add up to."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deployments.postgres import Server
from tests.conftest import _quick_folder, _serve
from tests.sockets.checker import Outcome
from tests.sockets.draw import STREAM_VENUE_KINDS, VENUE_KINDS
from tests.sockets.plans import Chaos, SockPlan
from tests.sockets.run import run
from tests.sockets.world import Nursery

WHOLE = 200
"""A campaign of so many plans fails as well where a kind of fault never fired: no violations would then mean nothing."""
KINDS = (*map(str, Chaos), *(f"venue {name}" for name in (*VENUE_KINDS, *STREAM_VENUE_KINDS)))
FOUND = Path(__file__).parent / "found"


@contextmanager
def cluster() -> Iterator[Server]:
    """Yield a cluster of our own, whose database `gatehouse` is the migrated template."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-", dir=_quick_folder()) as home:
        Path(home).chmod(0o711)
        yield from _serve(Path(home))


@contextmanager
def folder() -> Iterator[Path]:
    """Yield a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-") as name:
        yield Path(name)


@dataclass(slots=True)
class Sums:
    """What a campaign adds up to."""

    plans: int = 0
    orders: int = 0
    fills: int = 0
    boots: int = 0
    seconds: float = 0.0
    fired: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    violations: list[dict[str, Any]] = field(default_factory=list)
    unopened: list[int] = field(default_factory=list)
    """Seeds whose session never began: the machine was too busy, or nothing works; either way nothing was shown."""

    def add(self, one: Outcome) -> None:
        """Add one run."""
        self.plans, self.orders, self.fills = self.plans + 1, self.orders + one.orders, self.fills + one.fills
        self.boots, self.seconds = self.boots + one.boots, self.seconds + one.seconds
        self.fired.update(one.fired)
        self.said.update(one.said)
        self.violations += [{"seed": one.plan.seed, "invariant": name, "text": text} for name, text in one.violations]

    def idle(self) -> list[str]:
        """Return the kinds of fault that never fired."""
        return [kind for kind in KINDS if not self.fired[kind]]

    def failed(self) -> bool:
        """Return whether something was violated, or a whole campaign left a kind of fault out."""
        return bool(self.violations or self.unopened) or (self.plans >= WHOLE and bool(self.idle()))

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "plans": self.plans, "orders": self.orders, "fills": self.fills, "boots": self.boots, "seconds": round(self.seconds, 1),
            "faults": sum(self.fired.values()), "faults_by_kind": {kind: self.fired[kind] for kind in KINDS},
            "words": dict(sorted(self.said.items())), "never_fired": self.idle(), "unopened": self.unopened, "violations": self.violations,
        }  # fmt: skip


def campaign(plans: Iterable[SockPlan], told: Callable[[Outcome], None], bug: str = "") -> Sums:
    """Run plans one after the other on one cluster and return their sums; `told` hears of each."""
    sums, nursery = Sums(), Nursery()
    with cluster() as server:
        for plan in plans:
            with folder() as place:
                try:
                    one = asyncio.run(run(plan, server, nursery, place, bug))
                except TimeoutError:
                    sums.unopened.append(plan.seed)
                    continue
            sums.add(one)
            told(one)
    return sums
