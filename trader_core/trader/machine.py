"""The machine: step(state, event) -> (records, effects). Synchronous and pure; it owns the order table, ids, epoch and mode.

The records are already applied to the state when they are returned. Whoever runs the machine makes them durable before
it carries out the effects; when that fails it throws the state away and folds the journal again.

Nothing is ever sent twice: an effect Submit follows a SENDING record, and a SENDING record follows an INTENT of an
earlier step. What is not proven is UNKNOWN, holds its reserve, and is resolved only by what the venue shows.
"""

from collections.abc import Callable
from typing import Any

from trader_core.model.command import Command
from trader_core.model.order import OrderEvent, OrderState
from trader_core.model.session import Cause, Mode, Side
from trader_core.trader import continuity, external, failing, fees, merging, operating, protecting, resolving, retrying, settling, tally
from trader_core.trader import events as ev
from trader_core.trader.records import Kind, Record
from trader_core.trader.run import Run, cancel, intend
from trader_core.trader.state import State, bars_body, run_bar
from trader_core.trader.tracked import Order, Vigil, Watch
from trader_core.trader.verdicts import asked_again, refused
from trader_core.venues.port import Outcome

LATE_FILLS_MS = 86_400_000
"""How far back fills are read again when the books differ, or cannot be compared."""
BLIND_READ_MS = 60_000

Result = tuple[list[Record], list[ev.Effect]]


def step(state: State, event: ev.Event) -> Result:
    """Return what is to be made durable and what is to be done after it; the records are applied to `state`."""
    run = Run(state)
    _HANDLERS[type(event)](run, event)
    tally.count(run, event)
    failing.follow(run, event)
    if not isinstance(event, ev.Boot | ev.Spooled | ev.Slot):  # a start looks first, and a slot has no time of its own
        protecting.tend(run, event.now_ms)
    return run.records, retrying.within(state, event, run.effects)


def may_send(mode: Mode, side: Side, cause: Cause) -> bool:
    """Return whether an order may leave in a mode: the table of modes, for the machine and for the last gate alike."""
    if mode is Mode.ACTIVE:
        return True
    if side is Side.BUY:
        return False
    if mode is Mode.REDUCING:
        return True
    return cause is Cause.OPERATOR or (mode is Mode.HALTED and cause is Cause.PROTECT)


def withheld(state: State, client_order_id: str, killed: str, *, waits: bool = False) -> str:
    """Return why an order may not be written to the socket now, or an empty text; `killed` says why everything is, if it is.

    An operator's exit passes a kill only once the machine has taken that kill: then it was ordered after it. `waits` says that
    one more was said which the machine has not taken yet.
    """
    order = state.orders.get(client_order_id)
    if order is None:
        return "no journaled order has this client id"
    if not order.open:
        return f"it is {order.state} by now"
    if order.outranked:
        return "a kill was taken after it was wanted"
    if killed and (waits or order.cause is not Cause.OPERATOR or state.mode is not Mode.KILLED):
        return killed
    if order.side is Side.BUY and state.slots["blocked"][order.index]:
        return f"{order.symbol} is blocked"
    return "" if may_send(state.mode, order.side, order.cause) else f"the session is {state.mode.name}"


def _boot(run: Run, event: ev.Boot) -> None:
    """Recovery: whatever was on its way is unknown until the venue speaks; intents that never left are given up."""
    state = run.state
    if state.code and event.code and state.code != event.code:
        text = f"the session goes on under other code: {state.code[:12]} before, {event.code[:12]} now"
        run.effects.append(ev.Alert(text))
    run.write(Kind.BOOTED, epoch=event.epoch, holder=event.holder, at_ms=event.now_ms, code=event.code)
    run.write(Kind.FLAG, flag="start", on=True, why="started or recovered", at_ms=event.now_ms)
    run.flag("database", "the journal was read back", event.now_ms, on=False)
    for order in list(state.pending.values()):
        if order.state is OrderState.INTENT:
            run.move(order, OrderEvent.ABANDON, event.now_ms, why="never sent")
            continue
        if order.state is OrderState.CANCELING:  # the venue has it, or had it: that it was sent needs no proof
            cancel(run, order, event.now_ms)
            continue
        if order.state is OrderState.SENDING:
            run.move(order, OrderEvent.LOSE, event.now_ms, why="recovered")
        run.look(order)
    state.watches.clear()
    failing.begin(state, event.now_ms)
    continuity.begin(run, event.now_ms)
    state.vigil = Vigil()


def _slot(run: Run, event: ev.Slot) -> None:
    """Book one slot: mark, protect, size and guard in the engine, then turn its decisions into intents."""
    state = run.state
    if event.ts_ms != state.next_slot_ms or state.closed:
        return
    faults = int(state.account["faults"][0])
    decisions = run_bar(state, event.ts_ms, event.bars, event.targets)
    run.records.append(Record(Kind.BARS, bars_body(state, event.ts_ms, event.bars, event.targets, decisions)))
    due = tuple(intend(run, [int(value) for value in row.tolist()]) for row in decisions if not row["refusal"])
    if due:
        run.effects.append(ev.Continue(due))
    if int(state.account["faults"][0]) != faults:
        run.anomaly(f"a price of slot {event.ts_ms} lies beyond its door", event.ts_ms, flag="fault")


