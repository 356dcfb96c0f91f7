"""The tape: what was traded tick by tick. Pure."""

from typing import NamedTuple

from sandbox.market import TICK_MS, TICKS_DAY, Market


class Print(NamedTuple):
    """One traded tick: price in ticks, quantity in lots, and whether the taker bought."""

    ts_ms: int
    price: int
    qty: int
    buys: bool


def prints(market: Market, name: str, first: int, last: int) -> list[Print]:
    """Return what was traded in the ticks [first, last], counted from 1970, oldest first."""
    found = []
    for tick in range(first, last + 1):
        day, row = divmod(tick, TICKS_DAY)
        block = market.block(name, day)
        if block.volumes[row]:
            found.append(Print(tick * TICK_MS, int(block.prices[row]), int(block.volumes[row]), bool(block.buys[row])))
    return found
