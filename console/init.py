"""`gatehouse init`: a configuration with a comment at every line, read back before it counts."""

import json
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console import options, show
from trader_core import config
from trader_core.model.errors import BadInput

if TYPE_CHECKING:
    from trader_core.engine.strategies.spec import Strategy

DAY_S = 86_400
SANDBOX_START_S = 1_767_571_200
"""2026-01-05 00:00 UTC: the time that the embedded exchange shows when it starts."""
PLAN = "first"


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("init")(init)


def init(
    *,
    venue: Annotated[str, typer.Option(help="sandbox, the embedded exchange, or mexc.")] = "sandbox",
    strategy: Annotated[str, typer.Option(help="Name of a strategy.")] = "sma_cross",
    symbol: Annotated[str, typer.Option(help="Symbols of one quote currency, separated by commas.")] = "BTC/USDT,ETH/USDT",
    timeframe: Annotated[str, typer.Option(help="The bars' length.")] = "1m",
    force: Annotated[bool, typer.Option("--force", help="Replace the file that is there; it is kept beside the new one.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Write a commented gatehouse.toml into the home folder, and say which three commands come next."""
    from trader_core.engine import strategies
    from trader_core.model.bar import timeframe_ms
    from trader_core.venues.profiles import SANDBOX, profile_named

    settings, name, pairs = options.settings(), options.venue(venue), options.symbols(symbol)
    timeframe_ms(timeframe)
    if name != SANDBOX:
        profile_named(name)
    if len({pair.partition("/")[2] for pair in pairs}) > 1:
        raise BadInput("symbols of one quote currency", ", ".join(pairs), "make a plan for each currency")
    body = text_of(name, strategies.find(strategy), pairs, timeframe)
    home = settings.folder()
    kept = write(home, body, force=force)
    commands, read_first = following(name, strategy, pairs, timeframe), "" if name == SANDBOX else profile_named(name).acknowledge
    if as_json:
        show.answer({"file": home / config.FILE, "kept": kept, "plan": PLAN, "read_first": read_first, "next": commands}, as_json=True)
        return
    out = show.out()
    out.print(f"Wrote {home / config.FILE}" + (f"; the former one is {kept}" if kept else "") + ".", soft_wrap=True)
    if read_first:
        out.print(f"Read first: {read_first}", soft_wrap=True)
    out.print("Look at it, change what you like, then:\n")
    for command in commands:
        out.print(f"  {command}", soft_wrap=True)


def write(home: Path, body: str, *, force: bool) -> Path | None:
    """Put the file in its place and read it back; return where the former one is kept, if there was one.

    Raises BadInput for one that is there without `force`. What would not be read back is never put in place.
    """
    path = home / config.FILE
    there = path.exists() or path.is_symlink()
    if there and not force:
        raise BadInput(f"no file at {path}", "one that is there", "edit it, or `gatehouse init --force`, which keeps it beside the new one")
    config.parse(tomllib.loads(body), "what init writes")
    home.mkdir(parents=True, exist_ok=True)
    kept = None
    if there:
        kept = path.with_name(f"{config.FILE}.{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.{time.time_ns() % 1_000_000:06d}")
        path.rename(kept)
    draft = path.with_suffix(".draft")
    draft.write_text(body)
    draft.replace(path)
    config.read(home)
    return kept


def following(venue: str, strategy: str, symbols: tuple[str, ...], timeframe: str) -> list[str]:
    """Return the three commands that come next: check the venue, collect a month, begin on paper."""
    end_s = SANDBOX_START_S if venue == "sandbox" else int(time.time()) // DAY_S * DAY_S
    from_, to = (time.strftime("%Y-%m-%d", time.gmtime(moment)) for moment in (end_s - 30 * DAY_S, end_s))
    what = f"--venue {venue} --symbol {','.join(symbols)} --timeframe {timeframe}"
    first = "gatehouse up" if venue == "sandbox" else f"gatehouse venue check {venue}"
    return [
        first,
        f"gatehouse collect {what} --from {from_} --to {to}",
        f"gatehouse session start {strategy} {what} --mode paper --hours 72",
    ]


def text_of(venue: str, strategy: "Strategy", symbols: tuple[str, ...], timeframe: str) -> str:
    """Return the file's text: every key with its meaning."""
    params = "\n".join(f"{one.name} = {one.default}".ljust(26) + f"# {one.meaning}, {one.low} to {one.high}" for one in strategy.params)
    return TEMPLATE.format(
        venue=venue, plan=PLAN, strategy=strategy.name, symbols=json.dumps(list(symbols)), timeframe=timeframe, params=params,
        road=REHEARSED if venue == "sandbox" else REAL,
    )  # fmt: skip


TEMPLATE = """\
# Gatehouse: what you want. No secret stands here: keys are kept by `gatehouse credentials set`.
# Whatever you leave out keeps its default. A key that Gatehouse does not know is an error, so that a typing mistake is seen.

# One plan: a strategy with its parameters on some instruments of one venue. Add as many tables [plans.NAME] as you like.
[plans.{plan}]
strategy = "{strategy}"
venue = "{venue}"         # sandbox: the embedded exchange, no money; mexc: a real one
symbols = {symbols}       # of one quote currency; they share one account
timeframe = "{timeframe}"           # 1m, 5m, 15m, 30m, 1h, 4h or 1d
capital = "1000"           # of backtest and paper, in the quote currency; stages have their own
positions_max = 0          # positions at a time; 0: one per instrument, at most 5
stop_loss_ppm = 20000      # exit 2 % below the price paid (parts per million); 0: none
take_profit_ppm = 0        # exit this far above it; 0: none
slippage_ppm = 500         # simulated fills are 0.05 % worse than the bar's open
history_days = 30          # days of history that are collected and backtested

[plans.{plan}.params]
{params}

[plans.{plan}.settings]    # other protections, limits and costs by name: docs/backtesting.md lists them
trailing_ppm = 0           # exit this far below the highest high since the entry; 0: none
orders_per_hour = 60       # orders of one UTC hour beyond which nothing more is bought; 0: no bound

# [[plans.{plan}.others]]     # a further strategy for some of the symbols: each instrument belongs to one
# strategy = "momentum"
# params = {{ period = 60 }}
# symbols = ["ETH/USDT"]

{road}
# Alerts. The webhook's address is a secret: `gatehouse credentials set slack`, or GATEHOUSE_SLACK_WEBHOOK.
[slack]
enabled = true             # deliver alerts when a webhook is known
"""

REAL = """\
# How the plan walks the road. Hours count time in the session; lower values than these are a rehearsal, which opens no
# permit on a real venue. A stage ends well when both its hours and its round trips are reached, in vain at hours_max.
[road]
validation_hours = 72      # paper beside dry-run
approval_skipped = false   # only the embedded exchange may skip a person's approval

[road.eur_1]               # working capital EUR 1 per position, loss budget EUR 1
hours_min = 72             # 3 days
episodes_min = 10          # round trips
hours_max = 336            # 14 days
# accepted_capital_eur = 1.25   # a larger capital that you accept where EUR 1 is below the minimum: `gatehouse feasibility`

[road.eur_10]              # EUR 10 per position, loss budget EUR 3
hours_min = 168            # 7 days
episodes_min = 30
hours_max = 720            # 30 days

[road.eur_100]             # EUR 100 per position, loss budget EUR 10 (of EUR 12 over all stages)
hours_min = 720            # 30 days
episodes_min = 100
hours_max = 2160           # 90 days
"""

REHEARSED = """\
# How the plan walks the road. These stages are a rehearsal: short, on the embedded exchange, whose clock is stepped. What is
# earned so opens no permit on a real venue; there the hours are 72, 168 and 720, the round trips 10, 30 and 100.
[road]
validation_hours = 72      # paper beside dry-run
approval_skipped = false   # true: no person is asked; only the embedded exchange may do that

[road.eur_1]               # working capital EUR 1 per position, loss budget EUR 1
hours_min = 6              # of the exchange's own time
episodes_min = 3           # round trips
hours_max = 24
accepted_capital_eur = 1.25   # more than EUR 1, because this exchange trades 1 USDT at least

[road.eur_10]              # EUR 10 per position, loss budget EUR 3
hours_min = 6
episodes_min = 3
hours_max = 24

[road.eur_100]             # EUR 100 per position, loss budget EUR 10
hours_min = 6
episodes_min = 3
hours_max = 24
"""
