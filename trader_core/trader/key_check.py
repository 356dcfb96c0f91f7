"""The key of a session, looked at when it is brought up and once a day: one whose rights grew lets nothing new in."""

import asyncio

import structlog

from trader_core.trader.control import Control
from trader_core.venues.link import Link
from trader_core.venues.permissions import faults
from trader_core.venues.port import Outcome

log = structlog.get_logger()

DAY_S = 86_400.0
AGAIN_S = 300.0
"""Where the venue did not say: asked again after this, and what was known before holds."""


async def look(link: Link, control: Control) -> bool:
    """Take what the venue says of the key into the control, and return whether it said anything; an embedded exchange is not asked."""
    if link.profile.sandbox:
        return True
    reply = await link.gateway.permissions()
    if reply.outcome is Outcome.AUTH:
        control.key = "the venue does not accept the key: `gatehouse credentials test`"
        return True
    if reply.value is None:
        log.warning("the venue does not say what the key may do", venue=link.profile.name, outcome=str(reply.outcome), code=reply.code)
        return False
    wrong = faults(reply.value)
    control.key = "; ".join(f"{what}: {todo}" for what, todo in wrong)
    log.info("the key was checked", venue=link.profile.name, account=link.identity, fine=not wrong)
    return True


async def watch(link: Link, control: Control, every_s: float = DAY_S, again_s: float = AGAIN_S) -> None:
    """Look at once and then day after day, until cancelled."""
    while True:
        said = await look(link, control)
        await asyncio.sleep(every_s if said else again_s)
