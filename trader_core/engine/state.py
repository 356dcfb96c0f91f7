"""The engine's records as Python makes them: a session's state, its plan, and its instruments' grids."""

import hashlib

import numpy as np

from trader_core.engine.layout import ACCOUNT, GRID, PLAN, SLOT, Record
from trader_core.model.errors import OutOfRange
from trader_core.model.instrument import Instrument
from trader_core.model.money import MONEY_EXP, MONEY_MAX
from trader_core.model.plan import Plan
from trader_core.model.session import Mode

HASH_MASK = (1 << 62) - 1


def new_state(plan: Plan, count: int) -> tuple[Record, Record]:
    """Return (account[1], slots[count]) of a session that holds its capital in cash and is HALTED."""
    account, slots = np.zeros(1, ACCOUNT), np.zeros(count, SLOT)
    for name in ("cash", "equity", "peak", "day_equity"):
        account[name] = plan.capital
    account["mode"], account["day"] = int(Mode.HALTED), -1
    return account, slots


def plan_record(plan: Plan) -> Record:
    """Return the plan's numbers as plan[1]."""
    record = np.zeros(1, PLAN)
    for part in (plan, plan.limits, plan.costs, plan.execution):
        for name in PLAN.names or ():
            if hasattr(part, name):
                record[name] = int(getattr(part, name))
    return record


def grid_records(instruments: tuple[Instrument, ...] | list[Instrument], plan: Plan) -> Record:
    """Return the frozen instruments as grids[N], in the plan's order; raises OutOfRange for what the integers cannot carry."""
    found = tuple(instrument.symbol for instrument in instruments)
    if found != plan.symbols:
        raise OutOfRange(f"instruments {', '.join(plan.symbols)}", ", ".join(found) or "none", "give them in the plan's order")
    grids = np.zeros(len(instruments), GRID)
    for i, instrument in enumerate(instruments):
        _check(instrument)
        shift = MONEY_EXP - instrument.price_exp - instrument.qty_exp
        for name in ("tick", "lot", "qty_min", "notional_min", "price_max", "qty_max", "maker_ppm", "taker_ppm", "fee_in_base"):
            grids[name][i] = int(getattr(instrument, name))
        grids["multiplier"][i], grids["divisor"][i] = 10 ** max(shift, 0), 10 ** max(-shift, 0)
        grids["allocation_bps"][i] = plan.allocation_bps[i] if plan.allocation_bps else 0
        grids["hash"][i] = symbol_hash(instrument.symbol)
    grids["turn"] = np.argsort(grids["hash"])
    return grids


def symbol_hash(symbol: str) -> int:
    """Return 62 bits that name a symbol, whatever its place in a list."""
    return int.from_bytes(hashlib.sha256(symbol.encode()).digest()[:8], "big") & HASH_MASK


def state_bytes(account: Record, slots: Record) -> bytes:
    """Return the whole state as bytes: equal states are equal bytes."""
    return bytes(account.tobytes() + slots.tobytes())


def state_from_bytes(data: bytes) -> tuple[Record, Record]:
    """Return (account[1], slots[N]) from what `state_bytes` wrote; raises OutOfRange for any other length."""
    count, rest = divmod(len(data) - ACCOUNT.itemsize, SLOT.itemsize)
    if count < 0 or rest:
        expected = f"{ACCOUNT.itemsize} bytes and a multiple of {SLOT.itemsize}"
        raise OutOfRange(expected, f"{len(data)} bytes", "use a state that this version wrote")
    account = np.frombuffer(data[: ACCOUNT.itemsize], ACCOUNT).copy()
    return account, np.frombuffer(data[ACCOUNT.itemsize :], SLOT).copy()


def _check(instrument: Instrument) -> None:
    if instrument.price_max < 1 or instrument.qty_max < instrument.lot:
        raise OutOfRange(f"{instrument.symbol} with its doors set", "an instrument that is not frozen", "freeze it first")
    if instrument.qty_min > instrument.qty_max or instrument.notional_min > MONEY_MAX:
        found = f"minimums of {instrument.qty_min} and {instrument.notional_min} for {instrument.symbol}"
        raise OutOfRange("minimums inside the doors", found, "do not trade it")
