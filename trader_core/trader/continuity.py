"""Continuity: whether the venue's lists of the account's trades reach back to what is booked, so that none can be missing. Pure.

A session that was away asks, instrument by instrument, from the last trade that it applied, with an overlap. It is proven when the
answer shows a trade that was applied or set aside already: from there on the list is whole. Until every instrument is proven the
session stays HALTED; where a list does not reach back the flag `history` says what is missing.
"""

from trader_core.trader import events as ev
from trader_core.trader.records import Kind
from trader_core.trader.run import ASK, Run
from trader_core.trader.state import State
from trader_core.trader.tracked import Recovery
from trader_core.venues.port import TRADES_MADE_HERE, VenueTrade

OVERLAP_MS = 3_600_000
FAR_MS = 7 * 86_400_000
"""Where the last trade lies longer before the books last agreed, one asks from there on: a year of spans is no recovery."""


def begin(run: Run, now: int) -> None:
    """Forget what an earlier life had proven, and ask for the trades of every instrument."""
    state = run.state
    asked = tuple(order.client_order_id for order in state.pending.values() if order.sent_ms)
    state.recovery = Recovery(now, asked, frozenset(state.seen), int(state.slots["fills"].sum()), dict(state.traded_ms))
    _ask(run, now, missing(state))


def missing(state: State) -> list[str]:
    """Return the symbols whose trades are not proven complete since the last boot."""
    if state.protocol.trades_kept_ms == TRADES_MADE_HERE:
        return []
    return [instrument.symbol for instrument in state.instruments if instrument.symbol not in state.recovery.proven]


def since(state: State, symbol: str, now: int) -> int:
    """Return from when on an instrument's trades are to be read, epoch ms: what was traded before the session began is not its own."""
    last, kept = state.recovery.last.get(symbol, state.began_ms), state.protocol.trades_kept_ms
    start = last if state.known_ms - last <= FAR_MS else state.known_ms
    return max(start - OVERLAP_MS, state.began_ms, now - kept if kept else 0)


def gap(state: State, symbol: str, since_ms: int, trades: list[VenueTrade]) -> str:
    """Return what a list of trades since `since_ms` cannot show, or an empty text where it is whole."""
    last = state.recovery.last.get(symbol)
    if last is not None and last >= since_ms:  # what was applied only since then shows nothing of the time before it
        if any(f"{symbol} {trade.trade_id}" in state.recovery.known and trade.ts_ms <= last for trade in trades):
            return ""
        return f"the venue's list of trades of {symbol} since {since_ms} does not show the one of {last} that is booked"
    known = max(state.known_ms, last or 0)
    if since_ms <= known:
        return ""
    return f"the venue keeps trades for {state.protocol.trades_kept_ms} ms: those of {symbol} between {known} and {since_ms} cannot be seen"


def read(run: Run, event: ev.TradesProof) -> str:
    """Take an instrument's trades as proof, before they are booked; return what is missing, or an empty text."""
    return gap(run.state, event.symbol, event.since_ms, event.reply.value or [])


def judged(run: Run, event: ev.TradesProof, found: str) -> None:
    """Keep the proof, or stay HALTED and say why; while an order of the symbol is unproven its trades are asked for once more."""
    state, symbol = run.state, event.symbol
    if found:
        if "history" not in state.flags:
            text = f"{found}: compare the venue's own account history, then `gatehouse resolve {state.session_id} --trades --reason TEXT`"
            run.anomaly(text, event.now_ms, flag="history")
        return
    if not any(order.symbol == symbol and order.state in ASK for order in state.pending.values()):
        state.recovery.proven[symbol] = (event.since_ms, event.now_ms)


def finish(run: Run, now: int) -> None:
    """End a recovery whose books agree: once all is proven and no order is unresolved it is recorded, and the session may start."""
    state = run.state
    if "start" not in state.flags:
        return
    left = missing(state)
    if left:
        _ask(run, now, left)
    elif not any(order.state in ASK for order in state.pending.values()):
        run.flag("history", "the venue's lists reach back to what is booked", now, on=False)
        _record(run, now)
        run.flag("start", "recovered; the books agree", now, on=False)


def _ask(run: Run, now: int, symbols: list[str]) -> None:
    run.effects.extend(ev.ProveTrades(symbol, since(run.state, symbol, now)) for symbol in symbols)


def _record(run: Run, now: int) -> None:
    state, recovery = run.state, run.state.recovery
    states = [str(state.orders[cid].state) for cid in recovery.asked]
    fills = int(state.slots["fills"].sum()) - recovery.fills
    run.write(
        Kind.RECOVERED, at_ms=now, took_ms=now - recovery.at_ms, asked=len(states), absent=states.count("NOT_PLACED"),
        found=len(states) - states.count("NOT_PLACED"), fills=fills, foreign=len(state.seen) - len(recovery.known) - fills,
        proven=[[symbol, *recovery.proven[symbol]] for symbol in sorted(recovery.proven)],
    )  # fmt: skip
