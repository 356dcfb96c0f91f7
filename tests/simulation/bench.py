"""One machine, driven by hand: one order, one event, what is written and asked for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from simulation.market import PROTOCOL, START_MS, STEP_MS, instruments
from trader_core.model.bar import BAR
from trader_core.model.command import Command
from trader_core.model.money import UNIT
from trader_core.model.order import OrderState
from trader_core.model.plan import Limits, Plan
from trader_core.trader import events as ev
from trader_core.trader.machine import step
from trader_core.trader.protocol import Protocol
from trader_core.trader.records import Record, decode, encode
from trader_core.trader.recovery import checkpoint, fold, full_digest, opening
from trader_core.trader.tracked import Order
from trader_core.venues.port import Outcome, Reply, VenueOrder, VenueOrderState, VenueTrade

LATER_MS = START_MS + 10 * STEP_MS


class Bench:
    """One machine, driven by hand on the first of the simulator's instruments, or on several."""

    def __init__(
        self, protocol: Protocol = PROTOCOL, bounds: Mapping[str, Any] | None = None, coins: int = 1, **plan_parts: Any
    ) -> None:  # fmt: skip
        traded = instruments()[:coins]
        parts: dict[str, Any] = {"limits": Limits(positions_max=coins), **plan_parts}
        plan = Plan("sma_cross", (("fast", 2), ("slow", 3)), tuple(coin.symbol for coin in traded), "1m", 1_000 * UNIT, **parts)
        self.journal = [opening("bench", plan, traded, replace(protocol, **(bounds or {})), START_MS, {})]
        self.state = fold(self.journal)
        self.symbol, self.said = traded[0].symbol, 0
        self.feed(ev.Boot(START_MS, 1, "test"))
        self.feed(ev.Reconciled((), START_MS))

    def feed(self, event: ev.Event) -> tuple[list[Record], list[ev.Effect]]:
        records, effects = step(self.state, event)
        self.journal += records
        there = checkpoint(self.state)
        for again in (fold(self.journal), fold([decode(there.kind, encode(there.body))])):
            assert full_digest(again) == full_digest(self.state)
        return records, effects

    def slot(self, target: int, price: int = 2_000_000) -> tuple[list[Record], list[ev.Effect]]:
        """Have a slot with a price and a target of the first instrument; the others have no bar and no decision."""
        bars = np.zeros(len(self.state.instruments), BAR)
        bars[0] = (self.state.next_slot_ms, price, price, price, price, 10**9)
        return self.feed(ev.Slot(self.state.next_slot_ms, bars, np.array([target] + [-1] * (len(bars) - 1), np.int64)))

    def sent(self, target: int = 10_000) -> Order:
        """Have one order in SENDING."""
        _, effects = self.slot(target)
        due = effects[0]
        assert isinstance(due, ev.Continue)
        self.feed(ev.SendDue(due.client_order_ids, self.state.next_slot_ms))
        return self.state.orders[due.client_order_ids[0]]

    def opened(self, target: int = 10_000) -> Order:
        """Have one order OPEN under a venue id of its own."""
        order = self.sent(target)
        self.feed(ev.Answered(order.client_order_id, Reply(Outcome.OK, self.shown(order, VenueOrderState.OPEN, 0)), LATER_MS))
        return order

    def shown(self, order: Order, state: VenueOrderState, filled: int) -> VenueOrder:
        return VenueOrder(order.client_order_id, f"v-{order.client_order_id}", state, order.qty, filled, START_MS)

    def look(self, order: Order, state: VenueOrderState, filled: int = 0) -> list[ev.Effect]:
        return self.feed(ev.Looked(order.client_order_id, Reply(Outcome.OK, self.shown(order, state, filled)), LATER_MS))[1]

    def trade(self, order: Order, qty: int, trade_id: str = "t1", **changes: Any) -> VenueTrade:
        parts: dict[str, Any] = {
            "trade_id": trade_id, "client_order_id": order.client_order_id, "venue_order_id": f"v-{order.client_order_id}",
            "symbol": self.symbol, "side": order.side, "qty": qty, "price": 2_000_000, "fee": 0, "fee_base": 0, "ts_ms": LATER_MS,
        }  # fmt: skip
        return VenueTrade(**{**parts, **changes})

    def trades(self, *trades: VenueTrade) -> list[Record]:
        return self.feed(ev.TradesSeen(self.symbol, Reply(Outcome.OK, list(trades)), LATER_MS))[0]

    def say(self, command: Command, number: int = 0) -> tuple[list[Record], list[ev.Effect]]:
        self.said += 1
        return self.feed(ev.Operator(command, number or self.said, "operator", "a test", LATER_MS + self.said))

    def closing(self) -> Order:
        """Say close-all, and have its exit in SENDING."""
        _, effects = self.say(Command.CLOSE_ALL)
        due = effects[0]
        assert isinstance(due, ev.Continue)
        self.feed(ev.SendDue(due.client_order_ids, LATER_MS))
        return self.state.orders[due.client_order_ids[0]]

    def bought(self) -> Order:
        """Hold what one order bought."""
        order = self.opened()
        self.trades(self.trade(order, order.qty))
        assert order.state is OrderState.FILLED
        return order
