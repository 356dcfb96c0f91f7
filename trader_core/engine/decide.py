"""Deciding on orders: from targets, stops and latches to rows of DECISION. Reductions first, then buys by size of target."""

from typing import Any

from trader_core.engine.arithmetic import down_to, mix
from trader_core.engine.book import is_open, worst_cost
from trader_core.engine.fills import LIMIT, MARKET, STOP_LIMIT
from trader_core.engine.guard import ACTIVE, DAY_MS, HOUR_MS, OPERATOR, PROTECT, TARGET, buy_verdicts, held_cost, mode_refusal
from trader_core.engine.kernel import kernel
from trader_core.engine.protect import BY_OPERATOR, BY_PROTECTION
from trader_core.engine.size import (
    affordable,
    entry_prices,
    exit_limit,
    in_band,
    resting_stop,
    sell_limit,
    sellable,
    slot_worth,
    wanted_quantity,
)  # fmt: skip
from trader_core.model.session import Refusal

R_BAND, R_LATCHED, R_UNSELLABLE = int(Refusal.BAND), int(Refusal.LATCHED), int(Refusal.UNSELLABLE)
LAYER_SIZE = 1 << 5


@kernel
def write(account: Any, row: Any, ts: int, i: int, cause: int, target_from: int, target_to: int, close: int) -> None:
    """Number a new row and fill in what every signal has."""
    row.signal, row.ts, row.instrument, row.cause = account.signals, ts, i, cause
    row.target_from, row.target_to, row.close = target_from, target_to, close
    row.wanted, row.qty, row.refusal, row.reserve, row.verdicts = 0, 0, 0, 0, 0
    row.kind, row.trigger, row.limit = MARKET, 0, 0
    account.signals += 1


@kernel
def count_order(account: Any, ts: int) -> None:
    """Count an order for layer 7."""
    hour = ts // HOUR_MS
    account.rate_count = account.rate_count + 1 if account.rate_hour == hour else 1
    account.rate_hour = hour


@kernel
def order_sell(account: Any, slot: Any, plan: Any, grid: Any, row: Any, qty: int) -> None:
    """Turn a written row into the intent to sell, and put it in flight."""
    row.qty = -qty
    if row.cause == TARGET:
        row.kind = plan.exit_kind
        row.limit = exit_limit(plan, grid, row.close) if row.kind == LIMIT else sell_limit(grid, row.close, plan.collar_ppm)
    else:
        row.limit = sell_limit(grid, row.close, plan.exit_collar_ppm)
    slot.selling, slot.sell_limit, slot.sell_kind, slot.sell_signal, slot.refused = qty, row.limit, row.kind, row.signal, 0
    count_order(account, row.ts)


@kernel
def leave(account: Any, slot: Any, plan: Any, grid: Any, row: Any, i: int, ts: int, cause: int, target_from: int) -> int:
    """Sell the whole position, or record once why not; return the number of rows written."""
    refusal, verdicts = mode_refusal(account.mode, -1, cause), 0
    if refusal != 0:
        verdicts = 1
    qty = sellable(slot, plan, grid, slot.close)
    if qty == 0:
        verdicts |= LAYER_SIZE
        refusal = R_UNSELLABLE if refusal == 0 else refusal
    if refusal != 0 and refusal == slot.refused:
        return 0
    write(account, row, ts, i, cause, target_from, 0, slot.close)
    row.wanted, row.refusal, row.verdicts = -down_to(slot.position, grid.lot), refusal, verdicts
    slot.refused = refusal
    if refusal == 0:
        order_sell(account, slot, plan, grid, row, qty)
    return 1


@kernel
def rest(account: Any, slot: Any, plan: Any, grid: Any, row: Any, i: int, ts: int) -> int:
    """Decide on the stop that rests for what is held; its price is its trigger. Return the number of rows written.

    It is not in flight for the slot: whoever places it sells nothing else before it has ended.
    """
    qty, trigger, limit = resting_stop(slot, plan, grid)
    if qty == 0:
        return 0
    write(account, row, ts, i, PROTECT, slot.target, slot.target, trigger)
    row.wanted, row.qty, row.kind, row.trigger, row.limit = -qty, -qty, STOP_LIMIT, trigger, limit
    count_order(account, ts)
    return 1


@kernel
def lower(account: Any, slot: Any, plan: Any, grid: Any, row: Any, i: int, ts: int, target: int, qty: int, slot_money: int) -> int:
    """Sell a part of the position for a target that fell but not to 0; return the number of rows written, which is 1."""
    write(account, row, ts, i, TARGET, slot.target, target, slot.close)
    slot.target, slot.refused = target, 0
    qty = down_to(qty, grid.lot)
    row.wanted = -qty
    if in_band(plan, grid, slot_money, slot.close, qty):
        row.refusal = R_BAND
        return 1
    row.refusal = mode_refusal(account.mode, -1, TARGET)
    if row.refusal != 0:
        row.verdicts = 1
        return 1
    order_sell(account, slot, plan, grid, row, qty)
    return 1


