"""A night under a real worker: every plan that can be is fetched, checked and backtested; others are named. `make drill` runs this."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from deployments import prefect_client
from tests.drills.home import opened, say, until
from trader_core.store import outbox
from trader_core.store.database import begin

CONFIG = """
[plans.good]
strategy = "sma_cross"
params = {fast = 10, slow = 40}
symbols = ["BTC/USDT", "ETH/USDT"]
history_days = 2

[plans.another]
strategy = "metronome"
symbols = ["BTC/USDT"]
history_days = 1

[plans.bad]
strategy = "sma_cross"
params = {fast = 10, slow = 40}
symbols = ["NOPE/USDT"]
history_days = 1
"""


def nights(folder: Path) -> tuple[list[str], list[tuple[str, int]], list[str]]:
    """Return how a run of the good plans and one of all ended, how many nights each plan has, and what was told."""
    with opened(folder, CONFIG) as home:
        ended = []
        for asked in ({"plans": ["good", "another"]}, {}):
            run = prefect_client.trigger(home.settings, "backtest/gatehouse", asked)
            until(lambda run=run: prefect_client.state_of(home.settings, run) in prefect_client.ENDED, 240)  # type: ignore[misc]
            ended.append(prefect_client.state_of(home.settings, run))
            say(f"the night's run ended as {ended[-1]}")
        with begin(home.engine) as db:
            query = "select plan_name, count(*) from nightly_backtest group by plan_name order by plan_name"
            counted = [(str(row[0]), int(row[1])) for row in db.execute(text(query))]
            told = [f"{row.alert.title}: {row.alert.body}" for row in outbox.newest(db, 50)]
    return ended, counted, told


@pytest.mark.slow
def test_a_plan_that_cannot_be_fetched_stops_no_other_and_is_told(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        ended, counted, told = pool.submit(nights, tmp_path / "home").result()
    assert ended == ["COMPLETED", "FAILED"], "a night that left a plan out is no good night"
    assert [name for name, _ in counted] == ["another", "good"]
    say("\n".join(told))
    assert any("NOPE/USDT" in one for one in told)
    assert not any("another result" in one for one in told), "equal data gave equal results"
