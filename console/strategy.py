"""`gatehouse strategy`: which strategies there are, and what they can be told."""

from importlib import import_module
from typing import Annotated

import typer

from console import show

strategy_app = typer.Typer(no_args_is_help=True, help="Strategies: list them with their parameters.")
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(strategy_app, name="strategy")


@strategy_app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List every strategy with its parameters, their ranges and defaults, and how many closed bars it looks at."""
    strategies = import_module("trader_core.engine.strategies")
    found = []
    for name, one in sorted(strategies.STRATEGIES.items()):
        params = [{"name": p.name, "default": p.default, "low": p.low, "high": p.high, "meaning": p.meaning} for p in one.params]
        found.append({"name": name, "bars": one.lookback({p.name: p.default for p in one.params}), "params": params})
    if as_json:
        show.answer({"strategies": found}, as_json=True)
        return
    lines = [
        [one["name"] if first else "", one["bars"] if first else "", p.get("name", ""), p.get("default", ""), span, p.get("meaning", "")]
        for one in found
        for first, p, span in _rows(one["params"])
    ]
    show.rows("Strategies", ["strategy", "bars", "parameter", "default", "range", "meaning"], lines)


def _rows(params: list[dict[str, object]]) -> list[tuple[bool, dict[str, object], str]]:
    if not params:
        return [(True, {}, "")]
    return [(number == 0, one, f"{one['low']} to {one['high']}") for number, one in enumerate(params)]
