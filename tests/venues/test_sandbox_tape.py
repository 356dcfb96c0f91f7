"""The tape: what happens on the markets as time passes, in the exchange's own integers."""

from sandbox.candles import Candles
from sandbox.config import START_MS
from sandbox.events import BookChanged, CandleSeen, QuoteSeen, Stream, Topic, TradeSeen
from sandbox.market import MINUTE_MS, TICK_MS, SeededMarket
from sandbox.matching import Exchange
from sandbox.pairs import PAIRS, Rules
from sandbox.tape import Tape
from tests.venues.sandbox_market_fixed import exchange

TRADES, BOOK, QUOTES = (Topic(stream, "BTCUSDT") for stream in (Stream.TRADES, Stream.BOOK, Stream.TICKER))
MINUTES, FIVE = (Topic(Stream.KLINES, "BTCUSDT", step) for step in (1, 5))
FIRST = START_MS // TICK_MS
MINUTE = START_MS // MINUTE_MS
SEEDED = Exchange(SeededMarket(7, PAIRS), Rules(), 7, START_MS)


def happened(topics: set[Topic], from_ms: int, to_ms: int, venue: Exchange | None = None, tape: Tape | None = None) -> list[object]:
    tape = tape or Tape(venue or exchange({1: (101_00, 500_000), 2: (100_50, 0), 13: (99_00, 2_000_000)}))
    return list(tape.events(frozenset(topics), START_MS + from_ms, START_MS + to_ms))


def test_a_trade_is_told_for_each_tick_that_traded_after_the_beginning_of_the_span_and_up_to_its_end() -> None:
    told = happened({TRADES}, 0, 3 * TICK_MS)
    assert told == [
        TradeSeen("BTCUSDT", FIRST + 1, START_MS + TICK_MS, 101_00, 500_000, buys=True),
        TradeSeen("BTCUSDT", FIRST + 3, START_MS + 3 * TICK_MS, 100_00, 1_000_000, buys=True),
    ]
    assert happened({TRADES}, 1, TICK_MS - 1) == []


def test_a_candle_grows_with_its_trades_and_is_closed_when_the_next_one_begins() -> None:
    told = [event for event in happened({MINUTES}, 0, 13 * TICK_MS) if isinstance(event, CandleSeen)]
    first, last, closed, following = told[0], told[-4], told[-3], told[-2]
    assert first.values == (100_00, 101_00, 100_00, 101_00, 1_500_000, 100_00 * 1_000_000 + 101_00 * 500_000)
    assert [event.closed for event in told] == [False] * 10 + [True, False, False]
    assert (closed.minute, closed.ts_ms, closed.values) == (MINUTE, START_MS + MINUTE_MS, last.values)
    assert (following.minute, following.values[:5]) == (MINUTE + 1, (100_00, 100_00, 100_00, 100_00, 1_000_000))
    assert told[-1].values[:5] == (100_00, 100_00, 99_00, 99_00, 3_000_000)


def test_a_candle_is_the_same_whether_it_was_followed_from_its_beginning_or_joined_later() -> None:
    late = [event for event in happened({FIVE}, 2 * MINUTE_MS, 7 * MINUTE_MS) if isinstance(event, CandleSeen)]
    early = [event for event in happened({FIVE}, -MINUTE_MS, 7 * MINUTE_MS) if isinstance(event, CandleSeen)]
    assert late == early[-len(late) :]
    assert [event.minute - MINUTE for event in early if event.closed] == [-5, 0]


def test_a_candle_that_nobody_listened_to_for_a_while_has_what_was_traded_meanwhile() -> None:
    tape = Tape(SEEDED)
    happened({MINUTES}, 0, 3 * TICK_MS, tape=tape)
    later = happened({MINUTES}, 6 * TICK_MS, 7 * TICK_MS, tape=tape)
    assert later == happened({MINUTES}, 6 * TICK_MS, 7 * TICK_MS, SEEDED)


def test_a_closed_candle_is_the_one_that_reads_tell_also_of_weeks() -> None:
    week = 10_080
    topic = Topic(Stream.KLINES, "BTCUSDT", week)
    venue = Exchange(SeededMarket(7, PAIRS), Rules(), 7, START_MS + week * MINUTE_MS)
    (closed,) = (
        event
        for event in happened({topic}, week * MINUTE_MS - 1, week * MINUTE_MS, venue)
        if isinstance(event, CandleSeen) and event.closed
    )
    rows = Candles(venue.market, START_MS, lambda _pair, minute, _step, values: str([minute, *values]))
    assert rows.rows("BTCUSDT", "1W", START_MS, None, 1, venue.now_ms) == f"[{[MINUTE, *closed.values]}]".encode()


def test_the_changes_of_a_book_turn_one_into_the_next_and_their_versions_have_no_gap() -> None:
    venue, tape = SEEDED, Tape(SEEDED)
    changes = [event for event in happened({BOOK}, 0, 5 * TICK_MS, tape=tape) if isinstance(event, BookChanged)]
    assert [(event.first, event.last) for event in changes] == [(FIRST + at, FIRST + at) for at in range(1, 6)]
    bids, asks = (dict(side) for side in venue.book("BTCUSDT"))
    for change in changes:
        for side, rows in ((bids, change.bids), (asks, change.asks)):
            side.update(dict(rows))
    later = Exchange(venue.market, Rules(), 7, START_MS + 5 * TICK_MS).book("BTCUSDT")
    assert [{price: qty for price, qty in side.items() if qty} for side in (bids, asks)] == [dict(later.bids), dict(later.asks)]


def test_a_quote_is_the_top_of_the_book_and_the_last_price() -> None:
    (quote,) = happened({QUOTES}, 0, TICK_MS, SEEDED)
    venue = Exchange(SEEDED.market, Rules(), 7, START_MS + TICK_MS)
    book = venue.book("BTCUSDT")
    assert quote == QuoteSeen("BTCUSDT", book.bids[0], book.asks[0], venue.last("BTCUSDT"), START_MS + TICK_MS)


def test_events_of_several_markets_come_in_the_order_of_their_times() -> None:
    topics = {Topic(stream, name) for stream in (Stream.TRADES, Stream.TICKER) for name in ("BTCUSDT", "ETHUSDT")}
    times = [event.ts_ms for event in happened(topics, 0, 4 * TICK_MS, SEEDED) if isinstance(event, TradeSeen | QuoteSeen)]
    assert times == [START_MS + tick * TICK_MS for tick in (1, 2, 3, 4) for _ in range(4)]
