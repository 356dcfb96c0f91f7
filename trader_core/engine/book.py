"""Booking: what a fill and a release do to the account and to one slot. Nothing here knows where they come from."""

from typing import Any

from trader_core.engine.arithmetic import multiply_divide, notional_down, notional_up, rate_up
from trader_core.engine.kernel import kernel
from trader_core.model.money import MONEY_MAX

BOOKED, FAULT_INPUT, FAULT_OVERSOLD, FAULT_DOOR = 0, 1, 2, 3


@kernel
def is_open(slot: Any, grid: Any) -> int:
    """Return 1 when the slot holds at least one lot or is buying; less than a lot is dust and occupies nothing."""
    return 1 if slot.position >= grid.lot or slot.buying > 0 else 0


@kernel
def worst_cost(grid: Any, limit: int, qty: int) -> int:
    """Return what buying `qty` costs at the limit, fee included, each rounded up: as taker or maker, whichever is dearer."""
    notional = notional_up(limit, qty, grid.multiplier, grid.divisor)
    return notional + rate_up(notional, max(grid.taker_ppm, grid.maker_ppm))


@kernel
def take_buying(account: Any, slot: Any, grid: Any, qty: int) -> None:
    """Leave `qty` less in flight, at least 0, and hold the reserve of the rest."""
    slot.buying = max(slot.buying - qty, 0)
    reserved = worst_cost(grid, slot.buy_limit, slot.buying) if slot.buying > 0 else 0
    account.reserved += reserved - slot.buy_reserved
    slot.buy_reserved = reserved
    if slot.buying == 0:
        slot.buy_limit, slot.buy_kind, slot.buy_trigger, slot.buy_age = 0, 0, 0, 0


@kernel
def take_selling(slot: Any, qty: int) -> None:
    """Leave `qty` less in flight, at least 0."""
    slot.selling = max(slot.selling - qty, 0)
    if slot.selling == 0:
        slot.sell_limit, slot.sell_kind, slot.sell_age = 0, 0, 0


@kernel
def _buy(account: Any, slot: Any, grid: Any, qty: int, price: int, fee: int, fee_base: int) -> int:
    """Book bought quantity; a fee taken in base makes the rest dearer, so that the cost basis stays what was paid."""
    if fee_base > qty:
        return FAULT_INPUT
    cost = notional_up(price, qty, grid.multiplier, grid.divisor) + fee
    if slot.position + qty > grid.qty_max or slot.cost + cost > MONEY_MAX or account.cash - cost < -MONEY_MAX:
        return FAULT_DOOR
    average = -(-(slot.entry_cost * slot.position + price * qty) // (slot.position + qty))
    slot.entry_cost = average if slot.entry_cost > 0 else price
    slot.position += qty - fee_base
    slot.cost += cost
    account.cash -= cost
    take_buying(account, slot, grid, qty)
    return BOOKED


@kernel
def _sell(account: Any, slot: Any, grid: Any, qty: int, price: int, fee: int, fee_base: int) -> int:
    """Book sold quantity: its share of the cost basis leaves, and the difference is realised."""
    leaving = qty + fee_base
    if leaving > slot.position:
        return FAULT_OVERSOLD
    proceeds = notional_down(price, qty, grid.multiplier, grid.divisor) - fee
    if account.cash + proceeds > MONEY_MAX or account.cash + proceeds < -MONEY_MAX:
        return FAULT_DOOR
    basis = multiply_divide(slot.cost, leaving, slot.position)
    profit = proceeds - basis
    account.cash += proceeds
    account.realised += profit
    slot.realised += profit
    slot.episode += profit
    slot.cost -= basis
    slot.position -= leaving
    take_selling(slot, qty)
    if slot.position < grid.lot:
        _close_episode(account, slot)
    return BOOKED


@kernel
def _close_episode(account: Any, slot: Any) -> None:
    """Count the episode as won or lost, and forget what its stops were measured from."""
    if slot.episode < 0:
        account.losses_run += 1
    if slot.episode > 0:
        account.losses_run = 0
    slot.episode, slot.entry_cost, slot.refused = 0, 0, 0


@kernel
def fill(account: Any, slot: Any, grid: Any, side: int, qty: int, price: int, fee: int, fee_base: int) -> int:
    """Book one fill and return BOOKED; a fill that would leave a door changes nothing but `faults` and returns why."""
    status = BOOKED
    if qty <= 0 or price <= 0 or fee < 0 or fee > MONEY_MAX or fee_base < 0 or fee_base > grid.qty_max:
        status = FAULT_INPUT
    elif price > grid.price_max or qty > grid.qty_max:
        status = FAULT_DOOR
    before = is_open(slot, grid)
    if status == BOOKED and side > 0:
        status = _buy(account, slot, grid, qty, price, fee, fee_base)
    elif status == BOOKED:
        status = _sell(account, slot, grid, qty, price, fee, fee_base)
    if status != BOOKED:
        account.faults += 1
        return status
    paid = fee + notional_up(price, fee_base, grid.multiplier, grid.divisor)
    account.fees += paid
    slot.fees += paid
    slot.fees_base += fee_base
    slot.fills += 1
    account.errors_run = 0
    account.positions += is_open(slot, grid) - before
    return BOOKED


@kernel
def true_up(account: Any, slot: Any, grid: Any, price: int, fee: int, fee_base: int, booked: int, booked_base: int) -> int:
    """Book what a fill's fee is in place of what it was taken for, and return BOOKED; as `fill` where that would leave a door.

    The difference is realised at once, also where the fill is still held: the cost basis stays what it was taken for.
    """
    more, more_base = fee - booked, fee_base - booked_base
    status = BOOKED
    if fee < 0 or fee_base < 0 or fee > MONEY_MAX or fee_base > grid.qty_max or abs(account.cash - more) > MONEY_MAX:
        status = FAULT_INPUT
    elif slot.position < more_base:
        status = FAULT_OVERSOLD
    if status != BOOKED:
        account.faults += 1
        return status
    before = is_open(slot, grid)
    account.cash -= more
    account.realised -= more
    slot.realised -= more
    if slot.position >= grid.lot:  # else its episode is over and counted
        slot.episode -= more
    slot.position -= more_base
    slot.fees_base += more_base
    paid = more + notional_up(price, fee_base, grid.multiplier, grid.divisor)
    paid -= notional_up(price, booked_base, grid.multiplier, grid.divisor)
    account.fees += paid
    slot.fees += paid
    account.positions += is_open(slot, grid) - before
    return BOOKED


@kernel
def release(account: Any, slot: Any, grid: Any, side: int, qty: int, reason: int) -> None:
    """Free what will not be filled, with its reserve; reason 1 says that the venue rejected it."""
    before = is_open(slot, grid)
    if side > 0:
        take_buying(account, slot, grid, qty)
    else:
        take_selling(slot, qty)
    if reason == 1:
        account.errors_run += 1
    account.positions += is_open(slot, grid) - before
