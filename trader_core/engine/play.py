"""The one loop: a slot at a time, first what was filled, then mark, breaker, decisions. on_bar is this loop for one slot."""

from typing import Any

from trader_core.engine.decide import at_rest, buy_all, reduce, waits_to_buy
from trader_core.engine.fills import settle
from trader_core.engine.kernel import kernel
from trader_core.engine.mark import USABLE, bar_state, begin, mark, watch


@kernel
def play(  # noqa: PLR0917 - compiled functions take no keywords
    accounts: Any, slots: Any, plans: Any, grids: Any, ts: Any, bars: Any, targets: Any, start: int, decisions: Any, fills: Any,
    equity: Any, cash: Any, counts: Any, settles: int,
) -> int:  # fmt: skip
    """Take slots from `start` on while the buffers have room, and return the first slot that was not taken.

    The loops stand here and call functions of records only: passing an array counts references and costs more than a slot.
    With `settles` 0 fills come from outside. counts[0] and counts[1] are the rows written to `decisions` and `fills`.
    """
    account, plan, count = accounts[0], plans[0], slots.shape[0]
    decided, filled, at = 0, 0, start
    decided_max, filled_max = decisions.shape[0] - count, fills.shape[0] - 2 * count * settles
    while at < bars.shape[0] and decided <= decided_max and filled <= filled_max and begin(account, ts[at]):
        now = ts[at]
        if settles != 0:
            for k in range(count):
                i = grids[k].turn
                if slots[i].buying > 0 or slots[i].selling > 0:
                    filled = settle(account, slots[i], plan, grids[i], bars[at, i], i, now, fills, filled)
        worth = 0
        for i in range(count):
            worth += mark(account, slots[i], grids[i], bars[at, i], now)
        watch(account, plan, now, account.cash + worth)
        rising = 0
        for k in range(count):
            i = grids[k].turn
            target = targets[at, i]
            if at_rest(slots[i], plan, target) or bar_state(bars[at, i], grids[i]) != USABLE:
                continue
            decided += reduce(account, slots[i], plan, grids[i], bars[at, i], decisions[decided], i, now, target)
            if waits_to_buy(slots[i], target):
                rising += 1
        if rising > 0:
            decided = buy_all(account, slots, plan, grids, now, bars, targets, at, decisions, decided, rising)
        equity[at], cash[at] = account.equity, account.cash
        at += 1
    counts[0], counts[1] = decided, filled
    return at
