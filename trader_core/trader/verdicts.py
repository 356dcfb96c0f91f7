"""The guard, asked again at the moment of sending: between an intent and its sending the state may have moved on. Pure."""

from trader_core.engine import core
from trader_core.engine.guard import DAY_MS, HOUR_MS, sale_verdicts_of, verdicts_of
from trader_core.engine.layout import Record
from trader_core.model.session import Refusal, Side
from trader_core.trader.state import State
from trader_core.trader.tracked import Order

SIZE = 5
"""The layer of size, minimum and cash."""


def asked_again(state: State, order: Order) -> tuple[Refusal, int]:
    """Return (first refusal, bit k for each layer k that says no) of an intent that has not left, against the state as it is now.

    A buy is asked of all eight layers as if it were not in flight yet; a sale of layers 0 and 5, since no other stops a reduction.
    """
    index, slots = order.index, state.slots
    if order.side is Side.SELL:
        first, bits = sale_verdicts_of(state.account, slots, state.grids, index, int(order.cause), order.qty)
        return Refusal(first), bits
    account, slots = state.account.copy(), slots.copy()
    core.on_release(account, slots, state.plan_record, state.grids, index, int(order.side), order.qty, 0)
    _uncount(account, slots, index, order.slot_ms)
    account["reserved"] += state.external_locked  # exposure counts somebody else's orders at their worst
    close = int(slots["close"][index])
    first, bits = verdicts_of(
        account, slots, state.plan_record, state.grids, index, order.slot_ms, close, order.limit, order.qty, order.qty
    )  # fmt: skip
    taken = int(state.account["reserved"][0]) + state.external_taken  # this order's worst cost is among what is reserved
    if int(state.account["cash"][0]) < taken:
        bits |= 1 << SIZE
        first = first if 0 < first < Refusal.CASH else Refusal.CASH
    return Refusal(first), bits


def refused(refusal: Refusal) -> str:
    """Return which layer said no, in words."""
    return f"layer {refusal // 10} refuses it at the moment of sending: {refusal.name}"


def _uncount(account: Record, slots: Record, index: int, ts_ms: int) -> None:
    """Take the order itself out of the hour's and the day's counts."""
    if account["rate_hour"][0] == ts_ms // HOUR_MS:
        account["rate_count"] -= 1
    if slots["entry_day"][index] == ts_ms // DAY_MS:
        slots["entries_day"][index] -= 1
