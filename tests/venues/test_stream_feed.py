"""Bars of a feed with streams, by hand-made events: REST is the truth, a stream never makes a wrong bar, nothing changes silently."""

import asyncio

import numpy as np
import pytest

from sandbox.config import Config
from sandbox.server import start
from tests.venues.feed_parts import MINUTE, A, B, Fed, row, rows_of
from tests.venues.gateway_connected import linked
from tests.venues.gateway_server import NOW_MS
from trader_core.model.errors import DataFault, VenueUnavailable
from trader_core.settings import Settings
from trader_core.venues.feed import RealTimeFeed, StepFeed
from trader_core.venues.marketdata import Book
from trader_core.venues.pulse import BARS
from trader_core.venues.spoken import Depth, Kind, Moved, Name
from trader_core.venues.stream_feed import StreamFeed

MISSING = (NOW_MS, 0, 0, 0, 0, 0)


async def test_a_bar_that_stream_and_rest_agree_on_costs_one_question() -> None:
    fed = Fed()
    fed.truth.tell(A, row(0, 105))
    fed.candle(row(0, 105))
    assert rows_of(await fed.slot(0)) == [row(0, 105)]
    assert fed.truth.asked == [(A, -2, 3)], "the two bars before it are looked at again with it"
    await fed.feed.close()


async def test_no_bar_is_closed_before_its_close_and_grace_whatever_streams_say() -> None:
    fed = Fed()
    fed.at(0.8)
    fed.candle(row(0, 105, 4))
    fed.candle(row(1, 106, 1))  # the next one is said to be open already
    fed.truth.tell(A, row(0, 108, 10))
    assert rows_of(await fed.slot(0)) == [row(0, 108, 10)]
    assert fed.feed.now_ms() == NOW_MS + MINUTE + 1_000
    await fed.feed.close()


async def test_while_rest_lags_behind_the_stream_it_is_asked_again_until_it_has_caught_up() -> None:
    fed = Fed()
    fed.candle(row(0, 105, 10))
    fed.truth.tell(A, row(0, 103, 7), row(0, 105, 10))
    assert rows_of(await fed.slot(0)) == [row(0, 105, 10)]
    assert (len(fed.truth.asked), fed.pulse.of("klines BTC/USDT").revisions) == (2, 0)
    await fed.feed.close()


async def test_where_rest_stays_with_its_word_it_wins_and_the_difference_is_counted() -> None:
    fed = Fed()
    fed.candle(row(0, 105, 10))
    fed.truth.tell(A, row(0, 103, 7))
    assert rows_of(await fed.slot(0)) == [row(0, 103, 7)]
    assert (len(fed.truth.asked), fed.pulse.of("klines BTC/USDT").revisions) == (3, 1)
    await fed.feed.close()


async def test_a_stream_that_lost_the_end_of_a_bar_costs_nothing_but_is_counted() -> None:
    fed = Fed()
    fed.candle(row(0, 103, 7))
    fed.truth.tell(A, row(0, 105, 10))
    assert rows_of(await fed.slot(0)) == [row(0, 105, 10)]
    health = fed.pulse.of("klines BTC/USDT")
    assert (len(fed.truth.asked), health.gaps, health.revisions) == (1, 1, 0)
    await fed.feed.close()


def proven(fed: Fed, slot: int, price: int) -> None:
    """Let trades prove that a minute opened at 100 and closed at a price."""
    number = 10 * slot
    fed.trade(slot - 0.1, number, 100)
    fed.trade(slot + 0.1, number + 1, 100, 5)
    fed.trade(slot + 0.9, number + 2, price, 5)
    fed.at(slot + 1.01)
    fed.trade(slot + 1.01, number + 3, 100)


async def test_while_rest_is_down_a_bar_that_trades_prove_stands_in_and_rest_confirms_it_later() -> None:
    fed = Fed()
    fed.truth.down.add(A)
    proven(fed, 1, 105)
    assert rows_of(await fed.slot(1)) == [row(1, 105)]
    fed.truth.down.clear()
    fed.truth.tell(A, row(1, 105))
    fed.truth.tell(A, row(2, 107))
    assert rows_of(await fed.slot(2)) == [row(2, 107)]
    assert (list(fed.pulse.alarms), fed.pulse.take_late()) == ([], [])
    await fed.feed.close()


