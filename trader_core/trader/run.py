"""One step in progress: the records so far, each applied as it is written, and the effects that they call for."""

from collections.abc import Sequence
from typing import Any

from trader_core.model.order import TABLE, OrderEvent, OrderState, client_order_id, decision_key
from trader_core.model.session import Side
from trader_core.trader import events as ev
from trader_core.trader.records import Kind, Record
from trader_core.trader.state import State, apply
from trader_core.trader.tracked import Order

AT_VENUE = (OrderState.OPEN, OrderState.PARTIAL)
UNPROVEN = (OrderState.UNKNOWN, OrderState.QUARANTINED)
ASK = (OrderState.SENDING, *UNPROVEN)


class Run:
    """One step in progress: the records so far, each applied as it is written, and the effects that they call for."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.records: list[Record] = []
        self.effects: list[ev.Effect] = []

    def write(self, kind: Kind, **body: Any) -> None:
        """Apply a record and keep it."""
        record = Record(kind, body)
        apply(self.state, record)
        self.records.append(record)

    def keep(self, kind: Kind, **body: Any) -> None:
        """Keep a record of what has been applied already."""
        self.records.append(Record(kind, body))

    def count(self, name: str) -> None:
        """Count one more of what came from outside, or of what became of it."""
        self.state.tally[name] = self.state.tally.get(name, 0) + 1

    def flag(self, name: str, why: str, now_ms: int, *, on: bool) -> None:
        """Set or clear a flag; nothing is written when it stands so already."""
        if on != (name in self.state.flags):
            self.write(Kind.FLAG, flag=name, on=on, why=why, at_ms=now_ms)

    def anomaly(self, text: str, now_ms: int, *, flag: str = "", seen: str = "") -> None:
        """Record what should not happen, alert, and trade less where the caller names a flag."""
        self.write(Kind.ANOMALY, text=text, at_ms=now_ms, seen=seen)
        self.effects.append(ev.Alert(text))
        if flag:
            self.flag(flag, text, now_ms, on=True)

    def move(self, order: Order, event: OrderEvent, now_ms: int, **details: Any) -> bool:
        """Move an order along its table; a move that the table does not have becomes a dead letter and changes nothing else."""
        if event not in TABLE.get(order.state, {}):
            text = f"{order.client_order_id} is {order.state} and was told {event}"
            self.letter("MOVE", text, {"client_order_id": order.client_order_id, "event": event, **details}, now_ms)
            return False
        self.write(Kind.MOVE, client_order_id=order.client_order_id, event=event, at_ms=now_ms, **details)
        return True

    def letter(self, source: str, why: str, raw: dict[str, Any], now_ms: int) -> None:
        """Keep what cannot be applied, alert, and risk nothing new until somebody has dealt with it."""
        self.write(Kind.LETTER, number=self.state.letters_count + 1, source=source, why=why[:400], raw=raw, at_ms=now_ms)
        self.anomaly(f"dead letter {self.state.letters_count}: {why}"[:400], now_ms, flag="dead_letter")

    def look(self, order: Order) -> None:
        """Ask the venue about an order."""
        self.effects.append(ev.Look(order.client_order_id, order.symbol))


def intend(run: Run, row: Sequence[int]) -> str:
    """Turn a decision, in the field order of engine.layout.DECISION, into an intent, and return its client order id."""
    signal, ts, index, cause, _, _, _, qty, _, _, limit, reserve, verdicts, _, trigger = row
    side = Side.BUY if qty > 0 else Side.SELL
    leg, attempt = ("STOP", run.state.stops.get(index, 0) + 1) if trigger else (side.name, 1)
    key = decision_key(run.state.session_id, run.state.instruments[index].symbol, ts, leg, attempt)
    cid = client_order_id(key)
    run.write(
        Kind.INTENT, client_order_id=cid, decision_key=key, signal=signal, instrument=index, side=int(side), qty=abs(qty),
        limit=limit, reserve=reserve, cause=cause, verdicts=verdicts, ts=ts, **({"trigger": trigger} if trigger else {}),
    )  # fmt: skip
    return cid


def cancel(run: Run, order: Order, now: int) -> None:
    """Journal the wish to cancel, then ask the venue; what an order's look-ups came to before delays no cancel."""
    if order.state is not OrderState.CANCELING:
        run.state.watches.pop(order.client_order_id, None)
    if run.move(order, OrderEvent.CANCEL, now):
        run.effects.append(ev.CancelOrder(order.client_order_id, order.symbol))
