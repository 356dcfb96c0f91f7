"""The venue's order test: the same parameters as an order, checked there and never placed."""

from collections.abc import Callable

from trader_core.model.errors import DataFault
from trader_core.venues import outcomes
from trader_core.venues.ask import Ask
from trader_core.venues.fields import vouched
from trader_core.venues.limiter import Lane
from trader_core.venues.port import Outcome, Reply
from trader_core.venues.wire import Wire


async def tested(wire: Wire, ask: Ask, passed: Callable[[object], bool]) -> Reply[None]:
    """Return what the test proves: OK where `passed` takes the venue's answer, a code's meaning, or RETRYABLE_READ.

    Nothing can have been placed, so that an unproven answer is a read that failed, and no UNKNOWN order.
    """
    call = await wire.ask(wire.call(ask), Lane.ORDERS)
    outcome = outcomes.of_create(call)
    if outcome is Outcome.OK and not _said_yes(passed, call.payload):
        return Reply(Outcome.RETRYABLE_READ, code="malformed", evidence=wire.evidence(call, "this is no answer to an order test"))
    if outcome is Outcome.UNKNOWN:
        rate = Outcome.RATE if outcomes.of_read(call) is Outcome.RATE else Outcome.RETRYABLE_READ
        return Reply(rate, code=outcomes.code_of(call), evidence=wire.evidence(call))
    return Reply(outcome, code=outcomes.code_of(call), evidence="" if outcome is Outcome.OK else wire.evidence(call))


def _said_yes(passed: Callable[[object], bool], payload: object) -> bool:
    try:
        return vouched(passed, payload)
    except DataFault:
        return False
