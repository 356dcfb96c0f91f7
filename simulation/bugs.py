"""Planted bugs: ways in which the protocol could be wrong, each with the invariant that must notice it.

They show that the checker can fail. M1 to M20 are bugs of the trader, E1 and E2 of what it believes of its venue, X1 to X6 further
ones, F1 to F3 of what it makes of failing calls, F4 and F5 of fees that come late, S1 to S4 of its stops, D1 to D3 of what it does
without its database. Nothing here is used outside a simulation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from simulation import plants, plants_away, plants_fees
from simulation.draw import draw
from simulation.journal import SimJournal
from simulation.outcome import Outcome
from simulation.process import Process
from simulation.venue import SimVenue
from simulation.world import run
from trader_core.store import journal
from trader_core.trader import continuity, failing, fees, lost, machine, operating, protecting, resting, retrying, settling, spool, state
from trader_core.trader import events as ev
from trader_core.trader.records import Kind
from trader_core.trader.run import Run


class Bug(NamedTuple):
    """One planted bug: what is put in whose place, who must notice, and a seed in which that happens."""

    name: str
    text: str
    invariant: str
    seed: int
    swaps: tuple[tuple[Any, Any, Any], ...]
    """(object or dictionary, name or key, replacement)."""


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Have the bug in the product until the end of the block."""
    before = [_get(holder, name) for holder, name, _ in bug.swaps]
    try:
        for holder, name, replacement in bug.swaps:
            _set(holder, name, replacement)
        yield
    finally:
        for (holder, name, _), old in zip(bug.swaps, before, strict=True):
            _set(holder, name, old)


def hunt(bug: Bug, seeds: int, first: int = 1) -> Outcome | None:
    """Return the first of some seeds in which the named invariant notices the bug, or None."""
    with planted(bug):
        outcomes = (run(draw(seed)) for seed in range(first, first + seeds))
        return next((o for o in outcomes if o.violation is not None and o.violation.invariant == bug.invariant), None)


def _get(holder: Any, name: Any) -> Any:
    return holder[name] if isinstance(holder, dict) else getattr(holder, name)


def _set(holder: Any, name: Any, value: Any) -> None:
    if isinstance(holder, dict):
        holder[name] = value
    else:
        setattr(holder, name, value)


