"""One call on the wire: limited, pinned, gated, sent at most once, and recorded as it happened.

It is handed the ccxt client and knows none of its exceptions: whatever the client raises or returns ends as a Call.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from trader_core.clock import WallClock
from trader_core.model.errors import HostRefused, VenueRefused
from trader_core.venues import outcomes
from trader_core.venues.adapters.known import ADAPTERS
from trader_core.venues.ask import Ask
from trader_core.venues.door import CALL, OrdersAllowed, Transport, check_client, check_request, orders_closed
from trader_core.venues.limiter import Lane, Limiter
from trader_core.venues.outcomes import Call
from trader_core.venues.port import SendRequest
from trader_core.venues.profiles import Profile

MaySend = Callable[[SendRequest], str | None]
"""Asked at the last moment before an order is written: None lets it go, anything else is the reason why not."""

_RATE_STATUS = frozenset({418, 429})
_RETRY_AFTER_DEFAULT_S = 1
_PATIENCE_MS = 30_000


class Wire:
    """The client, bound to one host and one clock."""

    def __init__(
        self,
        exchange: Any,
        profile: Profile,
        now_ms: Callable[[], int],
        limiter: Limiter,
        may_send: MaySend | None,
        secrets: tuple[str, ...],
        orders_allowed: OrdersAllowed = orders_closed,
    ) -> None:
        """Take the client over: its fetch, its nonce and what it sees of answers now pass through here."""
        self.adapter = ADAPTERS[profile.speaks]
        self.profile, self.now_ms, self._limiter, self.may_send, self._secrets = profile, now_ms, limiter, may_send, secrets
        self._orders_allowed = orders_allowed
        self._exchange, self._fetch = exchange, exchange.fetch
        self._transport: Transport | None = None
        exchange.fetch, exchange.on_rest_response = self._guarded, self._seen
        exchange.nonce = lambda: CALL.get().nonce

    def call(self, ask: Ask, request: SendRequest | None = None, signed: dict[str, str] | None = None, timeout_s: float = 0.0) -> Call:
        """Return a call of this venue to which nothing has happened yet."""
        return Call(ask, self.adapter.codes, request, signed, timeout_s)

    async def ask(self, call: Call, lane: Lane) -> Call:
        """Return the call with what happened to it; raises HostRefused alone, with nothing written.

        Signing follows setting the pinned time and window without any await between, so that calls cannot mix them up.
        """
        if call.ask.private and not self._secrets:
            call.refused = "this gateway has no API key"
            return call
        patience_ms = call.request.window_ms // 2 if call.request else _PATIENCE_MS
        if not await self._limiter.take(lane, call.ask.weight, patience_ms):
            call.refused, call.budget = f"the rate budget of lane {lane} is used up", True
            return call
        pinned_ms = call.request.sent_ms if call.request else self.now_ms()
        call.nonce = WallClock().now_ms() * 1_000 if self.adapter.wall_nonce else pinned_ms
        token = CALL.set(call)
        try:
            self._open()
            self._exchange.options["recvWindow"] = call.request.window_ms if call.request else self.profile.window_ms_max
            async with asyncio.timeout(None) as limit:
                call.leaves = partial(_let_run, limit, call.timeout_s) if call.timeout_s else None
                call.payload = await self._exchange.request(
                    call.ask.endpoint, list(call.ask.section), call.ask.method, dict(call.ask.params)
                )
        except HostRefused:
            raise
        except VenueRefused as refusal:
            call.refused = str(refusal)
        except Exception as error:  # noqa: BLE001 - the call wrapper: whatever the client throws becomes an outcome
            call.error = f"{type(error).__name__}: {error}"
        finally:
            CALL.reset(token)
        return call

    def evidence(self, call: Call, note: str = "") -> str:
        """Return what happened, without secrets."""
        return outcomes.evidence_of(call, self._secrets, note)

    def clean(self, text: str) -> str:
        """Return a text without secrets, short enough for evidence."""
        return outcomes.redact(text, self._secrets)[: outcomes.EVIDENCE_MAX]

    @property
    def has_key(self) -> bool:
        """Return whether private calls can be signed."""
        return bool(self._secrets)

    async def close(self) -> None:
        """Leave no socket behind."""
        transport, self._transport, self._exchange.session = self._transport, None, None
        await self._exchange.close()
        if transport is not None:
            await transport.close()

    def _open(self) -> None:
        if self._transport is None:
            self._transport = Transport(self.profile, self._may_go, self._orders_allowed)
            self._exchange.session, self._exchange.own_session = self._transport, False

    async def _guarded(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        call = CALL.get()
        text = body if isinstance(body, str) else "" if body is None else "body=of another kind"
        check_request(self.profile, call, method, url, text, self._orders_allowed)
        check_client(self._exchange)
        reason = self._may_go(call)
        if reason:
            raise VenueRefused("leave to send", reason, "see the reason")
        return await self._fetch(url, method, headers, body)

    def _may_go(self, call: Call) -> str:
        """Return "" when the call may be written now, or why not. Anything but an order may."""
        request = call.request
        if request is None:
            return ""
        call.refused = "the last gate did not answer"
        late_ms = self.now_ms() - request.sent_ms - request.window_ms // 2
        if late_ms > 0:
            reason = f"half of its receive window passed {late_ms} ms ago"
        else:
            reason = (self.may_send(request) or "") if self.may_send else "no last gate is installed"
        call.refused = reason
        return reason

    def _seen(self, code: int, _reason: str, _url: str, _method: str, headers: dict[str, str], body: str, *_request: Any) -> str:
        call = CALL.get()
        call.status, call.body = code, body
        if code in _RATE_STATUS:
            text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
            self._limiter.hold(1_000 * (int(text) if text.isascii() and text.isdigit() and len(text) < 6 else _RETRY_AFTER_DEFAULT_S))  # noqa: PLR2004
        return body.strip()


def _let_run(limit: asyncio.Timeout, timeout_s: float) -> None:
    """Let a call's own time run: what it waited for a connection is not counted, since nobody can have lost it yet."""
    limit.reschedule(asyncio.get_running_loop().time() + timeout_s)
