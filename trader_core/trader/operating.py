"""What operators' words do: kill, pause, resume, cancel-all, close-all. Pure.

A word that was carried out is not carried out again under the same number: a trader that died between the commit and its
answer is told it once more.
"""

from trader_core.engine.protect import BY_OPERATOR
from trader_core.model.command import Command
from trader_core.model.order import OrderEvent, OrderState
from trader_core.trader import events as ev
from trader_core.trader import exiting, failing, letters, protecting
from trader_core.trader.records import Kind
from trader_core.trader.run import ASK, AT_VENUE, Run, cancel, intend
from trader_core.trader.state import State

TRY_AGAIN_MS = 5_000
"""How long after an exit that was not filled a close-all tries again, unless a bar comes first."""
CLEARED = ("kill", "pause", "reduce", "dead_letter", "restricted", "fault", "overfill", "closing", "errors")
"""What a resume clears; a difference of the books is cleared by books that agree, and by nothing else."""
_FLAGS = {Command.PAUSE: "pause", Command.REDUCE: "reduce", Command.STOP: "stopping", Command.CLOSE_ALL: "closing"}


def operator(run: Run, event: ev.Operator) -> None:
    """Carry an operator's word out, and say what became of it."""
    state, now = run.state, event.now_ms
    if event.command_id in state.obeyed:
        return
    outcome, latch, reset = "done", [], False
    if event.command is Command.RESUME:
        outcome, reset = _resume(run, now)
    elif event.command is Command.KILL:  # written again where it stands: a kill also outranks the close-all before it
        run.write(Kind.FLAG, flag="kill", on=True, why=event.reason or event.command, at_ms=now)
        outranked(run, now)
    elif event.command in _FLAGS:
        run.flag(_FLAGS[event.command], event.reason or event.command, now, on=True)
    elif event.command in {Command.REPLAY, Command.DISMISS}:
        outcome = letters.obeyed(run, event)
    if event.command in {Command.CLOSE_ALL, Command.CANCEL_ALL, Command.KILL}:
        cancel_all(run, now, event.command)
    if event.command is Command.CLOSE_ALL:
        latch = [i for i in range(len(state.instruments)) if state.slots["position"][i] or state.slots["buying"][i]]
        outcome = _to_close(state)
    if event.command is Command.KILL:
        outcome = _unprotected(state)
    run.write(
        Kind.OPERATOR,
        command_id=event.command_id,
        command=event.command,
        actor=event.actor,
        reason=event.reason,
        outcome=outcome,
        latch=latch,
        reset_breaker=reset,
        at_ms=now,
    )
    if latch:
        _exit(run, now)


def cancel_all(run: Run, now: int, why: str) -> None:
    """Cancel what is at the venue and give up what has not left; what is unproven is cancelled when it is found.

    Only a close-all takes the stops that protect what is held.
    """
    for order in list(run.state.pending.values()):
        if protecting.stays(order) and why != Command.CLOSE_ALL:
            continue
        if order.state is OrderState.INTENT:
            run.move(order, OrderEvent.ABANDON, now, why=f"given up by {why}")
        elif order.state in AT_VENUE:
            cancel(run, order, now)


def outranked(run: Run, now: int) -> None:
    """End a close-all at a kill: what it has not sold stays, until another one."""
    run.flag("closing", "a kill outranks it", now, on=False)


def go_on_closing(run: Run, now: int) -> None:
    """Try again to sell what a close-all has not sold, some seconds after the last time, and what was filled only after it."""
    state = run.state
    if "closing" not in state.flags or now < state.exit_tried_ms + TRY_AGAIN_MS:
        return
    late = [i for i, x in enumerate(state.instruments) if state.position(i) >= x.lot and state.slots["latched"][i] != BY_OPERATOR]
    if late:
        run.write(
            Kind.OPERATOR, command_id=0, command=Command.CLOSE_ALL, actor="session", reason="filled after the close-all",
            outcome="sold too", latch=late, reset_breaker=False, at_ms=now,
        )  # fmt: skip
    _exit(run, now)


def tell_flat(run: Run, now: int) -> None:
    """Say that a close-all is done, once: nothing is on its way, nothing sellable is held, and the venue's books agree."""
    state = run.state
    if "closing" not in state.flags or state.pending or any(state.position(i) >= x.lot for i, x in enumerate(state.instruments)):
        return
    if not state.flags["closing"].startswith(FLAT):
        run.write(Kind.FLAG, flag="closing", on=True, why=f"{FLAT}: {state.flags['closing']}", at_ms=now)
        run.effects.append(ev.Alert("close-all is done: no order is open, nothing is held, and the venue's books agree"))


FLAT = "flat"
"""How the flag of a close-all begins once it is done; nothing new is opened until a resume."""


def _exit(run: Run, now: int) -> None:
    """Sell what is held of latched instruments at once, where nothing is on its way that sells it already."""
    state = run.state
    state.exit_tried_ms = now
    held = [i for i, x in enumerate(state.instruments) if state.position(i) >= x.lot and not _sells(state, i)]
    rows = exiting.decide(state, now, held) if held else []
    if not rows:
        return
    run.keep(Kind.EXITS, ts=now, instruments=held, decisions=rows)
    due = tuple(intend(run, row) for row in rows if not row[REFUSAL])
    if due:
        run.effects.append(ev.Continue(due))


REFUSAL = 8
"""Where a decision's refusal stands in its row."""


def _sells(state: State, index: int) -> bool:
    return bool(state.slots["selling"][index])


def _to_close(state: State) -> str:
    held = ", ".join(instrument.symbol for i, instrument in enumerate(state.instruments) if state.position(i))
    orders = len(state.pending)
    if not held and not orders:
        return "nothing is held and nothing is open; nothing new is opened until a resume"
    said = f"{orders} orders are cancelled first; " if orders else ""
    return f"{said}sold at once, and again until it is gone: {held or 'what they bring'}; nothing new is opened until a resume"


def _unprotected(state: State) -> str:
    held = [i for i in range(len(state.instruments)) if state.position(i)]
    if not held:
        return "killed; nothing is held"
    rests = {order.index for order in state.pending.values() if order.rests}
    stops, bare = (", ".join(state.instruments[i].symbol for i in held if (i in rests) is on) for on in (True, False))
    kept = f"; stops stay at the venue for {stops}" if stops else ""
    return f"killed{kept}" + (f"; without protection now: {bare}; `gatehouse close-all` sells them" if bare else "")


def _resume(run: Run, now: int) -> tuple[str, bool]:
    """Clear every cause but the books' difference; refused while anything is unresolved or unexplained."""
    state = run.state
    unresolved = [o.client_order_id for o in state.pending.values() if o.state in ASK or o.state is OrderState.CANCELING]
    if unresolved:
        return f"refused: {len(unresolved)} orders are unresolved", False
    if "difference" in state.flags:
        return f"refused: the books differ: {state.flags['difference']}"[:400], False
    if "history" in state.flags:
        return f"refused: {state.flags['history']}"[:400], False
    if state.letters:
        return f"refused: {len(state.letters)} dead letters are open; `gatehouse letters list` shows them", False
    for flag in CLEARED:
        run.flag(flag, "resumed by an operator", now, on=False)
    failing.begin(state, now)
    return "done", True
