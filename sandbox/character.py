"""Characters of the seeded market, by name: how wild, how thin and how full of gaps it is. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sandbox.pairs import Pair
from trader_core.model.errors import UnknownName


@dataclass(frozen=True, slots=True)
class Character:
    """What a market is like; the defaults are the usual one, tick for tick."""

    regimes: tuple[float, float, float] = (0.35, 0.5, 0.15)
    """Chances that an hour is calm, usual or wild; they add up to 1."""
    jumps_day: float = 3.0
    """Jumps of a usual day."""
    jump_share: float = 0.15
    """A jump's standard deviation as a share of a day's."""
    quiet: float = 0.0
    """Share of minutes in which nobody trades."""
    gaps_day: float = 0.0
    """Stretches of a usual day in which nobody trades; the price goes on elsewhere afterwards."""
    gap_minutes: int = 45
    """The longest of them."""
    drops_day: float = 0.0
    """Falls of a usual day: down within ten minutes, and most of the way back within some hours."""
    drop: float = 0.0
    """How deep a fall is, as a share of the price."""
    turnover: float = 1.0
    """Traded volume in usual ones."""
    depth: float = 1.0
    """Size of the levels of a book in usual ones."""
    spread: float = 1.0
    """Distance of the levels of a book in usual ones."""
    levels: int = 100
    """Levels on each side of a book, at most 100."""

    def of(self, pairs: Iterable[Pair]) -> tuple[Pair, ...]:
        """Return pairs whose volumes and books are of this character."""
        return tuple(
            replace(
                pair,
                turnover_day=pair.turnover_day * self.turnover,
                depth=self.depth / self.turnover,
                spread=self.spread,
                levels=self.levels,
            )
            for pair in pairs
        )


WILD = (0.1, 0.3, 0.6)
CHARACTERS = {
    "usual": Character(),
    "calm": Character(regimes=(1.0, 0.0, 0.0), jumps_day=0.0),
    "wild": Character(regimes=WILD, jumps_day=25.0, jump_share=0.4),
    "gaps": Character(quiet=0.1, gaps_day=5.0),
    "thin": Character(quiet=0.25, turnover=0.01, depth=0.02, spread=12.0, levels=8),
    "crash": Character(regimes=WILD, drops_day=1.5, drop=0.25, depth=0.2, spread=4.0),
    "worst": Character(
        regimes=WILD, jumps_day=25.0, jump_share=0.4, quiet=0.25, gaps_day=5.0, drops_day=1.5, drop=0.25, turnover=0.01, depth=0.02,
        spread=12.0, levels=8,
    ),
}  # fmt: skip
"""By the name that `--market` takes."""


def character_named(name: str) -> Character:
    """Return a character; raises UnknownName naming those that exist."""
    if name not in CHARACTERS:
        raise UnknownName(f"a market of {', '.join(CHARACTERS)}", repr(name), "choose one of them")
    return CHARACTERS[name]
