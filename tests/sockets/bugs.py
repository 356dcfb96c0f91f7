"""Bugs planted in the trader's own process, each with the plan over real sockets in which the checker must notice it, and by which name.

The numbers are those of simulation/bugs.py where it is the same bug.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from simulation import plants
from tests.sockets.draw import ORDER_SITE
from tests.sockets.plans import COMMITTING, ORDER, SENDING, Chaos, SockPlan, Strike, Word
from trader_core.model.command import Command
from trader_core.trader import events as ev
from trader_core.trader import machine, settling, shell
from trader_core.trader.control import Control
from trader_core.venues import gateway
from trader_core.venues.port import Outcome, Reply, SendRequest

SLOTS = 16
_HANDLERS: Any = machine._HANDLERS


class Bug(NamedTuple):
    """One planted bug."""

    text: str
    invariant: str
    plan: SockPlan
    plant: Callable[[], None]


def _put(holder: Any, name: str, wrong: Any) -> None:
    setattr(holder, name, wrong)


def _resend() -> None:
    """M3: send again what got no answer."""
    submit = gateway.Gateway.submit

    async def again(self: gateway.Gateway, request: SendRequest) -> Reply[Any]:
        reply = await submit(self, request)
        if reply.outcome is not Outcome.UNKNOWN:
            return reply
        self._claimed.discard(request.client_order_id)
        return await submit(self, request)

    _put(gateway.Gateway, "submit", again)


def _believe_timeouts() -> None:
    """M4: take no answer for a no."""
    _put(settling, "PROVEN_ABSENT", plants.PROVEN)


def _believe_first_negative() -> None:
    """M5: take the first "not found" for proof."""
    _put(settling, "_not_found", plants.believe_first_negative)


def _ask_only_when_deciding() -> None:
    """M8: the last gate does not look."""
    _put(Control, "killed", lambda _self: "")
    _put(shell, "withheld", lambda *_, **__: "")


def _book_again() -> None:
    """M7: book what is known already."""
    _HANDLERS[ev.TradesSeen] = plants.book_again


def _send_first() -> None:
    """M1: send before anything is durable."""

    async def at_once(self: shell.Shell, effect: ev.Submit) -> ev.Event:
        reply = await self.venue.submit(effect.request)
        await self.flush()
        return ev.Answered(effect.request.client_order_id, reply, self.feed.now_ms())

    init = shell.Shell.__init__

    def wired(self: shell.Shell, *arguments: Any, **named: Any) -> None:
        init(self, *arguments, **named)
        self._perform[ev.Submit] = lambda effect: at_once(self, effect)

    _put(shell.Shell, "__init__", wired)


def _forget_at_boot() -> None:
    """M11: take what was being sent for never sent."""
    _HANDLERS[ev.Boot] = plants.boot_forgets


def _plan(*faults: Strike, venue: tuple[dict[str, Any], ...] = (), words: tuple[Word, ...] = ()) -> SockPlan:
    return SockPlan(3, SLOTS, venue=venue, faults=faults, commands=words)


_LATE_KILL = (
    (Strike(Chaos.SLOW_COMMIT, SENDING, 3, 2_500),), (Word(Command.KILL, "file", stir=COMMITTING, nth=3),),
)  # fmt: skip
_OFF = {"site": "world", "kind": "wrong_balance", "from": "+2m", "until": "+12m", "params": {"currency": "USDT", "ppm": -100_000}}
_LAGGING = (
    {"site": "world", "kind": "read_lag", "from": "+1s", "until": "+30m", "params": {"ms": 4_000}},
    {"site": ORDER_SITE, "kind": "reset", "when": "after", "nth": 2, "count": 1},
)  # fmt: skip
BUGS: dict[str, Bug] = {
    "M1": Bug("an order leaves before its SENDING is durable", "I10", _plan(), _send_first),
    "M3": Bug("an order is sent again after no answer", "I1", _plan(Strike(Chaos.ANSWER_LOST, ORDER, 2)), _resend),
    "M4": Bug("no answer is taken for a rejection", "I7", _plan(Strike(Chaos.ANSWER_LOST, ORDER, 2)), _believe_timeouts),
    "M5": Bug("the first negative look-up is proof", "I7", _plan(venue=_LAGGING), _believe_first_negative),
    "M7": Bug("a trade that is told twice is booked twice", "I8", _plan(Strike(Chaos.CRASH, ORDER, 3, 100), venue=(_OFF,)), _book_again),
    "M8": Bug("the last gate does not look", "I2", _plan(*_LATE_KILL[0], words=_LATE_KILL[1]), _ask_only_when_deciding),
    "M11": Bug("recovery takes SENDING for never sent", "I7", _plan(Strike(Chaos.CRASH, ORDER, 3, 100)), _forget_at_boot),
}  # fmt: skip


def plant(name: str) -> None:
    """Have a bug in this process from now on; raises KeyError for one that does not exist."""
    BUGS[name].plant()
