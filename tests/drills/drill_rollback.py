"""A stage that cannot go on, in each way: it ends flat, one stage lower, told. `make drill` runs it; the tests do not."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from deployments import prefect_client
from tasks import rollback
from tests.drills.home import Home, end, opened, say, until
from trader_core.evidence.permit import Level
from trader_core.model.errors import GatehouseError
from trader_core.model.stage import StageName
from trader_core.store import outbox, permits, sessions, stage_runs
from trader_core.store.database import begin
from trader_core.trader import measure

CONFIG = """
[plans.calm]
strategy = "sma_cross"
params = {fast = 10, slow = 40}
symbols = ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
history_days = 2

[plans.losing]
strategy = "metronome"
symbols = ["BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "DOGE/USDT"]
history_days = 2

[road.eur_10]
hours_min = 100
hours_max = 200
episodes_min = 500
"""
RECIPES = {
    "calm": ("sma_cross", "--symbol", "BTC/USDT,ETH/USDT,SOL/USDT", "--param", "fast=10", "--param", "slow=40"),
    "losing": ("metronome", "--symbol", "BTC/USDT,ETH/USDT,SOL/USDT,XRP/USDT,DOGE/USDT"),
}


@dataclass
class Drilled:
    """A stage under way."""

    home: Home
    flow_run: str

    def row(self) -> stage_runs.StageRunRow | None:
        """Return the stage as it stands, or None before its first word."""
        try:
            with begin(self.home.engine) as db:
                return stage_runs.load(db, f"s-{self.flow_run}")
        except GatehouseError:
            return None

    def hours(self) -> float:
        """Return how many hours of the venue's time it has traded."""
        row = self.row()
        if row is None or row.session_id is None:
            return 0.0
        with begin(self.home.engine) as db:
            found = sessions.load_session(db, row.session_id)
        return (found.next_ms - found.from_ms) / 3_600_000 if found.from_ms else 0.0

    def over(self) -> bool:
        """Tell whether it has ended."""
        row = self.row()
        return row is not None and row.status in stage_runs.ENDED


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with opened(tmp_path_factory.mktemp("drill") / "home", CONFIG) as found:
        yield found


def command(*words: str, **more: str) -> None:
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, check=False, env={**os.environ, **more})
    assert done.returncode == 0, done.stderr


def begun(home: Home, plan: str) -> Drilled:
    """Let a plan's EUR_10 stage begin, with a bypass for a permit."""
    words = ("--venue", "sandbox", "--stage", "EUR_10", "--minutes", "60", "--reason", "a rollback drill")
    command("console", "permit", "bypass", *RECIPES[plan], *words)
    return Drilled(home, prefect_client.trigger(home.settings, "stage/gatehouse", {"stage": 10, "plan": plan}))


def rolled_back(drilled: Drilled, name: str, within_s: float) -> None:
    """Assert that a stage ends as it must, whatever ended it."""
    took_s = until(drilled.over, within_s)
    row = drilled.row()
    assert row is not None
    assert row.session_id is not None, "it traded"
    assert (row.status, row.result.get("flat")) == ("rolled_back", True), row.cause
    recipe, now_ms = rollback.subject_of(row).recipe, int(time.time() * 1000)
    with begin(drilled.home.engine) as db:
        seen = measure.see(db, row.session_id)
        stands = permits.permit_of(db, "sandbox", recipe, now_ms)
        told = [one.alert for one in outbox.newest(db, 20) if row.stage_run_id in one.alert.key]
    assert seen.row.status == "finished"
    assert not seen.state.pending, "no order is open"
    assert [seen.state.position(index) for index, _ in enumerate(seen.state.instruments)] == [0] * len(seen.state.instruments)
    assert (stands.level, stands.stage) == (Level.PAPER_ONLY, StageName.PAPER)
    assert told, "somebody was told"
    state = prefect_client.state_of(drilled.home.settings, drilled.flow_run)
    say(f"{name:50s} rolled back {took_s:5.1f} s later; Prefect says {state}; {row.cause[:100]}")


@pytest.mark.slow
def test_a_stage_that_loses_its_budget_is_rolled_back(home: Home) -> None:
    drilled = begun(home, "losing")
    until(lambda: drilled.hours() > 0 or drilled.over(), 150)
    rolled_back(drilled, "exception (its loss budget), from its first hour", 240)


def terminated(drilled: Drilled) -> None:
    end(drilled.home.engines(), signal.SIGTERM)


def killed(drilled: Drilled) -> None:
    end(drilled.home.engines())


def killed_with_the_worker(drilled: Drilled) -> None:
    end([*drilled.home.workers(), *drilled.home.engines()])


def cancelled(drilled: Drilled) -> None:
    command("prefect", "flow-run", "cancel", drilled.flow_run, PREFECT_API_URL=drilled.home.prefect.api_url)


@pytest.mark.slow
@pytest.mark.parametrize("how", [terminated, cancelled, killed, killed_with_the_worker], ids=lambda one: str(one.__name__))
def test_a_stage_whose_flow_is_ended_from_outside_is_rolled_back(home: Home, how: Callable[[Drilled], None]) -> None:
    drilled = begun(home, "calm")
    until(lambda: drilled.hours() >= 2 or drilled.over(), 150)
    assert not drilled.over(), drilled.row()
    how(drilled)
    rolled_back(drilled, how.__name__, 300)