@kernel
def reduce(account: Any, slot: Any, plan: Any, grid: Any, row: Any, i: int, ts: int, target: int) -> int:
    """Do all that one instrument may want except buying; return the number of rows written, at most 1."""
    if slot.selling > 0:
        return 0
    held = slot.position >= grid.lot
    before, idle, changed = slot.target, slot.buying == 0, target >= 0 and target != slot.target
    if changed and target == 0 and idle:
        slot.target, slot.refused = 0, 0
    if held and (slot.latched != 0 or (idle and slot.target == 0 and target <= 0)):
        cause = OPERATOR if slot.latched == BY_OPERATOR else (PROTECT if slot.latched == BY_PROTECTION else TARGET)
        if leave(account, slot, plan, grid, row, i, ts, cause, before) == 1:
            return 1
    if target == 0 and idle and slot.latched != 0 and sellable(slot, plan, grid, slot.close) == 0:
        slot.latched = 0
    if target <= 0 or not changed or not idle:
        return 0
    slot_money = slot_worth(account, plan, grid)
    delta = wanted_quantity(slot_money, target, slot.close, grid) - slot.position
    if slot.latched != 0:
        write(account, row, ts, i, TARGET, before, target, slot.close)
        row.wanted, row.refusal = delta, R_LATCHED
        slot.target = target
        return 1
    return 0 if delta > 0 else lower(account, slot, plan, grid, row, i, ts, target, -delta, slot_money)


@kernel
def at_rest(slot: Any, grid: Any, target: int) -> bool:
    """Return whether nothing can come of a slot: its target unmoved, not latched, and flat or held because it is wanted."""
    if slot.latched != 0 or (target >= 0 and target != slot.target):
        return False
    return bool(slot.position < grid.lot or slot.target > 0)


@kernel
def drop_unwanted(account: Any, slot: Any, plan: Any, target: int) -> None:
    """Cancel an order that works for several bars when its reason is gone: it is released before it meets another bar."""
    if plan.good_slots == 1 and plan.delay_slots == 0:
        return
    moved = slot.latched != 0 or (target >= 0 and target != slot.target)
    if slot.buying > 0 and (moved or account.mode != ACTIVE or account.breaker != 0 or slot.blocked != 0):
        slot.buy_age = -1
    if slot.selling > 0 and slot.sell_kind == LIMIT and moved:
        slot.sell_age = -1


@kernel
def waits_to_buy(slot: Any, target: int) -> bool:
    """Return whether a target that rose has not been answered yet; `reduce` has answered all others."""
    return bool(target > 0 and target != slot.target and slot.latched == 0 and slot.buying == 0 and slot.selling == 0)


@kernel
def next_buyer(slots: Any, grids: Any, targets: Any, at: int, ts: int) -> int:
    """Return the instrument whose target is largest among those that wait, ties by lot; -1 when none waits."""
    best, best_target, best_lot = -1, 0, 0
    for i in range(slots.shape[0]):
        target = targets[at, i]
        if target < best_target or slots[i].close_ts != ts or not waits_to_buy(slots[i], target):
            continue
        lot = mix(grids[i].hash, ts)
        if target > best_target or lot > best_lot:
            best, best_target, best_lot = i, target, lot
    return best


@kernel
def buy(account: Any, slot: Any, plan: Any, grid: Any, row: Any, i: int, ts: int, target: int, held: int) -> None:
    """Buy what the target wants as far as cash and the guard let, or record which layer said no."""
    close, slot_money = slot.close, slot_worth(account, plan, grid)
    wanted = down_to(wanted_quantity(slot_money, target, close, grid) - slot.position, grid.lot)
    write(account, row, ts, i, TARGET, slot.target, target, close)
    row.wanted = wanted
    slot.target, slot.refused = target, 0
    if in_band(plan, grid, slot_money, close, wanted):
        row.refusal = R_BAND
        return
    trigger, limit = entry_prices(plan, grid, close)
    qty = min(wanted, affordable(account, grid, limit))
    row.kind, row.trigger, row.limit = plan.entry_kind, trigger, limit
    row.refusal, row.verdicts = buy_verdicts(account, slot, plan, grid, held, ts, close, limit, wanted, qty)
    if row.refusal != 0:
        return
    account.positions += 1 - is_open(slot, grid)
    row.qty, row.reserve = qty, worst_cost(grid, limit, qty)
    slot.buying, slot.buy_limit, slot.buy_reserved, slot.buy_signal = qty, limit, row.reserve, row.signal
    slot.buy_kind, slot.buy_trigger, slot.buy_age = row.kind, trigger, 0
    count_order(account, ts)
    account.reserved += row.reserve
    day = ts // DAY_MS
    slot.entries_day = slot.entries_day + 1 if slot.entry_day == day else 1
    slot.entry_day = day


@kernel
def buy_all(
    account: Any, slots: Any, plan: Any, grids: Any, ts: int, targets: Any, at: int, out: Any, rows: int, rising: int
) -> int:  # fmt: skip
    """Answer every target that rose, the largest first, and return the number of rows after it."""
    assert rows + rising <= out.shape[0], "an instrument has one row per slot"
    held = held_cost(slots)
    for _ in range(rising):
        i = next_buyer(slots, grids, targets, at, ts)
        buy(account, slots[i], plan, grids[i], out[rows], i, ts, targets[at, i], held)
        rows += 1
    return rows
