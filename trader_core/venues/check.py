"""The venue check: what can be tested of a venue without money, one answer for each thing. What was not tested says so."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from trader_core.clock import WallClock
from trader_core.model.bar import slot_of, timeframe_ms
from trader_core.model.errors import BadInput, GatehouseError, VenueUnavailable
from trader_core.model.instrument import Instrument, price_text, qty_text, value_of
from trader_core.model.money import to_text
from trader_core.model.session import Side
from trader_core.venues import keys, permissions
from trader_core.venues.gateway import Gateway
from trader_core.venues.link import Link, connect
from trader_core.venues.port import Outcome, Reply, SendRequest
from trader_core.venues.profiles import SANDBOX

SKEW_MAX_MS = 1_000
BARS = 60
NAMES = (
    "reachability", "clock", "filters", "bars", "fees", "key", "permissions", "order test", "client ids",
)  # fmt: skip
"""What is looked at, in this order; each name has exactly one answer."""
PRIVATE = ("permissions", "order test", "client ids")


class Result(StrEnum):
    """What became of one check."""

    OK = "ok"
    FAILED = "FAILED"
    NOT_TESTED = "NOT TESTED"


@dataclass(frozen=True, slots=True)
class Checked:
    """One answer; `todo` is empty when it is well."""

    name: str
    result: Result
    found: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All answers about one venue, when they were given, and by which code (its SHA-256)."""

    venue: str
    at_ms: int
    code: str
    checks: tuple[Checked, ...]

    @property
    def well(self) -> bool:
        """Return whether all that could be tested is ok, and something could."""
        results = {one.result for one in self.checks}
        return Result.FAILED not in results and Result.OK in results


def place(home: Path, venue: str) -> Path:
    """Return the file that holds the last report on a venue."""
    return home / "run" / f"venue-check-{venue}.json"


def store(home: Path, report: Report) -> Path:
    """Keep the report for preflight and go/no-go, in place of the one before."""
    path = place(home, report.venue)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps({**asdict(report), "well": report.well}, indent=1))
    draft.replace(path)
    return path


def load(home: Path, venue: str) -> Report | None:
    """Return the last report on a venue; None when it was never checked, or its file cannot be read: both mean NOT TESTED."""
    try:
        said: dict[str, Any] = json.loads(place(home, venue).read_text())
        checks = tuple(Checked(one["name"], Result(one["result"]), one["found"], one["todo"]) for one in said["checks"])
        return Report(str(said["venue"]), int(said["at_ms"]), str(said["code"]), checks)
    except (OSError, ValueError, KeyError, TypeError):
        return None


async def examine(venue: str, home: Path, symbols: tuple[str, ...], timeframe: str, code: str, timeout_s: float = 5.0) -> Report:
    """Return what can be said of a venue now. It raises for an unknown venue or timeframe alone: a venue that fails is an answer."""
    timeframe_ms(timeframe)
    said = list[Checked]()
    try:
        link = await connect(venue, home, symbols, timeframe, None, private=False, timeout_s=timeout_s)
    except VenueUnavailable as error:
        said.append(Checked("reachability", Result.FAILED, f"expected {error.expected}; found {error.found}", error.todo))
        return _report(venue, code, said, "the venue did not answer")
    try:
        said.append(Checked("reachability", Result.OK, f"{link.profile.base_url} answers"))
        said.append(_clock(link))
        reply = await link.gateway.instruments(list(symbols))
        said.append(_filters(reply, symbols))
        if reply.value is None:
            return _report(venue, code, said, "no instrument was read")
        said.append(await _bars(link, reply.value, timeframe))
        said.append(Checked("fees", Result.OK, "; ".join(f"{one.symbol} {_fees(one)}, as published" for one in reply.value)))
        last = await link.gateway.ticker(symbols[0])
    finally:
        await link.close()
    price = last.value.last if last.value is not None else 0
    said += await _with_key(venue, home, symbols, timeframe, reply.value[0], price, timeout_s)
    return _report(venue, code, said, "no key could be used")


