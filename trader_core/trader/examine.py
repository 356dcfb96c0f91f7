"""Examining a session that has ended: its journal is read, verified and folded again, and counted."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trader_core.evidence.metrics import Traded, book, drawdown_ppm
from trader_core.evidence.verdict import Judgement, Operations, judge_edge, judge_operations
from trader_core.model.bar import timeframe_ms
from trader_core.model.errors import ChainBroken
from trader_core.store import journal, sessions, signals
from trader_core.trader.records import Kind, Record, decode
from trader_core.trader.recovery import fold, go_on
from trader_core.trader.state import State, digest

if TYPE_CHECKING:
    from trader_core.store.database import Connection


@dataclass(frozen=True, slots=True)
class Examined:
    """What one session's journal shows."""

    row: sessions.SessionRow
    operations: Judgement
    edge: Judgement
    equity: tuple[int, ...]
    fills: int
    orders: int
    episodes: int
    wins: int
    refusals: int
    boots: int
    records: int
    fees: int
    drawdown_ppm: int
    slots: int


def examine(db: "Connection", session_id: str, venue_orders: dict[str, int] | None = None) -> Examined:
    """Return the evidence of a session; `venue_orders` counts the venue's own orders per client id, where it shows its ledger.

    Raises ChainBroken when the journal cannot even be folded.
    """
    import numpy as np  # noqa: PLC0415 - only where a curve is measured

    row = sessions.load_session(db, session_id)
    records = [decode(line.kind, line.body) for line in journal.load(db, session_id)]
    state, equal = _folded(records, row.state_digest)
    slots = [record.body["ts"] for record in records if record.kind is Kind.BARS]
    sent = [record.body["client_order_id"] for record in records if record.kind is Kind.SENDING]
    twice = (len(sent) - len(set(sent))) + sum(count > 1 for count in (venue_orders or {}).values())
    strangers = sum(cid not in state.orders for cid in venue_orders or {})
    fills = traded(records, {cid: (order.index, int(order.side)) for cid, order in state.orders.items()})
    episodes, _ = book(state.instruments, fills)
    counts = Operations(
        slots_expected=(state.next_slot_ms - row.from_ms) // timeframe_ms(row.plan.timeframe),
        slots_stepped=len(slots),
        duplicate_slots=len(slots) - len(set(slots)),
        chain_verifies=_verifies(db, session_id),
        fold_equals=equal,
        unresolved_orders=len(state.pending),
        signals_without_outcome=signals.missing_outcomes(db, session_id),
        orders_sent_twice=twice + strangers,
        differences=sum(bool(record.body["differences"]) for record in records if record.kind is Kind.RECONCILED),
        anomalies=state.anomalies,
    )
    equity = np.array([record.body["equity"] for record in records if record.kind is Kind.BARS], np.int64)
    return Examined(
        row=row,
        operations=judge_operations(counts),
        edge=judge_edge([episode.profit / episode.cost for episode in episodes]),
        equity=tuple(equity.tolist()),
        fills=len(fills),
        orders=len(state.orders),
        episodes=len(episodes),
        wins=sum(episode.profit > 0 for episode in episodes),
        refusals=sum(bool(d[8]) for record in records if record.kind is Kind.BARS for d in record.body["decisions"]),
        boots=state.boots,
        records=len(records),
        fees=int(state.account["fees"][0]),
        drawdown_ppm=drawdown_ppm(equity),
        slots=len(slots),
    )


def statistics(found: Examined) -> dict[str, int | float]:
    """Return a session's figures by name, as they are stored."""
    values: dict[str, int | float] = {
        "slots": found.slots, "orders": found.orders, "fills": found.fills, "refusals": found.refusals, "trades": found.episodes,
        "wins": found.wins, "fees": found.fees, "drawdown_ppm": found.drawdown_ppm, "boots": found.boots,
    }  # fmt: skip
    if found.episodes:
        values["win_rate"] = found.wins / found.episodes
    if found.equity:
        values["equity_last"] = found.equity[-1]
    return values


def traded(records: list[Record], orders: dict[str, tuple[int, int]]) -> list[Traded]:
    """Return the fills of a journal, in its order, for the metrics: with their fees as they were told, if later."""
    told = {(b["client_order_id"], b["trade_id"]): b for b in (record.body for record in records if record.kind is Kind.FEE)}
    found = []
    for body in (record.body for record in records if record.kind is Kind.FILL):
        fee = told.get((body["client_order_id"], body["trade_id"]), body)
        whose = orders[body["client_order_id"]]
        found.append(Traded(body["ts"], *whose, body["qty"], body["price"], fee["fee"], fee["fee_base"]))
    return found


def _folded(records: list[Record], stored: str) -> tuple[State, bool]:
    """Return the folded state, and whether it is what the running trader said of itself: in its last record, and in its row.

    The record counts besides the row, because a trader that died behind it leaves a row that was written from a fold.
    """
    ended = next((at for at, record in enumerate(records) if record.kind is Kind.CLOSED), len(records))
    state = fold(records[:ended])
    said = all(record.body["before"] == digest(state) for record in records[ended : ended + 1])
    go_on(state, records[ended:])
    return state, said and digest(state) == stored


def _verifies(db: "Connection", session_id: str) -> bool:
    try:
        journal.verify(db, session_id)
    except ChainBroken:
        return False
    return True