def _send_due(run: Run, event: ev.SendDue) -> None:
    """Ask the guard about each durable intent again, pin the venue's time on those that may leave, and give the others up."""
    state = run.state
    for cid in event.client_order_ids:
        order = state.orders[cid]
        if order.state is not OrderState.INTENT:
            continue
        refusal, verdicts = asked_again(state, order)
        if refusal:
            run.move(order, OrderEvent.ABANDON, event.now_ms, why=refused(refusal), refusal=int(refusal), verdicts=verdicts)
            continue
        if protecting.held_back(run, order, event.now_ms):
            continue
        window = state.protocol.window_ms
        run.write(
            Kind.SENDING, client_order_id=cid, sent_ms=event.now_ms, window_ms=window, epoch=state.epoch, verdicts=verdicts,
            plan=state.plan_hash,
        )  # fmt: skip
        run.effects.append(ev.Submit(order.request))


def _tick(run: Run, event: ev.Tick) -> None:
    """Look at every unsettled order whose time has come, in the turns of a simulation; cancel again what did not end."""
    for order in _by_turn(run.state):
        if order.state is OrderState.INTENT:
            continue
        watch = run.state.watches.setdefault(order.client_order_id, Watch())
        if watch.next_ms > event.now_ms:
            continue
        if watch.gone >= settling.NEGATIVES_NEEDED:
            settling.prove_end(run, order, watch, event.now_ms)
        elif watch.owed > order.filled:
            settling.catch_up(run, order, watch, event.now_ms)
        elif order.state is OrderState.CANCELING:
            cancel(run, order, event.now_ms)
        else:
            run.look(order)
    operating.go_on_closing(run, event.now_ms)
    fees.chase(run, event.now_ms)
    _read_blindly(run, event.now_ms)


def _by_turn(state: State) -> list[Order]:
    orders = list(state.pending.values())
    if len(orders) <= 1:
        return orders
    turns = state.grids["turn"].tolist()
    return sorted(orders, key=lambda order: (turns.index(order.index), order.side))


def _read_blindly(run: Run, now: int) -> None:
    """Read all late trades by the minute while an order that was given up keeps the books from being compared: else nobody would."""
    state = run.state
    if now >= state.vigil.read_ms and any(order.state is OrderState.QUARANTINED for order in state.pending.values()):
        state.vigil.read_ms = now + BLIND_READ_MS
        run.effects.extend(ev.FetchTrades(instrument.symbol, now - LATE_FILLS_MS) for instrument in state.instruments)


def _operator(run: Run, event: ev.Operator) -> None:
    """Take an operator's word: what they saw at the venue waits for the venue's own lists, everything else is carried out at once."""
    (resolving.said if event.command is Command.RESOLVE else operating.operator)(run, event)


def _flag_seen(run: Run, event: ev.FlagSeen) -> None:
    """Take a condition from outside; a kill also cancels everything at once."""
    run.flag(event.flag, event.why, event.now_ms, on=event.on)
    if event.flag == "kill" and event.on:
        operating.outranked(run, event.now_ms)
        operating.cancel_all(run, event.now_ms, "kill")


def _block_seen(run: Run, event: ev.BlockSeen) -> None:
    """Block or unblock an instrument; nothing is written when it stands so already."""
    if event.on != bool(run.state.slots["blocked"][event.index]):
        run.write(Kind.BLOCK, instrument=event.index, on=event.on, why=event.why, at_ms=event.now_ms)


def _reconciled(run: Run, event: ev.Reconciled) -> None:
    """Clean books let a session start; a difference halts it until they are clean again."""
    run.write(Kind.RECONCILED, differences=list(event.differences), at_ms=event.now_ms)
    if event.differences:
        run.flag("difference", event.differences[0], event.now_ms, on=True)
        run.effects.append(ev.Alert("books differ: " + "; ".join(event.differences)))
        # A fill that a venue reports only after the order's end is found by nobody else: its order is no longer looked at.
        run.effects.extend(ev.FetchTrades(instrument.symbol, event.now_ms - LATE_FILLS_MS) for instrument in run.state.instruments)
        return
    run.flag("difference", "the books agree", event.now_ms, on=False)
    operating.tell_flat(run, event.now_ms)
    continuity.finish(run, event.now_ms)


def _trades_proof(run: Run, event: ev.TradesProof) -> None:
    """Ask whether a list of trades is whole, and book what is in it."""
    found = continuity.read(run, event)
    settling.trades(run, ev.TradesSeen(event.symbol, event.reply, event.now_ms))
    if event.reply.outcome is Outcome.OK:
        continuity.judged(run, event, found)


_HANDLERS: dict[type, Callable[[Run, Any], None]] = {
    ev.Boot: _boot,
    ev.Slot: _slot,
    ev.SendDue: _send_due,
    ev.Answered: settling.answered,
    ev.Looked: settling.looked,
    ev.TradesSeen: settling.trades,
    ev.TradesProof: _trades_proof,
    ev.AbsenceEvidence: settling.absence,
    ev.Tick: _tick,
    ev.Operator: _operator,
    ev.Examined: resolving.examined,
    ev.FlagSeen: _flag_seen,
    ev.BlockSeen: _block_seen,
    ev.ExternalSeen: external.seen,
    ev.Reconciled: _reconciled,
    ev.Spooled: merging.spooled,
}
