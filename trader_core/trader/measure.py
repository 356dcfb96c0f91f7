"""Measuring: from journals and stored statistics to what a validation and a stage are judged by, as of any moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from trader_core.evidence.metrics import Episode, book, drawdown_ppm, episode_returns
from trader_core.evidence.statistics import Sharpe, percentile, sharpe
from trader_core.evidence.validation import Measured
from trader_core.model.bar import timeframe_ms
from trader_core.store import journal, sessions
from trader_core.trader.compare import Compared, compare
from trader_core.trader.drills import killed, restarted
from trader_core.trader.examine import examine, traded
from trader_core.trader.records import Kind, Record, decode
from trader_core.trader.recovery import fold
from trader_core.trader.state import State

if TYPE_CHECKING:
    from trader_core.store.database import Connection

HOUR_MS = 3_600_000
PPM = 1_000_000
BPS = 10_000
STORED = ("latency", "unknown", "api", "feed", "downtime", "outage", "naked", "order_tests")
"""Beginnings of the names of what the trader itself counts."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One session's journal, folded, with its figures."""

    row: sessions.SessionRow
    records: list[Record]
    state: State
    episodes: list[Episode]
    slippage_bps: list[float]
    statistics: Mapping[str, Decimal]

    @property
    def returns(self) -> list[float]:
        """Return each round trip's profit over what was paid for it."""
        return episode_returns(self.episodes)

    @property
    def equity(self) -> list[int]:
        """Return the account after each slot."""
        return [record.body["equity"] for record in self.records if record.kind is Kind.BARS]

    def statistic(self, name: str) -> int | None:
        """Return a stored statistic as a whole number, or None when it was not measured."""
        value = self.statistics.get(name)
        return None if value is None else int(value)


def see(db: "Connection", session_id: str) -> Seen:
    """Return a session as its journal tells it so far; raises ChainBroken when that cannot be folded."""
    row = sessions.load_session(db, session_id)
    records = [decode(line.kind, line.body) for line in journal.load(db, session_id)]
    state = fold(records)
    fills = traded(records, {cid: (order.index, int(order.side)) for cid, order in state.orders.items()})
    episodes, _ = book(state.instruments, fills)
    return Seen(row, records, state, episodes, slippage(records), sessions.load_statistics(db, session_id))


def slippage(records: Sequence[Record]) -> list[float]:
    """Return, per fill, how much worse its price is than its decision's close, in basis points; negative is better."""
    closes = {d[0]: d[9] for record in records if record.kind in {Kind.BARS, Kind.EXITS, Kind.STOPS} for d in record.body["decisions"]}
    intents = {record.body["client_order_id"]: record.body for record in records if record.kind is Kind.INTENT}
    found = []
    for record in records:
        if record.kind is Kind.FILL:
            intent = intents[record.body["client_order_id"]]
            close = closes[intent["signal"]]
            found.append(intent["side"] * (record.body["price"] - close) / close * BPS)
    return found


def hourly_returns(seen: Seen) -> list[float]:
    """Return the account's returns from hour to hour."""
    slots = HOUR_MS // timeframe_ms(seen.row.plan.timeframe)
    ends = seen.equity[slots - 1 :: slots] if slots > 0 else []
    curve = [seen.row.capital, *ends]
    return [after / before - 1 for before, after in pairwise(curve) if before > 0]


def figures(seen: Seen) -> dict[tuple[str, str], int | float]:
    """Return a session's figures by (symbol, name), the symbol empty for all together; what has no value is left out."""
    found = _figures(seen.episodes, seen.slippage_bps)
    ratio: Sharpe | None = sharpe(hourly_returns(seen), HOUR_MS)
    rejects = sum(record.kind is Kind.MOVE and record.body["event"] == "reject" for record in seen.records)
    more: dict[str, int | float | None] = {
        "drawdown_ppm": drawdown_ppm(np.array([seen.row.capital, *seen.equity], np.int64)), "orders": len(seen.state.orders),
        "rejects": rejects, "slots": len(seen.equity), "equity": seen.equity[-1] if seen.equity else seen.row.capital,
        "fees": int(seen.state.account["fees"][0]), "boots": seen.state.boots, "anomalies": seen.state.anomalies,
        "sharpe": ratio.value if ratio else None, "sharpe_low": ratio.low if ratio else None, "sharpe_high": ratio.high if ratio else None,
        **{name: float(value) for name, value in seen.statistics.items() if name.startswith(STORED)},
    }  # fmt: skip
    every = {("", name): value for name, value in {**found, **more}.items() if value is not None}
    for index, instrument in enumerate(seen.state.instruments):
        part = _figures([episode for episode in seen.episodes if episode.instrument == index], [])
        every |= {(instrument.symbol, name): value for name, value in part.items() if value is not None}
    return every