def _report(venue: str, code: str, said: list[Checked], why: str) -> Report:
    known = {one.name: one for one in said}  # a later answer, with a key, is the better one
    rest = "give a key, then check again" if "key" in why else "see above, then check again"
    checks = tuple(known.get(name) or Checked(name, Result.NOT_TESTED, why, rest) for name in NAMES)
    return Report(venue, WallClock().now_ms(), code, checks)


def _clock(link: Link) -> Checked:
    if link.profile.stepped or link.profile.speed != 1.0:
        return Checked("clock", Result.NOT_TESTED, "an embedded exchange's own time", "nothing: it is no clock of the world")
    skew_ms = link.feed.now_ms() - WallClock().now_ms()
    found = f"the venue is {skew_ms} ms ahead of this machine" if skew_ms >= 0 else f"the venue is {-skew_ms} ms behind this machine"
    if abs(skew_ms) > SKEW_MAX_MS:
        return Checked("clock", Result.FAILED, found, f"set the machine's clock by NTP: at most {SKEW_MAX_MS} ms are well")
    return Checked("clock", Result.OK, found)


def _filters(reply: Reply[list[Instrument]], symbols: Sequence[str]) -> Checked:
    if reply.value is None:
        todo = "choose symbols that it offers" if reply.outcome is Outcome.NOT_FOUND else "try again; then tell the developers"
        return Checked("filters", Result.FAILED, f"{reply.outcome} {reply.code} {reply.evidence[:300]}", todo)
    quotes = {one.quote for one in reply.value}
    if len(quotes) > 1:
        return Checked("filters", Result.FAILED, f"settled in {', '.join(sorted(quotes))}", "choose symbols of one quote currency")
    said = [f"{one.symbol} from {to_text(one.notional_min)} {one.quote} and {qty_text(one, one.qty_min)} {one.base}" for one in reply.value]
    return Checked("filters", Result.OK, f"{len(symbols)} of {len(symbols)} read: {'; '.join(said)}")


def _fees(one: Instrument) -> str:
    return f"maker {one.maker_ppm / 10_000:g} %, taker {one.taker_ppm / 10_000:g} %"


async def _bars(link: Link, instruments: Sequence[Instrument], timeframe: str) -> Checked:
    """Read the last hour of bars: the newest closed one has to be there for every symbol."""
    step = timeframe_ms(timeframe)
    end = slot_of(link.feed.now_ms(), step)
    try:
        found = await link.feed.history(end - BARS * step, end)
    except GatehouseError as error:
        return Checked("bars", Result.FAILED, error.found[:300], "try again; the venue's candles cannot be read")
    there = found["close"] > 0
    counts = ", ".join(f"{one.symbol} {int(n)}" for one, n in zip(instruments, there.sum(axis=0), strict=True))
    late = [one.symbol for one, last in zip(instruments, there[-1], strict=True) if not last]
    newest = int(found["ts"][:, 0][np.flatnonzero(there.any(axis=1))[-1]]) + step if there.any() else 0
    age = f"the last closed {(link.feed.now_ms() - newest) / 1_000:.1f} s ago" if newest else "none at all"
    if late:
        todo = f"choose symbols that trade in every {timeframe}, or a longer timeframe: no decision is made across a gap"
        return Checked("bars", Result.FAILED, f"of {BARS} bars {counts}; {age}; the newest is missing for {', '.join(late)}", todo)
    return Checked("bars", Result.OK, f"of {BARS} bars of {timeframe} {counts}; {age}")


async def _with_key(
    venue: str, home: Path, symbols: tuple[str, ...], timeframe: str, first: Instrument, price: int, timeout_s: float
) -> list[Checked]:
    """Return the answers that need a key; none but the key's own when there is none."""
    try:
        source = "its own announcement" if venue == SANDBOX else keys.load(venue, home).source
    except BadInput as error:
        missing = error.found == "no file"
        return [Checked("key", Result.NOT_TESTED if missing else Result.FAILED, f"{error.expected}: {error.found}", error.todo)]
    try:
        link = await connect(venue, home, symbols, timeframe, None, private=True, timeout_s=timeout_s)
    except VenueUnavailable as error:
        return [Checked("key", Result.FAILED, f"the venue fell silent: {error.found}", error.todo)]
    try:
        gateway = link.gateway
        gateway.use([first])
        said = [Checked("key", Result.OK, f"from {source}"), _permissions(await gateway.permissions())]
        if said[-1].result is Result.FAILED and said[-1].found.startswith(Outcome.AUTH):
            return [Checked("key", Result.FAILED, said[-1].found, "correct it with `gatehouse credentials set`")]
        said.append(await _own_fees(gateway, first))
        return [*said, *await _orders(gateway, first, price, link.feed.now_ms)]
    finally:
        await link.close()


