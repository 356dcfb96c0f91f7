"""Who listens to what, and what they are told: the hub between the exchange and its websockets. Pure.

Nothing is made that nobody listens to. Events of the market come from a source as the time passes that they happened in,
events of accounts from the exchange at once; `flush` tells both in the order of their times, through the meddler.
"""

import heapq
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Protocol

from sandbox.dialects.session import Close, Frame, Session
from sandbox.events import BalanceChanged, Cause, Event, Faithful, Meddler, OrderChanged, Stream, Topic, time_of, topics_of
from sandbox.ledger import Balance
from sandbox.matching import Exchange
from sandbox.orders import Status

CONNECTION = "stream:connection"
"""Where a meddler may cut any connection, or make it half-open: then nothing that its client says is heard, pings included."""
RESTARTS = 1012
"""The code for a server that restarts."""
MARKETS = frozenset({Stream.TRADES, Stream.KLINES, Stream.BOOK, Stream.TICKER})

Put = Callable[[Frame], bool]
"""Where frames go; returns whether that was one too many, and the connection is being closed."""


class Source(Protocol):
    """Where the events of markets come from."""

    def events(self, topics: frozenset[Topic], from_ms: int, to_ms: int) -> Iterator[Event]:
        """Yield what happened in (from_ms, to_ms] and one of the topics tells, in the order of its times."""


class Member:
    """One connection: its session, and where its frames go."""

    def __init__(self, session: Session, put: Put) -> None:
        """Begin open."""
        self.session, self._put = session, put
        self.closed = False
        self.topics = session.topics

    def put(self, frames: list[Frame]) -> None:
        """Send frames; after a close there are none."""
        for frame in frames:
            if not self.closed:
                self.closed = self._put(frame) or isinstance(frame, Close)


class Hub:
    """All connections of an exchange; `told_ms` is the time until which they know."""

    def __init__(self, exchange: Exchange, source: Source, meddler: Meddler | None = None) -> None:
        """Listen to the exchange; nobody listens to us yet."""
        self._exchange, self._source = exchange, source
        self.meddler: Meddler = meddler or Faithful()
        self.told_ms = exchange.now_ms
        self.members: list[Member] = []
        self._listening: dict[Topic, list[Member]] = {}
        self._private: list[tuple[int, Event]] = []
        self._held: dict[tuple[str, str], Balance] = {}
        self._due: list[tuple[int, int, Member, Topic, Event]] = []
        """What is on its way, by the time at which it arrives."""
        self._sent = 0
        exchange.listeners.append(self._order_changed)

    def join(self, session: Session, put: Put) -> Member:
        """Add a connection, which hears of what happens from now on."""
        if not self.members:
            self._begin()
        member = Member(session, put)
        self.members.append(member)
        self._index()
        member.put(session.settle(self.told_ms))
        return member

    def restart(self) -> None:
        """Begin anew after the exchange's state was replaced: whoever is connected is thrown out, as by a server that restarts."""
        for member in self.members:
            member.put([Close(RESTARTS)])
        self._begin()

    def _begin(self) -> None:
        ledger = self._exchange.ledger
        self.told_ms, self._private, self._due = self._exchange.now_ms, [], []
        self._held = {(account, name): held for account in ledger.accounts() for name, held in ledger.of(account).items()}

    def leave(self, member: Member) -> None:
        """Forget a connection."""
        member.closed = True
        self.members.remove(member)
        self._index()

    def heard(self, member: Member, text: str) -> None:
        """Take what a client said, and answer."""
        member.put(member.session.receive(text, self._exchange.now_ms))
        if member.session.topics != member.topics:
            self._index()

    def answers(self) -> bool:
        """Return whether connections hear what is said to them: false while a meddler keeps them half-open."""
        return not self.meddler.silent(CONNECTION, self._exchange.now_ms)

    def paid_in(self, account: str, currency: str) -> None:
        """Tell of something that was credited to an account."""
        if self.members:
            self._balance_changed(account, currency, Cause.PAID_IN, self._exchange.now_ms)

    def flush(self, until_ms: int) -> None:
        """Tell every connection what happened until `until_ms`."""
        if not self.members:
            self.told_ms, self._private = self._exchange.now_ms, []
            return
        wanted = frozenset(topic for topic in self._listening if topic.stream in MARKETS)
        market = ((time_of(event), event) for event in self._source.events(wanted, self.told_ms, until_ms)) if wanted else iter(())
        for ts_ms, event in heapq.merge(market, self._accounts(until_ms), key=itemgetter(0)):
            self._tell(ts_ms, event)
        self.told_ms = max(self.told_ms, until_ms)
        while self._due and self._due[0][0] <= self.told_ms:
            _, _, member, topic, event = heapq.heappop(self._due)
            if not member.closed:
                member.put(member.session.push(topic, event))
        for member in self.members:
            member.put(member.session.settle(self.told_ms))
            self._cut(member)
        if any(member.session.topics != member.topics for member in self.members):
            self._index()

    def _tell(self, ts_ms: int, event: Event) -> None:
        for topic in topics_of(event):
            for member in self._listening.get(topic, ()):
                if member.closed or self.meddler.silent(topic.stream.site, ts_ms):
                    continue
                for delay_ms, told in self.meddler.deliver(topic.stream.site, event, ts_ms):
                    told_as = topic if told is event else _alike(topic, told)
                    if told_as in member.topics:
                        self._sent += 1
                        heapq.heappush(self._due, (ts_ms + delay_ms, self._sent, member, told_as, told))

    def _cut(self, member: Member) -> None:
        sites = {topic.stream.site for topic in member.topics}
        for site in (CONNECTION, *sorted(sites)):
            code = self.meddler.cut(site, self.told_ms)
            if code is not None:
                member.put([Close(code)])

    def _accounts(self, until_ms: int) -> list[tuple[int, Event]]:
        """Return what happened to accounts until then, in the order of its times, and forget it."""
        due = [told for told in self._private if told[0] <= until_ms]
        self._private = [told for told in self._private if told[0] > until_ms]
        return sorted(due, key=itemgetter(0))

    def _order_changed(self, said: OrderChanged) -> None:
        """Keep what happened to an order, and to the balances that it may have changed, until the next flush."""
        if not self.members:
            return
        order = said.order
        self._private.append((order.updated_ms, said))
        pair = self._exchange.pair(order.asked.symbol)
        cause = Cause.FILLED if said.fill else Cause.PLACED if order.status is Status.NEW else Cause.CLOSED
        for currency in dict.fromkeys((pair.base, pair.quote, said.fill.fee_currency if said.fill else pair.quote)):
            self._balance_changed(order.account, currency, cause, order.updated_ms)

    def _balance_changed(self, account: str, currency: str, cause: Cause, ts_ms: int) -> None:
        key = (account, currency)
        before, after = self._held.get(key, Balance()), self._exchange.ledger.balance(account, currency)
        self._held[key] = after
        if after != before:
            by = after.free - before.free, after.locked - before.locked
            self._private.append((ts_ms, BalanceChanged(account, currency, after.free, after.locked, ts_ms, *by, cause)))

    def _index(self) -> None:
        self._listening = {}
        for member in self.members:
            member.topics = member.session.topics
            for topic in member.topics:
                self._listening.setdefault(topic, []).append(member)


def _alike(topic: Topic, event: Event) -> Topic | None:
    """Return the topic of an event that is of the same stream as another: a meddler may tell of another market or candle."""
    return next((other for other in topics_of(event) if other.stream is topic.stream), None)
