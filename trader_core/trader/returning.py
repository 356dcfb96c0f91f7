"""Returning: a session whose database was away goes on from its journal, once that holds what was done meanwhile."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple

import structlog

from trader_core.model.alert import Alert
from trader_core.model.errors import Fenced, StoreError
from trader_core.trader import events as ev
from trader_core.trader import spool_file
from trader_core.trader.away import Away
from trader_core.trader.durable import Durable
from trader_core.trader.machine import step
from trader_core.trader.state import State
from trader_core.trader.telling import alerts_of

log = structlog.get_logger()


class Returned(NamedTuple):
    """What a session goes on with."""

    durable: Durable
    state: State
    epoch: int


def not_overtaken(state: State, epoch: int) -> None:
    """Pass unless the journal was written under a later epoch than the one held: a lost lock is noticed late. Raises Fenced."""
    if state.epoch > epoch:
        expected = f"{state.session_id} under no later epoch than {epoch}"
        raise Fenced(expected, f"epoch {state.epoch} in its journal", "stop this trader: another one is at work")


async def merged(home: Path, durable: Durable, state: State, tell: Callable[[Alert], None], away: Away | None = None) -> None:
    """Bring a spool's lines into the journal, each once, and remove the file; nothing happens without one.

    Raises ChainBroken, and keeps the file, where it is damaged or belongs to another journal; DatabaseAway when that is not certain.
    """
    while True:
        async with _quiet(away):
            found = await asyncio.to_thread(spool_file.load, home, state.session_id)
            lines = () if found is None else found.behind(state.spooled)
            if not lines:
                await asyncio.to_thread(_remove, home, state.session_id)
                if away is not None:
                    away.over = True
                return
        assert found is not None, "lines come from a file"
        await durable.require(found.seq, found.head, str(spool_file.path_of(home, state.session_id)))
        records, _ = step(state, ev.Spooled(found.name, found.epoch, lines))
        await durable.commit(records, state)
        for alert in alerts_of(state, records, int(state.account["breaker"][0])):
            tell(alert)
        log.warning("what was done while the database was away is journaled", session=state.session_id, lines=len(lines))


async def back(home: Path, away: Away, make: Callable[[int], Durable], tell: Callable[[Alert], None], epoch: int) -> Returned:
    """Read the journal under an epoch, merge what was spooled, and return what the session goes on with; raises as those three."""
    durable = make(epoch)
    state = await durable.read()
    assert state is not None, "a session that was away has a journal"
    not_overtaken(state, epoch)
    await merged(home, durable, state, tell, away)
    return Returned(durable, state, epoch)


def _quiet(away: Away | None) -> AbstractAsyncContextManager[None]:
    return away.quiet if away is not None else nullcontext()


def _remove(home: Path, session_id: str) -> None:
    """Remove a merged spool; one that stays is merged already, and the next time away goes on behind it."""
    try:
        spool_file.remove(home, session_id)
    except StoreError as error:
        log.warning("a merged spool stays", session=session_id, text=str(error))
