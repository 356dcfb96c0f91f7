"""Fees that a venue tells later than the fill: taken for the most of its schedule, and booked as they are once they are told. Pure.

A fill is never held back for its fee: what is held must be known, and protected. The difference is a record of its own; nothing is
edited. Until it comes the books may differ by as much as the fee was taken for.
"""

from typing import TYPE_CHECKING, Any

from trader_core.engine import core
from trader_core.trader import events as ev
from trader_core.trader.records import Kind
from trader_core.trader.retrying import wait_ms
from trader_core.trader.tracked import Watch
from trader_core.venues.port import Outcome, VenueTrade

if TYPE_CHECKING:
    from trader_core.trader.run import Run
    from trader_core.trader.state import State
    from trader_core.trader.tracked import Order

LATEST_MS = 3_600_000
"""So long after its fill a fee is asked for; then it stays what it was taken for, and a dead letter says so."""
STEPS_MS = (1_000, 5_000, 20_000, 60_000)


def due(state: "State", order: "Order", body: dict[str, Any]) -> None:
    """Remember a fill whose fee is not told yet."""
    state.fees_due[_key(order.symbol, body["trade_id"])] = [
        order.client_order_id, body["price"], body["fee"], body["fee_base"], body["ts"],
    ]  # fmt: skip


def apply(state: "State", body: dict[str, Any]) -> None:
    """Book a fee in place of what it was taken for."""
    order = state.orders[body["client_order_id"]]
    _, price, booked, booked_base, _ = state.fees_due.pop(_key(order.symbol, body["trade_id"]))
    core.on_fee(state.account, state.slots, state.grids, order.index, price, body["fee"], body["fee_base"], booked, booked_base)


def told(run: "Run", symbol: str, trade: VenueTrade, now: int) -> bool:
    """Book the fee of a fill that was booked without it, and return True; return False where nothing is due, or it is not told yet."""
    if trade.fee_due or _key(symbol, trade.trade_id) not in run.state.fees_due:
        return False
    cid, faults = run.state.fees_due[_key(symbol, trade.trade_id)][0], int(run.state.account["faults"][0])
    _write(run, _key(symbol, trade.trade_id), trade.fee, trade.fee_base, now)
    if int(run.state.account["faults"][0]) != faults:
        raw = {"client_order_id": cid, "trade_id": trade.trade_id, "fee": trade.fee, "fee_base": trade.fee_base}
        run.letter("FEE", f"the fee of a fill of {cid} lies beyond a door", raw, now)
        run.flag("fault", "a fee lies beyond a door", now, on=True)
    return True


def chase(run: "Run", now: int) -> None:
    """Ask for the trades of each instrument that a fee is due of; what is not told in time stays what it was taken for."""
    state = run.state
    if not state.fees_due and not state.fee_watches:
        return
    for key in [key for key, (*_, ts) in state.fees_due.items() if now > ts + LATEST_MS]:
        cid, _, fee, fee_base, _ = state.fees_due[key]
        raw = {"client_order_id": cid, "trade_id": key.split()[1], "fee": fee, "fee_base": fee_base}
        _write(run, key, fee, fee_base, now)
        run.letter("FEE", f"the venue never told the fee of a fill of {cid}: it stays what it was taken for", raw, now)
    oldest = dict[str, int]()
    for key, (*_, ts) in state.fees_due.items():
        symbol = key.split()[0]
        oldest[symbol] = min(ts, oldest.get(symbol, ts))
    for symbol, ts in oldest.items():
        watch = state.fee_watches.setdefault(symbol, Watch())
        if watch.next_ms <= now:
            watch.next_ms = now + wait_ms(STEPS_MS, symbol, watch.tries, Outcome.OK)
            watch.tries += 1
            run.effects.append(ev.FetchTrades(symbol, ts - state.protocol.skew_ms))
    for symbol in state.fee_watches.keys() - oldest.keys():
        del state.fee_watches[symbol]


def _write(run: "Run", key: str, fee: int, fee_base: int, now: int) -> None:
    """Record what a fee is, and by how much it is more than it was taken for."""
    cid, price, booked, booked_base, _ = run.state.fees_due[key]
    run.write(
        Kind.FEE, client_order_id=cid, trade_id=key.split()[1], fee=fee, fee_base=fee_base, more=fee - booked,
        more_base=fee_base - booked_base, price=price, at_ms=now,
    )  # fmt: skip


def tolerance(state: "State", symbol: str = "") -> int:
    """Return what fees that are due may make the books differ by: of one instrument's base, or of the quote without a symbol."""
    return sum(
        base if symbol else quote for key, (_, _, quote, base, _) in state.fees_due.items() if not symbol or key.split()[0] == symbol
    )


def _key(symbol: str, trade_id: str) -> str:
    return f"{symbol} {trade_id}"
