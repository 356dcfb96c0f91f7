"""`gatehouse simulate`: the simulator's runs, by seed or from a plan, and what they came to."""

import os
import time
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from console import options, show
from trader_core.model.errors import BadInput

FOLDER = "simulations"
SEEDS_MAX = 10_000_000
DEPTH_MAX = 12


def simulate(
    *,
    seeds: Annotated[int, typer.Option(help="How many seeds to run.")] = 200,
    start: Annotated[int, typer.Option(help="The first seed.")] = 1,
    bug: Annotated[str, typer.Option(help="Plant a bug by its name, for example M4: a violation is what should come.")] = "",
    plan: Annotated[str, typer.Option(help="Run the plan of a JSON file in place of seeds.")] = "",
    crashes: Annotated[bool, typer.Option("--crashes", help="Let each seed's short run die at every position, and some twice.")] = False,
    small: Annotated[int, typer.Option(help="Try every order of so many events of one purchase, from four beginnings.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    jobs: Annotated[int, typer.Option(help="Processes; 0: one per core.")] = 1,
) -> None:
    """Run the trader against lost messages, crashes and operators in virtual time, and check every invariant after every step.

    Exit code 1 when one was violated: the plan is then shrunk to what matters and written to a file, and its story told; and after
    a long campaign when a kind of fault never struck or a check never ran.
    """
    options.between("--seeds", seeds, 1, SEEDS_MAX)
    options.between("--start", start, 0, 2**62)
    options.between("--jobs", jobs, 0, 256)
    options.between("--small", small, 0, DEPTH_MAX)
    if (crashes or small) and (plan or bug or (crashes and small)):
        found = "--plan" if plan else "--bug" if bug else "both"
        raise BadInput("one of --crashes and --small, without --plan and --bug", found, "leave one of them out")
    wanted, cores = range(start, start + seeds), jobs or os.cpu_count() or 1
    if plan:
        failed = _one(plan, bug, as_json=as_json)
    elif small:
        failed = _small(small, as_json=as_json)
    elif crashes:
        failed = _positions(wanted, cores, as_json=as_json)
    else:
        failed = _campaign(wanted, cores, bug, as_json=as_json)
    if failed:
        raise typer.Exit(1)


def _campaign(wanted: range, cores: int, bug: str, *, as_json: bool) -> bool:
    campaign, began = import_module("simulation.campaign"), time.monotonic()
    campaign.bug_named(bug)
    with show.working(f"Running {len(wanted)} seeds"):
        total = campaign.many(wanted, cores, bug)
    values = total.values(time.monotonic() - began)
    idle = total.idle() if len(wanted) >= campaign.LONG_SEEDS and not bug else []
    draw = import_module("simulation.draw").draw
    told = [campaign.explain(draw(seed), _folder(), bug) for seed, _ in sorted(total.violations)[: campaign.SHOWN_MAX]]
    found = [{"seed": seed, "violation": text} for seed, text in sorted(total.violations)]
    values |= {"violated": found, "never_struck_or_asked": idle, "plans": [str(path) for path, _ in told]}
    _say(values, [line for _, lines in told for line in lines], as_json=as_json)
    return bool(found or idle)


def _one(name: str, bug: str, *, as_json: bool) -> bool:
    """Run one plan, and tell its story."""
    campaign = import_module("simulation.campaign")
    path = Path(name)
    if not path.is_file():
        raise BadInput("a file of a plan", name[:80], "give the file that a failing seed has left")
    wanted = import_module("simulation.plans").parse(path.read_text(encoding="utf-8"))
    with campaign.bug_named(bug):
        outcome = import_module("simulation.world").run(wanted)
        told = import_module("simulation.story").story(wanted)
    values = {
        "seed": wanted.seed, "steps": outcome.steps, "orders": outcome.orders, "digest": outcome.digest,
        "faults_by_kind": dict(outcome.faults), "violation": str(outcome.violation or ""),
    }  # fmt: skip
    _say(values, told, as_json=as_json)
    return outcome.violation is not None


def _positions(wanted: range, cores: int, *, as_json: bool) -> bool:
    crashes, began = import_module("simulation.crashes"), time.monotonic()
    with show.working(f"Letting {len(wanted)} runs die everywhere"):
        found = crashes.many(wanted, cores)
    values = {
        "runs": found.runs, "positions": found.positions, "runs_with_double_crashes": found.double_runs, "double_crashes": found.doubles,
        "steps": found.steps, "violations": len(found.violations), "seconds": round(time.monotonic() - began, 1),
        "violated": [{"seed": seed, "positions": list(points), "violation": text} for seed, points, text in found.violations],
    }  # fmt: skip
    _say(values, [], as_json=as_json)
    return bool(found.violations)


def _small(depth: int, *, as_json: bool) -> bool:
    exhaustive, began = import_module("simulation.exhaustive"), time.monotonic()
    with show.working(f"Trying every order of {depth} events"):
        found, broken = exhaustive.everything(depth)
    values = {
        "depth": depth, "nodes": found.nodes, "steps": found.steps, "ways_to_the_same_node": found.repeats,
        "actions": sum(found.actions.values()), "violations": len(broken), "seconds": round(time.monotonic() - began, 1),
        "orders_by_state": dict(found.orders), "violated": [{"violation": text} for text in broken],
    }  # fmt: skip
    _say(values, [], as_json=as_json)
    return bool(broken)


def _folder() -> Path:
    return Path(options.settings().home) / FOLDER


def _say(values: dict[str, Any], told: list[str], *, as_json: bool) -> None:
    """Write the sums: the nested ones as lines of their own for people."""
    if as_json:
        show.answer(values | {"story": told}, as_json=True)
        return
    show.answer({name: value for name, value in values.items() if not isinstance(value, dict | list)}, as_json=False)
    for name in ("faults_by_kind", "checks_by_invariant"):
        if values.get(name):
            show.rows(name.replace("_", " "), ["", "times"], [[key, str(count)] for key, count in values[name].items()])
    for one in values.get("violated", []):
        show.err().print(" ".join(f"{name} {value}" for name, value in one.items()))
    for name in values.get("never_struck_or_asked", []):
        show.err().print(f"never struck or never asked: {name}")
    for line in told:
        show.err().print(line, markup=False, highlight=False)
    for path in values.get("plans", []):
        show.err().print(f"the plan lies in {path}; `gatehouse simulate --plan {path}` runs it")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(simulate)