def _permissions(reply: Reply[permissions.Permissions]) -> Checked:
    if reply.value is None:
        return Checked("permissions", Result.FAILED, f"{reply.outcome} {reply.code} {reply.evidence[:200]}", "see whether the key is right")
    wrong = permissions.faults(reply.value)
    if wrong:
        return Checked("permissions", Result.FAILED, "; ".join(what for what, _ in wrong), "; ".join(todo for _, todo in wrong))
    return Checked("permissions", Result.OK, f"spot trading, no withdrawal; not visible: {permissions.UNSEEN}")


async def _own_fees(gateway: Gateway, first: Instrument) -> Checked:
    reply = await gateway.fees(first.symbol)
    if reply.value is None:
        return Checked("fees", Result.FAILED, f"{reply.outcome} {reply.code} {reply.evidence[:200]}", "see whether the key may read")
    maker, taker = (f"{ppm / 10_000:g} %" for ppm in reply.value)
    return Checked("fees", Result.OK, f"{first.symbol} maker {maker}, taker {taker}, this account's own")


async def _orders(gateway: Gateway, first: Instrument, price: int, now_ms: Callable[[], int]) -> list[Checked]:
    """Send the smallest legal order to the order test, with a usual and with the longest client id, and look an unknown one up."""
    if price < 1:
        why, todo = f"the price of {first.symbol} could not be read", "try again"
        return [Checked(name, Result.NOT_TESTED, why, todo) for name in ("order test", "client ids")]
    lots = max(-(-first.qty_min // first.lot), -(-first.notional_min // max(value_of(first, price, first.lot, up=False), 1)), 1)
    qty, longest = lots * first.lot, f"gatehouse-check_{'0' * 99}"[: gateway.profile.client_id_len_max]

    async def test(client_id: str) -> Reply[None]:
        window_ms = gateway.profile.window_ms_max
        return await gateway.test_order(SendRequest(client_id, first.symbol, Side.BUY, qty, price, now_ms(), window_ms))

    said, long = await test("gatehouse-check"), await test(longest)
    known = await gateway.order(first.symbol, longest)
    what = f"{qty_text(first, qty)} {first.base} at {price_text(first, price)}"
    if said.outcome is not Outcome.OK:
        return [_tested(said, what), Checked("client ids", Result.NOT_TESTED, "the order test accepted no order", "see above, then again")]
    return [_tested(said, what), _client_ids(long, known, len(longest))]


def _tested(reply: Reply[None], what: str) -> Checked:
    if reply.outcome is Outcome.OK:
        return Checked("order test", Result.OK, f"{what} would be accepted; nothing was placed")
    todo = {
        Outcome.RESTRICTED: "this account or symbol is closed to orders: choose another, or ask the venue",
        Outcome.REJECTED: "read the code in the venue's documents; funds, filters or the price band do not fit",
        Outcome.CLOCK: "set the machine's clock by NTP",
        Outcome.AUTH: "correct the key",
    }.get(reply.outcome, "try again")
    return Checked("order test", Result.FAILED, f"{what}: {reply.outcome} {reply.code} {reply.evidence[:300]}", todo)


def _client_ids(long: Reply[None], known: Reply[Any], length: int) -> Checked:
    if long.outcome is Outcome.OK and known.outcome is Outcome.NOT_FOUND:
        return Checked("client ids", Result.OK, f"{length} characters are taken, and an unknown one is looked up as unknown")
    found = f"order test {long.outcome} {long.code}, look-up of an unknown id {known.outcome} {known.code} {known.evidence[:200]}"
    return Checked("client ids", Result.FAILED, found, "do not trade here: an order whose answer is lost could not be found again")
