"""What must hold over real sockets. It reads the exchange's own ledger, the journal and tables in PostgreSQL, and when orders passed.

Names are the simulator's (docs/simulator.md). Each group of questions is asked whatever the others found.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from simulation import rules
from simulation.checker import Violation
from tests.sockets.plans import SockPlan
from tests.sockets.tables import table_faults
from tests.sockets.truth import Fill, books_of, fills_of
from tests.sockets.upset import Arrival, Kill
from tests.sockets.world import ACCOUNT, SESSION, World
from trader_core.model.errors import ChainBroken
from trader_core.model.session import SessionStatus
from trader_core.store import database, journal, sessions
from trader_core.store.database import Connection
from trader_core.trader.examine import _folded
from trader_core.trader.records import Kind, Record, decode
from trader_core.trader.state import State

KIND = "IMMEDIATE_OR_CANCEL"
TAKES_S = {"word": 0.0, "switch": 2.5, "file": 1.0}
"""How long after it was said a kill may need on a busy machine; one by word was answered, and a file is asked before each order."""


class Line(NamedTuple):
    """One record of the journal with the epoch that wrote it."""

    seq: int
    epoch: int
    record: Record


@dataclass(slots=True)
class Evidence:
    """Everything that a run left behind."""

    row: sessions.SessionRow
    ledger: dict[str, Any]
    lines: list[Line]
    verifies: str
    """Why the verifier refuses the chain; empty where it passes."""
    tables: list[str]
    """What the rows of tables say other than the fold."""
    arrivals: list[Arrival] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    unanswered: int = 0
    logs: str = ""

    @property
    def records(self) -> list[Record]:
        """Return the journal's records."""
        return [line.record for line in self.lines]


@dataclass(slots=True)
class Outcome:
    """What one plan showed."""

    plan: SockPlan
    violations: list[tuple[str, str]]
    fired: Counter[str]
    said: Counter[str]
    orders: int
    fills: int
    boots: int
    seconds: float
    logs: str
    evidence: Evidence


Findings = Iterator[tuple[str, str]]


async def gathered(world: World, row: sessions.SessionRow, arrivals: list[Arrival], kills: list[Kill], unanswered: int) -> Evidence:
    """Read everything that the checker asks about."""
    ledger = await world.ask("GET", "/ledger?account=main")
    for fill in ledger["fills"]:
        fill["fee_raw"] = units(fill["fee"])
        fill["trade_id"] = str(fill["number"]) if world.announced["dialect"] == "binance" else fill["trade_id"]

    def read() -> tuple[list[Line], str, list[str]]:
        with database.begin(world.engine("verify")) as db:
            lines = [Line(one.seq, one.epoch, decode(one.kind, one.body)) for one in journal.load(db, SESSION)]
            return lines, _verified(db), table_faults(db, SESSION, ACCOUNT, [one.record for one in lines])

    logs = "\n".join(house.log() for house in world.houses)
    return Evidence(row, ledger, *await asyncio.to_thread(read), arrivals, kills, unanswered, logs)


def units(text: str) -> int:
    """Return an amount of the ledger in its units of 10^-10, by arithmetic of our own."""
    whole, _, rest = text.partition(".")
    return int(whole + rest.ljust(10, "0"))


def _verified(db: Connection) -> str:
    try:
        journal.verify(db, SESSION)
    except ChainBroken as error:
        return str(error)
    return ""


def judged(plan: SockPlan, found: Evidence, fired: Counter[str], said: Counter[str], seconds: float) -> Outcome:
    """Return the outcome with everything that does not hold."""
    violations = violated(found)
    count = Counter(record.kind for record in found.records)
    logs = found.logs[-20_000:] if violations else ""
    return Outcome(plan, violations, fired, said, len(found.ledger["orders"]), count[Kind.FILL], count[Kind.BOOTED], seconds, logs, found)


def violated(found: Evidence) -> list[tuple[str, str]]:
    """Return every invariant that does not hold, with what was seen."""
    if not found.records:
        return [("I5", f"the session has no journal: {found.row.status} {found.row.error}")]
    violations = [(name, text) for ask in (*_ASKED, _state_holds) for name, text in ask(found)]
    return list(dict.fromkeys(violations))


