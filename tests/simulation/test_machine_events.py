"""What each event makes the machine write and ask for, whole: nothing more, nothing less."""

from dataclasses import replace

import numpy as np
import pytest

from simulation.market import PROTOCOL, START_MS
from tests.simulation.bench import LATER_MS, Bench
from trader_core.model.bar import BAR
from trader_core.model.command import Command
from trader_core.model.order import OrderState
from trader_core.model.session import Side
from trader_core.trader import events as ev
from trader_core.trader.machine import LATE_FILLS_MS, step, withheld
from trader_core.trader.records import Kind
from trader_core.venues.port import Outcome, Reply

GIVEN_UP_MS = LATER_MS + PROTOCOL.give_up_ms


@pytest.fixture
def bench() -> Bench:
    return Bench()


def quarantined(bench: Bench) -> str:
    order = bench.sent()
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS))
    bench.feed(ev.Looked(order.client_order_id, Reply(Outcome.RETRYABLE_READ), GIVEN_UP_MS))
    assert order.state is OrderState.QUARANTINED
    return order.client_order_id


def test_a_start_halts_asks_about_what_was_on_its_way_and_clears_what_stood_for_the_database(bench: Bench) -> None:
    order = bench.sent()
    bench.feed(ev.FlagSeen("database", on=True, why="gone", now_ms=LATER_MS))
    records, effects = bench.feed(ev.Boot(LATER_MS, 2, "other", code="c0de"))
    assert [(record.kind, record.body) for record in records[:4]] == [
        (Kind.BOOTED, {"epoch": 2, "holder": "other", "at_ms": LATER_MS, "code": "c0de"}),
        (Kind.FLAG, {"flag": "start", "on": True, "why": "started or recovered", "at_ms": LATER_MS}),
        (Kind.FLAG, {"flag": "database", "on": False, "why": "the journal was read back", "at_ms": LATER_MS}),
        (Kind.MOVE, {"client_order_id": order.client_order_id, "event": "LOSE", "at_ms": LATER_MS, "why": "recovered"}),
    ]
    assert [one for one in effects if not isinstance(one, ev.ProveTrades)] == [ev.Look(order.client_order_id, bench.symbol)]


def test_a_start_forgets_when_it_wanted_to_look_again(bench: Bench) -> None:
    order = bench.sent()
    look = ev.Look(order.client_order_id, bench.symbol)
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS))
    bench.feed(ev.Looked(order.client_order_id, Reply(Outcome.RETRYABLE_READ), LATER_MS))
    assert bench.feed(ev.Tick(LATER_MS))[1] == []
    bench.feed(ev.Boot(LATER_MS, 2, "other"))
    assert bench.feed(ev.Tick(LATER_MS))[1] == [look]


def test_a_start_asks_nothing_about_an_order_that_never_left(bench: Bench) -> None:
    bench.slot(10_000)
    _, effects = bench.feed(ev.Boot(LATER_MS, 2, "other"))
    assert [one for one in effects if not isinstance(one, ev.ProveTrades)] == []


def test_a_start_reads_late_trades_at_once_again(bench: Bench) -> None:
    quarantined(bench)
    late = GIVEN_UP_MS + 1
    bench.feed(ev.Tick(late))
    bench.feed(ev.Boot(late, 2, "other"))
    assert ev.FetchTrades(bench.symbol, late - LATE_FILLS_MS) in bench.feed(ev.Tick(late))[1]


@pytest.mark.parametrize(("before", "now", "told"), [
    ("0123456789abcdef", "fedcba9876543210", ["the session goes on under other code: 0123456789ab before, fedcba987654 now"]),
    ("0123456789abcdef", "0123456789abcdef", []),
    ("0123456789abcdef", "", []),
    ("", "fedcba9876543210", []),
])  # fmt: skip
def test_a_start_under_other_code_is_told(bench: Bench, before: str, now: str, told: list[str]) -> None:
    bench.feed(ev.Boot(LATER_MS, 2, "test", code=before))
    _, effects = bench.feed(ev.Boot(LATER_MS, 3, "test", code=now))
    assert [one.text for one in effects if isinstance(one, ev.Alert)] == told


@pytest.mark.parametrize(("late_ms", "ended"), [(60_000, ""), (0, "closed")])
def test_a_slot_out_of_turn_or_after_the_session_was_closed_changes_nothing(bench: Bench, late_ms: int, ended: str) -> None:
    bars, targets = np.zeros(1, BAR), np.array([10_000], np.int64)
    bench.state.closed = bool(ended)
    ts_ms = bench.state.next_slot_ms + late_ms
    bars[0] = (ts_ms, 2_000_000, 2_000_000, 2_000_000, 2_000_000, 10**9)
    assert step(bench.state, ev.Slot(ts_ms, bars, targets)) == ([], [])


