"""The one loop: a slot at a time, first what was filled, then mark, breaker, decisions. on_bar is this loop for one slot."""

from typing import Any

from trader_core.engine.arithmetic import notional_down, rate_down
from trader_core.engine.decide import at_rest, buy_all, drop_unwanted, reduce, waits_to_buy
from trader_core.engine.guard import DAY_MS
from trader_core.engine.kernel import kernel
from trader_core.engine.mark import USABLE, bar_state, begin, equity_floor, mark, watch
from trader_core.engine.protect import watch_position
from trader_core.engine.settle import ROWS_DECIDED, ROWS_FILLED, settle

STEPPED, SIMULATED, SIMULATED_SLOWLY = 0, 1, 2
"""Fills come from outside; from the simulated venue; from it without gliding, which a test compares."""


@kernel
def passes(slot: Any, plan: Any, grid: Any, bar: Any, target: int, now: int) -> bool:
    """Return whether a bar leaves a slot that is at rest at rest: usable, its target unmoved, and no protection touched.

    A trailing stop that rises and stays below the bar rises here: looked at once more, the bar raises nothing further.
    """
    if bar_state(bar, grid) != USABLE or (target >= 0 and target != slot.target):
        return False
    if slot.position < grid.lot:
        return True
    if bar.low <= slot.stop_price or 0 < slot.take_price <= bar.high or 0 < plan.time_stop_ms <= now - slot.entry_ts:
        return False
    if plan.trailing_ppm > 0 and bar.high > slot.top:
        level = max(slot.stop_price, bar.high - rate_down(bar.high, plan.trailing_ppm))
        if min(bar.low, bar.close) <= level:
            return False
        slot.top, slot.stop_price = bar.high, level
    return True


@kernel
def play(  # noqa: C901, PLR0912, PLR0917 - compiled functions take no keywords, and this is the loop
    accounts: Any, slots: Any, plans: Any, grids: Any, ts: Any, bars: Any, targets: Any, start: int, decisions: Any, fills: Any,
    equity: Any, cash: Any, counts: Any, how: int,
) -> int:  # fmt: skip
    """Take slots from `start` on while the buffers have room, and return the first slot that was not taken.

    The loops stand here and call functions of records only: passing an array counts references and costs more than a slot.
    Where every slot rests, bars are only looked at until one of them could change something: gliding. counts[0] and counts[1]
    are the rows written to `decisions` and `fills`.
    """
    account, plan, count, rows = accounts[0], plans[0], slots.shape[0], bars.shape[0]
    decided, filled, at, quiet = 0, 0, start, False
    decided_max = decisions.shape[0] - count * (ROWS_DECIDED if how != STEPPED else 1)
    filled_max = fills.shape[0] - count * (ROWS_FILLED if how != STEPPED else 0)
    while at < rows and decided <= decided_max and filled <= filled_max:
        if quiet and how == SIMULATED and account.breaker == 0:
            first, floor, peak, free = at, equity_floor(account, plan), account.peak, account.cash
            last, day_end = account.ts, (account.day + 1) * DAY_MS
            while at < rows and last < ts[at] < day_end:
                worth = free
                for i in range(count):
                    if not passes(slots[i], plan, grids[i], bars[at, i], targets[at, i], ts[at]):
                        quiet = False
                        break
                    if slots[i].position > 0:
                        worth += notional_down(bars[at, i].close, slots[i].position, grids[i].multiplier, grids[i].divisor)
                if not quiet or worth > peak or worth <= floor:
                    break
                equity[at], cash[at], last = worth, free, ts[at]
                at += 1
            if at > first:
                account.slots_seen, account.ts, account.equity = account.slots_seen + at - first, last, equity[at - 1]
                for i in range(count):
                    slots[i].close, slots[i].close_ts = bars[at - 1, i].close, last
            if at == rows:
                break
        if not begin(account, ts[at]):
            break
        now, quiet, rising, worth = ts[at], True, 0, 0
        if how != STEPPED:
            for k in range(count):
                i = grids[k].turn
                if slots[i].buying > 0 or slots[i].selling > 0 or (plan.resting != 0 and slots[i].position > 0):
                    decided, filled = settle(account, slots[i], plan, grids[i], bars[at, i], i, now, decisions, decided, fills, filled)
        for i in range(count):
            worth += mark(account, slots[i], grids[i], bars[at, i], now)
        watch(account, plan, now, account.cash + worth)
        for k in range(count):
            i = grids[k].turn
            target = targets[at, i]
            if slots[i].close_ts != now:  # mark took no usable bar
                quiet = False
                continue
            if slots[i].position >= grids[i].lot:
                watch_position(slots[i], plan, bars[at, i], now)
            if slots[i].buying > 0 or slots[i].selling > 0:
                quiet = False
                drop_unwanted(account, slots[i], plan, target)
            if at_rest(slots[i], grids[i], target):
                continue
            quiet = False
            decided += reduce(account, slots[i], plan, grids[i], decisions[decided], i, now, target)
            if waits_to_buy(slots[i], target):
                rising += 1
        if rising > 0:
            decided = buy_all(account, slots, plan, grids, now, targets, at, decisions, decided, rising)
        equity[at], cash[at] = account.equity, account.cash
        at += 1
    counts[0], counts[1] = decided, filled
    return at
