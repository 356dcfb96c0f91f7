"""Backtests as rows: a result in, a finished session with its signals, orders, fills and figures out."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection

from trader_core.engine.layout import Record
from trader_core.engine.simulate import Result
from trader_core.evidence.metrics import Booked, Metrics, Traded, book, measure
from trader_core.model.instrument import Instrument
from trader_core.model.money import UNIT
from trader_core.model.order import OrderState, client_order_id, decision_key
from trader_core.model.plan import Plan
from trader_core.model.session import Cause, Refusal, SessionMode, SessionStatus, Side
from trader_core.model.stage import StageName
from trader_core.store.markets import Market
from trader_core.store.orders import FillRow, OrderRow, insert_fills, upsert_order_states
from trader_core.store.sessions import NewSession, create_session, save_progress, save_statistics, set_status
from trader_core.store.signals import IntentRow, RefusalRow, SignalRow, insert_intents, insert_refusals, insert_signals
from trader_core.store.snapshots import PnlRow, PositionRow, insert_pnl, insert_positions

DAY_MS = 86_400_000
PIECE_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Opened:
    """What a backtest is before its result: its plan, where its data came from, and what must be said with every figure of it."""

    session_id: str
    venue: str
    plan: Plan
    data_session: str | None
    journal: str
    """Where the per-bar journal lies, relative to the home folder."""
    disclosures: Mapping[str, Any]


class Rows(NamedTuple):
    """A result as rows, ready to be stored."""

    signals: list[SignalRow]
    refusals: list[RefusalRow]
    intents: list[IntentRow]
    orders: list[OrderRow]
    fills: list[FillRow]


class Decided(NamedTuple):
    """The engine's DECISION with Python's integers; see engine/layout.py."""

    signal: int
    ts: int
    instrument: int
    cause: int
    target_from: int
    target_to: int
    wanted: int
    qty: int
    refusal: int
    close: int
    limit: int
    reserve: int
    verdicts: int


def account_of(session_id: str) -> str:
    """Return the account of a backtest: its own, so that nothing of it is taken for a trader's."""
    return f"backtest:{session_id}"


