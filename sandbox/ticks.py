"""The ticks of a market: what one is, and where the next one lies that does something. Pure."""

from sandbox.market import TICKS_DAY, Market
from sandbox.resting import Tick

SPAN = 720
"""Ticks that are looked at in one go: an hour."""


def tick_at(market: Market, name: str, tick: int) -> Tick:
    """Return a tick, counted from 1970 in steps of five seconds."""
    day, row = divmod(tick, TICKS_DAY)
    block = market.block(name, day)
    return Tick(int(block.prices[row]), int(block.volumes[row]), bool(block.buys[row]))


def next_tick(market: Market, name: str, first: int, last: int, bounds: tuple[int, int]) -> int | None:
    """Return the first tick of [first, last] whose price is at most the floor or at least the ceiling; None without one."""
    floor, ceiling = bounds
    while first <= last:
        day, row = divmod(first, TICKS_DAY)
        end = min(row + SPAN, TICKS_DAY, row + last - first + 1)
        prices = market.block(name, day).prices[row:end]
        found = ((prices <= floor) | (prices >= ceiling)) & (prices > 0)
        if found.any():
            return first + int(found.argmax())
        first += end - row
    return None
