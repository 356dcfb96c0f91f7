"""The wrong pieces of what a trader does while its database is away, as `plants` has those of everything else."""

from collections.abc import Sequence
from typing import Any

from trader_core.trader import lost, spool


def merged_again(found: spool.Spool, _merged: Any) -> tuple[spool.Line, ...]:
    """Bring every line of a spool into the journal, whatever stands there already."""
    return found.lines


def unwritten(watched: lost.Lost, now_ms: int, seen: lost.Seen) -> tuple[list[dict[str, Any]], list[lost.Due]]:
    """Have no line of a cancel on the disk."""
    lines, due = _TURN(watched, now_ms, seen)
    return [line for line in lines if line["what"] != lost.CANCEL], due


def waits_for_the_database(_killed: str, words: Sequence[Any], away_ms: int, patience_ms: int) -> lost.Reasons:
    """Cancel nothing at a kill: the journal can say it later."""
    return _REASONS("", words, away_ms, patience_ms)


_TURN, _REASONS = lost.Lost.turn, lost.reasons
