"""`gatehouse feasibility`: what each stage could do on an instrument, from the venue's own filters. No key, no money, no order."""

import asyncio
import re
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from console import options, reach, show
from trader_core import fx
from trader_core.model.bar import TIMEFRAMES_MS, canonical_symbol
from trader_core.model.errors import BadInput, DataFault, OutOfRange, UnknownName, VenueError
from trader_core.model.money import PPM, to_text

if TYPE_CHECKING:
    from trader_core.evidence.feasibility import Feasibility
    from trader_core.model.instrument import Instrument
    from trader_core.settings import Settings

_PERCENT = re.compile(r"([0-9]{1,2})(?:\.([0-9]{1,4}))?%")
ASSUMED_EUR_PPM = 1_080_000


class Filters(NamedTuple):
    """An instrument, a price of it (0: none known), and where both come from."""

    instrument: "Instrument"
    price: int
    source: str


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(feasibility)


def feasibility(
    *,
    venue: Annotated[str, typer.Argument(help="The venue, for example mexc; any name with stored instruments.")],
    symbol: Annotated[str, typer.Argument(help="BASE/QUOTE, for example BTC/USDT.")],
    stop: Annotated[str, typer.Option(help="How far below the entry the stop lies, for example 2%.")],
    price: Annotated[str, typer.Option(help="Price to reckon with; empty: the venue's last, else the last stored one.")] = "",
    eur_rate: Annotated[str, typer.Option(help="What one EUR is worth in the quote currency.")] = "",
    eur_source: Annotated[str, typer.Option(help="Where that rate was read.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Say for each stage whether a round trip with fee and stop is legal, the smallest working capital that is, dust and loss."""
    from trader_core.evidence.feasibility import Ask, feasible
    from trader_core.model.instrument import price_from, price_text
    from trader_core.model.plan import Costs, Limits
    from trader_core.model.stage import STAGES

    settings, name, pair, stop_ppm = options.settings(), options.venue(venue), canonical_symbol(symbol), percent_ppm(stop)
    rate = _rate(settings, name, pair.partition("/")[2], eur_rate, eur_source)
    found = _filters(settings, name, pair)
    try:
        reference = price_from(found.instrument, price) if price else found.price
    except DataFault as error:
        raise OutOfRange(f"--price on the grid of {pair}", repr(price)[:40], error.todo) from error
    if not reference:
        raise BadInput(f"a price of {pair}", "none is stored and the venue gave none", "give one: --price 65000")
    ask = Ask(reference, stop_ppm, Costs().collar_ppm, Costs().exit_collar_ppm, Limits().minimum_ppm)
    eur_ppm = int(rate["eur_ppm"])
    said = [
        (stage, feasible(found.instrument, ask, stage.working_capital * eur_ppm // PPM, stage.loss_budget * eur_ppm // PPM))
        for stage in STAGES.values()
    ]
    lines = [_line(str(stage.name), stage.working_capital * eur_ppm // PPM, eur_ppm, one) for stage, one in said]
    head = {
        "venue": name, "symbol": pair, "price": price_text(found.instrument, reference), "stop": stop, "filters": found.source,
        "least_order": f"{to_text(found.instrument.notional_min)} {found.instrument.quote}",
        "one_eur": f"{to_text(eur_ppm, 6)} {found.instrument.quote} ({rate['source']})",
    }  # fmt: skip
    if as_json:
        show.answer({**head, "stages": lines}, as_json=True)
        return
    show.answer(head, as_json=False)
    columns = ("stage", "W", "verdict", "smallest legal W", "in EUR", "dust per trip", "loss at the stop", "why")
    show.rows("", columns, [list(line.values()) for line in lines])
    show.out().print("\nA gap through the stop loses more. Dust is what the lot leaves behind on each round trip.")


def percent_ppm(text: str) -> int:
    """Return a percentage such as 2% or 0.25% in parts per million; raises BadInput for anything else, 0% and 100% included."""
    match = _PERCENT.fullmatch(text)
    ppm = int(match[1]) * 10_000 + int((match[2] or "").ljust(4, "0")) if match else 0
    if not ppm:
        raise BadInput("a percentage above 0% and below 100%, such as 2% or 0.25%", repr(text)[:40], "write it so, with its sign")
    return ppm


def _line(stage: str, capital: int, eur_ppm: int, one: "Feasibility") -> dict[str, str]:
    """Return one stage's answer as texts; money in the quote currency."""
    smallest_eur = f"{-(-one.smallest * 100 // (eur_ppm * 10_000)) / 100:.2f}" if one.smallest else "-"
    return {
        "stage": stage, "working_capital": to_text(capital), "verdict": str(one.verdict),
        "smallest_legal": to_text(one.smallest) if one.smallest else "-", "smallest_legal_eur": smallest_eur,
        "dust_per_trip": f"{one.trip.dust_ppm / 10_000:.2f} %" if one.trip else "-",
        "loss_at_stop": to_text(one.trip.loss) if one.trip else "-", "why": one.why or "a full round trip is legal",
    }  # fmt: skip


def _rate(settings: "Settings", venue: str, quote: str, rate: str, source: str) -> dict[str, Any]:
    """Return the rate to reckon with; without any it is an assumption, and says so: nothing is traded on it."""
    if quote == "EUR" and (rate or source):
        raise BadInput("no --eur-rate for what is settled in EUR", repr(rate)[:40], "leave it out")
    if quote == "EUR":
        return {"eur_ppm": PPM, "source": "settled in EUR"}
    found = fx.find(settings, venue, rate, source)
    return found or {"eur_ppm": ASSUMED_EUR_PPM, "source": "ASSUMED: give --eur-rate and --eur-source"}


def _filters(settings: "Settings", venue: str, symbol: str) -> Filters:
    """Return the venue's own filters, or the stored ones when there is no such venue to ask or it does not answer."""
    from trader_core.venues.profiles import PROFILES, SANDBOX

    why = "no venue of that name can be asked"
    if venue in {SANDBOX, *PROFILES}:
        try:
            with show.working(f"Asking {venue}"):
                return asyncio.run(_asked(settings, venue, symbol))
        except VenueError as error:
            why = f"{venue} did not answer: {error.found}"[:160]
    try:
        return _stored(settings, venue, symbol, why)
    except UnknownName as error:
        todo = f"`gatehouse collect --venue {venue} ...` stores its filters once the venue answers"
        raise UnknownName(error.expected, f"{symbol}; {why}", todo) from error


async def _asked(settings: "Settings", venue: str, symbol: str) -> Filters:
    from console.data import instruments_of
    from trader_core.venues.link import connect

    link = await connect(venue, settings.folder(), (symbol,), "1m", None, private=False, timeout_s=4.0)
    try:
        instrument = (await instruments_of(link, (symbol,)))[0]
        ticker = await link.gateway.ticker(symbol)
        return Filters(instrument, ticker.value.last if ticker.value is not None else 0, f"{venue}, just now, fees as published")
    finally:
        await link.close()


def _stored(settings: "Settings", venue: str, symbol: str, why: str) -> Filters:
    candles, instruments = (import_module(f"trader_core.store.{name}") for name in ("candles", "instruments"))
    with reach.database(settings) as server, reach.connection(server, "api") as db:
        number, instrument = instruments.find_instrument(db, venue, symbol)
        newest = max(((candles.candle_range(db, number, one)[1], one) for one in TIMEFRAMES_MS), default=(0, ""))
        bars = candles.load_bars(db, number, newest[1] or "1m", newest[0], newest[0] + 1)
    imports = import_module("trader_core.store.imports")
    assumed = (instrument.notional_min, instrument.maker_ppm, instrument.taker_ppm) == (
        imports.NOTIONAL_MIN,
        imports.MAKER_PPM,
        imports.TAKER_PPM,
    )
    source = f"stored ones ({why})" + ("; ASSUMED by the import of a file, not the venue's word" if assumed else "")
    return Filters(instrument, int(bars["close"][0]) if len(bars) else 0, source)