def _chain(found: Evidence) -> Findings:
    if found.verifies:
        yield "I11", found.verifies
    epochs = [line.epoch for line in found.lines]
    if epochs != sorted(epochs):
        yield "I17", f"epochs go back: {epochs}"
    for line in found.lines:
        said = line.record.body.get("epoch", line.epoch)
        if line.record.kind in {Kind.BOOTED, Kind.SENDING} and said != line.epoch:
            yield "I17", f"{line.record.kind} {line.seq} says epoch {said}, its writer had {line.epoch}"


def _ended(found: Evidence) -> Findings:
    if found.row.status is not SessionStatus.FINISHED:
        yield "I5", f"after the calm the session is {found.row.status}: {found.row.error or found.row.result}"
    if found.unanswered:
        yield "I21", f"{found.unanswered} words were never answered"
    resting = [order["client_id"] for order in found.ledger["orders"] if order["status"] in {"NEW", "PARTIALLY_FILLED"}]
    if resting:
        yield "I9", f"open at the exchange: {resting}"


def _orders(found: Evidence) -> Findings:
    """I1, I10: at most one order per intent, each one journaled before, word by word."""
    intents, sendings = _bodies(found, Kind.INTENT), _bodies(found, Kind.SENDING)
    opening = found.records[0].body["instruments"]
    for kind, count in ((kind, _counted(found, kind)) for kind in (Kind.INTENT, Kind.SENDING)):
        for cid in [cid for cid, number in count.items() if number > 1]:
            yield "I1", f"{cid} has {count[cid]} records {kind}"
    count = Counter(order["client_id"] for order in found.ledger["orders"])
    for cid in [cid for cid, number in count.items() if number > 1]:
        yield "I1", f"the exchange has {cid} {count[cid]} times"
    for order in found.ledger["orders"]:
        cid = order["client_id"]
        if cid not in intents or cid not in sendings:
            yield "I10", f"the exchange has {cid}, without INTENT and SENDING"
            continue
        intent, sent = intents[cid], sendings[cid]
        symbol = opening[intent["instrument"]]["symbol"].replace("/", "")
        journaled = (symbol, intent["side"], intent["qty"], intent["limit"], KIND)
        has = (order["symbol"], order["side"], order["qty"], order["price"], order["type"])
        if has != journaled:
            yield "I10", f"the exchange has {cid} as {has}, the journal as {journaled}"
        late_ms = order["created_ms"] - sent["sent_ms"] - sent["window_ms"]
        if late_ms > 0:
            yield "I17", f"{cid} was taken {late_ms} ms after its window"


def _passed(found: Evidence) -> Findings:
    """I1, I10 at the wire: each order once, and only what is durable."""
    for arrival in found.arrivals:
        if not arrival.written_ahead:
            yield "I10", f"{arrival.client_id} left before its SENDING was durable"
    arrived = Counter(arrival.client_id for arrival in found.arrivals)
    for cid in [cid for cid, number in arrived.items() if number > 1]:
        yield "I1", f"{cid} left {arrived[cid]} times"
    unseen = {order["client_id"] for order in found.ledger["orders"]} - set(arrived)
    if unseen:
        yield "I10", f"orders came to the exchange by another way: {sorted(unseen)}"


def _killed(found: Evidence) -> Findings:
    """I2: nothing behind a kill in the journal, and nothing at the wire after it was answered, but an operator's exit."""
    causes = {cid: body["cause"] for cid, body in _bodies(found, Kind.INTENT).items()}
    killed = False
    for line in found.lines:
        body = line.record.body
        if line.record.kind is Kind.FLAG and body["flag"] == "kill":
            killed = body["on"]
        if line.record.kind is Kind.SENDING and killed and causes.get(body["client_order_id"]) != rules.OPERATOR:
            yield "I2", f"{body['client_order_id']} is sent behind the kill, at record {line.seq}"
    overtaken = _overtaken(found)
    for kill in found.kills:
        for arrival in found.arrivals:
            late_s = arrival.at_s - kill.at_s - TAKES_S[kill.by]
            own = causes.get(arrival.client_id) == rules.OPERATOR or arrival.client_id in overtaken
            if late_s > 0 and arrival.at_s < kill.until_s and not own:
                yield "I2", f"{arrival.client_id} left {arrival.at_s - kill.at_s:.3f} s after the kill by {kill.by}"


