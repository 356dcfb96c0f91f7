"""The session's state: what folding its journal gives. `apply` is the only function that changes it.

The engine's arrays are changed by the engine's own functions; the order table by `model.order.move`.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trader_core.engine import core
from trader_core.engine.layout import DECISION
from trader_core.engine.layout import Record as EngineRecord
from trader_core.engine.state import grid_records, new_state, plan_record, state_bytes
from trader_core.model.bar import BAR, Bars, timeframe_ms
from trader_core.model.errors import ChainBroken
from trader_core.model.instrument import Instrument
from trader_core.model.plan import Plan
from trader_core.model.session import Mode
from trader_core.trader import exiting, external, fees, flags, noted, ordering, resting
from trader_core.trader.failing import Calls
from trader_core.trader.protocol import Protocol
from trader_core.trader.records import Kind, Record, encode
from trader_core.trader.retrying import Budget
from trader_core.trader.tracked import Order, Recovery, Vigil, Watch

LATCH_FLAT, RESET_BREAKER = 1, 2


@dataclass(slots=True)
class State:
    """All that a session is. One owner: the machine."""

    session_id: str
    plan: Plan
    instruments: tuple[Instrument, ...]
    protocol: Protocol
    account: EngineRecord
    slots: EngineRecord
    plan_record: EngineRecord
    grids: EngineRecord
    step_ms: int
    next_slot_ms: int
    baseline: dict[str, str] = field(default_factory=dict)
    """The venue's balances at the opening, by currency: what was there before us."""
    plan_hash: str = ""
    """The SHA-256, in hex, of the plan as the opening wrote it: each SENDING names it."""
    began_ms: int = 0
    known_ms: int = 0
    """The venue's time up to which nothing is missing: the books agreed then, or the session began."""
    traded_ms: dict[str, int] = field(default_factory=dict)
    """By symbol, the time of the youngest trade that was applied."""
    identity: str = ""
    """The account on its venue that the session began on; empty where fills are simulated."""
    orders: dict[str, Order] = field(default_factory=dict)
    pending: dict[str, Order] = field(default_factory=dict)
    """The orders that are not terminal, in the order of their intents."""
    seen: set[str] = field(default_factory=set)
    """'SYMBOL trade-id' of every trade that was applied or set aside."""
    fees_due: dict[str, list[Any]] = field(default_factory=dict)
    """'SYMBOL trade-id' of every fill whose fee is not told yet -> its order, price, fee and fee in base as booked, and time."""
    fee_watches: dict[str, Watch] = field(default_factory=dict)
    """By symbol, when to ask for them again. Not journaled."""
    flags: dict[str, str] = field(default_factory=dict)
    epoch: int = 0
    code: str = ""
    """The digest of the code that took the session last."""
    boots: int = 0
    anomalies: int = 0
    closed: bool = False
    external: dict[str, list[Any]] = field(default_factory=dict)
    """Open orders on the account that are not ours: 'SYMBOL venue-id' -> symbol, venue's id, client id, quantity, filled."""
    external_locked: int = 0
    """What they lock of the settlement currency, and what of it is the session's own cash: the account may hold more than that."""
    external_taken: int = 0
    watches: dict[str, Watch] = field(default_factory=dict)
    recovery: Recovery = field(default_factory=Recovery)
    """What the recovery under way has found out. Not journaled."""
    obeyed: dict[int, str] = field(default_factory=dict)
    """What became of each operator's word, by its number: it is carried out once."""
    letters: dict[int, dict[str, Any]] = field(default_factory=dict)
    """The dead letters that are not closed, by number."""
    letters_count: int = 0
    spooled: dict[str, str] = field(default_factory=dict)
    """Of each spool the hash of the last line that stands in the journal, by its name."""
    stops: dict[int, int] = field(default_factory=dict)
    """By instrument, how many stops were wanted at the venue so far: the next one's version is one more."""
    stops_failed: dict[int, int] = field(default_factory=dict)
    """By instrument, how many of them the venue did not take or keep, since the last fill, start or resume."""
    vigil: Vigil = field(default_factory=Vigil)
    """What is held without protection, and what waits for a stop's end. Not journaled."""
    unread: dict[str, int] = field(default_factory=dict)
    """By symbol, unreadable answers in a row. Not journaled."""
    exit_tried_ms: int = 0
    """When a close-all last tried to sell outside a bar. Not journaled: after a restart one simply tries."""
    error_trips: list[int] = field(default_factory=list)
    """When too many calls failed the last few times, in epoch ms."""
    calls: Calls = field(default_factory=Calls)
    """The calls about orders of the last minute. Not journaled: after a restart they are counted anew."""
    tally: dict[str, int] = field(default_factory=dict)
    """What came from outside in this life, and what became of it. Not journaled."""
    budget: Budget = field(default_factory=Budget)
    """What may still be asked of the venue. Not journaled: a restart begins with a full one."""
    scratch: NDArray[Any] = field(default_factory=lambda: np.zeros(1, DECISION))

    @property
    def mode(self) -> Mode:
        """The worst mode that any flag forces; ACTIVE without flags."""
        if not self.flags:
            return Mode.ACTIVE
        return max((flags.FLAG_MODES[flag] for flag in self.flags), default=Mode.ACTIVE)

    def index_of(self, symbol: str) -> int | None:
        """Return the instrument's index, or None for a symbol that the session does not trade."""
        return next((i for i, instrument in enumerate(self.instruments) if instrument.symbol == symbol), None)

    def position(self, index: int) -> int:
        """Return the quantity held of an instrument."""
        return int(self.slots["position"][index])