def _figures(episodes: Sequence[Episode], slipped: Sequence[float]) -> dict[str, int | float | None]:
    gains = sum(one.profit for one in episodes if one.profit > 0)
    losses = -sum(one.profit for one in episodes if one.profit < 0)
    wins = sum(one.profit > 0 for one in episodes)
    return {
        "trades": len(episodes), "win_rate": wins / len(episodes) if episodes else None,
        "profit_factor": gains / losses if losses else None, "profit": sum(one.profit for one in episodes),
        "slippage_bps_mean": sum(slipped) / len(slipped) if slipped else None, "slippage_bps_p95": percentile(slipped, 0.95),
    }  # fmt: skip


def measure(
    db: "Connection", paper: Seen, dry: Seen | None, drills: Mapping[str, Any], *, registered: bool, attempts: int
) -> tuple[Measured, Compared | None]:
    """Return all that a validation is judged by, and the comparison of both sessions."""
    both = [paper, *([dry] if dry else [])]
    examined = [examine(db, one.row.session_id) for one in both]
    found = compare(paper.records, dry.records) if dry else None
    step_ms = timeframe_ms(paper.row.plan.timeframe)
    expected = max((paper.row.until_ms - paper.row.from_ms) // step_ms, 1)
    bars = np.array([[bar is not None for bar in r.body["bars"]] for r in paper.records if r.kind is Kind.BARS], bool)
    kill, restart = drills.get("kill"), drills.get("restart")
    kills = [killed(one.records, kill["reason"]) for one in both] if kill else []
    restarts = [restarted(one.records, one.row.from_ms + restart["hour"] * HOUR_MS) for one in both] if restart else []
    downtime = _largest(both, "downtime_ms")
    span = max(paper.row.until_ms - paper.row.from_ms, 1)
    return Measured(
        hours=(paper.state.next_slot_ms - paper.row.from_ms) / HOUR_MS, instruments=len(paper.state.instruments),
        bars_worst_ppm=int(bars.sum(axis=0).min()) * PPM // expected if bars.size else 0,
        gaps_ppm=int((~bars).sum()) * PPM // bars.size if bars.size else PPM,
        uptime_ppm=None if downtime is None else max(PPM - downtime * PPM // span, 0), outage_ms=_largest(both, "outage_ms_max"),
        slots_missing=sum(max(expected - one.slots, 0) for one in examined),
        slots_twice=_sum(examined, "slots stepped twice"), unresolved=sum(len(one.state.pending) for one in both),
        unknown_ms=_largest(both, "unknown_ms_max"), signals_without_outcome=_sum(examined, "signals without an outcome"),
        orders_twice=_sum(examined, "client ids at the venue more than once"),
        differences=_sum(examined, "differences between the venue's books and ours"), anomalies=sum(one.state.anomalies for one in both),
        chain_verifies=all(bool(_named(one, "hash chain of the journal")) for one in examined),
        fold_equals=all(bool(_named(one, "folding the journal")) for one in examined),
        orders=sum(len(one.state.orders) for one in both), rejects=sum(int(figures(one)["", "rejects"]) for one in both),
        order_tests=_answered(dry) if dry else None,
        order_tests_rejected=dry.statistic("order_tests_rejected") if dry else None,
        api_calls=_total(both, "api_calls"), api_errors=_total(both, "api_errors"), skew_ms=_largest(both, "skew_ms_max"),
        ack_p50_ms=_largest(both, "latency_ack_ms_p50"), ack_p95_ms=_largest(both, "latency_ack_ms_p95"),
        ack_p99_ms=_largest(both, "latency_ack_ms_p99"), decision_p99_ms=_largest(both, "latency_decision_ms_p99"),
        feed_p99_ppm=None if (age := _largest(both, "feed_age_ms_p99")) is None else age * PPM // step_ms,
        compared=found.slots if found else 0, bars_differ=found.bars_differ if found else 0,
        decisions_differ=(found.decisions_differ + found.orders_differ + found.fills_differ + found.only_one) if found else 0,
        first_difference=found.first if found else "",
        restart_drill=all(restarts) if restarts else None, kill_drill=all(held for held, _ in kills) if kills else None,
        orders_after_kill=sum(count for _, count in kills), thresholds_registered=registered, attempts=attempts,
    ), found  # fmt: skip


def _answered(dry: Seen) -> int | None:
    """Return how many order tests the venue took or refused; a test without a proven answer is none."""
    made = dry.statistic("order_tests")
    return None if made is None else made - (dry.statistic("order_tests_unproven") or 0)


def _largest(seen: Sequence[Seen], name: str) -> int | None:
    found = [value for one in seen if (value := one.statistic(name)) is not None]
    return max(found, default=None)


def _total(seen: Sequence[Seen], name: str) -> int | None:
    found = [value for one in seen if (value := one.statistic(name)) is not None]
    return sum(found) if found else None


def _named(examined: Any, name: str) -> bool | None:
    return next((bool(finding.holds) for finding in examined.operations.findings if finding.name == name), None)


def _sum(examined: Sequence[Any], name: str) -> int:
    return sum(int(finding.measured) for one in examined for finding in one.operations.findings if finding.name == name)
