"""The venue's clock: stepped, which stands still until it is told, or running at a multiple of wall time. Pure."""

import re
from dataclasses import dataclass

from trader_core.model.errors import OutOfRange

SPEED_MAX = 60


@dataclass(frozen=True, slots=True)
class Clock:
    """`speed` 0 is stepped. Wall time is an argument, in ms on any steady scale."""

    start_ms: int
    speed: int = 0
    wall_start_ms: float = 0.0

    @property
    def mode(self) -> str:
        """Return `stepped`, or the speed as in `10x`."""
        return f"{self.speed}x" if self.speed else "stepped"

    def read(self, wall_ms: float) -> int:
        """Return the venue's time at a wall time; a stepped clock shows its start."""
        return self.start_ms + int((wall_ms - self.wall_start_ms) * self.speed)


def speed_of(mode: str) -> int:
    """Return 0 for `stepped` and the number of `10x`; raises OutOfRange for anything else or beyond 60x."""
    if mode == "stepped":
        return 0
    found = re.fullmatch("([0-9]{1,3})x", mode)
    if not found or not 1 <= int(found[1]) <= SPEED_MAX:
        raise OutOfRange(f"a clock of stepped, or 1x to {SPEED_MAX}x", repr(mode), "choose one of them")
    return int(found[1])
