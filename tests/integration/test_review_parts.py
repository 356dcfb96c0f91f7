"""What a reader who distrusts the trader would try on its parts: a kill, a lost word, books that never sit still, bars of the past."""

import asyncio
import itertools
import socket
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Database
from trader_core.model.bar import BAR, Bars
from trader_core.model.command import Command
from trader_core.model.errors import DatabaseAway
from trader_core.model.instrument import Instrument, freeze
from trader_core.model.money import UNIT
from trader_core.model.order import OrderState
from trader_core.model.plan import Plan
from trader_core.model.session import Mode, Side
from trader_core.store import commands
from trader_core.store.database import begin, open_engine
from trader_core.trader import events as ev
from trader_core.trader.control import Control
from trader_core.trader.machine import step
from trader_core.trader.process import Running, Trader
from trader_core.trader.protocol import Protocol
from trader_core.trader.records import Kind, Record
from trader_core.trader.recovery import opening
from trader_core.trader.shell import Shell
from trader_core.trader.state import State, opened
from trader_core.venues.port import Balance, Outcome, Reply, SendRequest, VenueOrder, VenueOrderState
from trader_core.venues.simulated import SimulatedVenue

STEP_MS = 60_000
START_MS = 1_700_000_040_000
BTC = freeze(Instrument("sandbox", "BTC/USDT", "BTC", "USDT", 2, 6, 1, 1, 1, UNIT, 0, 0), 6_000_000)


def halted() -> State:
    """Return a session that has just been opened."""
    plan = Plan("sma_cross", (("fast", 2), ("slow", 5)), ("BTC/USDT",), "1m", 1000 * UNIT)
    return opened(opening("s", plan, (BTC,), Protocol(), START_MS, {"USDT": "1000"}).body)


def bars_at(ts: int, price: int = 5_000_000) -> Bars:
    """Return one flat bar with much volume."""
    return np.array([(ts, price, price, price, price, 10**12)], BAR)


class StubFeed:
    """A feed whose bars are all alike and whose clock is set by the test."""

    def __init__(self, now_ms: int) -> None:
        self.now = now_ms

    async def next_slot(self, slot_ms: int) -> Bars:
        return bars_at(slot_ms)

    async def history(self, from_ms: int, to_ms: int) -> Bars:
        return np.concatenate([bars_at(ts) for ts in range(from_ms, to_ms, STEP_MS)])[:, None]

    def now_ms(self) -> int:
        return self.now

    async def close(self) -> None:
        """Nothing is open."""


class StubJournal:
    """A journal in memory whose database goes away for the next `away` commits."""

    def __init__(self) -> None:
        self.away, self.records = 0, list[Record]()

    async def commit(self, records: Sequence[Record], state: State) -> None:
        if self.away:
            self.away -= 1
            raise DatabaseAway("an answer", "none", "wait")
        self.records += records


def shell_of(state: State, now_ms: int = START_MS) -> tuple[Shell, StubJournal, SimulatedVenue, StubFeed]:
    """Return a shell over the simulated venue with a journal in memory."""
    feed, journal = StubFeed(now_ms), StubJournal()
    venue = SimulatedVenue(state.instruments, state.plan_record, state.grids, feed, state.plan.capital)
    return Shell(state, journal, venue, venue, Control(until_ms=START_MS + 100 * STEP_MS)), journal, venue, feed


NUMBERS = itertools.count(1)


def word(command: Command, **args: str) -> commands.CommandRow:
    return commands.CommandRow(next(NUMBERS), "sandbox", None, command, str(command), dict(args), "test", "a test")


def running(trader: Trader, control: Control) -> None:
    """Let a trader believe that it runs a session with this control."""
    trader.running["s"] = Running(control, asyncio.create_task(asyncio.sleep(30)))