def opened(body: dict[str, Any]) -> State:
    """Return the state after an OPENED record: HALTED by the start flag, with an untouched account."""
    plan = Plan.from_json(body["plan"])
    instruments = tuple(Instrument(**values) for values in body["instruments"])
    account, slots = new_state(plan, len(instruments))
    record = plan_record(plan)
    record["resting"] = 0  # of a simulation: here a bar is judged whether a stop rests or not
    return State(
        session_id=body["session_id"],
        plan=plan,
        instruments=instruments,
        protocol=Protocol(**{**body["protocol"], "look_backoff_ms": tuple(body["protocol"]["look_backoff_ms"])}),
        account=account,
        slots=slots,
        plan_record=record,
        grids=grid_records(instruments, plan),
        step_ms=timeframe_ms(plan.timeframe),
        next_slot_ms=body["from_ms"],
        baseline=body["baseline"],
        plan_hash=hashlib.sha256(encode(body["plan"])).hexdigest(),
        began_ms=body["from_ms"],
        known_ms=body["from_ms"],
        identity=body.get("identity", ""),
        flags={"start": "a session starts HALTED"},
        scratch=np.zeros(4 * len(instruments) + 4, DECISION),
    )


def run_bar(state: State, ts_ms: int, bars: Bars, targets: NDArray[np.int64]) -> NDArray[Any]:
    """Step the engine over one slot and return the decisions (a copy, shape [n] of DECISION)."""
    count = core.on_bar(state.account, state.slots, state.plan_record, state.grids, ts_ms, bars, targets, state.scratch)
    assert count >= 0, f"the engine refused slot {ts_ms}: slots must ascend"
    state.next_slot_ms = ts_ms + state.step_ms
    return state.scratch[:count].copy()


def bars_body(state: State, ts_ms: int, bars: Bars, targets: NDArray[np.int64], decisions: NDArray[Any]) -> dict[str, Any]:
    """Return the body of a BARS record for a slot that `run_bar` has just stepped."""
    rows = [[int(row[name]) for name in BAR.names[1:]] if row["close"] else None for row in bars]  # type: ignore[index]
    return {
        "ts": ts_ms,
        "bars": rows,
        "targets": targets.tolist(),
        "decisions": [list(map(int, row.tolist())) for row in decisions],
        "equity": int(state.account["equity"][0]),
        "cash": int(state.account["cash"][0]),
        "engine": engine_digest(state),
    }


def engine_digest(state: State) -> str:
    """Return the first 16 hex digits of the SHA-256 of the engine's bytes."""
    return hashlib.sha256(state_bytes(state.account, state.slots)).hexdigest()[:16]


