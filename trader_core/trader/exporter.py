"""Prometheus: what a trader is doing, on loopback. The event loop takes a picture once a second; a scrape reads the last one.

Nothing here is in the order path: no lock is shared with it, and a port that is taken is a warning.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import CollectorRegistry, Histogram, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from trader_core.evidence.permit import standing
from trader_core.model.errors import StoreError
from trader_core.model.money import UNIT
from trader_core.model.session import Refusal, SessionMode
from trader_core.store import database, rounds
from trader_core.trader import failing, resting
from trader_core.trader.run import UNPROVEN

if TYPE_CHECKING:
    from trader_core.trader.process import Trader

log = structlog.get_logger()

PICTURE_S = 1.0
STORED_S = 10.0
BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
COUNTERS = {
    "paper_orders": "orders of paper sessions",
    "gatehouse_refusals": "signals that the guard refused, by layer and reason",
    "gatehouse_fills": "fills",
    "gatehouse_api_calls": "calls to the venue",
    "gatehouse_api_errors": "calls that failed",
    "gatehouse_order_tests": "order tests of dry runs",
    "gatehouse_messages": "trades, answers and words that came, by what became of them; received is the sum of the others",
    "gatehouse_stream_gaps": "holes in what a stream said, by stream",
    "gatehouse_stream_reconnects": "how often a stream was opened again, by stream",
}
GAUGES = {
    "gatehouse_orders": "orders by side and the state that they are in now",
    "paper_trading_pnl": "equity less capital of paper sessions, in the settlement currency",
    "gatehouse_equity": "account in the settlement currency",
    "gatehouse_exposure": "cost of what is held and all that is in flight, at its worst",
    "gatehouse_drawdown_ratio": "fall from the highest equity, as a share",
    "gatehouse_unknown_age_seconds": "age of the oldest order of unknown fate, by the venue's clock",
    "gatehouse_feed_age_seconds": "time since the newest stepped slot ended, by the venue's clock; it grows while no bar comes",
    "gatehouse_stream_age_seconds": "time since a stream said something, by stream and by the venue's clock",
    "gatehouse_stream_lag_seconds": "how late a stream's newest event came, by stream",
    "gatehouse_naked_seconds": "time that something is held without its stop; where the trader watches it, since the last bar judged",
    "gatehouse_mode": "0 ACTIVE, 1 REDUCING, 2 HALTED, 3 KILLED",
    "gatehouse_breaker": "1 while the breaker is open, by what tripped it",
    "gatehouse_errors_breaker": "1 while too many calls about orders failed, 2 where only an operator closes it",
    "gatehouse_asks_left": "questions that a session may ask its venue at once, where it has a budget of them",
    "gatehouse_permit_level": "0 DENIED, 1 PAPER_ONLY, 2 LIMITED, 3 FULL",
    "gatehouse_gate_results": "judgements of the last day, by verdict",
    "gatehouse_outbox": "alerts by state",
    "gatehouse_up": "1 while the trader holds its account",
}
HISTOGRAMS = {
    "gatehouse_decision_seconds": "from a bar's arrival to its durable intents",
    "gatehouse_ack_seconds": "from sending an order to its answer",
}
NAMES = frozenset({f"{name}_total" for name in COUNTERS} | GAUGES.keys() | HISTOGRAMS.keys())
"""Every metric that a scrape may show; the dashboard and the alert rules name no others."""
LABELS = {
    "gatehouse_orders": ("session", "side", "state"), "gatehouse_refusals": ("session", "layer", "refusal"),
    "gatehouse_messages": ("session", "what", "fate"),
    "gatehouse_breaker": ("session", "cause"), "gatehouse_gate_results": ("verdict",), "gatehouse_outbox": ("state",),
    "gatehouse_up": ("account",), **{f"gatehouse_stream_{name}": ("session", "stream")
                                     for name in ("gaps", "reconnects", "age_seconds", "lag_seconds")},
}  # fmt: skip

Sample = tuple[tuple[str, ...], float]


@dataclass(slots=True, eq=False)
class Exporter:
    """One trader's metrics."""

    trader: "Trader"
    registry: CollectorRegistry = field(default_factory=lambda: CollectorRegistry(auto_describe=False))
    picture: dict[str, list[Sample]] = field(default_factory=dict)
    stored: dict[str, list[Sample]] = field(default_factory=dict)
    histograms: dict[str, Histogram] = field(default_factory=dict)
    _taken: dict[tuple[str, str], int] = field(default_factory=dict)

    def serve(self, port: int) -> bool:
        """Listen on loopback and say whether that succeeded."""
        self.registry.register(self)
        for name, about in HISTOGRAMS.items():
            self.histograms[name] = Histogram(name, about, ("session",), buckets=BUCKETS_S, registry=self.registry)
        try:
            start_http_server(port, "127.0.0.1", registry=self.registry)
        except OSError as error:
            log.warning("no metrics: the port is taken", port=port, text=str(error))
            return False
        log.info("metrics are served", port=port)
        return True

    async def run(self) -> None:
        """Take a picture once a second, and ask the database for the rest every ten, until cancelled; after its end nothing is up."""
        left = 0.0
        try:
            while True:
                self.take()
                if left <= 0:
                    self.stored, left = await asyncio.to_thread(self._ask), STORED_S
                await asyncio.sleep(PICTURE_S)
                left -= PICTURE_S
        finally:
            self.picture, self.stored = {"gatehouse_up": [((self.trader.account,), 0.0)]}, {}

    def take(self) -> None:
        """Replace the picture by what the sessions show now."""
        found: dict[str, list[Sample]] = {"gatehouse_up": [((self.trader.account,), float(self.trader.held.is_set()))]}
        for session_id, running in list(self.trader.running.items()):
            shell = running.control.shell
            if shell is not None:
                self._session(found, session_id, shell, running.control)
        self.picture = found

    def collect(self) -> Iterator[Metric]:
        """Yield the last picture."""
        picture = {**self.stored, **self.picture}
        for name, about in COUNTERS.items():
            yield _filled(CounterMetricFamily(name, about, labels=LABELS.get(name, ("session",))), picture.get(name, []))
        for name, about in GAUGES.items():
            yield _filled(GaugeMetricFamily(name, about, labels=LABELS.get(name, ("session",))), picture.get(name, []))

    def _session(self, found: dict[str, list[Sample]], session_id: str, shell: Any, control: Any) -> None:
        state, meter, account = shell.state, shell.meter, shell.state.account[0]

        def put(name: str, value: float, *more: str) -> None:
            found.setdefault(name, []).append(((session_id, *more), float(value)))

        counts: dict[tuple[str, str], int] = {}
        for order in state.orders.values():
            key = order.side.name, str(order.state)
            counts[key] = counts.get(key, 0) + 1
        for (side, name), count in counts.items():
            put("gatehouse_orders", count, side, name)
        for refusal, count in meter.refusals.items():
            put("gatehouse_refusals", count, str(refusal // 10), Refusal(refusal).name)
        if control.mode is SessionMode.PAPER:
            put("paper_orders", len(state.orders))
            put("paper_trading_pnl", (int(account["equity"]) - state.plan.capital) / UNIT)
        now_ms, peak = shell.feed.now_ms(), int(account["peak"])
        put("gatehouse_fills", int(state.slots["fills"].sum()))
        put("gatehouse_equity", int(account["equity"]) / UNIT)
        put("gatehouse_exposure", (int(state.slots["cost"].sum()) + int(account["reserved"]) + state.external_locked) / UNIT)
        put("gatehouse_drawdown_ratio", (peak - int(account["equity"])) / peak if peak > 0 else 0.0)
        put("gatehouse_unknown_age_seconds", meter.oldest_unproven_ms(now_ms) / 1000 if _unproven(state) else 0.0)
        put("gatehouse_feed_age_seconds", max(now_ms - state.next_slot_ms, 0) / 1000)
        put("gatehouse_naked_seconds", resting.naked_ms(state, now_ms) / 1000)
        put("gatehouse_mode", int(state.mode))
        put("gatehouse_permit_level", int(standing(control.allowed.permits, control.wall_ms()).level))
        put("gatehouse_breaker", float(account["breaker"] != 0), Refusal(int(account["breaker"])).name)
        for name, count in state.tally.items():
            put("gatehouse_messages", count, *name.split("_"))
        put("gatehouse_errors_breaker", (failing.FLAG in state.flags) + failing.latched(state))
        if state.protocol.asks_per_minute:
            put("gatehouse_asks_left", state.budget.left(now_ms, state.protocol.asks_burst, state.protocol.asks_per_minute))
        for name in ("api_calls", "api_errors", "order_tests"):
            put(f"gatehouse_{name}", meter.counts[name])
        for name, stream in shell.pulse.streams.items():
            put("gatehouse_stream_gaps", stream.gaps, name)
            put("gatehouse_stream_reconnects", stream.reconnects, name)
            put("gatehouse_stream_age_seconds", stream.age_ms(now_ms) / 1000, name)
            put("gatehouse_stream_lag_seconds", max(stream.lag_ms, 0) / 1000, name)
        self._observe("gatehouse_decision_seconds", session_id, meter.decision_ms)
        self._observe("gatehouse_ack_seconds", session_id, meter.ack_ms)

    def _observe(self, name: str, session_id: str, samples: list[int]) -> None:
        if name not in self.histograms:
            return
        seen = self._taken.get((name, session_id), 0)
        for ms in samples[seen:]:
            self.histograms[name].labels(session_id).observe(ms / 1000)
        self._taken[name, session_id] = len(samples)

    def _ask(self) -> dict[str, list[Sample]]:
        try:
            with database.begin(self.trader.engine) as db:
                found = rounds.read_counts(db)
        except StoreError:
            return self.stored
        return {name: [((label,), float(count)) for label, count in values.items()] for name, values in found.items()}


def _unproven(state: Any) -> bool:
    return any(order.state in UNPROVEN for order in state.pending.values())


def _filled(family: Any, samples: list[Sample]) -> Metric:
    for labels, value in samples:
        family.add_metric(labels, value)
    filled: Metric = family
    return filled
