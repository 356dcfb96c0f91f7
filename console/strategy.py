"""`gatehouse strategy`: which there are, what they can be told, a new one of your own, and whether one looks into the future."""

import re
from importlib import import_module
from typing import Annotated

import typer

from console import options, show
from trader_core.model.errors import BadInput, UnknownName

strategy_app = typer.Typer(no_args_is_help=True, help="Strategies: list them with their parameters, write one, check one for a look ahead.")
ENDS = {"NO_GO": 2, "NOT_ENOUGH_EVIDENCE": 3}
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(strategy_app, name="strategy")


@strategy_app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List every strategy with its parameters, their ranges and defaults, and how many closed bars it looks at."""
    strategies = import_module("trader_core.engine.strategies")
    found = []
    mine = {name: strategies.find(name) for name in import_module("trader_core.engine.strategies.own").names()}
    for name, one in sorted({**mine, **strategies.STRATEGIES}.items()):
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


@strategy_app.command("new")
def new(
    *,
    name: Annotated[str, typer.Argument(help="Its name: letters, digits and _, as in my_cross.")],
    kind: Annotated[str, typer.Option(help="window: sees the last bars only; frame: pandas or TA-Lib on a frame.")] = "window",
    as_json: AsJson = False,
) -> None:
    """Write a strategy of your own into the folder where `backtest`, `check` and sessions find it by its name."""
    templates = import_module("console.strategy_templates")
    strategies, own = import_module("trader_core.engine.strategies"), import_module("trader_core.engine.strategies.own")
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,39}", name) or name in strategies.STRATEGIES:
        raise BadInput("a name of small letters, digits and _ that is not built in", repr(name)[:60], "for example my_cross")
    if kind not in templates.KINDS:
        raise UnknownName(f"a --kind of {', '.join(templates.KINDS)}", repr(kind)[:60], "choose one of them")
    path = own.folder() / f"{name}.py"
    if path.exists():
        raise BadInput(f"no file at {path}", "one that is there", "choose another name; what you wrote is never replaced")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(templates.KINDS[kind].replace("NAME", name))
    show.answer({"file": path, "next": f"edit it, then `gatehouse strategy check {name}`"}, as_json=as_json)


@strategy_app.command("check")
def check(
    *,
    name: Annotated[str, typer.Argument(help="The strategy's name.")],
    param: Annotated[list[str] | None, typer.Option(help="A parameter as name=value; may be repeated.")] = None,
    bars: Annotated[int, typer.Option(help="Bars of the market that it is shown on, 100 to 100000.")] = 3_000,
    cuts: Annotated[int, typer.Option(help="Places at which the future is cut off and replaced, 10 to 1000.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the market and of the places.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Show on a seeded market that a strategy's targets do not depend on later bars, nor on more bars than it says.

    Ends with 0 for GO, 2 for NO_GO, 3 for NOT_ENOUGH_EVIDENCE.
    """
    options.between("--bars", bars, 100, 100_000)
    options.between("--cuts", cuts, 10, 1_000)
    options.between("--seed", seed, 0, 2**32 - 1)
    strategies, causality = import_module("trader_core.engine.strategies"), import_module("trader_core.evidence.causality")
    params = strategies.parse_params(strategies.find(name), options.params(param or []))
    with show.working("Checking"):
        judged = causality.judge_strategy(name, params, bars, cuts, seed)
    values = {"strategy": name, "params": params, "bars": bars, "cuts": cuts, "seed": seed, "verdict": str(judged.verdict)}
    findings = [{"finding": one.name, "measured": one.measured, "holds": one.holds, "todo": one.todo} for one in judged.findings]
    if as_json:
        show.answer(values | {"findings": findings}, as_json=True)
    else:
        show.answer(values, as_json=False)
        show.rows("", ["finding", "measured", "holds", "what to do"], [list(one.values()) for one in findings])
    if judged.verdict != "GO":
        raise typer.Exit(ENDS[str(judged.verdict)])


def _rows(params: list[dict[str, object]]) -> list[tuple[bool, dict[str, object], str]]:
    if not params:
        return [(True, {}, "")]
    return [(number == 0, one, f"{one['low']} to {one['high']}") for number, one in enumerate(params)]