def test_a_price_beyond_its_door_is_an_anomaly_and_stops_what_is_new(bench: Bench) -> None:
    slot_ms = bench.state.next_slot_ms
    records, effects = bench.slot(10_000, price=10**17)
    text = f"a price of slot {slot_ms} lies beyond its door"
    assert [(record.kind, record.body) for record in records[1:]] == [
        (Kind.ANOMALY, {"text": text, "at_ms": slot_ms, "seen": ""}),
        (Kind.FLAG, {"flag": "fault", "on": True, "why": text, "at_ms": slot_ms}),
    ]
    assert effects == [ev.Alert(text)]


def test_a_tick_asks_nothing_about_an_order_that_waits_to_be_sent(bench: Bench) -> None:
    bench.slot(10_000)
    assert bench.feed(ev.Tick(START_MS + 60_000)) == ([], [])


def test_orders_are_looked_at_in_the_turns_of_a_simulation() -> None:
    bench = Bench(coins=2)
    order = bench.sent()
    bench.state.pending = {
        name: replace(order, client_order_id=name, index=index, symbol=bench.state.instruments[index].symbol, side=side)
        for name, index, side in (("buy 0", 0, Side.BUY), ("buy 1", 1, Side.BUY), ("sell 0", 0, Side.SELL))
    }
    for turns, asked in (([0, 1], ["sell 0", "buy 0", "buy 1"]), ([1, 0], ["buy 1", "sell 0", "buy 0"])):
        bench.state.grids["turn"] = turns
        bench.state.watches.clear()
        assert [one.client_order_id for one in step(bench.state, ev.Tick(LATER_MS))[1] if isinstance(one, ev.Look)] == asked


def test_late_trades_are_not_read_again_within_a_minute(bench: Bench) -> None:
    quarantined(bench)

    def read(now_ms: int) -> list[int]:
        return [one.since_ms + LATE_FILLS_MS for one in bench.feed(ev.Tick(now_ms))[1] if isinstance(one, ev.FetchTrades)]

    assert [read(GIVEN_UP_MS + ms) for ms in (0, 1, 59_999, 60_000)] == [[GIVEN_UP_MS], [], [], [GIVEN_UP_MS + 60_000]]


def test_a_kill_by_switch_cancels_what_is_open_and_gives_up_what_waits_and_any_other_flag_does_neither(bench: Bench) -> None:
    order = bench.opened()
    assert bench.feed(ev.FlagSeen("stale", on=True, why="late bars", now_ms=LATER_MS))[1] == []
    assert bench.feed(ev.FlagSeen("kill", on=True, why="storm", now_ms=LATER_MS))[1] == [
        ev.CancelOrder(order.client_order_id, bench.symbol)
    ]
    assert order.state is OrderState.CANCELING
    other = Bench()
    kept = other.opened()
    assert other.feed(ev.FlagSeen("kill", on=False, why="calm", now_ms=LATER_MS)) == ([], [])
    assert kept.state is OrderState.OPEN


def test_an_exit_of_an_operator_that_waits_is_outranked_by_a_kill_by_switch(bench: Bench) -> None:
    bench.bought()
    exit_order = bench.closing()
    bench.feed(ev.FlagSeen("stale", on=True, why="late bars", now_ms=LATER_MS))
    assert withheld(bench.state, exit_order.client_order_id, "") == ""
    bench.feed(ev.FlagSeen("kill", on=True, why="storm", now_ms=LATER_MS))
    assert withheld(bench.state, exit_order.client_order_id, "") == "a kill was taken after it was wanted"


def test_books_that_differ_are_told_with_every_difference(bench: Bench) -> None:
    _, effects = bench.feed(ev.Reconciled(("USDT: 1 more", "BTC: 2 less"), LATER_MS))
    assert effects == [ev.Alert("books differ: USDT: 1 more; BTC: 2 less"), ev.FetchTrades(bench.symbol, LATER_MS - LATE_FILLS_MS)]


def test_a_block_holds_back_a_purchase_and_no_sale(bench: Bench) -> None:
    bench.bought()
    sale = bench.closing()
    other = Bench()
    purchase = other.sent()
    for one, order, said in ((bench, sale, ""), (other, purchase, f"{bench.symbol} is blocked")):
        one.feed(ev.BlockSeen(0, on=True, why="its data", now_ms=LATER_MS))
        assert withheld(one.state, order.client_order_id, "") == said


def test_a_kill_is_what_the_last_gate_says_of_an_operators_exit_while_one_more_kill_is_not_taken(bench: Bench) -> None:
    bench.bought()
    bench.say(Command.KILL)
    exit_order = bench.closing()
    assert [withheld(bench.state, exit_order.client_order_id, "storm", waits=waits) for waits in (False, True)] == ["", "storm"]
