"""The small tier: one purchase, and everything that can happen to it in every order, up to some depth.

A node is the machine's state with the venue's truth and what is still to be done; from it every action is taken once. Nodes that are
equal are visited once. At each the invariants of one order are asked, the records are applied again to a copy, and from each the world
becomes calm and everything has to end. Where the simulator draws, this tier leaves nothing out.
"""

from collections import Counter, deque
from dataclasses import dataclass, field, replace

from simulation.happenings import STARTS, actions, answer, cancel, end, fill, submit, take, wait
from simulation.outcome import add_up
from simulation.small import LATE_MS, Broken, Node, Truth, copied, need, valid
from trader_core.model.session import Side
from trader_core.trader import events as ev

CALM_ROUNDS = 80


@dataclass(slots=True)
class Found:
    """What a search came to."""

    nodes: int = 0
    steps: int = 0
    repeats: int = 0
    """Ways that led to a node that was there already."""
    actions: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    """In which state orders were, over all nodes."""


def everything(depth: int) -> tuple[Found, list[str]]:
    """Search from each beginning, and return what that came to with what was violated."""
    total, broken = Found(), list[str]()
    for name, begin in STARTS.items():
        try:
            found = search(begin(), depth)
        except Broken as error:
            broken.append(f"{error}; from an order that is {name}")
            continue
        add_up(total, found, ("nodes", "steps", "repeats"))
        total.actions.update(found.actions)
        total.orders.update(found.orders)
    return total, broken


def search(first: Node, depth: int) -> Found:
    """Visit every node within so many actions of the first; raises Broken at one that violates an invariant."""
    found = Found()
    seen, queue = {first.key()}, deque([(first, 0)])
    while queue:
        node, deep = queue.popleft()
        found.nodes += 1
        found.orders.update(str(order.state) for order in node.state.orders.values())
        _ends(node, found)
        for name, act in actions(node) if deep < depth else ():
            after = copied(node, name)
            act(after)
            found.steps += 1
            found.actions[name.split()[0]] += 1
            key = after.key()
            if key in seen:
                found.repeats += 1
                continue
            seen.add(key)
            queue.append((after, deep + 1))
    return found


def _ends(node: Node, found: Found) -> None:
    """Let the world be calm from here on, and see that every order ends as the venue has it."""
    calm = copied(node, "calm")
    calm.calm = True
    for _ in range(CALM_ROUNDS):
        for cid, truth in list(calm.truths.items()):
            if truth.state == "OPEN" and truth.request is not None and truth.request.side is Side.SELL:
                fill(calm, cid, 1)
            end(calm, cid, "EXPIRED")
            if truth.transit and not valid(calm, truth):
                calm.truths[cid] = replace(truth, transit=False)
        if not calm.due and not calm.state.pending and ("closing" not in calm.state.flags or not calm.state.position(0)):
            break
        _calmly(calm, found)
    else:
        need(node, holds=False, invariant="I5", text=f"{len(calm.state.pending)} orders never end, {calm.state.position(0)} is held")
    for cid, order in calm.state.orders.items():
        truth = calm.truths.get(cid, Truth())
        need(node, order.filled == truth.filled, "I3", f"{cid} ends with {order.filled} booked, the venue has {truth.filled}")


def _calmly(calm: Node, found: Found) -> None:
    """Do what is asked for, one after the other, or let time pass."""
    found.steps += 1
    if not calm.due:
        wait(calm, LATE_MS)
        return
    effect = calm.due[0]
    if isinstance(effect, ev.Continue):
        take(calm, effect, ev.SendDue(effect.client_order_ids, calm.now_ms))
    elif isinstance(effect, ev.Submit):
        submit(calm, effect, "answered")
    elif isinstance(effect, ev.CancelOrder):
        cancel(calm, effect)
    else:
        take(calm, effect, answer(calm, effect, works=True))
