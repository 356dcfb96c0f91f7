"""The venue's order test: the same parameters as an order, checked there and never placed."""

from trader_core.venues import outcomes
from trader_core.venues.limiter import Lane
from trader_core.venues.outcomes import Call
from trader_core.venues.port import Outcome, Reply
from trader_core.venues.wire import Wire

ENDPOINT = "order/test"


async def tested(wire: Wire, params: dict[str, str]) -> Reply[None]:
    """Return what the test proves: OK for the empty object that the venue answers, a code's meaning, or RETRYABLE_READ.

    Nothing can have been placed, so that an unproven answer is a read that failed, and no UNKNOWN order.
    """
    call = await wire.ask(Call("POST", ENDPOINT), params, Lane.ORDERS, 1)
    outcome = outcomes.of_create(call)
    if outcome is Outcome.OK and call.payload != {}:
        return Reply(Outcome.RETRYABLE_READ, code="malformed", evidence=wire.evidence(call, "an order test answers {}"))
    if outcome is Outcome.UNKNOWN:
        rate = Outcome.RATE if outcomes.of_read(call) is Outcome.RATE else Outcome.RETRYABLE_READ
        return Reply(rate, code=outcomes.code_of(call), evidence=wire.evidence(call))
    return Reply(outcome, code=outcomes.code_of(call), evidence="" if outcome is Outcome.OK else wire.evidence(call))