@pytest.mark.parametrize("switch", ["kill", "pause"])
async def test_a_switch_that_is_heard_of_while_a_round_reads_is_not_lifted_by_what_it_read(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, switch: str
) -> None:
    trader, control = Trader(database.engine("trader"), "sandbox", tmp_path), Control()
    running(trader, control)
    await trader._take()
    read = Trader._read

    def reads_before_the_switch(self: Trader) -> object:
        found = read(self)
        with begin(database.engine("api")) as db:
            commands.set_switch(db, switch, is_on=True, actor="test", reason="storm")
        self.hear({"switch": switch, "on": True, "reason": "storm"})
        return found

    monkeypatch.setattr(Trader, "_read", reads_before_the_switch)
    await trader._round()
    assert getattr(control, switch) == "storm", "this round read an older truth"
    monkeypatch.undo()
    await trader._round()
    assert getattr(control, switch) == "storm", "the next one reads it"
    with begin(database.engine("api")) as db:
        commands.set_switch(db, switch, is_on=False, actor="test", reason="calm")
    await trader._round()
    assert getattr(control, switch) == ""
    await trader._leave()


async def test_a_word_that_is_answered_while_a_round_reads_is_not_handed_out_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trader, control = Trader(database.engine("trader"), "sandbox", tmp_path), Control()
    running(trader, control)
    await trader._take()
    with begin(database.engine("api")) as db:
        for command in (Command.KILL, Command.RESUME):
            commands.request(db, "sandbox", command, actor="test", reason="a test")
    await trader._round()
    assert [event.command for event in control.inbox] == [Command.KILL, Command.RESUME]
    read = Trader._read

    def reads_while_the_session_answers(self: Trader) -> object:
        found = read(self)
        if len(control.inbox) > 1:
            control.answers.append((control.inbox.popleft().command_id, "killed"))
        return found

    monkeypatch.setattr(Trader, "_read", reads_while_the_session_answers)
    for _ in range(3):
        await trader._round()
        assert ([event.command for event in control.inbox], control.killed()) == ([Command.RESUME], "")
    await trader._leave()


async def test_a_kill_by_command_holds_for_the_last_gate_until_it_is_taken_back(tmp_path: Path) -> None:
    trader, control = Trader(open_engine("postgresql+psycopg://nobody@127.0.0.1:1/none"), "sandbox", tmp_path), Control()
    running(trader, control)
    await trader.desk.obey(word(Command.KILL), 0)
    trader._set_switches("", "")  # what each round does with the database's switch, which is off
    assert control.killed()
    await trader.desk.obey(word(Command.RESUME), 0)
    trader._set_switches("", "")
    assert not control.killed()
    await trader._leave()


async def test_a_word_that_could_not_be_made_durable_is_taken_again() -> None:
    shell, journal, _, _ = shell_of(halted())
    journal.away = 1
    shell.control.inbox.append(ev.Operator(Command.PAUSE, 7, "test", "a test", START_MS))
    with pytest.raises(DatabaseAway):
        await shell.attend()
    again, journal, _, _ = shell_of(halted())
    again.control = shell.control
    await again.attend()
    assert [r.body["command_id"] for r in journal.records if r.kind is Kind.OPERATOR] == [7]
    assert "pause" in again.state.flags


async def test_a_difference_that_is_another_one_at_every_reading_halts_all_the_same() -> None:
    shell, _, venue, _ = shell_of(halted())
    readings = iter(range(900, 1000))

    async def balances() -> Reply[list[Balance]]:
        return Reply(Outcome.OK, [Balance("USDT", str(next(readings)), "0")])

    venue.balances = balances  # type: ignore[method-assign]
    for _ in range(3):
        await shell.reconcile()
    assert "difference" in shell.state.flags


async def test_bars_of_the_downtime_let_nothing_new_in() -> None:
    shell, _, _, feed = shell_of(halted())
    await shell.handle(ev.Reconciled((), START_MS))
    assert shell.state.mode is Mode.ACTIVE
    feed.now = START_MS + 10 * STEP_MS
    await shell.slot(START_MS)
    assert "stale" in shell.state.flags, "its price is ten minutes old"
    feed.now = START_MS + 2 * STEP_MS + 1_000
    await shell.slot(START_MS + STEP_MS)
    assert "stale" not in shell.state.flags