async def test_a_proven_bar_that_rest_tells_otherwise_later_is_an_alarm_and_rest_wins() -> None:
    fed = Fed()
    fed.truth.down.add(A)
    proven(fed, 1, 105)
    await fed.slot(1)
    fed.truth.down.clear()
    fed.truth.tell(A, row(1, 104))
    fed.truth.tell(A, row(2, 107))
    await fed.slot(2)
    assert list(fed.pulse.alarms) == [
        f"BTC/USDT: the bar of {NOW_MS + MINUTE} was [100, 105, 100, 105, 10] and is now [100, 104, 100, 104, 10]"
    ]
    ((slot_ms, column, bar),) = fed.pulse.take_late()
    assert (slot_ms, column, rows_of(bar)) == (NOW_MS + MINUTE, 0, [row(1, 104)])
    await fed.feed.close()


async def test_a_bar_that_was_changed_while_rest_was_down_is_told_once_it_is_back() -> None:
    fed = Fed(A, B)
    for number in range(8):
        fed.truth.tell(A, row(number))
        fed.truth.tell(B, *((row(1, 105), row(1, 104)) if number == 1 else (row(number),)))
    await fed.slot(1)
    fed.truth.down.add(B)
    for number in range(2, 6):
        await fed.slot(number)
    fed.truth.down.clear()
    await fed.slot(6)
    assert (NOW_MS + MINUTE, 1, [row(1, 104)]) in [(slot_ms, column, rows_of(bar)) for slot_ms, column, bar in fed.pulse.take_late()]
    await fed.feed.close()


async def test_while_rest_is_down_trades_with_a_hole_and_candles_prove_nothing() -> None:
    fed = Fed()
    fed.truth.down.add(A)
    fed.trade(0.9, 10)
    fed.trade(1.1, 11)
    fed.trade(1.9, 13)  # the twelfth is missing
    fed.at(2.01)
    fed.trade(2.01, 14)
    fed.candle(row(1, 100, 20))
    with pytest.raises(VenueUnavailable):
        await fed.slot(1)
    await fed.feed.close()


async def test_the_other_instruments_go_on_while_one_cannot_be_had_and_it_is_filled_in_when_it_can() -> None:
    fed = Fed(A, B)
    for number in range(12):
        fed.truth.tell(A, row(number))
        fed.truth.tell(B, row(number, 100 + number))
    fed.truth.down.add(B)
    for number in range(8):
        assert rows_of(await fed.slot(number)) == [row(number), (NOW_MS + number * MINUTE, 0, 0, 0, 0, 0)]
    fed.truth.down.clear()
    assert rows_of(await fed.slot(8)) == [row(8), row(8, 108)]
    assert fed.truth.asked[-1] == (B, -2, 11), "everything since the last look that failed is asked for at once"
    late = fed.pulse.take_late()
    assert [(slot_ms, column, rows_of(bar)) for slot_ms, column, bar in late] == [
        (NOW_MS + n * MINUTE, 1, [row(n, 100 + n)]) for n in range(8)
    ]
    await fed.slot(9)
    assert fed.truth.asked[-1] == (B, 7, 3)
    assert (fed.pulse.take_late(), list(fed.pulse.alarms), fed.pulse.of(BARS).gaps) == ([], [], 8)
    await fed.feed.close()


async def test_a_bar_that_is_changed_after_it_was_given_is_an_alarm_once_and_corrects_the_window() -> None:
    fed = Fed()
    for number in range(5):
        fed.truth.tell(A, row(number))
    await fed.slot(0)
    await fed.slot(1)
    fed.truth.tell(A, row(0, 101))
    await fed.slot(2)
    assert len(fed.pulse.alarms) == fed.pulse.of(BARS).revisions == 1
    assert [slot_ms for slot_ms, _, _ in fed.pulse.take_late()] == [NOW_MS]
    await fed.slot(3)
    assert len(fed.pulse.alarms) == 1
    await fed.feed.close()


async def test_a_slot_that_nobody_has_is_waited_for_until_the_deadline_and_missing_then() -> None:
    fed = Fed(A, B)
    fed.truth.tell(A, row(0))
    assert rows_of(await fed.slot(0)) == [row(0), MISSING]
    assert fed.feed.now_ms() == NOW_MS + MINUTE + 15_000
    await fed.feed.close()


async def test_with_all_streams_down_the_feed_goes_on_by_rest_and_says_so() -> None:
    fed = Fed()
    fed.refuses = "connection refused"
    for number in range(3):
        fed.truth.tell(A, row(number, 100 + number))
        fed.at(number)
        assert rows_of(await fed.slot(number)) == [row(number, 100 + number)]
        await asyncio.sleep(0.01)
    health = fed.pulse.of("trades BTC/USDT")
    assert (health.reconnects >= 1, health.lag_ms) == (True, -1)
    assert health.why in {"connection refused", "nothing was said for 61000 ms"}
    await fed.feed.close()


