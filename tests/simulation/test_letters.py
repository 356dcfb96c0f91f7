"""Dead letters: kept raw, alerted, replayed without doing anything twice, dismissed by a person; nothing new is risked meanwhile."""

import json

import pytest

from tests.conftest import Database
from tests.simulation.bench import LATER_MS, Bench
from tests.store import rows
from trader_core.model.command import Command
from trader_core.model.order import OrderEvent, OrderState
from trader_core.model.session import Mode, SessionStatus
from trader_core.store import journal, lease, letters
from trader_core.store.database import begin
from trader_core.store.sessions import create_session
from trader_core.trader import events as ev
from trader_core.trader.records import Kind
from trader_core.trader.run import Run
from trader_core.venues.port import Outcome, Reply, VenueOrderState, VenueTrade

UNREADABLE: Reply[list[VenueTrade]] = Reply(Outcome.RETRYABLE_READ, code="malformed", evidence='body [{"id":')


@pytest.fixture
def bench() -> Bench:
    return Bench()


def refuted(bench: Bench) -> None:
    """Have a fill of an order that the venue had refused."""
    order = bench.sent()
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.REJECTED), LATER_MS))
    bench.trades(bench.trade(order, 100))


def say(bench: Bench, command: Command, letter: int) -> str:
    bench.said += 1
    bench.feed(ev.Operator(command, bench.said, "operator", "looked at it", LATER_MS + bench.said, letter))
    return bench.state.obeyed[bench.said]


def test_a_resume_waits_until_every_letter_is_closed(bench: Bench) -> None:
    refuted(bench)
    bench.say(Command.RESUME)
    assert bench.state.obeyed[1] == "refused: 1 dead letters are open; `gatehouse letters list` shows them"
    assert say(bench, Command.REPLAY, 1).startswith("refused: it was booked when it came")
    assert bench.state.position(0) == 100, "replaying books nothing twice"
    assert say(bench, Command.DISMISS, 7).startswith("refused: expected an open letter of this session (1); found 7")
    assert say(bench, Command.DISMISS, 1) == "dismissed by operator: looked at it"
    assert (bench.state.letters, "dead_letter" in bench.state.flags, bench.state.mode) == ({}, False, Mode.ACTIVE)
    assert say(bench, Command.DISMISS, 1).startswith("refused: expected an open letter of this session (none)")


def test_what_could_not_be_done_to_an_order_is_done_once_it_can_be(bench: Bench) -> None:
    order = bench.sent()
    run = Run(bench.state)
    assert not run.move(order, OrderEvent.CANCEL, LATER_MS)
    bench.journal += run.records
    assert bench.state.letters[1]["raw"] == {"client_order_id": order.client_order_id, "event": "CANCEL"}
    said = f"{order.client_order_id} is SENDING, to which CANCEL means nothing"
    assert say(bench, Command.REPLAY, 1) == f"refused: {said}; dismiss it once that is explained"
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.OK, bench.shown(order, VenueOrderState.OPEN, 0)), LATER_MS))
    assert say(bench, Command.REPLAY, 1) == "applied"
    assert (order.state, bench.state.letters) == (OrderState.CANCELING, {})


def test_trades_that_cannot_be_read_five_times_in_a_row_become_one_letter(bench: Bench) -> None:
    bench.bought()
    for _ in range(4):
        assert bench.feed(ev.TradesSeen(bench.symbol, UNREADABLE, LATER_MS)) == ([], [])
    records, effects = bench.feed(ev.TradesSeen(bench.symbol, UNREADABLE, LATER_MS))
    assert [record.kind for record in records] == [Kind.LETTER, Kind.ANOMALY, Kind.FLAG]
    assert any(isinstance(effect, ev.Alert) for effect in effects)
    assert bench.feed(ev.TradesSeen(bench.symbol, UNREADABLE, LATER_MS)) == ([], [])
    assert bench.state.letters[1]["raw"]["evidence"] == UNREADABLE.evidence
    bench.said += 1
    _, effects = bench.feed(ev.Operator(Command.REPLAY, bench.said, "operator", "mended", LATER_MS + 86_400_000, 1))
    assert effects == [ev.FetchTrades(bench.symbol, LATER_MS)]
    assert bench.state.letters == {}


def test_an_answer_that_can_be_read_in_between_is_no_letter(bench: Bench) -> None:
    for _ in range(4):
        bench.feed(ev.TradesSeen(bench.symbol, UNREADABLE, LATER_MS))
    bench.trades()
    for _ in range(4):
        assert bench.feed(ev.TradesSeen(bench.symbol, UNREADABLE, LATER_MS)) == ([], [])


def test_open_letters_are_listed_from_the_journals(database: Database) -> None:
    def letter(kind: str, number: int) -> journal.Record:
        return journal.Record(kind, json.dumps({"number": number, "why": "x", "source": "FILL", "raw": {}, "at_ms": 1}).encode())

    with begin(database.engine("trader")) as db:
        create_session(db, rows.new_session(), SessionStatus.RUNNING)
        create_session(db, rows.new_session("s2"), SessionStatus.FAILED)
        epoch = lease.take(db, "paper", "me", "code", 10_000, 0)
        for name in ("s1", "s2"):
            records = [letter("LETTER", 1), letter("LETTER", 2), letter("LETTER_CLOSED", 1)]
            journal.append(db, name, "paper", 0, journal.genesis(name), epoch, records)
    with begin(database.engine("api")) as db:
        assert [(one["session_id"], one["account"], one["number"]) for one in letters.open_letters(db)] == [("s1", "paper", 2)]
        assert [one["number"] for one in letters.open_letters(db, "s2")] == [2]
