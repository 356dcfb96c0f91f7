"""`gatehouse search`: every trial is kept, the same search gives the same trials, here, on a cluster, and after a kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.console.conftest import ONE_MINUTE, START_MS, Cli, wave
from trader_core.store.database import begin

ROOT = Path(__file__).parents[2]
MINUTES = 400
SPAN = (*ONE_MINUTE, "--from", str(START_MS), "--to", str(START_MS + MINUTES * 60_000))
GRID = ("search", "sma_cross", *SPAN, "--space", "fast=2:6:2", "--space", "slow=4:20:4")


@pytest.fixture
def stored(cli: Cli) -> Cli:
    cli.json("import", cli.file("wave.csv", wave(MINUTES)), *ONE_MINUTE)
    return cli


def trials(cli: Cli) -> list[tuple[Any, ...]]:
    engine = cli.database.engine("verify")
    query = "select search_id, number, params::text, return_ppm, drawdown_ppm, trades, fees, equity, digest from trial order by 1, 2"
    with begin(engine) as db:
        found = [tuple(row) for row in db.execute(text(query))]
    engine.dispose()  # who waits for a row asks often
    return found


def forget(cli: Cli) -> None:
    """Delete the trials as only the owner of the tables can, who has to switch their guard off."""
    with begin(cli.database.engine("migrate")) as db:
        for statement in ("alter table trial disable trigger user", "delete from trial", "alter table trial enable trigger user"):
            db.execute(text(statement))


def test_a_grid_tries_every_set_that_goes_together_and_a_trial_is_what_the_backtest_says(stored: Cli) -> None:
    """Three fast and five slow lengths, less (4, 4) and (6, 4): thirteen sets."""
    done = stored.json(*GRID)
    assert (done["trials"], done["resumed"], len(trials(stored))) == (13, 0, 13)
    best = done["best"][0]
    assert [one["return_ppm"] for one in done["best"]] == sorted((one["return_ppm"] for one in done["best"]), reverse=True)
    params = [f"--param={name}={value}" for name, value in (part.split() for part in best["params"].split(", "))]
    alone = stored.json("backtest", "sma_cross", *SPAN, *params)
    assert (alone["equity"], alone["fees"], alone["return_ppm"], alone["drawdown_ppm"]) == (
        best["equity"], best["fees"], best["return_ppm"], best["drawdown_ppm"],
    )  # fmt: skip
    assert alone["trades"] in {best["trades"], best["trades"] - 1}, "the last entry may still be open"


def test_asked_for_again_nothing_is_evaluated_twice(stored: Cli) -> None:
    first, second = stored.json(*GRID), stored.json(*GRID)
    assert (second["resumed"], second["best"], second["search_id"]) == (13, first["best"], first["search_id"])
    assert len(trials(stored)) == 13
    other = stored.json(*GRID, "--capital", "500")
    assert other["search_id"] != first["search_id"]


@pytest.mark.parametrize("method", ["random", "optuna"])
def test_a_seed_decides_what_is_drawn(stored: Cli, method: str) -> None:
    asked = ("search", "sma_cross", *SPAN, "--space", "fast=2:9:1", "--space", "slow=5:40:1", "--method", method, "--evaluations", "20")
    one, again, other = (stored.json(*asked, "--seed", seed) for seed in ("3", "3", "4"))
    assert (one["trials"], again["resumed"]) == (20, 20)
    assert one["best"] == again["best"]
    assert one["search_id"] != other["search_id"]
    drawn = {found: [row[2] for row in trials(stored) if row[0] == found] for found in (one["search_id"], other["search_id"])}
    assert drawn[one["search_id"]] != drawn[other["search_id"]]


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Yield the address of a cluster of two workers."""
    from distributed import LocalCluster  # noqa: PLC0415

    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster:
        yield cluster.scheduler_address


@pytest.mark.parametrize("method", ["grid", "optuna"])
def test_two_workers_of_a_cluster_give_the_trials_that_the_cores_here_give(stored: Cli, scheduler: str, method: str) -> None:
    asked = (*GRID, "--method", method, "--evaluations", "12")
    here = stored.json(*asked)
    found = trials(stored)
    forget(stored)
    away = stored.json(*asked, "--dask", scheduler)
    assert (away["best"], away["resumed"]) == (here["best"], 0)
    assert trials(stored) == found


def test_a_search_that_was_killed_goes_on_where_it_was(stored: Cli) -> None:
    wide = ("--space", "fast=2:30:1", "--space", "slow=31:90:1")
    asked = ("search", "sma_cross", *SPAN, "--method", "optuna", "--evaluations", "60", "--workers", "1", *wide)
    environment = {**os.environ, "GATEHOUSE_HOME": str(stored.home), "GATEHOUSE_DATABASE_URL": stored.database.own_url()}
    process = subprocess.Popen([sys.executable, "-m", "console", *asked], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not trials(stored) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = trials(stored)
    assert 0 < len(before) < 60, "it was killed in the midst of it"
    done = stored.json(*asked)
    assert (done["trials"], done["resumed"]) == (60, len(before))
    assert trials(stored)[: len(before)] == before
    whole = trials(stored)
    forget(stored)
    stored.json(*asked)
    assert trials(stored) == whole, "an uninterrupted search gives the same"


def test_nobody_changes_a_trial(stored: Cli) -> None:
    stored.json(*GRID)
    for statement in ("update trial set return_ppm = 1", "delete from trial", "truncate trial"):
        with pytest.raises(Exception, match="append"), begin(stored.database.engine("migrate")) as db:
            db.execute(text(statement))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--method", "oracle"), "grid, random, optuna"),
        (("--objective", "luck"), "return_over_drawdown"),
        (("--space", "faste=1:2:1"), "a parameter of sma_cross"),
        (("--space", "fast=1:999:1"), "a space of fast inside 1 to 499"),
        (("--space", "fast=5"), "name=low:high:step"),
        (("--space", "slow=2:2:1", "--space", "fast=9:9:1"), "allows"),
        (("--dask", "tcp://127.0.0.1:9"), "a Dask scheduler at"),
        (("--set", "nothing=1"), "a setting of"),
    ],
)
def test_what_cannot_be_searched_is_refused_by_name(stored: Cli, arguments: tuple[str, ...], said: str) -> None:
    refused = stored.run("search", "sma_cross", *SPAN, *arguments)
    assert (refused.exit_code, said in refused.stderr) == (2, True), refused.stderr
    assert trials(stored) == []
