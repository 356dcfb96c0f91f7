"""A machine's folder in memory: its session's spool, which outlives the process, and may hold the beginning of a line when that dies."""

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from simulation.journal import SESSION
from trader_core.trader import spool

if TYPE_CHECKING:
    from simulation.spooled import Spools

HASH = 64
STAYS_ONE_IN = 8
"""One merged file in so many cannot be removed."""


class Home:
    """One process's spool as the disk has it."""

    def __init__(self, spools: "Spools", chance: Random) -> None:
        """Hold nothing."""
        self.data, self._spools, self._chance = b"", spools, chance

    def load(self) -> spool.Spool | None:
        """Return what the file says, or None where there is none."""
        return spool.read(self.data, "the spool")

    def append(self, place: tuple[int, bytes, int], bodies: Sequence[dict[str, Any]], *, torn: bool = False) -> None:
        """Write lines behind what is there, or make the file at a place of the journal; of what is torn only a part arrives."""
        left = self.load()
        if left is None:
            before, (first, end) = b"", spool.heading(SESSION, *place)
        else:
            before, first, end = self.data[: left.size], b"", left.end
        more = first + spool.many(end, bodies)[0]
        more = more[: int(self._chance.random() * len(more))] if torn else more
        self.data = before + more
        whole = more.count(b"\n") - bool(first)
        self._spools.written(self.name, bodies[: max(whole, 0)], place[2])

    def remove(self) -> None:
        """Remove the file, unless it stays; every line of it is in the journal."""
        self._spools.removed(self.name)
        if self._chance.random() * STAYS_ONE_IN >= 1:
            self.data = b""

    @property
    def name(self) -> str:
        """The heading's hash, in hex."""
        return self.data[:HASH].decode()
