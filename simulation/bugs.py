"""Planted bugs: ways in which the protocol could be wrong, each with the invariant that must notice it.

They show that the checker can fail. Nothing here is used outside a simulation.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from simulation.shell import SimShell
from simulation.world import Outcome, run
from trader_core.engine import core
from trader_core.model.order import OrderEvent, OrderState
from trader_core.trader import events as ev
from trader_core.trader import machine, settling, state
from trader_core.trader.records import Kind, Record
from trader_core.trader.run import Run
from trader_core.venues import port


class Bug(NamedTuple):
    """One planted bug: what is put in whose place, and who must notice."""

    name: str
    invariant: str
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
        outcomes = (run(seed) for seed in range(first, first + seeds))
        return next((o for o in outcomes if o.violation is not None and o.violation.invariant == bug.invariant), None)


def _get(holder: Any, name: Any) -> Any:
    return holder[name] if isinstance(holder, dict) else getattr(holder, name)


def _set(holder: Any, name: Any, value: Any) -> None:
    if isinstance(holder, dict):
        holder[name] = value
    else:
        setattr(holder, name, value)


def _resend(run_: Run, event: ev.Answered) -> None:
    settling.answered(run_, event)
    order = run_.state.orders[event.client_order_id]
    if event.reply.outcome is port.Outcome.UNKNOWN and order.state is OrderState.UNKNOWN:
        request = port.SendRequest(
            order.client_order_id, order.symbol, order.side, order.qty, order.limit, order.sent_ms, order.window_ms
        )  # fmt: skip
        run_.effects.append(ev.Submit(request))


def _resend_anew(run_: Run, event: ev.Answered) -> None:
    """Send the order again with a later time, as if the first had never left."""
    settling.answered(run_, event)
    order = run_.state.orders[event.client_order_id]
    if event.reply.outcome is port.Outcome.UNKNOWN:
        request = port.SendRequest(
            order.client_order_id, order.symbol, order.side, order.qty, order.limit, event.now_ms, order.window_ms
        )  # fmt: skip
        run_.effects.append(ev.Submit(request))


def _book_again(run_: Run, event: ev.TradesSeen) -> None:
    known, run_.state.seen = run_.state.seen, set()
    settling.trades(run_, event)
    run_.state.seen |= known


def _boot_forgets(run_: Run, event: ev.Boot) -> None:
    for order in list(run_.state.pending.values()):
        if order.state is OrderState.SENDING:
            run_.move(order, OrderEvent.ABANDON, event.now_ms, why="never sent")
    _BOOT(run_, event)


def _tick_only_looks(run_: Run, _event: ev.Tick) -> None:
    for order in run_.state.pending.values():
        if order.state is not OrderState.INTENT:
            run_.look(order)


def _tick_sleeps(_run: Run, _event: ev.Tick) -> None:
    """Look at nothing again."""


def _end_silently(run_: Run, order: Any, found: port.VenueOrder, now: int) -> None:
    _COMPARE(run_, order, found, now)
    if order.open and found.state is port.VenueOrderState.EXPIRED:
        order.state = OrderState.EXPIRED


def _release_unknown(state_: state.State, body: dict[str, Any]) -> None:
    _MOVE(state_, body)
    if body["event"] == OrderEvent.LOSE:
        order = state_.orders[body["client_order_id"]]
        left = order.qty - order.filled
        core.on_release(state_.account, state_.slots, state_.plan_record, state_.grids, order.index, int(order.side), left, 0)


def _believe_first_negative(run_: Run, order: Any, _watch: Any, now: int) -> None:
    run_.move(order, OrderEvent.ABSENT, now)


def _drop_late(run_: Run, order: Any, trade: port.VenueTrade, now: int) -> None:
    if order.open:
        _FILL(run_, order, trade, now)


def _write_hides_kill(run_: Run, kind: Kind, **body: Any) -> None:
    if body.get("flag") == "kill":
        state.apply(run_.state, Record(kind, body))
    else:
        _WRITE(run_, kind, **body)


def _submit_at_once(shell: SimShell, effect: ev.Submit) -> None:
    shell._leave(effect.request)  # noqa: SLF001 - a bug may reach inside


def _open_gate(_shell: SimShell, _request: port.SendRequest) -> str:
    return ""


def _nothing(*_: Any) -> None:
    """Leave out what stood here."""


_BOOT = machine._HANDLERS[ev.Boot]  # noqa: SLF001 - bugs are planted inside
_MOVE: Callable[[state.State, dict[str, Any]], None] = state._APPLY[Kind.MOVE]  # noqa: SLF001
_PROVEN = (*settling.PROVEN_ABSENT, port.Outcome.UNKNOWN)
_COMPARE = settling._compare  # noqa: SLF001
_FILL = settling._fill  # noqa: SLF001
_WRITE = Run.write
_HANDLERS: Any = machine._HANDLERS  # noqa: SLF001

BUGS = (
    Bug("an unknown outcome is taken for a rejection", "I7", ((settling, "PROVEN_ABSENT", _PROVEN),)),
    Bug("the same request is sent again after a timeout", "I1", ((_HANDLERS, ev.Answered, _resend),)),
    Bug("the order is sent again with another time", "I10", ((_HANDLERS, ev.Answered, _resend_anew),)),
    Bug("a trade that is reported twice is booked twice", "I8", ((_HANDLERS, ev.TradesSeen, _book_again),)),
    Bug("recovery takes SENDING for never sent", "I7", ((_HANDLERS, ev.Boot, _boot_forgets),)),
    Bug("nobody looks again at what is unsettled", "I5", ((_HANDLERS, ev.Tick, _tick_sleeps),)),
    Bug("an order ends without a record", "I13", ((settling, "_compare", _end_silently),)),
    Bug("a kill cancels once", "I9", ((settling, "cancel", _nothing), (_HANDLERS, ev.Tick, _tick_only_looks))),
    Bug("exposure ignores what is unknown", "I4", ((state._APPLY, Kind.MOVE, _release_unknown),)),  # noqa: SLF001
    Bug("the first negative look-up is proof", "I7", ((settling, "_not_found", _believe_first_negative),)),
    Bug("a late fill is dropped", "I3", ((settling, "_fill", _drop_late),)),
    Bug("a kill is not journaled", "I6", ((Run, "write", _write_hides_kill),)),
    Bug("the last gate does not look", "I2", ((SimShell, "gate", _open_gate),)),
    Bug("an order leaves before its SENDING is durable", "I16", ((SimShell, "_submit", _submit_at_once),)),
)  # fmt: skip
