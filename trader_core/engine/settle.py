"""The simulated venue's part of a slot: what is in flight meets the bar, and so does protection that rests there."""

from typing import Any

from trader_core.engine import book
from trader_core.engine.arithmetic import down_to
from trader_core.engine.decide import count_order, write
from trader_core.engine.fills import LIMIT, MARKET, STOP, fill_from, meet
from trader_core.engine.guard import PROTECT, too_small
from trader_core.engine.kernel import kernel
from trader_core.engine.mark import USABLE, bar_state
from trader_core.engine.protect import BY_PROTECTION, arm

CANCELLED = -1
HELD, AT_OPEN, INSIDE = 0, 1, 2
"""When the position that rests under protection was entered: before the bar, at its open, or somewhere inside it."""
ROWS_DECIDED, ROWS_FILLED = 3, 6
"""The most rows that one instrument writes in a slot: two protective exits and a decision; two sells, two releases, a buy and more."""


@kernel
def note(row: Any, ts: int, i: int, signal: int, side: int, released: int) -> None:
    """Write a row of FILL that fills nothing yet."""
    row.ts, row.instrument, row.signal, row.side, row.released = ts, i, signal, side, released
    row.qty, row.price, row.fee, row.fee_base, row.maker = 0, 0, 0, 0, 0


@kernel
def take_fill(
    account: Any, slot: Any, plan: Any, grid: Any, side: int, filled: tuple[int, int, int, int], maker: int, ts: int, row: Any
) -> int:  # fmt: skip
    """Book what met the bar, write it to a noted row, and return its quantity."""
    qty, price, fee, fee_base = filled
    if qty == 0 or book.fill(account, slot, grid, side, qty, price, fee, fee_base) != book.BOOKED:
        return 0
    arm(slot, plan, grid, ts)
    row.qty, row.price, row.fee, row.fee_base, row.maker = qty, price, fee, fee_base, maker
    return qty


@kernel
def settle_side(account: Any, slot: Any, plan: Any, grid: Any, bar: Any, i: int, ts: int, side: int, row: Any) -> int:
    """Let what is in flight on one side meet the bar, and release what has no bar left; return the rows written, at most 1."""
    buys = side > 0
    asked, limit, trigger = (slot.buying, slot.buy_limit, slot.buy_trigger) if buys else (slot.selling, slot.sell_limit, 0)
    kind, age = (slot.buy_kind, slot.buy_age) if buys else (slot.sell_kind, slot.sell_age)
    note(row, ts, i, slot.buy_signal if buys else slot.sell_signal, side, 0)
    worked, qty = age - plan.delay_slots, 0
    if worked >= 0 and age != CANCELLED:
        price, kind, maker = meet(bar, side, kind, trigger, limit, 1 if worked == 0 else 0)
        qty = take_fill(account, slot, plan, grid, side, fill_from(plan, grid, bar, side, asked, limit, price, maker), maker, ts, row)
    if asked > qty and (age == CANCELLED or 0 < plan.good_slots <= worked + 1):
        row.released = asked - qty
        book.release(account, slot, grid, side, row.released, 0)
    elif asked > qty and buys:
        slot.buy_kind, slot.buy_age = kind, age + 1
    elif asked > qty:
        slot.sell_age = age + 1
    return 1 if qty > 0 or row.released > 0 else 0


@kernel
def resting_price(slot: Any, bar: Any, entered: int) -> tuple[int, int]:
    """Return (price before slippage or 0, kind) at which resting protection leaves inside a bar; the stop comes first.

    A position entered inside the bar takes no profit in it, and a low that lies behind an open below the stop proves nothing.
    """
    if bar.low <= slot.stop_price and (entered != INSIDE or bar.open > slot.stop_price or bar.close <= slot.stop_price):
        return (slot.stop_price if entered == INSIDE else min(bar.open, slot.stop_price)), STOP
    if entered != INSIDE and slot.take_price > 0 and bar.high > slot.take_price:
        return slot.take_price, LIMIT
    return 0, MARKET


@kernel
def protect_inside(
    account: Any, slot: Any, plan: Any, grid: Any, bar: Any, i: int, ts: int, entered: int, decision: Any, rows: Any, at: int
) -> int:  # fmt: skip
    """Let resting protection meet the bar; return the rows of FILL written: 0, or the exit behind the release of another.

    The intent goes to `decision`. What the bar's volume does not carry leaves at the market: the slot is latched.
    """
    price, kind = resting_price(slot, bar, entered)
    qty, written = down_to(slot.position, grid.lot), 0
    if price == 0 or slot.latched != 0 or too_small(grid, price, qty):
        return 0
    if slot.selling > 0:
        note(rows[at], ts, i, slot.sell_signal, -1, slot.selling)
        book.release(account, slot, grid, -1, slot.selling, 0)
        written = 1
    write(account, decision, ts, i, PROTECT, slot.target, 0, slot.close)
    count_order(account, ts)
    decision.wanted, decision.qty, decision.kind = -qty, -qty, kind
    decision.trigger, decision.limit = (slot.stop_price, grid.tick) if kind == STOP else (0, slot.take_price)
    slot.latched, slot.refused, slot.selling, slot.sell_signal = BY_PROTECTION, 0, qty, decision.signal
    maker = 1 if kind == LIMIT else 0
    row = rows[at + written]
    note(row, ts, i, decision.signal, -1, 0)
    filled = fill_from(plan, grid, bar, -1, qty, decision.limit, price, maker)
    row.released = qty - take_fill(account, slot, plan, grid, -1, filled, maker, ts, row)
    if row.released > 0:
        book.release(account, slot, grid, -1, row.released, 0)
    return written + 1


@kernel
def settle(
    account: Any, slot: Any, plan: Any, grid: Any, bar: Any, i: int, ts: int, decisions: Any, decided: int, fills: Any, rows: int
) -> tuple[int, int]:  # fmt: skip
    """Let one instrument meet its next bar, sells first, and return the rows of DECISION and of FILL after it."""
    if bar_state(bar, grid) != USABLE:
        return decided, rows
    if slot.selling > 0 and slot.sell_kind == MARKET:
        rows += settle_side(account, slot, plan, grid, bar, i, ts, -1, fills[rows])
    if plan.resting != 0 and slot.position >= grid.lot:
        before = account.signals
        rows += protect_inside(account, slot, plan, grid, bar, i, ts, HELD, decisions[decided], fills, rows)
        decided += account.signals - before
    if slot.selling > 0 and slot.sell_kind == LIMIT:
        rows += settle_side(account, slot, plan, grid, bar, i, ts, -1, fills[rows])
    if slot.buying > 0:
        position, worked = slot.position, slot.buy_age - plan.delay_slots
        at_open = slot.buy_kind == MARKET or (worked == 0 and slot.buy_kind == LIMIT and bar.open <= slot.buy_limit)
        rows += settle_side(account, slot, plan, grid, bar, i, ts, 1, fills[rows])
        if plan.resting != 0 and slot.position > position and slot.position >= grid.lot:
            before = account.signals
            entered = AT_OPEN if at_open else INSIDE
            rows += protect_inside(account, slot, plan, grid, bar, i, ts, entered, decisions[decided], fills, rows)
            decided += account.signals - before
    return decided, rows