_HANDLERS: Any = machine._HANDLERS  # noqa: SLF001 - bugs are planted inside
_APPLY: Any = state._APPLY  # noqa: SLF001
_ONCE = ((settling, "cancel", plants.nothing), (machine, "cancel", plants.look_only))
_BY_THE_WALL = ((Process, "handle", plants.handle_by_the_wall), (machine, "run_bar", plants.WALL.run_bar))
_LOOP = ((protecting, "_may_place", plants.stop_without_end), (resting, "uncovered", plants.bare_though_covered))
BUGS = (
    Bug("M1", "an order leaves before its SENDING is durable", "I10", 1, ((Process, "_submit", plants.submit_at_once),)),
    Bug("M2", "an order is sent again under another id after a timeout", "I7", 18, ((_HANDLERS, ev.Answered, plants.resend_under_new_id),)),
    Bug("M3", "the same request is sent again after a timeout", "I1", 4, ((_HANDLERS, ev.Answered, plants.resend),)),
    Bug("M4", "an unknown outcome is taken for a rejection", "I7", 18, ((settling, "PROVEN_ABSENT", plants.PROVEN),)),
    Bug("M5", "the first negative look-up is proof", "I7", 100, ((settling, "_not_found", plants.believe_first_negative),)),
    Bug("M6", "exposure ignores what is unknown", "I4", 4, ((_APPLY, Kind.MOVE, plants.release_unknown),)),
    Bug("M7", "a trade that is reported twice is booked twice", "I8", 1, ((_HANDLERS, ev.TradesSeen, plants.book_again),)),
    Bug("M8", "the last gate does not look", "I2", 236, ((Process, "gate", plants.open_gate),)),
    Bug("M9", "a kill cancels once", "I9", 388, _ONCE),
    Bug("M10", "a late fill is dropped", "I21", 51, ((settling, "_fill", plants.drop_late),)),
    Bug("M11", "recovery takes SENDING for never sent", "I7", 12, ((_HANDLERS, ev.Boot, plants.boot_forgets),)),
    Bug("M12", "a kill is not journaled", "I6", 15, ((Run, "write", plants.write_hides_kill),)),
    Bug("M13", "fees are computed in floats", "I12", 1, ((settling, "_fill", plants.float_fee),)),
    Bug("M14", "a fee in the base currency is forgotten", "I12", 1, ((settling, "_fill", plants.no_base_fee),)),
    Bug("M15", "a writer of an older epoch is not fenced", "I17", 94, ((SimJournal, "fence", plants.no_fence),)),
    Bug("M16", "the breaker's cooldown runs by the machine's clock", "I18", 83, _BY_THE_WALL),
    Bug("M17", "the verifier does not look at the last record", "I11", 1, ((journal, "follow", plants.follow_but_the_last),)),
    Bug("M18", "close-all cancels nothing first", "I9", 1, ((operating, "cancel_all", plants.close_before_cancel),)),
    Bug("M19", "a tripped breaker blocks exits", "I18", 59, ((machine, "asked_again", plants.breaker_blocks_exits),)),
    Bug("M20", "a list that could not be read is believed empty", "I7", 352, ((_HANDLERS, ev.AbsenceEvidence, plants.empty_when_failed),)),
    Bug("E1", "the venue knows no window of validity", "I7", 14, ((SimVenue, "valid", plants.always_valid),)),
    Bug("E2", "the venue shows orders later than it says", "I7", 185, ((SimVenue, "lag_ms", plants.lag_beyond),)),
    Bug("X1", "nobody looks again at what is unsettled", "I5", 3, ((_HANDLERS, ev.Tick, plants.tick_sleeps),)),
    Bug("X2", "an order ends without a record", "I13", 1, ((settling, "_compare", plants.end_silently),)),
    Bug("X3", "an order is sent again with another time", "I10", 3, ((_HANDLERS, ev.Answered, plants.resend_anew),)),
    Bug("X4", "the verdict of the intent is sent along unasked", "I15", 11, ((machine, "asked_again", plants.stale_verdict),)),
    Bug("X5", "a list of trades that does not reach back is believed", "I21", 8, ((continuity, "gap", plants.no_gap),)),
    Bug("X6", "what becomes of a trade is not counted", "I21", 1, ((Run, "count", plants.count_nothing),)),
    Bug("F1", "nobody counts the calls that fail", "I18", 6, ((failing, "follow", plants.nothing),)),
    Bug("F2", "the breaker of errors closes with the first answer", "I18", 6, ((failing, "follow", plants.quick_forgetting),)),
    Bug("F3", "a spent budget holds no question back", "I20", 1, ((retrying, "within", plants.never_spent),)),
    Bug("F4", "a fee that is told after its fill is not taken", "I21", 35, ((fees, "told", plants_fees.never_told),)),
    Bug("F5", "a fee that is told later is booked once more", "I3", 13, ((_APPLY, Kind.FEE, plants_fees.told_in_full),)),
    Bug("S1", "a stop is wanted again and again", "I26", 7, _LOOP),
    Bug("S2", "a kill takes the stops", "I9", 14, ((protecting, "stays", plants.nothing_stays),)),
    Bug("S3", "an exit leaves beside its stop", "I4", 2, ((protecting, "held_back", plants.exit_at_once),)),
    Bug("S4", "a stop stays as it is when the position has changed", "I26", 14, ((protecting, "_outdated", plants.never_outdated),)),
    Bug("D1", "a spool is merged twice", "I27", 15, ((spool.Spool, "behind", plants_away.merged_again),)),
    Bug("D2", "a cancel has no line in the spool", "I27", 11, ((lost.Lost, "turn", plants_away.unwritten),)),
    Bug("D3", "a kill waits for the database", "I28", 134, ((lost, "reasons", plants_away.waits_for_the_database),)),
)  # fmt: skip