def _overtaken(found: Evidence) -> set[str]:
    """Return orders whose SENDING is of an epoch that another trader ended: one that stood still between the two may write it late."""
    last = max(line.epoch for line in found.lines)
    return {line.record.body["client_order_id"] for line in found.lines if line.record.kind is Kind.SENDING and line.epoch < last - 1}


def _money(found: Evidence, state: State) -> Findings:
    """I3, I8, I21: each fill once and as the exchange has it."""
    bodies = [record.body for record in found.records if record.kind is Kind.FILL]
    booked = Counter(body["trade_id"] for body in bodies)
    for trade in [trade for trade, number in booked.items() if number > 1]:
        yield "I8", f"trade {trade} is booked {booked[trade]} times"
    truth = fills_of(found.ledger, state)
    if set(truth) != set(booked):
        yield "I21", f"trades that only one side has: {sorted(set(truth) ^ set(booked))}"
    filled: Counter[str] = Counter()
    for fill in truth.values():
        filled[fill.client_id] += fill.qty
    for cid, order in state.orders.items():
        if order.filled != filled[cid]:
            yield "I3", f"{cid} filled {order.filled}, the exchange says {filled[cid]}"


def _totals(found: Evidence, state: State) -> Findings:
    """I3, I12 in the end: positions and cash by the exchange's fills, and by its balances."""
    truth = fills_of(found.ledger, state)
    for index, instrument in enumerate(state.instruments):
        held = sum(fill.side * fill.qty - fill.fee_base for fill in truth.values() if fill.symbol == instrument.symbol)
        if state.position(index) != held:
            yield "I3", f"{state.position(index)} of {instrument.symbol} is held, the exchange says {held}"
        balance, unit = _balance(found, instrument.base), 10 ** (10 - instrument.qty_exp)
        if balance != held * unit and not any(fill.fee_base for fill in truth.values()):
            yield "I3", f"{held * unit} of {instrument.base} by its fills, its balance is {balance}"
    cash = state.plan.capital + sum(_brings(fill, state) for fill in truth.values())
    if int(state.account["cash"][0]) != cash:
        yield "I12", f"cash {int(state.account['cash'][0])}, the exchange's fills say {cash}"
    paid_in = 10_000 * 10**10
    if _balance(found, state.instruments[0].quote) - paid_in != cash - state.plan.capital:
        yield "I12", f"the balance is {_balance(found, state.instruments[0].quote)}, the fills say {paid_in + cash - state.plan.capital}"


def _brings(fill: Fill, state: State) -> int:
    coin = next(instrument for instrument in state.instruments if instrument.symbol == fill.symbol)
    return int(-fill.side * fill.price * fill.qty * 10 ** (10 - coin.price_exp - coin.qty_exp) - fill.fee)


def _balance(found: Evidence, currency: str) -> int:
    held = found.ledger["balances"].get(currency, {"free": "0", "locked": "0"})
    return units(held["free"]) + units(held["locked"])


def _state_holds(found: Evidence) -> Findings:
    """Everything that is asked of the folded state."""
    try:
        state, equal = _folded(found.records, found.row.state_digest)
    except ChainBroken as error:
        yield "I6", str(error)
        return
    if not equal:
        yield "I6", "folding the journal gives another state than the trader said of itself"
    if state.pending:
        yield "I5", f"unresolved after the calm: {sorted((cid, str(order.state)) for cid, order in state.pending.items())}"
    there = Counter(order["client_id"] for order in found.ledger["orders"])
    for cid, order in state.orders.items():
        if order.state in rules.ABSENT and there[cid]:
            yield "I7", f"{cid} is {order.state}, and the exchange has it"
        if order.state not in rules.ABSENT and order.state != "INTENT" and not there[cid]:
            yield "I7", f"{cid} is {order.state}, and the exchange never had it"
    yield from _money(found, state)
    yield from _totals(found, state)
    try:
        books_of(found.records, state, found.ledger)
    except Violation as violation:
        yield violation.invariant, str(violation)
    for text in found.tables:
        yield "I25", text


def _bodies(found: Evidence, kind: Kind) -> dict[str, dict[str, Any]]:
    return {record.body["client_order_id"]: record.body for record in found.records if record.kind is kind}


def _counted(found: Evidence, kind: Kind) -> Counter[str]:
    return Counter(record.body["client_order_id"] for record in found.records if record.kind is kind)


_ASKED: tuple[Callable[[Evidence], Findings], ...] = (_chain, _ended, _orders, _passed, _killed)