async def test_the_simulated_venue_shows_a_fill_of_an_order_that_left_after_its_bar_had_opened() -> None:
    shell, _, venue, feed = shell_of(halted())
    sent_ms = START_MS + STEP_MS + 1_050
    await venue.submit(SendRequest("gh1", "BTC/USDT", Side.BUY, 1_000, 6_000_000, sent_ms, 5_000))
    feed.now = START_MS + 2 * STEP_MS + 1_050
    await venue.next_slot(START_MS + STEP_MS)
    found = await venue.trades("BTC/USDT", sent_ms - shell.state.protocol.skew_ms)
    assert [trade.qty for trade in found.value or []] == [1_000]


async def test_the_simulated_venue_gives_an_order_one_chance_also_across_a_restart() -> None:
    _, _, venue, _ = shell_of(halted())
    venue.restore(1000 * UNIT, [0], [(SendRequest("gh1", "BTC/USDT", Side.BUY, 1_000, 6_000_000, START_MS, 5_000), 400)])
    await venue.next_slot(START_MS)
    order = (await venue.order("BTC/USDT", "gh1")).value
    assert order is not None
    assert (order.state, order.filled) == (VenueOrderState.EXPIRED, 400)
    assert (await venue.trades("BTC/USDT", 0)).value == []


async def test_the_simulated_venue_looks_at_no_ended_order_again() -> None:
    _, _, venue, _ = shell_of(halted())
    for k in range(50):
        await venue.submit(SendRequest(f"gh{k}", "BTC/USDT", Side.BUY, 1_000, 6_000_000, START_MS + k * STEP_MS, 5_000))
        await venue.next_slot(START_MS + k * STEP_MS)
    assert venue._open == {}
    last = (await venue.trades("BTC/USDT", START_MS + 49 * STEP_MS)).value or []
    assert [trade.client_order_id for trade in last] == ["gh49"]


def test_an_order_that_the_exchange_no_longer_knows_ends_when_its_lists_do_not_have_it() -> None:
    state = halted()
    step(state, ev.Reconciled((), START_MS))
    step(state, ev.Slot(START_MS, bars_at(START_MS), np.array([10_000])))
    cid = next(iter(state.pending))
    step(state, ev.SendDue((cid,), START_MS + STEP_MS))
    order = VenueOrder(cid, "v1", VenueOrderState.OPEN, state.orders[cid].qty, 0, START_MS)
    step(state, ev.Answered(cid, Reply(Outcome.OK, order), START_MS + STEP_MS))
    late = START_MS + STEP_MS + 86_400_000
    step(state, ev.Looked(cid, Reply(Outcome.NOT_FOUND), late))
    assert state.orders[cid].state is OrderState.OPEN, "once is no proof"
    step(state, ev.Looked(cid, Reply(Outcome.NOT_FOUND), late + 2_000))
    for now, asked in ((late + 20_000, ev.Look), (late + 40_000, ev.ProveAbsence)):  # its last fill takes a while to show
        _, effects = step(state, ev.Tick(now))
        assert [type(effect) for effect in effects] == [asked]
    step(state, ev.AbsenceEvidence(cid, Reply(Outcome.OK, []), Reply(Outcome.OK, []), late + 40_000))
    assert (state.orders[cid].state, state.pending) == (OrderState.CANCELED, {})
    assert int(state.account["reserved"][0]) == 0


async def test_a_database_that_does_not_answer_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = open_engine(f"postgresql+psycopg://nobody@127.0.0.1:{silent.getsockname()[1]}/none")
        trader = Trader(engine, "sandbox", tmp_path)
        task = asyncio.create_task(trader.serve())
        started = time.monotonic()
        await asyncio.sleep(0.2)
        late_s = time.monotonic() - started - 0.2
        trader.stopping.set()
        silent.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert late_s < 1.0
