"""The account's past trades, complete: page after page, whichever way the venue cuts them."""

from collections.abc import Awaitable, Callable
from typing import Any

from trader_core.model.instrument import Instrument
from trader_core.venues.adapters.base import Adapter, Page, Row
from trader_core.venues.limiter import Lane
from trader_core.venues.port import Outcome, Reply
from trader_core.venues.wire import Wire

AHEAD_MS = 1_000

Read = Callable[[Any, Callable[[Any], Page], Lane], Awaitable[Reply[Page]]]


async def rows(wire: Wire, adapter: Adapter, read: Read, instrument: Instrument, since_ms: int) -> Reply[list[Row]]:
    """Return every row of trades since a time; a row may come twice. RETRYABLE_READ when one page failed, or a moment has too many.

    A venue that counts its trades is asked by offset. Of any other it is not documented which end of a full page it cuts off,
    so a full page is halved in time until none is full.
    """
    end_ms = max(wire.now_ms(), since_ms) + AHEAD_MS
    spans, found = _spans(since_ms, end_ms, adapter.span_max_ms), list[Row]()
    while spans:
        begin, end = spans.pop()
        offset, more, seen = 0, True, set[str]()
        while more:
            page = await read(adapter.trades_ask(instrument, begin, end, offset), lambda raw: adapter.trades(raw, instrument), Lane.URGENT)
            if page.value is None:
                return Reply(page.outcome, code=page.code, evidence=page.evidence)
            count = len(page.value.rows)
            if page.value.total is None and count >= adapter.page_rows:
                if begin == end:
                    return Reply(Outcome.RETRYABLE_READ, code="full_page", evidence=f"{count} trades at {begin} ms and perhaps more")
                spans += [(begin, (begin + end) // 2), ((begin + end) // 2 + 1, end)]
                break
            found += page.value.rows
            offset += count
            names = {str(row.get("id")) for row in page.value.rows}
            if names and names <= seen:
                return Reply(Outcome.RETRYABLE_READ, code="same_page", evidence=f"the trades from {offset - count} on came before")
            seen |= names
            more = page.value.total is not None and count > 0 and offset < page.value.total
            if page.value.total is not None and count == 0 and offset < page.value.total:
                return Reply(Outcome.RETRYABLE_READ, code="short_page", evidence=f"{offset} of {page.value.total} trades, then none")
    return Reply(Outcome.OK, found)


def _spans(begin_ms: int, end_ms: int, longest_ms: int) -> list[tuple[int, int]]:
    """Return [begin, end] cut into spans that are short enough."""
    if not longest_ms:
        return [(begin_ms, end_ms)]
    return [(at, min(at + longest_ms - 1, end_ms)) for at in range(begin_ms, end_ms + 1, longest_ms)]
