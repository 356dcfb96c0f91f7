"""The engine's records: what lies in each field, in which unit. All int64, so a state is its bytes.

Every function takes arrays across the Python border (`account[1]`, `slots[N]`, `plan[1]`, `grids[N]`) and works on
records inside. Money counts account units, prices 10^-price_exp, quantities 10^-qty_exp, rates parts per million.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Record = NDArray[Any]
"""A structured array, or inside compiled code one record of it."""

ACCOUNT = np.dtype([(name, "i8") for name in (
    "mode",            # model.session.Mode
    "cash",            # free and reserved together
    "reserved",        # worst cost of all buys in flight
    "equity",          # cash + positions at the last close
    "peak",            # highest equity
    "ts",              # open time of the last slot, epoch ms
    "day",             # UTC day number of the last slot
    "day_equity",      # equity before the first slot of that day
    "realised",        # realised profit and loss, after fees
    "fees",            # fees paid, in account units
    "positions",       # instruments held or being bought
    "losses_run",      # losing episodes since the last winning one
    "errors_run",      # rejected orders since the last fill
    "breaker",         # 0, or the Refusal that tripped it
    "breaker_until",   # epoch ms at which it may reset
    "breaker_latched", # 1: only an operator resets it
    "breaker_base",    # peak and day's loss are measured from here after a reset; 0: never reset
    "signals",         # signals so far: the number of the next one
    "slots_seen",      # on_bar calls so far
    "rate_hour",       # UTC hour number of `rate_count`
    "rate_count",      # orders of that hour
    "faults",          # doors that a fill or a bar would have left: must stay 0
)])  # fmt: skip

SLOT = np.dtype([(name, "i8") for name in (
    "position",        # quantity held, >= 0
    "cost",            # cost basis of the position, fees included
    "close",           # last close
    "close_ts",        # its slot
    "target",          # the target, in bps of the slot, that was last acted on
    "latched",         # flat until the target passes through 0; 1 by protection, 2 by an operator
    "buying",          # quantity in flight
    "buy_limit",       # its worst price
    "buy_reserved",    # its worst cost
    "buy_kind",        # model.plan.OrderKind; a stop that was triggered is a market or limit order from then on
    "buy_trigger",     # of a stop
    "buy_age",         # usable bars that it has seen; -1: cancelled, to be released at the next bar
    "selling",         # quantity in flight
    "sell_limit",
    "sell_kind",
    "sell_age",
    "entry_cost",      # average price paid, rounded up, for stop and take
    "entry_ts",        # of the episode's first fill
    "top",             # highest high since then, for the trailing stop
    "stop_price",      # a low at or below this price protects; 0: none
    "take_price",      # a high at or above this one takes the profit; 0: none
    "episode",         # realised since flat
    "realised",
    "fees",            # in account units
    "fees_base",       # fees paid in base, quantity
    "fills",
    "entries_day",     # entries on `entry_day`
    "entry_day",
    "refused",         # the Refusal last recorded for a reduction that is still wanted; 0 none: keeps repeats out
    "buy_signal",      # number of the signal whose buy was last in flight
    "sell_signal",     # and of the sell
    "blocked",         # 1: its data failed a check; nothing is bought, exits go on
)])  # fmt: skip

PLAN = np.dtype([(name, "i8") for name in (
    "capital", "positions_max", "exposure_max", "order_max", "orders_per_instrument_day", "qty_max", "drawdown_max_ppm",
    "daily_loss_max", "loss_max", "losses_max", "errors_max", "cooldown_ms", "latch", "band_ppm", "minimum_ppm", "slippage_ppm",
    "participation_ppm", "collar_ppm", "exit_collar_ppm", "stop_loss_ppm", "take_profit_ppm", "trailing_ppm", "time_stop_ms",
    "price_collar_ppm", "orders_per_hour", "spread_ppm", "stress_low_ppm", "stress_high_ppm", "stress_seed", "impact_ppm",
    "entry_kind", "entry_offset_ppm", "exit_kind", "exit_offset_ppm", "good_slots", "delay_slots", "resting",
)])  # fmt: skip

GRID = np.dtype([(name, "i8") for name in (
    "multiplier",      # notional = price * quantity * multiplier // divisor; one of the two is 1
    "divisor",
    "tick", "lot", "qty_min", "notional_min", "price_max", "qty_max", "maker_ppm", "taker_ppm", "fee_in_base",
    "allocation_bps",  # 0: equal split
    "hash",            # of the symbol: breaks ties, never the order of the list
    "turn",            # grids[k].turn is the index of the instrument that comes k-th, by hash: the list's order decides nothing
)])  # fmt: skip

DECISION = np.dtype([(name, "i8") for name in (
    "signal",          # its number in the session
    "ts",              # slot
    "instrument",      # index
    "cause",           # model.session.Cause
    "target_from", "target_to",
    "wanted",          # signed quantity before the guard
    "qty",             # signed quantity after it; 0 when refused
    "refusal",         # model.session.Refusal; 0: this is an intent
    "close",           # the decision's price
    "limit",           # worst price of the order
    "reserve",         # worst cost of a buy
    "verdicts",        # bit k: layer k said no (layers 0-7)
    "kind",            # model.plan.OrderKind
    "trigger",         # of a stop
)])  # fmt: skip
"""One row per signal: an intent when `refusal` is 0, a refusal otherwise."""

FILL = np.dtype([(name, "i8") for name in (
    "ts", "instrument", "signal", "side", "qty", "price", "fee", "fee_base", "released", "maker",
)])  # fmt: skip
"""One simulated fill (`qty` > 0) and the quantity released with it: what the venue would have reported. An order that works for
several bars has a row for each that filled some of it."""
