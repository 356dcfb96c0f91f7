"""Merging: what a spool says becomes records, each line once, before anything is recovered. Pure."""

from typing import Any

from trader_core.model.order import OrderEvent
from trader_core.trader import events as ev
from trader_core.trader import operating
from trader_core.trader.lost import CANCEL, KILL
from trader_core.trader.records import Kind
from trader_core.trader.run import AT_VENUE, Run


def spooled(run: Run, event: ev.Spooled) -> None:
    """Journal the lines of a spool; a kill holds, and what was cancelled is being cancelled until the venue says what became of it.

    What the venue answered is kept as it came and proves nothing here: recovery asks again.
    """
    for line in event.lines:
        run.write(Kind.SPOOLED, spool=event.spool, number=line.number, hash=line.hash.hex(), said=line.body)
        _follow(run, line.body, event.epoch)


def _follow(run: Run, said: dict[str, Any], epoch: int) -> None:
    # A kill is history where another trader has taken the session since: that one had the same files and switches before it.
    # One that stands in the journal already is no news, and withdraws no close-all that was said after it.
    if said.get("what") == KILL and said.get("epoch", epoch) >= run.state.epoch and "kill" not in run.state.flags:
        run.flag("kill", said["why"], said["at_ms"], on=True)
        operating.outranked(run, said["at_ms"])
    elif said.get("what") == CANCEL:
        order = run.state.orders.get(said["client_order_id"])
        if order is not None and order.state in AT_VENUE:
            run.move(order, OrderEvent.CANCEL, said["at_ms"])
