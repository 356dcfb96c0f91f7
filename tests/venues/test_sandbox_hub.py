"""The hub: who hears what, when, and what a meddler can do about it."""

from collections.abc import Iterator
from dataclasses import replace

from sandbox.config import START_MS
from sandbox.dialects.session import Close, Frame
from sandbox.events import BalanceChanged, Cause, Event, Faithful, OrderChanged, QuoteSeen, Stream, Topic, TradeSeen, time_of
from sandbox.hub import CONNECTION, Hub, Member
from sandbox.matching import Exchange
from sandbox.orders import BUY, Kind, NewOrder
from tests.venues.sandbox_market_fixed import exchange
from trader_core.model.money import money

TRADES, QUOTES = Topic(Stream.TRADES, "BTCUSDT"), Topic(Stream.TICKER, "BTCUSDT")
ORDERS, FILLS, ACCOUNT = (Topic(stream, "me") for stream in (Stream.ORDERS, Stream.FILLS, Stream.ACCOUNT))


def trade(number: int) -> TradeSeen:
    """One trade a second after the start."""
    return TradeSeen("BTCUSDT", number, START_MS + number * 1_000, 100_00, 1, buys=True)


class Trades:
    """A source with a trade each second, which notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[frozenset[Topic]] = []

    def events(self, topics: frozenset[Topic], from_ms: int, to_ms: int) -> Iterator[Event]:
        self.asked.append(topics)
        yield from (trade(number) for number in range((from_ms - START_MS) // 1_000 + 1, (to_ms - START_MS) // 1_000 + 1))


class Listener:
    """A session that writes down what it is pushed, by its topic, and listens to what it is told to."""

    must_talk = False

    def __init__(self, *topics: Topic) -> None:
        self.topics = frozenset(topics)
        self.heard: list[tuple[Topic, Event]] = []
        self.settled: list[int] = []

    def receive(self, text: str, now_ms: int) -> list[Frame]:
        self.topics |= {TRADES}
        return [f"{text} at {now_ms - START_MS}"]

    def push(self, topic: Topic, event: Event) -> list[Frame]:
        self.heard.append((topic, event))
        return []

    def settle(self, now_ms: int) -> list[Frame]:
        self.settled.append(now_ms - START_MS)
        return []

    def farewell(self, _now_ms: int) -> list[Frame]:
        return []

    @property
    def numbers(self) -> list[int]:
        return [event.number for _, event in self.heard if isinstance(event, TradeSeen)]


class Bench:
    """An exchange, a hub and its connections, on a clock that is moved by hand."""

    def __init__(self, meddler: Faithful | None = None) -> None:
        self.venue, self.source, self.sent = exchange(), Trades(), list[Frame]()
        self.hub = Hub(self.venue, self.source, meddler)

    def join(self, *topics: Topic) -> tuple[Listener, Member]:
        listener = Listener(*topics)
        return listener, self.hub.join(listener, self._put)

    def _put(self, frame: Frame) -> bool:
        self.sent.append(frame)
        return len(self.sent) > 3

    def to(self, seconds: int) -> None:
        self.venue.advance(START_MS + seconds * 1_000)
        self.hub.flush(self.venue.now_ms)


def test_everybody_hears_what_it_listens_to_from_when_it_joined() -> None:
    bench = Bench()
    first, _ = bench.join(TRADES)
    bench.to(2)
    second, _ = bench.join(TRADES)
    deaf, _ = bench.join(QUOTES)
    bench.to(3)
    assert (first.numbers, second.numbers, deaf.numbers) == ([1, 2, 3], [3], [])
    assert first.settled == [0, 2_000, 3_000]


def test_nothing_is_made_that_nobody_listens_to() -> None:
    bench = Bench()
    bench.to(1)
    _, member = bench.join(ORDERS)
    bench.to(2)
    assert bench.source.asked == []
    listener, _ = bench.join(QUOTES)
    bench.to(3)
    assert bench.source.asked == [frozenset({QUOTES})]
    bench.hub.heard(member, "more")
    bench.to(4)
    assert bench.source.asked[-1] == frozenset({QUOTES, TRADES})
    assert (bench.sent, listener.heard) == (["more at 3000"], [])


def test_who_has_left_hears_nothing_more() -> None:
    bench = Bench()
    listener, member = bench.join(TRADES)
    bench.hub.leave(member)
    bench.to(1)
    assert (listener.heard, bench.hub.members, bench.hub.told_ms) == ([], [], START_MS + 1_000)


def test_an_order_is_told_with_the_balances_that_it_changed_in_the_order_of_time() -> None:
    bench = Bench()
    listener, _ = bench.join(TRADES, ORDERS, FILLS, ACCOUNT)
    bench.to(1)
    bench.venue.place("me", NewOrder("BTCUSDT", BUY, Kind.LIMIT, qty=20_000, price=99_00))
    bench.to(2)
    kinds = [(topic.stream, time_of(event) - START_MS) for topic, event in listener.heard]
    assert kinds == [(Stream.TRADES, 1_000), (Stream.ORDERS, 1_000), (Stream.ACCOUNT, 1_000), (Stream.TRADES, 2_000)]
    locked = money("1.98") + money("0.00099")
    held = BalanceChanged("me", "USDT", money("1000") - locked, locked, START_MS + 1_000, -locked, locked, Cause.PLACED)
    assert listener.heard[2][1] == held


def test_a_fill_is_told_as_an_order_a_fill_and_two_balances() -> None:
    bench = Bench()
    listener, _ = bench.join(ORDERS, FILLS, ACCOUNT)
    bench.venue.place("me", NewOrder("BTCUSDT", BUY, Kind.MARKET, qty=20_000))
    bench.to(0)
    streams = [topic.stream for topic, _ in listener.heard]
    assert streams == [Stream.ORDERS, Stream.ACCOUNT, Stream.ORDERS, Stream.FILLS, Stream.ACCOUNT, Stream.ACCOUNT]
    accounts = [event for _, event in listener.heard if isinstance(event, BalanceChanged)]
    assert [(event.currency, event.cause) for event in accounts[1:]] == [("BTC", Cause.FILLED), ("USDT", Cause.FILLED)]
    assert accounts[1].free_by == accounts[1].free == money("0.02")
    assert accounts[2].locked_by == -accounts[0].locked


def test_a_fee_in_a_third_currency_is_told_as_a_balance_too() -> None:
    bench = Bench()
    bench.venue.rules = replace(bench.venue.rules, fee_currency="MX", fee_rates=(("USDT", money("2")),))
    bench.venue.credit("me", "MX", money("5"))
    listener, _ = bench.join(ACCOUNT)
    bench.venue.place("me", NewOrder("BTCUSDT", BUY, Kind.MARKET, qty=20_000))
    bench.to(0)
    told = [event.currency for _, event in listener.heard if isinstance(event, BalanceChanged)]
    assert "MX" in told


def test_who_is_connected_when_the_state_is_replaced_is_thrown_out_and_told_nothing_of_it() -> None:
    bench = Bench()
    listener, member = bench.join(TRADES, ORDERS)
    bench.to(1)
    saved = bench.venue.saved()
    bench.to(4)
    bench.venue.place("me", NewOrder("BTCUSDT", BUY, Kind.LIMIT, qty=20_000, price=99_00))
    bench.venue.become(Exchange.restored(bench.venue.market, None, saved))
    bench.hub.restart()
    assert (bench.sent, bench.hub.told_ms, member.closed) == ([Close(1012)], START_MS + 1_000, True)
    bench.hub.leave(member)
    again, _ = bench.join(TRADES)
    bench.to(2)
    assert (listener.numbers, again.numbers) == ([1, 2, 3, 4], [2])


def test_a_cancel_frees_what_was_locked() -> None:
    bench = Bench()
    listener, _ = bench.join(ACCOUNT)
    order = bench.venue.place("me", NewOrder("BTCUSDT", BUY, Kind.LIMIT, qty=20_000, price=99_00))
    bench.venue.cancel("me", "BTCUSDT", order.id)
    bench.to(0)
    last = listener.heard[-1][1]
    assert isinstance(last, BalanceChanged)
    assert (last.free, last.locked, last.cause) == (money("1000"), 0, Cause.CLOSED)


def test_what_is_paid_in_is_told_and_other_accounts_are_nobody_elses_business() -> None:
    bench = Bench()
    listener, _ = bench.join(ACCOUNT)
    for account in ("me", "you"):
        bench.venue.credit(account, "USDT", 5)
        bench.hub.paid_in(account, "USDT")
    bench.to(0)
    ((_, told),) = listener.heard
    assert isinstance(told, BalanceChanged)
    assert (told.free_by, told.free, told.cause) == (5, money("1000") + 5, Cause.PAID_IN)


class Late(Faithful):
    """Doubles the first trade, the second time 1.5 s late, and loses the second trade."""

    def deliver(self, _site: str, event: Event, _now_ms: int) -> tuple[tuple[int, Event], ...]:
        assert _site == "stream:trades"
        number = event.number if isinstance(event, TradeSeen) else 0
        return {1: ((0, event), (1_500, event)), 2: ()}.get(number, ((0, event),))


def test_a_meddler_delays_doubles_and_loses() -> None:
    bench = Bench(Late())
    listener, _ = bench.join(TRADES)
    bench.to(2)
    assert listener.numbers == [1]
    bench.to(4)
    assert listener.numbers == [1, 1, 3, 4]


class Instead(Faithful):
    """Tells a quote and another market's trade instead of a trade."""

    def deliver(self, _site: str, event: Event, _now_ms: int) -> tuple[tuple[int, Event], ...]:
        quote = QuoteSeen("BTCUSDT", bid=None, ask=None, last=1, ts_ms=START_MS)  # type: ignore[arg-type]
        other = event._replace(name="ETHUSDT") if isinstance(event, TradeSeen) else event
        return ((0, quote), (0, other))


