"""What an operator who looks at the venue can truly say of an order that was given up, or of trades that are not listed any more."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from simulation.venue import SimVenue

if TYPE_CHECKING:
    from simulation.process import Process


def evidence(venue: SimVenue, now_ms: int, processes: Iterable["Process"]) -> tuple[str, str]:
    """Return (order, its id at the venue, or '' where it never got there), ('trades', ''), or two empty texts for nothing to say."""
    for process in processes:
        for cid, order in process.state.pending.items() if process.alive else ():
            there = [placed for placed in venue.by_cid.get(cid, []) if now_ms >= placed.visible_ms]
            coming = venue.coming(cid, now_ms) or len(there) < len(venue.by_cid.get(cid, []))
            if str(order.state) == "QUARANTINED" and (there or not coming):
                return cid, there[-1].venue_order_id if there else ""
        if process.alive and "history" in process.state.flags:
            return "trades", ""
    return "", ""