async def test_a_stream_that_said_nothing_of_a_slot_in_which_rest_tells_of_trades_is_accused() -> None:
    fed = Fed()
    for number in range(3):
        fed.truth.tell(A, row(number))
        await fed.slot(number)
    line = fed.feed._lines[Name(Kind.KLINES, A)]
    assert set(line._accused) == {Name(Kind.TRADES, A), Name(Kind.KLINES, A)}
    assert "in which REST tells of trades" in line._accused[Name(Kind.TRADES, A)]
    await fed.feed.close()


async def test_a_slot_without_trades_accuses_nobody() -> None:
    fed = Fed()
    for number in range(3):
        fed.truth.tell(A, row(number, 100, 0))
        await fed.slot(number)
    assert fed.feed._lines[Name(Kind.TRADES, A)]._accused == {}
    await fed.feed.close()


async def test_markets_and_the_account_have_connections_of_their_own_and_all_are_closed() -> None:
    fed = Fed(A, B, private=True)
    fed.truth.tell(A, row(0))
    fed.truth.tell(B, row(0))
    await fed.slot(0)
    await asyncio.sleep(0)
    public, account = fed.listeners
    assert {str(name) for name in public.watched} == {f"{kind} {symbol}" for kind in ("trades", "klines", "book") for symbol in (A, B)}
    assert {str(name) for name in account.watched} == {"orders", "fills", "balance"}
    await fed.feed.close()
    assert (public.closed, account.closed) == (1, 1)


def test_a_hole_in_the_changes_of_a_book_is_a_fault_and_a_cut_begins_anew() -> None:
    fed = Fed()
    for first, last in ((1, 3), (4, 4), (4, 4), (2, 3)):
        fed.feed.take(Moved(A, NOW_MS, first, last))
    with pytest.raises(DataFault, match="change 5"):
        fed.feed.take(Moved(A, NOW_MS, 6, 7))
    fed.feed.take(Depth(A, NOW_MS, Book(((100, 1),), ((101, 1),))))
    assert fed.feed.book(A) == Book(((100, 1),), ((101, 1),))
    fed.feed.cut(Name(Kind.BOOK, A))
    assert fed.feed.book(A) is None
    fed.feed.take(Moved(A, NOW_MS, 60, 70))


def test_a_book_that_does_not_move_for_ten_seconds_is_none() -> None:
    fed = Fed()
    fed.feed.take(Depth(A, NOW_MS, Book(((100, 1),), ((101, 1),))))
    fed.machine.now_ms = 10_001
    assert fed.feed.book(A) is None


async def test_events_by_chance_never_make_a_wrong_bar() -> None:
    """A tape of numbered trades is told with losses, twice and out of order while REST comes and goes: each bar is true or missing."""
    chance = np.random.default_rng(11)
    for _ in range(30):
        fed = Fed()
        tape = [
            (number, slot + 0.05 + 0.3 * i, 90 + int(chance.integers(20)))
            for slot in range(6)
            for i in range(3)
            for number in [3 * slot + i]
        ]
        truth = {}
        for slot in range(6):
            prices = [price for number, _, price in tape if number // 3 == slot]
            truth[slot] = (NOW_MS + slot * MINUTE, prices[0], max(prices), min(prices), prices[-1], 30)
            fed.truth.tell(A, truth[slot])
        told = [one for one in tape for _ in range(int(chance.choice([0, 1, 1, 1, 1, 1, 1, 2])))]
        if told and chance.random() < 0.5:
            swap = int(chance.integers(len(told)))
            told[swap], told[swap - 1] = told[swap - 1], told[swap]
        for slot in range(5):
            fed.at(slot + 1.06)
            for number, minute, price in [one for one in told if slot <= one[1] < slot + 1.06]:
                fed.trade(minute, number, price)
            fed.truth.down = {A} if chance.random() < 0.6 else set()
            try:
                assert rows_of(await fed.slot(slot)) == [truth[slot]]
            except VenueUnavailable:
                assert fed.truth.down
        assert not fed.pulse.alarms
        await fed.feed.close()


@pytest.mark.parametrize(
    ("clock", "streams", "kind"), [("1x", True, StreamFeed), ("1x", False, RealTimeFeed), ("stepped", True, StepFeed)]
)  # fmt: skip
async def test_a_link_listens_where_it_is_asked_to_and_the_clock_runs(clock: str, streams: bool, kind: type) -> None:  # noqa: FBT001
    sandbox = await start(Config(history_days=1, clock=clock))
    link = await linked(sandbox, [A], streams=streams)
    assert type(link.feed) is kind
    assert link.pulse.streams == {}, "nothing is opened before the first slot"
    await link.close()
    await sandbox.stop()


def test_the_environment_can_switch_listening_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().streams
    monkeypatch.setenv("GATEHOUSE_STREAMS", "false")
    assert not Settings().streams
