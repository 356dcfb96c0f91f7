"""Binance's websocket API, as far as it opens the stream of an account: `/ws-api/v3`. Pure."""

import json
from collections.abc import Callable
from typing import Any

from sandbox.dialects.base import Params
from sandbox.dialects.binance_events import account_event, order_event, paid_in_event
from sandbox.dialects.binance_signed import SignedCalls
from sandbox.dialects.binance_stream import Pulse
from sandbox.dialects.session import Frame, parsed
from sandbox.events import BalanceChanged, Cause, Event, OrderChanged, Stream, Topic
from sandbox.faults import Answer
from sandbox.matching import Exchange
from sandbox.orders import Refused

Refuse = Callable[[Refused], Answer]
AccountOf = Callable[[Params], str]
"""The account whose key signed the parameters; raises Refused."""
Validity = Callable[[str], int | None]
"""What stays the same as long as the streams opened with a key go on; None where they cannot."""


class AccountSession:
    """One connection to the websocket API: at most one account's stream, opened by a signature."""

    must_talk = False

    def __init__(
        self, exchange: Exchange, calls: SignedCalls, account_of: AccountOf, validity: Validity, refuse: Refuse, now_ms: int
    ) -> None:
        """Begin without an account."""
        self._exchange, self._calls, self._account_of, self._validity, self._refuse = exchange, calls, account_of, validity, refuse
        self._pulse = Pulse(now_ms)
        self._account = self._key = ""
        self._number = -1
        self._opened: int | None = None
        self._held: list[BalanceChanged] = []

    @property
    def topics(self) -> frozenset[Topic]:
        """Return what the client listens to: its account's orders, fills among them, and balances."""
        return frozenset(Topic(stream, self._account) for stream in (Stream.ORDERS, Stream.ACCOUNT)) if self._account else frozenset()

    def receive(self, text: str, now_ms: int) -> list[Frame]:
        """Return the answer to a request."""
        try:
            asked = parsed(text)
        except ValueError:
            return [_refused(None, 400, -1135, "Invalid JSON in request.")]
        if not isinstance(asked, dict):
            return [_refused(None, 400, -1135, "Invalid JSON request; expected an object.")]
        number, params = asked.get("id"), asked.get("params", {})
        if not isinstance(params, dict):
            return [_refused(number, 400, -1135, "Invalid 'params' in JSON request; expected an object.")]
        return [self._answer(number, asked.get("method"), {str(name): _text(value) for name, value in params.items()}, now_ms)]

    def _answer(self, number: Any, method: Any, params: Params, now_ms: int) -> str:
        if method == "ping":
            return _done(number, {})
        if method == "time":
            return _done(number, {"serverTime": now_ms + self._exchange.rules.skew_ms})
        if method == "userDataStream.subscribe.signature":
            return self._subscribed(number, params)
        if method == "userDataStream.unsubscribe":
            self._account = ""
            return _done(number, {})
        if method == "session.subscriptions":
            return _done(number, [{"subscriptionId": self._number}] if self._account else [])
        return _refused(number, 400, -1020, "This operation is not supported.")

    def _subscribed(self, number: Any, params: Params) -> str:
        try:
            account = self._account_of(params)
        except Refused as refused:
            answer = self._refuse(refused)
            error = json.loads(answer.body)
            return _refused(number, answer.status, error["code"], error["msg"])
        if self._account:
            return _refused(number, 400, -2035, "User Data Stream subscription already active.")
        self._account, self._key, self._number = account, params["apiKey"], self._number + 1
        self._opened = self._validity(self._key)
        return _done(number, {"subscriptionId": self._number})

    def push(self, _topic: Topic, event: Event) -> list[Frame]:
        """Return a report of an order at once; balances that changed together wait for each other."""
        if isinstance(event, BalanceChanged):
            if event.cause is not Cause.PAID_IN:
                self._held.append(event)
                return []
            return [*self._balances(), self._framed(paid_in_event(event)), self._framed(account_event([event]))]
        assert isinstance(event, OrderChanged), "markets have a connection of their own"
        pair = self._exchange.market.pairs[event.order.asked.symbol]
        return [*self._balances(), self._framed(order_event(self._calls, pair, event))]

    def _balances(self) -> list[Frame]:
        held, self._held = self._held, []
        return [self._framed(account_event(held))] if held else []

    def settle(self, now_ms: int) -> list[Frame]:
        """Return the balances that waited, the end of the stream once its key is gone, and what the pulse has due."""
        frames = self._balances()
        if self._account and (self._opened is None or self._validity(self._key) != self._opened):
            frames.append(self._framed({"e": "eventStreamTerminated", "E": now_ms}))
            self._account = ""
        return [*frames, *self._pulse.beat(now_ms)]

    def farewell(self, now_ms: int) -> list[Frame]:
        """Return that the server is about to shut down."""
        return [self._framed({"e": "serverShutdown", "E": now_ms})]

    def _framed(self, said: Any) -> Frame:
        return json.dumps({"subscriptionId": self._number, "event": said}, separators=(",", ":"))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _done(number: Any, result: Any) -> str:
    return json.dumps({"id": number, "status": 200, "result": result, "rateLimits": []}, separators=(",", ":"))


def _refused(number: Any, status: int, code: int, words: str) -> str:
    error = {"code": code, "msg": words}
    return json.dumps({"id": number, "status": status, "error": error, "rateLimits": []}, separators=(",", ":"))
