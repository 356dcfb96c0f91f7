"""All that can happen next in the world of one purchase: to what was asked for, at the venue, to the process, by time and by people."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from simulation.market import PROTOCOL, START_MS, STEP_MS, instruments
from simulation.small import LATE_MS, SOON_MS, Node, Truth, feed, form, need, valid
from trader_core.model.bar import BAR
from trader_core.model.command import Command
from trader_core.model.money import UNIT
from trader_core.model.plan import Limits, Plan
from trader_core.trader import events as ev
from trader_core.trader import machine
from trader_core.trader.recovery import checkpoint, fold, opening, restored
from trader_core.venues.port import Outcome, Reply, VenueOrder, VenueOrderState, VenueTrade

PRICE, TARGET = 2_000_000, 10_000
WORDS = (Command.KILL, Command.CANCEL_ALL, Command.CLOSE_ALL)
LIVES = 3
"""A process, the one after its crash, and the one after the crash of that recovery."""
Action = tuple[str, Callable[[Node], None]]


def actions(node: Node) -> Iterator[Action]:
    """Yield everything that can happen now: to what is asked for, at the venue, to the process, by time and by people."""
    for effect in node.due:
        yield from _of(effect)
    for cid, truth in node.truths.items():
        if truth.transit and valid(node, truth):
            yield f"arrives {cid[-4:]}", lambda n, c=cid: _arrive(n, c)  # type: ignore[misc]
        if truth.state == "OPEN":
            for part in (2, 1):
                yield f"fills-1/{part} {cid[-4:]}", lambda n, c=cid, p=part: fill(n, c, p)  # type: ignore[misc]
            yield f"expires {cid[-4:]}", lambda n, c=cid: end(n, c, "EXPIRED")  # type: ignore[misc]
    yield "soon", lambda n: wait(n, SOON_MS)
    yield "late", lambda n: wait(n, LATE_MS)
    if node.boots < LIVES:
        yield "dies", _die
    for word in WORDS:
        if word not in node.words:
            yield str(word), lambda n, w=word: _say(n, w)  # type: ignore[misc]


def _of(effect: ev.Effect) -> Iterator[Action]:
    """Yield the ways in which one effect can go."""
    name = type(effect).__name__
    if isinstance(effect, ev.Continue):
        yield name, lambda n: take(n, effect, ev.SendDue(effect.client_order_ids, n.now_ms))
    elif isinstance(effect, ev.Submit):
        for way in ("answered", "answer-lost", "delayed", "silent", "lost", "refused"):
            yield f"{name}-{way}", lambda n, w=way: submit(n, effect, w)  # type: ignore[misc]
    elif isinstance(effect, ev.CancelOrder):
        yield f"{name}-lost", lambda n: take(n, effect, None)
        yield name, lambda n: cancel(n, effect)
    else:
        yield f"{name}-fails", lambda n: take(n, effect, answer(n, effect, works=False))
        yield name, lambda n: take(n, effect, answer(n, effect, works=True))


def take(node: Node, effect: ev.Effect, event: ev.Event | None) -> None:
    """Take an effect off what is to be done, and hand the machine what came of it, if anything did."""
    node.due = tuple(one for one in node.due if one != effect)
    if event is not None:
        feed(node, event)


def submit(node: Node, effect: ev.Submit, way: str) -> None:
    """Write a request to the wire, if the last gate lets it pass, and have it go one of its ways."""
    request = effect.request
    cid = request.client_order_id
    killed = "killed" if Command.KILL in node.words else ""
    gated = machine.withheld(node.state, cid, killed)
    if gated:
        take(node, effect, ev.Answered(cid, Reply(Outcome.GATED, evidence=gated), node.now_ms))
        return
    node.truths[cid] = Truth(request, transit=way not in {"lost", "refused"})
    if way in {"answered", "answer-lost"}:
        _arrive(node, cid)
    if way == "silent":  # it left, and nobody has heard anything yet
        take(node, effect, None)
        return
    reply: Reply[VenueOrder] = Reply(Outcome.UNKNOWN, evidence="no answer")
    if way == "answered" and node.truths[cid].arrived:
        reply = Reply(Outcome.OK, _shown(node, cid))
    if way == "refused" or (way == "answered" and not node.truths[cid].arrived):
        reply = Reply(Outcome.REJECTED, code="30004", evidence="refused")
    take(node, effect, ev.Answered(cid, reply, node.now_ms))


def _arrive(node: Node, cid: str) -> None:
    truth = node.truths[cid]
    there = "OPEN" if valid(node, truth) else ""
    node.truths[cid] = replace(truth, transit=False, state=there, arrived=truth.arrived + bool(there))


def fill(node: Node, cid: str, part: int) -> None:
    """Trade what is left of an open order, or half of it in whole lots."""
    truth = node.truths[cid]
    assert truth.request is not None
    lot = node.state.instruments[0].lot
    left = truth.request.qty - truth.filled
    qty = left if part == 1 else left // 2 // lot * lot
    if qty:
        fills = (*truth.fills, qty)
        node.truths[cid] = replace(truth, fills=fills, state="FILLED" if sum(fills) == truth.request.qty else "OPEN")


def end(node: Node, cid: str, state: str) -> None:
    """End an order that is open at the venue."""
    if node.truths[cid].state == "OPEN":
        node.truths[cid] = replace(node.truths[cid], state=state)


def cancel(node: Node, effect: ev.CancelOrder) -> None:
    """Have the venue cancel an order, and look at it."""
    if effect.client_order_id in node.truths:
        end(node, effect.client_order_id, "CANCELED")
    take(node, effect, answer(node, ev.Look(effect.client_order_id, effect.symbol), works=True))


def answer(node: Node, effect: ev.Effect, *, works: bool) -> ev.Event:
    """Return what the venue truly says to a question, or that it could not be read."""
    if isinstance(effect, ev.Look):
        looked: Reply[VenueOrder] = Reply(Outcome.RETRYABLE_READ)
        if works:
            there = node.truths.get(effect.client_order_id, Truth()).state
            looked = Reply(Outcome.OK, _shown(node, effect.client_order_id)) if there else Reply(Outcome.NOT_FOUND)
        return ev.Looked(effect.client_order_id, looked, node.now_ms)
    trades: Reply[list[VenueTrade]] = Reply(Outcome.OK, list(_trades(node))) if works else Reply(Outcome.RETRYABLE_READ)
    if isinstance(effect, ev.FetchTrades):
        return ev.TradesSeen(effect.symbol, trades, node.now_ms)
    assert isinstance(effect, ev.ProveAbsence)
    opens = [_shown(node, cid) for cid, truth in node.truths.items() if truth.state == "OPEN"]
    return ev.AbsenceEvidence(
        effect.client_order_id, Reply(Outcome.OK, opens) if works else Reply(Outcome.RETRYABLE_READ), trades, node.now_ms
    )


def _shown(node: Node, cid: str) -> VenueOrder:
    truth = node.truths[cid]
    assert truth.request is not None
    state = VenueOrderState.PARTIAL if truth.state == "OPEN" and truth.fills else VenueOrderState(truth.state)
    return VenueOrder(cid, f"v-{cid}", state, truth.request.qty, truth.filled, truth.request.sent_ms)


def _trades(node: Node) -> Iterator[VenueTrade]:
    for cid, truth in node.truths.items():
        for number, qty in enumerate(truth.fills):
            request = truth.request
            assert request is not None
            yield VenueTrade(f"{cid}-{number}", cid, f"v-{cid}", request.symbol, request.side, qty, PRICE, qty, 0, request.sent_ms)


def wait(node: Node, ms: int) -> None:
    """Let time pass."""
    node.now_ms += ms
    feed(node, ev.Tick(node.now_ms))


def _die(node: Node) -> None:
    """Lose what is not journaled: what was asked for, and when to look again."""
    state = restored(checkpoint(node.state).body)
    need(node, state is not None and form(state) == form(node.state), "I6", "a checkpoint gives another state")
    assert state is not None
    node.state, node.due, node.boots = state, (), node.boots + 1
    feed(node, ev.Boot(node.now_ms, node.state.epoch + 1, "small"))


def _say(node: Node, word: Command) -> None:
    node.words |= {word}
    feed(node, ev.Operator(word, len(node.words), "operator", "a test", node.now_ms))


def decided() -> Node:
    """Return a session that has just decided to buy."""
    traded = instruments()[:1]
    plan = Plan("sma_cross", (("fast", 2), ("slow", 3)), (traded[0].symbol,), "1m", 1_000 * UNIT, limits=Limits(positions_max=1))
    node = Node(fold([opening("small", plan, traded, PROTOCOL, START_MS, {})]), START_MS)
    feed(node, ev.Boot(START_MS, 1, "small"))
    feed(node, ev.Reconciled((), START_MS))
    bars = np.zeros(1, BAR)
    bars[0] = (START_MS, PRICE, PRICE, PRICE, PRICE, 10**9)
    node.now_ms += STEP_MS
    feed(node, ev.Slot(START_MS, bars, np.array([TARGET], np.int64)))
    return node


def sent() -> Node:
    """Return a session whose purchase is about to leave."""
    node = decided()
    effect = node.due[0]
    assert isinstance(effect, ev.Continue)
    take(node, effect, ev.SendDue(effect.client_order_ids, node.now_ms))
    return node


def resting() -> Node:
    """Return a session whose purchase is open at the venue, and known to be."""
    return _submitted("answered")


def unproven() -> Node:
    """Return a session whose purchase is open at the venue, and whose answer was lost."""
    return _submitted("answer-lost")


def _submitted(way: str) -> Node:
    node = sent()
    effect = node.due[0]
    assert isinstance(effect, ev.Submit)
    submit(node, effect, way)
    return node


STARTS: dict[str, Callable[[], Node]] = {"decided": decided, "sent": sent, "resting": resting, "unproven": unproven}
