"""The guard: ordered layers, each a pure function that returns a Refusal, 0 for none. Money at its worst, always."""

from typing import Any

from trader_core.engine.arithmetic import notional_down, notional_up, rate_down
from trader_core.engine.book import is_open, worst_cost
from trader_core.engine.kernel import entry, kernel
from trader_core.model.session import Cause, Mode, Refusal

ACTIVE, REDUCING, HALTED, KILLED = int(Mode.ACTIVE), int(Mode.REDUCING), int(Mode.HALTED), int(Mode.KILLED)
TARGET, PROTECT, OPERATOR = int(Cause.TARGET), int(Cause.PROTECT), int(Cause.OPERATOR)
R_KILLED, R_HALTED, R_REDUCING = int(Refusal.KILLED), int(Refusal.HALTED), int(Refusal.REDUCING)
R_POSITIONS, R_QTY, R_COUNT = int(Refusal.POSITIONS), int(Refusal.INSTRUMENT_QTY), int(Refusal.INSTRUMENT_COUNT)
R_BLOCKED, R_COLLAR, R_RATE = int(Refusal.INSTRUMENT_BLOCKED), int(Refusal.COLLAR), int(Refusal.RATE)
R_EXPOSURE, R_SIZE_MIN, R_SIZE_MAX, R_CASH, R_UNSELLABLE = (
    int(Refusal.EXPOSURE), int(Refusal.SIZE_MIN), int(Refusal.SIZE_MAX), int(Refusal.CASH), int(Refusal.UNSELLABLE),
)  # fmt: skip
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
LAYERS = 8


@kernel
def mode_refusal(mode: int, side: int, cause: int) -> int:
    """Layer 0: what the session's mode forbids, after the table in DESIGN section 5."""
    if mode == KILLED:
        return 0 if side < 0 and cause == OPERATOR else R_KILLED
    if mode == HALTED:
        return 0 if side < 0 and cause != TARGET else R_HALTED
    if mode == REDUCING:
        return 0 if side < 0 else R_REDUCING
    return 0


@kernel
def breaker_refusal(account: Any) -> int:
    """Layer 1: a tripped breaker, named by what tripped it, lets nothing new in."""
    return int(account.breaker)


@kernel
def positions_refusal(account: Any, slot: Any, plan: Any, grid: Any) -> int:
    """Layer 2: no further instrument is opened beyond positions_max."""
    if is_open(slot, grid) == 0 and account.positions >= plan.positions_max:
        return R_POSITIONS
    return 0


@kernel
def instrument_refusal(slot: Any, plan: Any, grid: Any, qty: int, day: int) -> int:
    """Layer 3: an instrument that is blocked; its absolute quantity, held, in flight and wanted; its entries of the UTC day."""
    if slot.blocked != 0:
        return R_BLOCKED
    after = slot.position + slot.buying + qty
    if after > grid.qty_max or (plan.qty_max > 0 and after > plan.qty_max):
        return R_QTY
    entries = slot.entries_day if slot.entry_day == day else 0
    if 0 < plan.orders_per_instrument_day <= entries:
        return R_COUNT
    return 0


@kernel
def exposure_refusal(account: Any, plan: Any, held: int, cost: int) -> int:
    """Layer 4: what is held (its cost), all that is in flight and this order, all at their worst, stay within the limit."""
    return R_EXPOSURE if held + account.reserved + cost > plan.exposure_max else 0


@kernel
def too_small(grid: Any, price: int, qty: int) -> bool:
    """Return whether the venue would not take a quantity at a price."""
    return qty <= 0 or qty < grid.qty_min or notional_down(price, qty, grid.multiplier, grid.divisor) < grid.notional_min


@kernel
def size_refusal(plan: Any, grid: Any, close: int, limit: int, wanted: int, qty: int) -> int:
    """Layer 5: the venue's minimum, the largest order, and cash: `qty` is what the cash carries of what is wanted."""
    if too_small(grid, close, wanted):
        return R_SIZE_MIN
    if notional_up(limit, qty, grid.multiplier, grid.divisor) > plan.order_max:
        return R_SIZE_MAX
    return R_CASH if too_small(grid, close, qty) else 0


@kernel
def collar_refusal(plan: Any, close: int, limit: int) -> int:
    """Layer 6: the worst price of a buy lies no further above the decision's close than the collar."""
    return R_COLLAR if limit > close + rate_down(close, plan.price_collar_ppm) else 0


@kernel
def rate_refusal(account: Any, plan: Any, ts: int) -> int:
    """Layer 7: so many orders in one UTC hour, of whatever kind, and nothing more is bought in it."""
    sent = account.rate_count if account.rate_hour == ts // HOUR_MS else 0
    return R_RATE if 0 < plan.orders_per_hour <= sent else 0


@kernel
def held_cost(slots: Any) -> int:
    """Return the cost basis of all positions."""
    total = 0
    for i in range(slots.shape[0]):
        total += slots[i].cost
    return total


@kernel
def buy_verdicts(
    account: Any, slot: Any, plan: Any, grid: Any, held: int, ts: int, close: int, limit: int, wanted: int, qty: int
) -> tuple[int, int]:
    """Return (first refusal, bit k for each layer k that says no) of a buy; every layer is asked."""
    said = (
        mode_refusal(account.mode, 1, TARGET),
        breaker_refusal(account),
        positions_refusal(account, slot, plan, grid),
        instrument_refusal(slot, plan, grid, qty, ts // DAY_MS),
        exposure_refusal(account, plan, held, worst_cost(grid, limit, qty)),
        size_refusal(plan, grid, close, limit, wanted, qty),
        collar_refusal(plan, close, limit),
        rate_refusal(account, plan, ts),
    )
    first, bits = 0, 0
    for layer in range(LAYERS - 1, -1, -1):
        if said[layer] != 0:
            first, bits = said[layer], bits | (1 << layer)
    return first, bits


@entry
def sale_verdicts_of(accounts: Any, slots: Any, grids: Any, i: int, cause: int, qty: int) -> tuple[int, int]:
    """Return (first refusal, bit k for each layer k that says no) of selling `qty` of instrument i, from Python.

    Only the mode and what can be sold are asked: layers 1 to 4 and 7 never stop a reduction, and layer 6 is about buying too dear.
    """
    slot, grid = slots[i], grids[i]
    mode = mode_refusal(accounts[0].mode, -1, cause)
    size = R_UNSELLABLE if qty > slot.position or too_small(grid, slot.close, qty) else 0
    bits = (1 if mode != 0 else 0) | (32 if size != 0 else 0)
    return (mode if mode != 0 else size), bits


@entry
def verdicts_of(
    accounts: Any, slots: Any, plans: Any, grids: Any, i: int, ts: int, close: int, limit: int, wanted: int, qty: int
) -> tuple[int, int]:  # fmt: skip
    """Return `buy_verdicts` of instrument i, from Python: account[1], slots[N], plan[1], grids[N]."""
    return buy_verdicts(accounts[0], slots[i], plans[0], grids[i], held_cost(slots), ts, close, limit, wanted, qty)