def row_pieces(session_id: str, instruments: Sequence[Instrument], result: Result, end_ms: int) -> Iterator[Rows]:
    """Yield what was decided and filled as rows, PIECE_ROWS of the engine's at a time, fills last: memory stays bounded.

    An intent whose next bar never came is ABANDONED at `end_ms`.
    """
    outcome, numbers, cids = _outcomes(result.fills), Counter[tuple[int, int, bool]](), {}
    for start in range(0, len(result.decisions), PIECE_ROWS):
        rows = Rows([], [], [], [], [])
        for decision in map(Decided._make, result.decisions[start : start + PIECE_ROWS][list(Decided._fields)].tolist()):
            symbol = instruments[decision.instrument].symbol
            targets = decision.target_from, decision.target_to
            cause = Cause(decision.cause).name
            rows.signals.append(SignalRow(decision.signal, decision.ts, symbol, cause, *targets, decision.wanted, decision.close))
            if decision.refusal:
                refusal = Refusal(decision.refusal)
                rows.refusals.append(RefusalRow(decision.signal, refusal.name, refusal // 10, decision.verdicts))
                continue
            place = decision.instrument, decision.ts, decision.qty > 0
            numbers[place] += 1  # a resting stop and what is left of it may both leave in one slot
            intent = _intent(session_id, decision, symbol, numbers[place])
            cids[decision.signal] = intent.client_order_id
            rows.intents.append(intent)
            rows.orders.append(_order(session_id, intent, outcome.get(decision.signal), end_ms))
        yield rows
    filled = result.fills[result.fills["qty"] > 0]
    for start in range(0, len(filled), PIECE_ROWS):
        yield Rows([], [], [], [], _fills(session_id, instruments, filled[start : start + PIECE_ROWS], cids, start))


def _outcomes(fills: Record) -> dict[int, tuple[int, int, int]]:
    """Return (filled, released, ts) per signal."""
    found: dict[int, tuple[int, int, int]] = {}
    for signal, qty, released, ts in fills[["signal", "qty", "released", "ts"]].tolist():
        before = found.get(signal, (0, 0, 0))
        found[signal] = (before[0] + qty, before[1] + released, ts)
    return found


def _intent(session_id: str, decision: Decided, symbol: str, number: int) -> IntentRow:
    side = Side.BUY if decision.qty > 0 else Side.SELL
    key = decision_key(session_id, symbol, decision.ts, side.name, number)
    return IntentRow(
        client_order_id(key), decision.signal, key, symbol, int(side), abs(decision.qty), decision.limit, decision.reserve,
        Cause(decision.cause).name, decision.verdicts, decision.ts,
    )  # fmt: skip


def _order(session_id: str, intent: IntentRow, outcome: tuple[int, int, int] | None, end_ms: int) -> OrderRow:
    filled, released, ts = outcome or (0, intent.qty, end_ms)
    state = OrderState.FILLED if filled == intent.qty else OrderState.CANCELED if outcome else OrderState.ABANDONED
    return OrderRow(
        intent.client_order_id, session_id, account_of(session_id), intent.symbol, intent.side, intent.qty, state.value, "",
        0, 0, 0, filled, released, ts,
    )  # fmt: skip


def _fills(session_id: str, instruments: Sequence[Instrument], fills: Record, cids: Mapping[int, str], first: int) -> list[FillRow]:
    account, symbols = account_of(session_id), [instrument.symbol for instrument in instruments]
    signals = fills["signal"][fills["qty"] > 0].tolist()
    return [
        FillRow(
            account, symbols[fill.instrument], str(number), session_id, signal, cids[signal], fill.side, fill.qty, fill.price, fill.fee,
            fill.fee_base, fill.ts,
        )
        for number, (signal, fill) in enumerate(zip(signals, traded(fills), strict=True), first)
    ]  # fmt: skip


def traded(fills: Record) -> list[Traded]:
    """Return the engine's fills as the figures take them; releases without a fill are left out."""
    return [Traded(*fill) for fill in fills[fills["qty"] > 0][list(Traded._fields)].tolist()]


def daily_pnl(result: Result, booked: Sequence[Booked], capital: int) -> list[PnlRow]:
    """Return the account at each UTC day's last slot."""
    ends = np.flatnonzero(np.append(np.diff(result.ts // DAY_MS) != 0, True))
    peaks = np.maximum.accumulate(np.maximum(result.equity, capital))
    after = np.searchsorted(np.array([one.ts for one in booked], np.int64), result.ts[ends], side="right")
    rows = []
    for slot, count in zip(ends, after, strict=True):
        totals = booked[count - 1] if count else Booked(0, 0, 0, 0)
        figures = (int(result.ts[slot]), int(result.cash[slot]), int(result.equity[slot]), int(peaks[slot]))
        rows.append(PnlRow(*figures, totals.realised, totals.fees, totals.positions))
    return rows


def final_positions(instruments: Sequence[Instrument], result: Result) -> list[PositionRow]:
    """Return what each instrument holds at the end."""
    return [
        PositionRow(one.symbol, int(slot["close_ts"]), int(slot["position"]), int(slot["cost"]), int(slot["close"]), int(slot["realised"]))
        for one, slot in zip(instruments, result.slots, strict=True)
    ]


def figures_of(metrics: Metrics, bars: int) -> dict[str, int | Decimal]:
    """Return the statistics of a run by name; money in whole units of the settlement currency."""
    figures: dict[str, int | Decimal] = {
        "bars": bars, "fills": metrics.fills, "episodes": metrics.episodes, "wins": metrics.wins, "return_ppm": metrics.return_ppm,
        "drawdown_ppm": metrics.drawdown_ppm, "equity": Decimal(metrics.equity_last) / UNIT,
        "realised": Decimal(metrics.realised) / UNIT, "fees": Decimal(metrics.fees) / UNIT,
    }  # fmt: skip
    ratios = (("win_rate", metrics.win_rate), ("profit_factor", metrics.profit_factor), ("fees_share", metrics.fees_share))
    return figures | {name: Decimal(repr(value)) for name, value in ratios if value is not None}


def digest_of(plan: Plan, result: Result) -> str:
    """Return the SHA-256, in hex, of the plan and of everything that it did: the same run has the same digest, whatever its id."""
    return hashlib.sha256(f"{plan.digest()}|{result.digest}".encode()).hexdigest()


def save_backtest(db: Connection, new: Opened, market: Market, result: Result, excursions: Mapping[str, int]) -> Metrics:
    """Store a finished backtest in one transaction of the caller's, and return its figures. Safe to repeat."""
    session_id, plan = new.session_id, new.plan
    end_ms = int(result.ts[-1]) + market.step_ms
    session = NewSession(
        session_id, SessionMode.BACKTEST, account_of(session_id), new.venue, StageName.PAPER, plan, market.instruments, market.from_ms,
        end_ms, new.data_session, disclosures=new.disclosures,
    )  # fmt: skip
    fills = traded(result.fills)
    metrics = measure(market.instruments, plan.capital, result.equity, fills)
    figures = figures_of(metrics, market.bars) | dict(excursions)
    create_session(db, session, SessionStatus.RUNNING)
    for rows in row_pieces(session_id, market.instruments, result, end_ms):
        insert_signals(db, session_id, rows.signals)
        insert_refusals(db, session_id, rows.refusals)
        insert_intents(db, session_id, rows.intents)
        upsert_order_states(db, rows.orders)
        insert_fills(db, rows.fills)
    insert_pnl(db, session_id, daily_pnl(result, book(market.instruments, fills)[1], plan.capital))
    insert_positions(db, session_id, final_positions(market.instruments, result))
    save_statistics(db, session_id, figures)
    save_progress(db, session_id, end_ms, hashlib.sha256(result.state).hexdigest())
    outcome = {"digest": digest_of(plan, result), "journal": new.journal, **{name: str(value) for name, value in figures.items()}}
    set_status(db, session_id, SessionStatus.FINISHED, result=outcome)
    return metrics
