"""Whether an answer of the gateway agrees with what is true at the exchange afterwards. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from trader_core.trader.settling import PROVEN_ABSENT
from trader_core.venues.port import Outcome

ABSENT = frozenset({*PROVEN_ABSENT, Outcome.GATED})
"""Answers to a submission after which the trader books the order as not there."""


class What(StrEnum):
    """What was asked for, and so what an answer claims."""

    ORDER = "order"
    CANCEL = "cancel"
    CANCELS = "cancels"
    LOOK = "look"
    READ = "read"
    TEST = "test"
    SWITCH = "switch"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a call answered, and what is true afterwards; `said` and `truth` are of the kind that `what` needs.

    ORDER: the venue's id, and the ids of all orders with this client id. CANCEL and LOOK: (closed, quantity, filled) of the order; a
    look-up's truth is None where there is no such order. CANCELS: (client id, closed) of each reply with an order, and closed by client id
    with THEIRS for an order that is not ours. READ: the value. TEST: nothing, and (orders placed, order checked).
    SWITCH: nothing, and whether it is set.
    """

    what: What
    outcomes: tuple[Outcome, ...]
    said: Any = None
    truth: Any = None

    @property
    def ok(self) -> bool:
        return set(self.outcomes) == {Outcome.OK}


class Judgement(NamedTuple):
    """`violation` must never be; `false` is an answer that is not true, and that something else has to see through."""

    violation: str = ""
    false: str = ""


THEIRS = "theirs"


def judge(seen: Seen) -> Judgement:
    """Return what is wrong with an answer, nothing where it is true or claims nothing."""
    return _RULES[seen.what](seen)


def _order(seen: Seen) -> Judgement:
    if len(seen.truth) > 1:
        return Judgement(f"the order was placed {len(seen.truth)} times")
    if seen.truth and set(seen.outcomes) & ABSENT:
        return Judgement("the order exists, and the answer is proof that it does not")
    if not seen.ok:
        return Judgement()
    if not seen.truth:
        return Judgement("no order exists, and the answer is OK")
    return Judgement("" if seen.said in seen.truth else "the answer names another order")


def _cancel(seen: Seen) -> Judgement:
    if seen.outcomes == (Outcome.NOT_FOUND,) and not seen.truth[0]:
        return Judgement("the order is open, and the answer says that it is not there")
    if not seen.ok or seen.said == seen.truth:
        return Judgement()
    if seen.said[0] and not seen.truth[0]:
        return Judgement("the order is open, and the answer says that it is closed")
    return Judgement(false="the order stands otherwise")


def _cancels(seen: Seen) -> Judgement:
    closed, ours = seen.truth, {name for name in seen.truth if name != THEIRS}
    if closed.get(THEIRS):
        return Judgement("an order that is not ours was cancelled")
    if any(said and not closed[name] for name, said in seen.said):
        return Judgement("an order is open, and the answer says that it is closed")
    told = {name for name, _ in seen.said}
    complete = set(seen.outcomes) <= {Outcome.OK}
    return Judgement(false="not every order of ours is in the answer" if complete and told != ours else "")


def _look(seen: Seen) -> Judgement:
    if seen.ok and seen.truth is None:
        return Judgement("no order exists, and the answer is OK")
    if seen.ok and seen.said != seen.truth:
        return Judgement(false="the order stands otherwise")
    missing = seen.outcomes == (Outcome.NOT_FOUND,) and seen.truth is not None
    return Judgement(false="the order exists" if missing else "")


def _read(seen: Seen) -> Judgement:
    return Judgement(false="the truth is another" if seen.ok and seen.said != seen.truth else "")


def _test(seen: Seen) -> Judgement:
    placed, checked = seen.truth
    if placed:
        return Judgement("a test placed an order")
    if set(seen.outcomes) & {Outcome.REJECTED}:
        return Judgement(false="the order would have been taken")
    return Judgement(false="nothing was checked" if seen.ok and not checked else "")


def _switch(seen: Seen) -> Judgement:
    return Judgement("the switch is not set, and the answer is OK" if seen.ok and not seen.truth else "")


_RULES = {
    What.ORDER: _order, What.CANCEL: _cancel, What.CANCELS: _cancels, What.LOOK: _look, What.READ: _read, What.TEST: _test,
    What.SWITCH: _switch,
}  # fmt: skip
