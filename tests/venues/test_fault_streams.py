"""What goes wrong on streams: each kind, event by event."""

import pytest

from sandbox.book import Level
from sandbox.config import START_MS
from sandbox.events import BookChanged, CandleSeen, Event, QuoteSeen, TradeSeen
from sandbox.fault_rules import CONNECTION
from sandbox.faults import FaultPlan
from sandbox.stream_faults import StreamFaults

TRADES, KLINES, BOOK, TICKER = "stream:trades", "stream:klines", "stream:book", "stream:ticker"
MINUTE = START_MS // 60_000


def trade(number: int, name: str = "BTCUSDT") -> TradeSeen:
    return TradeSeen(name, number, START_MS + number * 1_000, 100, 1, buys=True)


def faults(**rule: object) -> tuple[FaultPlan, StreamFaults]:
    plan = FaultPlan()
    plan.add([rule])
    return plan, StreamFaults(plan)


def told(meddler: StreamFaults, *events: Event, site: str = TRADES) -> list[list[tuple[int, Event]]]:
    return [list(meddler.deliver(site, event, START_MS)) for event in events]


def test_a_duplicate_is_told_again_as_often_and_as_late_as_asked() -> None:
    plan, meddler = faults(site=TRADES, kind="duplicate", nth=2, params={"ms": 300, "times": 2})
    first, second = trade(1), trade(2)
    assert told(meddler, first, second) == [[(0, first)], [(0, second), (300, second), (300, second)]]
    assert plan.kinds["duplicate"] == {"seen": 2, "fired": 1}


def test_a_message_that_is_late_comes_later_and_a_missing_one_never() -> None:
    assert told(faults(site=TRADES, kind="late", params={"ms": 900})[1], trade(1)) == [[(900, trade(1))]]
    assert told(faults(site=TRADES, kind="missing")[1], trade(1), trade(2)) == [[], [(0, trade(2))]]


def test_a_reordered_message_comes_after_the_next_one_of_its_own_market() -> None:
    meddler = faults(site=TRADES, kind="reordered")[1]
    other = trade(5, "ETHUSDT")
    assert told(meddler, trade(1), other, trade(2)) == [[], [(0, other)], [(0, trade(2)), (0, trade(1))]]


def test_a_gap_leaves_so_many_versions_of_one_book_out() -> None:
    meddler = faults(site=BOOK, kind="sequence_gap", nth=2, params={"events": 2})[1]
    books = [BookChanged("BTCUSDT", n, n, (), (), START_MS) for n in range(1, 5)]
    other = BookChanged("ETHUSDT", 9, 9, (), (), START_MS)
    assert told(meddler, books[0], books[1], other, books[2], books[3], site=BOOK) == [
        [(0, books[0])], [], [(0, other)], [], [(0, books[3])],
    ]  # fmt: skip


def test_a_crossed_quote_has_its_sides_exchanged_and_a_crossed_book_reaches_beyond_itself() -> None:
    quote = QuoteSeen("BTCUSDT", Level(100, 1), Level(102, 2), 101, START_MS)
    ((_, shown),) = faults(site=TICKER, kind="crossed_book")[1].deliver(TICKER, quote, START_MS)
    assert isinstance(shown, QuoteSeen)
    assert (shown.bid, shown.ask) == (quote.ask, quote.bid)
    book = BookChanged("BTCUSDT", 1, 1, (Level(10_000, 1),), (Level(10_010, 1),), START_MS)
    ((_, seen),) = faults(site=BOOK, kind="crossed_book")[1].deliver(BOOK, book, START_MS)
    assert isinstance(seen, BookChanged)
    assert (seen.bids, seen.asks) == ((Level(10_200, 1),), (Level(9_809, 1),)), "2 % beyond"


def test_an_open_candle_is_said_to_be_closed_and_the_next_one_is_shown() -> None:
    plan, meddler = faults(site=KLINES, kind="unclosed_as_closed", count=2)
    candle = CandleSeen("BTCUSDT", MINUTE, 1, (10, 12, 9, 11, 5, 55), closed=False, ts_ms=START_MS)
    shown = meddler.deliver(KLINES, candle, START_MS)
    following = candle._replace(minute=MINUTE + 1, values=(11, 11, 11, 11, 0, 0))
    assert [event for _, event in shown] == [candle._replace(closed=True), following]
    closed = candle._replace(closed=True, minute=MINUTE + 2)
    assert told(meddler, closed, site=KLINES) == [[(0, closed)]]
    assert plan.rules[0].fired == 1, "what is closed already is spared"


def test_a_stall_lasts_its_time_and_ends() -> None:
    plan, meddler = faults(site=TRADES, kind="silent_stall", nth=2, params={"ms": 1_000})
    moments = (0, 100, 1_099, 1_100, 1_200)
    assert [meddler.silent(TRADES, START_MS + ms) for ms in moments] == [False, True, True, False, False]
    assert not meddler.silent(KLINES, START_MS + 200)
    assert plan.kinds["silent_stall"]["fired"] == 1


def test_a_connection_is_cut_once_after_the_message_that_was_meant() -> None:
    plan, meddler = faults(site=TRADES, kind="disconnect", nth=2, params={"code": 1012})
    assert told(meddler, trade(1)) == [[(0, trade(1))]]
    assert meddler.cut(TRADES, START_MS) is None
    assert told(meddler, trade(2)) == [[(0, trade(2))]]
    assert [meddler.cut(TRADES, START_MS) for _ in range(2)] == [1012, None]
    assert plan.kinds["disconnect"]["fired"] == 1


def test_a_connection_as_a_whole_is_cut_by_its_own_site_alone() -> None:
    meddler = faults(site=CONNECTION, kind="disconnect")[1]
    assert meddler.cut(TRADES, START_MS) is None
    assert [meddler.cut(CONNECTION, START_MS) for _ in range(2)] == [1006, None]


def test_all_who_listen_get_the_same() -> None:
    plan, meddler = faults(site=TRADES, kind="missing")
    event = trade(1)
    assert [meddler.deliver(TRADES, event, START_MS) for _ in range(3)] == [()] * 3
    assert plan.rules[0].seen == 1


@pytest.mark.parametrize(("symbol", "heard"), [("BTC/USDT", []), ("ETH/USDT", [(0, trade(1))])])
def test_a_rule_for_one_market_leaves_the_others_alone(symbol: str, heard: list[tuple[int, Event]]) -> None:
    meddler = faults(site="stream:*", kind="missing", only={"symbol": symbol})[1]
    assert told(meddler, trade(1)) == [heard]


def test_chance_hits_its_share_and_the_same_ones_from_one_seed() -> None:
    def lost(seed: int) -> list[int]:
        plan = FaultPlan()
        plan.add({"seed": seed, "rules": [{"site": TRADES, "kind": "missing", "only": {"chance": 0.25}}]})
        meddler = StreamFaults(plan)
        return [number for number in range(400) if not meddler.deliver(TRADES, trade(number), START_MS)]

    assert 70 <= len(lost(1)) <= 130, "a quarter of 400, within three deviations"
    assert lost(1) == lost(1)
    assert lost(1) != lost(2)
