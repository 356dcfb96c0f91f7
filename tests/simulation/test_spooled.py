"""What was done while the database was away, brought into the journal: a kill holds, cancels go on, and each line stands there once."""

import asyncio
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.simulation.bench import LATER_MS, Bench
from trader_core.model.command import Command
from trader_core.model.errors import Fenced
from trader_core.model.order import OrderState
from trader_core.model.session import Mode
from trader_core.trader import events as ev
from trader_core.trader import returning, spool
from trader_core.trader.records import Kind, Record
from trader_core.trader.state import State


@pytest.fixture
def bench() -> Bench:
    return Bench()


def spooled(*bodies: dict[str, Any], epoch: int = 1) -> spool.Spool:
    """Return bodies as a spool."""
    head, end = spool.heading("bench", 3, bytes(32), epoch)
    data, _ = spool.many(end, bodies)
    found = spool.read(head + data, "here")
    assert found is not None
    return found


def told(bench: Bench, *bodies: dict[str, Any], epoch: int = 1) -> tuple[list[Record], list[ev.Effect]]:
    """Merge bodies as a spool."""
    found = spooled(*bodies, epoch=epoch)
    return bench.feed(ev.Spooled(found.name, found.epoch, found.lines))


def kill() -> dict[str, Any]:
    return {"what": "kill", "why": "storm", "at_ms": LATER_MS}


def cancel(cid: str) -> dict[str, Any]:
    return {"what": "cancel", "client_order_id": cid, "symbol": "X", "why": "storm", "at_ms": LATER_MS}


def answer(cid: str) -> dict[str, Any]:
    return {"what": "answer", "client_order_id": cid, "outcome": "OK", "code": "", "at_ms": LATER_MS, "state": "CANCELED", "filled": 0}


def test_each_line_is_a_record_and_the_state_keeps_the_last_ones_hash(bench: Bench) -> None:
    order = bench.opened()
    found = spooled(kill(), cancel(order.client_order_id), answer(order.client_order_id))
    records, effects = bench.feed(ev.Spooled(found.name, 1, found.lines))
    kept = [record.body for record in records if record.kind is Kind.SPOOLED]
    assert [one["said"] for one in kept] == [line.body for line in found.lines]
    assert [(one["spool"], one["number"], one["hash"]) for one in kept] == [(found.name, x.number, x.hash.hex()) for x in found.lines]
    assert bench.state.spooled == {found.name: found.end.hex()}
    assert effects == []


def test_a_kill_holds_and_an_order_that_was_cancelled_is_being_cancelled_until_the_venue_says_more(bench: Bench) -> None:
    order = bench.opened()
    told(bench, kill(), cancel(order.client_order_id), answer(order.client_order_id))
    assert (bench.state.mode, order.state) == (Mode.KILLED, OrderState.CANCELING), "what the venue answered proves nothing here"
    _, effects = bench.feed(ev.Boot(LATER_MS, 2, "test"))
    assert effects[0] == ev.CancelOrder(order.client_order_id, order.symbol)


def test_a_kill_that_stands_already_is_no_news_and_leaves_a_close_all_that_was_said_after_it(bench: Bench) -> None:
    bench.bought()
    bench.say(Command.KILL)
    bench.say(Command.CLOSE_ALL)
    records, _ = told(bench, kill())
    assert [record.kind for record in records] == [Kind.SPOOLED]
    assert {"kill", "closing"} <= bench.state.flags.keys()


def test_a_kill_that_is_news_ends_the_close_all_before_it(bench: Bench) -> None:
    bench.bought()
    bench.say(Command.CLOSE_ALL)
    told(bench, kill())
    assert "kill" in bench.state.flags
    assert "closing" not in bench.state.flags


def test_a_kill_counts_by_who_saw_it_also_in_a_file_that_an_earlier_trader_began_and_nobody_could_remove(bench: Bench) -> None:
    bench.feed(ev.Boot(LATER_MS, 2, "the next one"))
    told(bench, kill() | {"epoch": 1}, epoch=1)
    assert "kill" not in bench.state.flags, "epoch 1 is history"
    told(bench, kill() | {"epoch": 2}, epoch=1)
    assert "kill" in bench.state.flags


def test_a_kill_is_history_where_another_trader_has_the_session_since(bench: Bench) -> None:
    bench.feed(ev.Boot(LATER_MS, 2, "another"))
    records, _ = told(bench, kill(), epoch=1)
    assert [record.kind for record in records] == [Kind.SPOOLED]
    assert "kill" not in bench.state.flags


def test_a_cancel_of_an_order_that_is_unknown_or_has_ended_changes_nothing_but_is_told(bench: Bench) -> None:
    order = bench.sent()
    bench.feed(ev.Boot(LATER_MS, 1, "test"))
    assert order.state is OrderState.UNKNOWN
    records, _ = told(bench, cancel(order.client_order_id), cancel("gh-of-nobody"))
    assert [record.kind for record in records] == [Kind.SPOOLED, Kind.SPOOLED]
    assert order.state is OrderState.UNKNOWN


def test_what_stands_in_the_journal_is_not_merged_again_whatever_else_was_merged_since(bench: Bench) -> None:
    found, other = spooled(kill(), cancel("a"), cancel("b")), spooled(kill(), epoch=2)
    bench.feed(ev.Spooled(found.name, 1, found.behind(bench.state.spooled)[:2]))
    assert [line.number for line in found.behind(bench.state.spooled)] == [3], "the merge goes on where it stopped"
    bench.feed(ev.Spooled(found.name, 1, found.behind(bench.state.spooled)))
    bench.feed(ev.Spooled(other.name, 2, other.lines))
    assert found.behind(bench.state.spooled) == other.behind(bench.state.spooled) == ()


class Stored:
    """A journal that somebody has written since, under a later epoch."""

    def __init__(self, bench: Bench) -> None:
        self.state, self.commits = bench.state, 0

    async def read(self) -> State:
        return self.state

    async def commit(self, *_: Any) -> None:
        self.commits += 1


@pytest.mark.parametrize(("epoch", "goes_on"), [(6, False), (7, True), (8, True)])
async def test_who_was_overtaken_while_the_database_was_away_does_not_go_on(
    bench: Bench, tmp_path: Path, epoch: int, *, goes_on: bool
) -> None:
    bench.feed(ev.Boot(LATER_MS, 7, "another"))
    stored, nobody = Stored(bench), nullcontext() if goes_on else pytest.raises(Fenced, match="epoch 7 in its journal")
    away: Any = SimpleNamespace(quiet=asyncio.Lock(), over=False)
    with nobody:
        found = await returning.back(tmp_path, away, lambda _: stored, lambda _: None, epoch)  # type: ignore[arg-type,return-value]
        assert (found.epoch, found.state) == (epoch, bench.state)
    assert away.over is goes_on
    assert stored.commits == 0
