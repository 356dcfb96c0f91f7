"""The key is looked at when a session is brought up and day after day: rights that grow let nothing new in, and no secret is written."""

import asyncio
from types import SimpleNamespace
from typing import Any

from tests.simulation.bench import LATER_MS, Bench
from trader_core.model.session import Mode
from trader_core.trader import events as ev
from trader_core.trader import key_check, outside
from trader_core.trader.control import Allowed, Control
from trader_core.venues.permissions import Permissions
from trader_core.venues.port import Outcome, Reply

MODEST, GROWN = Permissions(True, False, ("SPOT",)), Permissions(True, True, ("MARGIN", "SPOT"))


def linked(*replies: Reply[Permissions], sandbox: bool = False) -> Any:
    """Return a link whose venue says these things of its key, one after the other, and the last one for ever."""
    left = list(replies)

    async def permissions() -> Reply[Permissions]:
        return left.pop(0) if len(left) > 1 else left[0]

    return SimpleNamespace(
        profile=SimpleNamespace(sandbox=sandbox, name="mexc"), identity="abc", gateway=SimpleNamespace(permissions=permissions)
    )


def told(bench: Bench, control: Control) -> list[ev.Event]:
    return [event for event in outside.unsaid(bench.state, control, LATER_MS) if isinstance(event, ev.FlagSeen) and event.flag == "key"]


async def test_a_key_whose_rights_grew_reduces_and_one_that_is_modest_again_lets_risk_in() -> None:
    bench, control = Bench(), Control()
    control.allow(Allowed((), {}))
    link = linked(Reply(Outcome.OK, MODEST), Reply(Outcome.OK, GROWN), Reply(Outcome.OK, MODEST))
    await key_check.look(link, control)
    assert told(bench, control) == []
    await key_check.look(link, control)
    (event,) = told(bench, control)
    bench.feed(event)
    assert "it can withdraw" in bench.state.flags["key"]
    assert "it trades MARGIN" in bench.state.flags["key"]
    assert bench.state.mode is Mode.REDUCING
    assert told(bench, control) == [], "told once"
    await key_check.look(link, control)
    bench.feed(told(bench, control)[0])
    assert "key" not in bench.state.flags


async def test_a_venue_that_does_not_say_changes_nothing_and_one_that_refuses_the_key_does() -> None:
    control = Control(key="it can withdraw")
    assert not await key_check.look(linked(Reply(Outcome.RETRYABLE_READ)), control)
    assert control.key == "it can withdraw"
    assert await key_check.look(linked(Reply(Outcome.AUTH)), control)
    assert "does not accept the key" in control.key


async def test_an_embedded_exchange_is_not_asked() -> None:
    control = Control()
    assert await key_check.look(linked(Reply(Outcome.OK, GROWN), sandbox=True), control)
    assert control.key == ""


async def test_it_is_asked_at_once_and_then_day_after_day_and_sooner_where_nothing_was_said() -> None:
    control = Control()
    watching = asyncio.create_task(key_check.watch(linked(Reply(Outcome.RATE), Reply(Outcome.OK, GROWN)), control, 60.0, 0.01))
    for _ in range(200):
        await asyncio.sleep(0.01)
        if control.key:
            break
    watching.cancel()
    assert "it can withdraw" in control.key


def test_other_code_is_recorded_and_told_once_and_the_session_goes_on() -> None:
    bench = Bench()
    assert bench.feed(ev.Boot(LATER_MS, 2, "test", "a" * 64))[1] == [], "what was not known before is no change"
    records, effects = bench.feed(ev.Boot(LATER_MS, 3, "test", "b" * 64))
    assert [effect for effect in effects if isinstance(effect, ev.Alert)] == [
        ev.Alert("the session goes on under other code: aaaaaaaaaaaa before, bbbbbbbbbbbb now")
    ]
    assert records[0].body["code"] == bench.state.code == "b" * 64
    assert bench.feed(ev.Boot(LATER_MS, 4, "test", "b" * 64))[1] == []
