"""The three functions that everyone calls, in the same order: on_fill and on_release of what happened, then on_bar.

Arrays cross the border: account[1], slots[N], plan[1], grids[N] of layout.py. `account` and `slots` change in place.
"""

from typing import Any

import numpy as np

from trader_core.engine import book
from trader_core.engine.decide import leave, rest
from trader_core.engine.guard import OPERATOR
from trader_core.engine.kernel import entry
from trader_core.engine.layout import FILL, Record
from trader_core.engine.mark import restart_baseline
from trader_core.engine.play import play
from trader_core.engine.protect import BY_OPERATOR, BY_PROTECTION, arm
from trader_core.engine.size import resting_stop, sellable

LATCH_FLAT, RESET_BREAKER, WITHDRAW, PROTECTED = 1, 2, 3, 4
RELEASED_AS_ERROR = 1


@entry
def on_fill(
    account: Any, slots: Any, plan: Any, grids: Any, i: int, side: int, qty: int, price: int, fee: int, fee_base: int, ts: int,
) -> int:  # fmt: skip
    """Book a fill of instrument i and return 0.

    A fill that would sell more than is held, or leave a door, changes nothing but `faults` and returns another number. One
    that arrives when nothing is in flight any more is booked: the venue's word is what happened.
    """
    status = book.fill(account[0], slots[i], grids[i], side, qty, price, fee, fee_base)
    if status == book.BOOKED:
        arm(slots[i], plan[0], grids[i], ts)
    return status


IN_FLIGHT = (
    "buying", "buy_limit", "buy_reserved", "buy_kind", "buy_trigger", "buy_age", "selling", "sell_limit", "sell_kind", "sell_age",
)  # fmt: skip


def on_late_fill(
    account: Record, slots: Record, plan: Record, grids: Record, i: int, side: int, qty: int,
    price: int, fee: int, fee_base: int, ts: int,
) -> int:  # fmt: skip
    """Book a fill of an order that had ended, and return what on_fill does: what is in flight is another order's and stays."""
    kept, reserved = [int(slots[name][i]) for name in IN_FLIGHT], int(account["reserved"][0])
    status = int(on_fill(account, slots, plan, grids, i, side, qty, price, fee, fee_base, ts))
    for name, value in zip(IN_FLIGHT, kept, strict=True):
        slots[name][i] = value
    account["reserved"] = reserved
    account["positions"] = np.count_nonzero((slots["position"] >= grids["lot"]) | (slots["buying"] > 0))
    return status


@entry
def on_fee(account: Any, slots: Any, grids: Any, i: int, price: int, fee: int, fee_base: int, booked: int, booked_base: int) -> int:
    """Book what the fee of a fill of instrument i is, at whose price it was taken for `booked` and `booked_base`; return as on_fill."""
    return book.true_up(account[0], slots[i], grids[i], price, fee, fee_base, booked, booked_base)


@entry
def on_release(account: Any, slots: Any, plan: Any, grids: Any, i: int, side: int, qty: int, reason: int) -> int:  # noqa: ARG001
    """Free what is in flight and will not be filled, with its reserve, and return 0; reason 1 counts as a rejected order."""
    book.release(account[0], slots[i], grids[i], side, qty, reason)
    return 0


@entry
def on_bar(account: Any, slots: Any, plan: Any, grids: Any, ts: int, bars: Any, targets: Any, out: Any) -> int:
    """Take one slot of all instruments, bars[N] and targets[N]; write the decisions to `out` and return how many.

    A bar with close 0 is missing; a target of -1 is none. `out` holds at least N rows. Returns -1 when `ts` does not ascend.
    """
    count = slots.shape[0]
    assert bars.shape[0] == count, "one bar per slot"
    assert targets.shape[0] == count, "one target per slot"
    assert out.shape[0] >= count, "a row of decisions per slot"
    times, curves, counts = np.full(1, ts, np.int64), np.zeros(2, np.int64), np.zeros(2, np.int64)
    taken = play(
        account, slots, plan, grids, times, bars.reshape((1, count)), targets.reshape((1, count)), 0, out, np.zeros(0, FILL),
        curves, curves, counts, 0,
    )  # fmt: skip
    return counts[0] if taken == 1 else -1


@entry
def on_exit(account: Any, slots: Any, plan: Any, grids: Any, i: int, ts: int, out: Any) -> int:
    """Sell what is held of instrument i, which an operator latched flat, at once: at a limit from its last close, on no bar.

    The decision goes to out[0], and `ts`, the time of the word, into it. Returns how many rows were written: 0 where nothing is
    held, a sale is in flight already, no bar has come yet, or why not was said before.
    """
    slot = slots[i]
    if slot.latched != BY_OPERATOR or slot.selling > 0 or slot.position < grids[i].lot or slot.close == 0:
        return 0
    return leave(account[0], slot, plan[0], grids[i], out[0], i, ts, OPERATOR, slot.target)


@entry
def sellable_now(slots: Any, plan: Any, grids: Any, i: int) -> int:
    """Return what one order can sell of what is held of instrument i at its last close; 0 where the venue would take none of it."""
    return sellable(slots[i], plan[0], grids[i], slots[i].close)


@entry
def stop_wanted(slots: Any, plan: Any, grids: Any, i: int) -> tuple[int, int, int]:
    """Return (quantity, trigger, limit) of the stop that is to rest at the venue for instrument i; quantity 0 for none."""
    return resting_stop(slots[i], plan[0], grids[i])


@entry
def on_protect(account: Any, slots: Any, plan: Any, grids: Any, i: int, ts: int, out: Any) -> int:
    """Decide on the stop that `stop_wanted` says for instrument i, into out[0]; return how many rows were written, 0 or 1."""
    return rest(account[0], slots[i], plan[0], grids[i], out[0], i, ts)


def on_mode(account: Record, mode: int) -> None:
    """Set what the session may do (model.session.Mode)."""
    account["mode"][0] = mode


def on_block(slots: Record, i: int, blocked: int) -> None:
    """Block instrument i (1) or unblock it (0): while it is blocked the guard refuses to buy it."""
    assert blocked in (0, 1), "an instrument is blocked or it is not"
    slots["blocked"][i] = blocked


def on_operator(account: Record, slots: Record, i: int, what: int) -> None:
    """Latch instrument i flat (LATCH_FLAT: it gets an exit whose cause is OPERATOR), or reset the breaker (RESET_BREAKER).

    WITHDRAW leaves the latch of LATCH_FLAT in place but takes the operator's word from it: a kill outranks an earlier close.
    PROTECTED says that a stop at the venue has sold: the slot is latched as by the engine's own protection.
    """
    assert what in (LATCH_FLAT, RESET_BREAKER, WITHDRAW, PROTECTED), "latches flat, resets the breaker, withdraws or protects"
    if what == PROTECTED and slots["latched"][i] == 0:
        slots["latched"][i], slots["refused"][i] = BY_PROTECTION, 0
    if what == LATCH_FLAT:
        slots["latched"][i], slots["refused"][i] = BY_OPERATOR, 0
        return
    if what == WITHDRAW:
        slots["latched"][i] = BY_PROTECTION if slots["latched"][i] == BY_OPERATOR else slots["latched"][i]
        return
    if what == RESET_BREAKER:
        _reset(account)


@entry
def _reset(account: Any) -> None:
    restart_baseline(account[0])
