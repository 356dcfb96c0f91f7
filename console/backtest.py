"""`gatehouse backtest`: a strategy over stored bars, on the engine that trades."""

import time
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console import options, reach, show
from trader_core.model.bar import timeframe_ms
from trader_core.model.money import capital as capital_from

if TYPE_CHECKING:
    from tasks.backtesting import Backtested

POSITIONS_DEFAULT = 5


def backtest(
    strategy: Annotated[str, typer.Argument(help="Name of the strategy, for example sma_cross.")],
    *,
    venue: Annotated[str, typer.Option(help="Venue whose stored bars are used.")],
    symbol: Annotated[str, typer.Option(help="One symbol or several, separated by commas; they share one account.")],
    timeframe: Annotated[str, typer.Option(help="1m, 5m, 15m, 30m, 1h, 4h or 1d.")],
    from_: Annotated[str, typer.Option("--from", help="First bar: 2023-01-31, 2023-01-31T12:00 or epoch ms, UTC.")],
    to: Annotated[str, typer.Option("--to", help="End, exclusive.")],
    param: Annotated[list[str] | None, typer.Option(help="name=whole number; may be repeated.")] = None,
    capital: Annotated[str, typer.Option(help="In the quote currency.")] = "10000",
    positions_max: Annotated[int, typer.Option(help="Slots of the account; 0: one per symbol, at most 5.")] = 0,
    stop_loss_ppm: Annotated[int, typer.Option(help="Exit below entry by this much; 0 is off.")] = 0,
    take_profit_ppm: Annotated[int, typer.Option(help="Exit above entry by this much; 0 is off.")] = 0,
    slippage_ppm: Annotated[int, typer.Option(help="Every fill is this much worse than the open.")] = 500,
    fills: Annotated[str, typer.Option(help="A finer timeframe whose bars fill the orders, for example 1m; empty: the same.")] = "",
    set_: options.Set = None,
    also: options.Also = None,
    data_session: Annotated[str | None, typer.Option(help="Collection session that the bars must still equal.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Run a strategy over stored bars and keep what it did: signals, refusals, orders, fills, figures, and a journal per bar."""
    from trader_core.engine import strategies
    from trader_core.model.plan import Costs, Limits, Plan, adjust

    started = time.monotonic()
    pairs = options.symbols(symbol)
    from_ms, to_ms = options.interval(from_, to, timeframe_ms(timeframe))
    chosen = strategies.find(strategy)
    found = strategies.parse_params(chosen, options.params(param or []))
    plan = Plan(
        strategy=chosen.name, params=tuple(sorted(found.items())), symbols=pairs, timeframe=timeframe, capital=capital_from(capital),
        stop_loss_ppm=stop_loss_ppm, take_profit_ppm=take_profit_ppm,
        limits=Limits(positions_max=positions_max or min(len(pairs), POSITIONS_DEFAULT)), costs=Costs(slippage_ppm=slippage_ppm),
    )  # fmt: skip
    plan = replace(adjust(plan, options.pairs(set_ or [], "--set")), others=options.others(also or []))
    backtesting = import_module("tasks.backtesting")
    asked = backtesting.Asked(plan, options.venue(venue), from_ms, to_ms, data_session, fills)
    settings = options.settings()
    with reach.database(settings) as server, reach.engine(server, "flow") as engine, show.working("Backtesting"):
        done: Backtested = backtesting.run(engine, settings.folder(), asked)
    times = {"engine_seconds": round(done.engine_s, 3), "seconds": round(time.monotonic() - started, 3)}
    values = {
        "session_id": done.session_id, **_summary(done), "disclosures": done.disclosures, **times, "journal": str(done.journal)
    }  # fmt: skip
    show.answer(values if as_json else _readable(values), as_json=as_json)


def _summary(done: "Backtested") -> dict[str, Any]:
    asked, market, result, metrics = done.asked, done.market, done.result, done.metrics
    return {
        "strategy": asked.plan.strategy, "params": dict(asked.plan.params), "venue": asked.venue,
        "symbols": list(asked.plan.symbols), "from": show.moment(asked.from_ms), "to": show.moment(asked.to_ms),
        "bars": market.bars, "slots": len(result.ts), "signals": len(result.decisions), "fills": metrics.fills,
        "trades": metrics.episodes, "equity": show.amount(metrics.equity_last), "return_ppm": metrics.return_ppm,
        "drawdown_ppm": metrics.drawdown_ppm, "win_rate": metrics.win_rate, "profit_factor": metrics.profit_factor,
        "fees": show.amount(metrics.fees), **done.excursions, "digest": done.digest,
    }  # fmt: skip


def _readable(values: dict[str, Any]) -> dict[str, Any]:
    """Return the summary as people read it: ppm as percent, lists and parameters as words."""
    params = ", ".join(f"{name} {value}" for name, value in values["params"].items())
    percent = {name.removesuffix("_ppm"): f"{value / 10_000:.2f} %" for name, value in values.items() if name.endswith("_ppm")}
    ratios = {name: "nothing to divide by" if values[name] is None else f"{values[name]:.3f}" for name in ("win_rate", "profit_factor")}
    disclosed = ", ".join(name if value is True else f"{name}: {value}" for name, value in values["disclosures"].items())
    words = {"params": params, "disclosures": disclosed or "none", "symbols": ", ".join(values["symbols"]), **ratios}
    return {name: words.get(name, value) for name, value in values.items() if not name.endswith("_ppm")} | percent


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(backtest)
