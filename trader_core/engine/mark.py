"""Marking: equity, its peak, the day, and the circuit breaker that watches them."""

from typing import Any

from trader_core.engine.arithmetic import notional_down, rate_up
from trader_core.engine.guard import DAY_MS
from trader_core.engine.kernel import kernel
from trader_core.model.money import MONEY_MAX
from trader_core.model.session import Refusal

DRAWDOWN, DAILY_LOSS = int(Refusal.BREAKER_DRAWDOWN), int(Refusal.BREAKER_DAILY_LOSS)
LOSS_BUDGET = int(Refusal.BREAKER_LOSS_BUDGET)
LOSSES, ERRORS = int(Refusal.BREAKER_LOSSES), int(Refusal.BREAKER_ERRORS)
MISSING, USABLE, FAULTY = 0, 1, 2


@kernel
def bar_state(bar: Any, grid: Any) -> int:
    """Return MISSING for a slot without a bar, FAULTY for a price beyond its door, USABLE otherwise."""
    if bar.close == 0:
        return MISSING
    top, bottom = max(bar.open, bar.high, bar.low, bar.close), min(bar.open, bar.high, bar.low, bar.close)
    return USABLE if bottom > 0 and top <= grid.price_max else FAULTY


@kernel
def begin(account: Any, ts: int) -> bool:
    """Open a slot and set the day's baseline; a time that does not ascend opens nothing and is a fault."""
    if account.slots_seen > 0 and ts <= account.ts:
        account.faults += 1
        return False
    if not 0 <= ts - account.day * DAY_MS < DAY_MS:
        account.day = ts // DAY_MS
        account.day_equity = account.equity
    account.ts = ts
    account.slots_seen += 1
    return True


@kernel
def mark(account: Any, slot: Any, grid: Any, bar: Any, ts: int) -> int:
    """Take one close, count a bar beyond its door as a fault, and return what the position is worth."""
    state = bar_state(bar, grid)
    if state == USABLE:
        slot.close = bar.close
        slot.close_ts = ts
    elif state == FAULTY:
        account.faults += 1
    if slot.position == 0:
        return 0
    return notional_down(slot.close, slot.position, grid.multiplier, grid.divisor)


@kernel
def restart_baseline(account: Any) -> None:
    """Measure peak, day, losses and errors from here on, with the breaker closed."""
    account.breaker, account.breaker_until, account.breaker_latched = 0, 0, 0
    account.breaker_base = account.peak = account.day_equity = account.equity
    account.losses_run, account.errors_run = 0, 0


@kernel
def equity_floor(account: Any, plan: Any) -> int:
    """Return the equity at or below which `watch` would trip, as long as the day and the peak stay; a limit of counts trips at once."""
    floor = -2 * MONEY_MAX
    if 0 < plan.errors_max <= account.errors_run or 0 < plan.losses_max <= account.losses_run:
        return int(account.peak)
    if plan.daily_loss_max > 0:
        floor = max(floor, account.day_equity - plan.daily_loss_max)
    if plan.drawdown_max_ppm > 0:
        floor = max(floor, account.peak - max(rate_up(max(account.peak, 0), plan.drawdown_max_ppm), 1))
    if plan.loss_max > 0:
        floor = max(floor, plan.capital - plan.loss_max)
    return int(floor)


@kernel
def watch(account: Any, plan: Any, ts: int, equity: int) -> None:
    """Set equity and its peak; reset the breaker when its time has come, and trip it when a limit is reached."""
    account.equity = equity
    account.peak = max(account.peak, equity)
    if account.breaker != 0:
        if account.breaker_latched != 0 or ts < account.breaker_until:
            return
        restart_baseline(account)
    cause = 0
    if 0 < plan.errors_max <= account.errors_run:
        cause = ERRORS
    if 0 < plan.losses_max <= account.losses_run:
        cause = LOSSES
    if 0 < plan.daily_loss_max <= account.day_equity - account.equity:
        cause = DAILY_LOSS
    fall = account.peak - account.equity
    if plan.drawdown_max_ppm > 0 and fall > 0 and fall >= rate_up(max(account.peak, 0), plan.drawdown_max_ppm):
        cause = DRAWDOWN
    if 0 < plan.loss_max <= plan.capital - account.equity:  # a budget that is spent stays spent: a reset trips again at the next slot
        cause = LOSS_BUDGET
    if cause != 0:
        account.breaker, account.breaker_until, account.breaker_latched = cause, ts + plan.cooldown_ms, plan.latch
