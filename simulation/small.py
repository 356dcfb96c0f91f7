"""The world of one purchase: the machine's state, the venue's truth, what is still to be done, and all that can happen next."""

from copy import copy, deepcopy
from dataclasses import dataclass, field, fields, replace
from typing import Any

from trader_core.model.command import Command
from trader_core.model.session import Side
from trader_core.trader import events as ev
from trader_core.trader import machine
from trader_core.trader.records import Kind, Record
from trader_core.trader.recovery import DERIVED, PLAIN
from trader_core.trader.state import State, apply
from trader_core.trader.tracked import Order
from trader_core.venues.port import SendRequest

SOON_MS, LATE_MS = 1_500, 20_000
MEMORY = tuple(sorted({*DERIVED} - {"plan_record", "grids", "step_ms", "scratch"}))
"""What a process remembers and no journal holds."""
ABSENT = frozenset({"REJECTED", "NOT_PLACED", "ABANDONED", "DENIED"})


@dataclass(frozen=True, slots=True)
class Truth:
    """What the venue truly has of one order, and what is on its way to it."""

    request: SendRequest | None = None
    """What left; None: nothing did."""
    transit: bool = False
    state: str = ""
    """'' where it never arrived, OPEN, or how it ended."""
    fills: tuple[int, ...] = ()
    arrived: int = 0

    @property
    def filled(self) -> int:
        """The quantity that was traded."""
        return sum(self.fills)


@dataclass(slots=True)
class Node:
    """One place in the tree."""

    state: State
    now_ms: int
    truths: dict[str, Truth] = field(default_factory=dict)
    due: tuple[ev.Effect, ...] = ()
    """What the machine asked for and nobody has done yet; nothing twice."""
    words: frozenset[Command] = frozenset()
    boots: int = 1
    path: tuple[str, ...] = ()
    calm: bool = False

    def key(self) -> tuple[Any, ...]:
        """Return what makes two nodes the same."""
        memory = tuple(repr(getattr(self.state, name)) for name in MEMORY)
        due = tuple(sorted(repr(one) for one in self.due))
        return form(self.state), memory, self.now_ms, tuple(self.truths.items()), due, self.words


class Broken(Exception):
    """An invariant does not hold; the text begins with its name and tells the way that led there."""


def copied(node: Node, name: str) -> Node:
    """Return a node of its own, one step further on its way."""
    state = _twin(node.state)
    return Node(state, node.now_ms, dict(node.truths), node.due, node.words, node.boots, (*node.path, name))


def _twin(state: State) -> State:
    """Return a state of its own, equal in everything."""
    own = {name: type(getattr(state, name))(getattr(state, name)) for name in PLAIN if name != "closed"}
    orders = {cid: copy(order) for cid, order in state.orders.items()}
    twin = replace(state, **own, account=state.account.copy(), slots=state.slots.copy(), orders=orders)
    twin.pending = {cid: orders[cid] for cid in state.pending}
    for name in MEMORY:
        setattr(twin, name, deepcopy(getattr(state, name)))
    return twin


def form(state: State) -> tuple[Any, ...]:
    """Return everything of the state that changes and that a journal holds."""
    orders = tuple(tuple(getattr(order, one.name) for one in fields(Order)) for order in state.orders.values())
    plain = tuple(repr(getattr(state, name)) if name != "seen" else tuple(sorted(state.seen)) for name in PLAIN)
    return state.next_slot_ms, state.account.tobytes(), state.slots.tobytes(), orders, tuple(state.pending), plain


def feed(node: Node, event: ev.Event) -> None:
    """Step the machine; its records, applied to a copy of the state before, must give the state after (in the calm: not asked)."""
    before = None if node.calm else _twin(node.state)
    records, effects = machine.step(node.state, event)
    if before is not None:
        for record in records:
            apply(before, record)
        need(node, form(before) == form(node.state), "I6", "the records give another state")
    asked: list[ev.Effect] = [one for one in effects if not isinstance(one, ev.Alert)]
    _write_ahead(node, records, asked)
    node.due = (*node.due, *(one for one in asked if one not in node.due))
    _check(node)


def _write_ahead(node: Node, records: list[Record], asked: list[ev.Effect]) -> None:
    for effect in asked:
        if isinstance(effect, ev.Submit):
            cid = effect.request.client_order_id
            need(node, cid not in node.truths, "I1", f"{cid} is to be sent twice")
            said = [record for record in records if record.kind is Kind.SENDING and record.body["client_order_id"] == cid]
            need(node, len(said) == 1, "I10", f"{cid} leaves without SENDING")
            order = node.state.orders[cid]
            killed = Command.KILL in node.words and node.state.mode == max(type(node.state.mode))
            need(node, not killed or order.side is Side.SELL, "I2", f"{cid} leaves after a kill")


def _check(node: Node) -> None:
    held = 0
    for cid, order in node.state.orders.items():
        truth = node.truths.get(cid, Truth())
        need(node, truth.arrived <= 1, "I1", f"{cid} is at the venue {truth.arrived} times")
        held += order.filled * int(order.side)
        need(node, order.filled <= truth.filled, "I8", f"{cid} has {order.filled} booked of {truth.filled}")
        if str(order.state) in ABSENT:
            there = truth.state or (truth.transit and valid(node, truth))
            need(node, not there, "I7", f"{cid} is {order.state}, and the venue has it or may get it")
    need(node, node.state.position(0) == held, "I3", f"{node.state.position(0)} held, the fills say {held}")


def valid(node: Node, truth: Truth) -> bool:
    """Return whether a request that left may still be taken by the venue."""
    return truth.request is not None and node.now_ms <= truth.request.sent_ms + truth.request.window_ms


def need(node: Node, holds: bool, invariant: str, text: str) -> None:  # noqa: FBT001 - the condition is what it is about
    """Raise Broken, with the way that led here, where an invariant does not hold."""
    if not holds:
        raise Broken(f"{invariant}: {text}, after {', '.join(node.path) or 'nothing'}")