def digest(state: State) -> str:
    """Return the SHA-256, in hex, of what a session comes to, equal in every version; `recovery.full_digest` has all of it."""
    orders = [
        [o.client_order_id, o.state, o.filled, o.released, o.sent_ms, o.venue_order_id] for o in sorted(state.orders.values(), key=_cid)
    ]
    body = {
        "engine": engine_digest(state),
        "orders": orders,
        "seen": sorted(state.seen),
        "flags": sorted(state.flags),
        "next_slot_ms": state.next_slot_ms,
        "epoch": state.epoch,
        "boots": state.boots,
        "anomalies": state.anomalies,
        "closed": state.closed,
    }
    return hashlib.sha256(encode(body)).hexdigest()


def _cid(order: Order) -> str:
    return order.client_order_id


def apply(state: State, record: Record) -> None:
    """Change the state by one record; raises ChainBroken when a replayed slot gives other decisions than it recorded."""
    _APPLY[record.kind](state, record.body)


def _bars(state: State, body: dict[str, Any]) -> None:
    bars = np.zeros(len(state.instruments), BAR)
    for i, row in enumerate(body["bars"]):
        if row is not None:
            bars[i] = (body["ts"], *row)
    targets = np.array(body["targets"], np.int64)
    decisions = run_bar(state, body["ts"], bars, targets)
    if bars_body(state, body["ts"], bars, targets, decisions) != body:
        raise ChainBroken(
            f"the decisions recorded for slot {body['ts']}", "others on replay", "start with the code that wrote this journal"
        )


def _booted(state: State, body: dict[str, Any]) -> None:
    assert body["epoch"] >= state.epoch, "epochs never go back"
    state.epoch = body["epoch"]
    state.boots += 1
    if state.boots == 1:  # what was traded up to then lies in the baseline: on a stepped clock that may be the same moment
        state.began_ms, state.known_ms = max(state.began_ms, body["at_ms"] + 1), max(state.known_ms, body["at_ms"] + 1)
    state.stops_failed.clear()
    state.code = body.get("code") or state.code


def _block(state: State, body: dict[str, Any]) -> None:
    core.on_block(state.slots, body["instrument"], int(body["on"]))


def _operator(state: State, body: dict[str, Any]) -> None:
    if body["command_id"]:
        state.obeyed[body["command_id"]] = body["outcome"]
    if body.get("vouched_ms"):  # an operator vouches for what the venue's lists do not show any more
        state.known_ms, state.traded_ms = max(state.known_ms, body["vouched_ms"]), {}
    for index in body["latch"]:
        core.on_operator(state.account, state.slots, index, LATCH_FLAT)
    if body["reset_breaker"]:
        core.on_operator(state.account, state.slots, 0, RESET_BREAKER)
        state.stops_failed.clear()


def _reconciled(state: State, body: dict[str, Any]) -> None:
    """Books that agree leave nothing missing before them; what a difference means, the flag that follows says."""
    if not body["differences"]:
        state.known_ms = max(state.known_ms, body["at_ms"])


def _compared(_state: State, _body: dict[str, Any]) -> None:
    """Nothing changes by itself: a checkpoint is compared by the fold, and a recovery's flags are records of their own."""


def _closed(state: State, _body: dict[str, Any]) -> None:
    state.closed = True


_APPLY = {
    Kind.BOOTED: _booted,
    Kind.FLAG: flags.apply,
    Kind.BLOCK: _block,
    Kind.BARS: _bars,
    Kind.EXITS: exiting.apply,
    Kind.STOPS: resting.apply,
    Kind.INTENT: ordering.intent,
    Kind.SENDING: ordering.sending,
    Kind.MOVE: ordering.move,
    Kind.FILL: ordering.fill,
    Kind.FEE: fees.apply,
    Kind.OPERATOR: _operator,
    Kind.ANOMALY: noted.anomaly,
    Kind.LETTER: noted.letter,
    Kind.LETTER_CLOSED: lambda state, body: state.letters.pop(body["number"]),
    Kind.SPOOLED: noted.spooled,
    Kind.RECONCILED: _reconciled,
    Kind.EXTERNAL: external.apply,
    Kind.RECOVERED: _compared,
    Kind.CLOSED: _closed,
    Kind.CHECKPOINT: _compared,
}
