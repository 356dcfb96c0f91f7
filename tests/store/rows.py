"""Small rows with numbers one can check by hand."""

from typing import Any

import numpy as np
from sqlalchemy import Connection

from trader_core.model.bar import BAR, Bars
from trader_core.model.instrument import Instrument
from trader_core.model.money import UNIT
from trader_core.model.plan import Plan
from trader_core.model.session import SessionMode, SessionStatus
from trader_core.model.stage import StageName
from trader_core.store.orders import FillRow, OrderRow
from trader_core.store.sessions import NewSession, create_session
from trader_core.store.signals import IntentRow, SignalRow, insert_intents, insert_signals

MINUTE = 60_000
T0 = 1_672_531_200_000
"""2023-01-01 00:00 UTC."""

BTC = Instrument(
    venue="binance", symbol="BTC/USDT", base="BTC", quote="USDT", price_exp=2, qty_exp=6, tick=1, lot=10, qty_min=10,
    notional_min=5 * UNIT, maker_ppm=1000, taker_ppm=1000,
)  # fmt: skip


def bars_of(closes: list[int], first_ms: int = T0) -> Bars:
    """Return minutes of equal open, high, low and close, with volume 7."""
    bars = np.zeros(len(closes), BAR)
    bars["ts"] = first_ms + MINUTE * np.arange(len(closes))
    for name in ("open", "high", "low", "close"):
        bars[name] = closes
    bars["volume"] = 7
    return bars


def new_session(session_id: str = "s1", mode: SessionMode = SessionMode.PAPER, account: str = "paper") -> NewSession:
    """Return a session of 100 minutes with 1000 of capital."""
    plan = Plan(strategy="sma_cross", params=(("fast", 2), ("slow", 3)), symbols=("BTC/USDT",), timeframe="1m", capital=1000 * UNIT)
    return NewSession(session_id, mode, account, "binance", StageName.PAPER, plan, (BTC,), T0, T0 + 100 * MINUTE)


def signal(number: int, cause: str = "TARGET") -> SignalRow:
    """Return a wish to buy 5."""
    return SignalRow(number, T0 + number * MINUTE, "BTC/USDT", cause, 0, 10_000, 5, 100)


def intent(number: int, **changes: Any) -> IntentRow:
    """Return the intent of that signal."""
    row = IntentRow(f"gh{number}", number, f"key{number}", "BTC/USDT", 1, 5, 102, 510, "TARGET", 0, T0 + number * MINUTE)
    return row._replace(**changes)


def order(number: int, **changes: Any) -> OrderRow:
    """Return the order of that intent, open."""
    row = OrderRow(f"gh{number}", "s1", "paper", "BTC/USDT", 1, 5, "OPEN", f"v{number}", T0, 5000, 1, 0, 0, T0 + number)
    return row._replace(**changes)


def fill(number: int, **changes: Any) -> FillRow:
    """Return a fill of 2 at 101 of that order."""
    row = FillRow("paper", "BTC/USDT", f"t{number}", "s1", number, f"gh{number}", 1, 2, 101, 3, 0, T0 + number)
    return row._replace(**changes)


def with_intents(db: Connection, count: int, session_id: str = "s1", mode: SessionMode = SessionMode.PAPER) -> None:
    """Leave behind a running session with signals and intents 1 to `count`."""
    create_session(db, new_session(session_id, mode), SessionStatus.RUNNING)
    numbers = range(1, count + 1)
    insert_signals(db, session_id, [signal(number) for number in numbers])
    insert_intents(db, session_id, [intent(number) for number in numbers])
