"""`gatehouse search`: try parameters of a strategy over stored bars; every trial is kept."""

import time
from importlib import import_module
from typing import Annotated, Any

import typer

from console import options, show
from console.backtest import POSITIONS_DEFAULT
from trader_core.model.bar import timeframe_ms
from trader_core.model.errors import BadInput, UnknownName
from trader_core.model.money import capital as capital_from

SHOWN = 10
EVALUATIONS_MAX = 100_000


def search(
    strategy: Annotated[str, typer.Argument(help="Name of the strategy, for example sma_cross.")],
    *,
    venue: Annotated[str, typer.Option(help="Venue whose stored bars are used.")],
    symbol: Annotated[str, typer.Option(help="One symbol or several, separated by commas; they share one account.")],
    timeframe: Annotated[str, typer.Option(help="1m, 5m, 15m, 30m, 1h, 4h or 1d.")],
    from_: Annotated[str, typer.Option("--from", help="First bar, UTC.")],
    to: Annotated[str, typer.Option("--to", help="End, exclusive.")],
    method: Annotated[str, typer.Option(help="grid: every set; random: by lot; optuna: learns from what it has seen.")] = "grid",
    space: Annotated[list[str] | None, typer.Option(help="name=low:high:step; what is left out is the strategy's own.")] = None,
    evaluations: Annotated[int, typer.Option(help="Sets to try; 0: the whole grid, or 100.")] = 0,
    objective: Annotated[str, typer.Option(help="return, or return_over_drawdown.")] = "return",
    seed: Annotated[int, typer.Option(help="Of random and optuna.")] = 7,
    capital: Annotated[str, typer.Option(help="In the quote currency.")] = "10000",
    set_: options.Set = None,
    workers: Annotated[int, typer.Option(help="Threads here; 0: one per core.")] = 0,
    dask: Annotated[str, typer.Option(help="Address of a Dask scheduler, for example tcp://127.0.0.1:8786; empty: here.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Try sets of parameters and show the best; asked for again, a search goes on where it was, and its trials are the same.

    The best of many looks better than it is: judge it on other bars than those that chose it.
    """
    started = time.monotonic()
    searching = import_module("tasks.searching")
    evidence = import_module("trader_core.evidence.search")
    options.between("--evaluations", evaluations, 0, EVALUATIONS_MAX)
    options.between("--workers", workers, 0, 256)
    options.between("--seed", seed, 0, 2**31)
    if method not in searching.METHODS:
        raise UnknownName(f"a --method of {', '.join(searching.METHODS)}", repr(method)[:40], "choose one of them")
    if objective not in evidence.OBJECTIVES:
        raise UnknownName(f"an --objective of {', '.join(evidence.OBJECTIVES)}", repr(objective)[:40], "choose one of them")
    wanted = searching.Wanted(
        _asked(strategy, options.venue(venue), symbol, timeframe, (from_, to), capital, set_ or []), method,
        evidence.spaces(import_module("trader_core.engine.strategies").find(strategy), _spaces(space or [])),
        evaluations or (0 if method == "grid" else 100), seed, objective,
    )  # fmt: skip
    reach = import_module("console.reach")
    with reach.database(options.settings()) as server, reach.engine(server, "flow") as engine, show.working("Searching"):
        done = searching.run(engine, wanted, dask=dask, workers=workers)
    best = sorted(done.trials, key=lambda one: (-one.outcome.score(objective), one.number))[:SHOWN]
    lines = [_line(one) for one in best]
    values = {
        "search_id": done.search_id, "strategy": wanted.asked.plan.strategy, "method": method, "trials": len(done.trials),
        "resumed": done.resumed, "objective": objective, "seconds": round(time.monotonic() - started, 2),
    }  # fmt: skip
    if as_json:
        show.answer(values | {"best": lines}, as_json=True)
        return
    show.answer(values, as_json=False)
    show.rows(f"The best of {len(done.trials)}", list(lines[0]), [list(line.values()) for line in lines])
    show.err().print(f"The best of {len(done.trials)} looks better than it is: judge it on other bars than those that chose it.")


def _asked(strategy: str, venue: str, symbol: str, timeframe: str, span: tuple[str, str], capital: str, settings: list[str]) -> Any:
    """Return the backtest whose parameters are searched, with the strategy's own in their place."""
    from trader_core.engine import strategies
    from trader_core.model.plan import Limits, Plan, adjust

    pairs, found = options.symbols(symbol), strategies.find(strategy)
    from_ms, to_ms = options.interval(*span, timeframe_ms(timeframe))
    params = tuple(sorted(strategies.parse_params(found, {}).items()))
    limits = Limits(positions_max=min(len(pairs), POSITIONS_DEFAULT))
    plan = Plan(found.name, params, pairs, timeframe, capital_from(capital), limits=limits)
    return import_module("tasks.backtesting").Asked(adjust(plan, options.pairs(settings, "--set")), venue, from_ms, to_ms)


def _spaces(given: list[str]) -> dict[str, Any]:
    from trader_core.engine.strategies.spec import Space

    found = {}
    for name, text in options.pairs(given, "--space").items():
        try:
            low, high, step = (int(part) for part in text.split(":"))
        except ValueError as error:
            raise BadInput("--space as name=low:high:step, for example fast=5:50:5", repr(f"{name}={text}")[:60], "correct it") from error
        found[name] = Space(low, high, step)
    return found


def _line(trial: Any) -> dict[str, Any]:
    outcome = trial.outcome
    return {
        "number": trial.number, "params": ", ".join(f"{name} {value}" for name, value in trial.params.items()),
        "return_ppm": outcome.return_ppm, "drawdown_ppm": outcome.drawdown_ppm, "trades": outcome.trades, "fees": show.amount(outcome.fees),
        "equity": show.amount(outcome.equity), "digest": outcome.digest[:16],
    }  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(search)