def test_what_a_meddler_tells_instead_goes_where_it_belongs_or_nowhere() -> None:
    bench = Bench(Instead())
    both, _ = bench.join(TRADES, Topic(Stream.TRADES, "ETHUSDT"))
    bench.to(1)
    assert [topic.name for topic, _ in both.heard] == ["ETHUSDT"]


class Silent(Faithful):
    """Stalls trades until the second second is over, and everything that clients say with it."""

    def silent(self, site: str, now_ms: int) -> bool:
        return site in (CONNECTION, "stream:trades") and now_ms <= START_MS + 2_000


def test_a_stalled_stream_says_nothing_of_what_happened_meanwhile() -> None:
    bench = Bench(Silent())
    listener, _ = bench.join(TRADES, ORDERS)
    bench.venue.place("me", NewOrder("BTCUSDT", BUY, Kind.LIMIT, qty=20_000, price=99_00))
    assert not bench.hub.answers()
    bench.to(2)
    bench.to(3)
    assert [type(event) for _, event in listener.heard] == [OrderChanged, TradeSeen]
    assert (listener.numbers, bench.hub.answers()) == ([3], True)


class Cutting(Faithful):
    """Closes who listens to trades, after the second second."""

    def cut(self, site: str, now_ms: int) -> int | None:
        return 1012 if site == "stream:trades" and now_ms >= START_MS + 2_000 else None


def test_a_cut_closes_those_who_listen_to_the_stream_once_and_nothing_follows() -> None:
    bench = Bench(Cutting())
    listener, member = bench.join(TRADES)
    other, _ = bench.join(ORDERS)
    for second in (1, 2, 3):
        bench.to(second)
    assert (bench.sent, member.closed, listener.numbers) == ([Close(1012)], True, [1, 2])
    assert other.settled == [0, 1_000, 2_000, 3_000]


class Talkative(Listener):
    """Answers every event by two frames."""

    def push(self, topic: Topic, event: Event) -> list[Frame]:
        return [f"{topic.stream} {time_of(event) - START_MS}"] * 2


def test_a_connection_that_cannot_take_another_frame_gets_no_more() -> None:
    bench = Bench()
    member = bench.hub.join(Talkative(TRADES), bench._put)
    bench.to(5)
    assert (len(bench.sent), member.closed) == (4, True)
