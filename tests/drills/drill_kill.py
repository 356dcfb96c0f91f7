"""kill -9 of a flow, the worker, Prefect's server, a trader and PostgreSQL inside one validation: it ends, with equal journals.

`make drill` runs it; it takes minutes, so the tests do not.
"""

import hashlib
import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from console.demo import SYMBOLS
from deployments import postgres
from tasks import roads, subjects
from tests.drills.home import Home, end, opened, say, until
from trader_core import config
from trader_core.evidence.road import Step, StepStatus
from trader_core.model.errors import GatehouseError
from trader_core.store import journal, sessions
from trader_core.store import roads as road_rows
from trader_core.store.database import begin
from trader_core.trader.records import Kind, decode

ROAD, HOURS = "r-drill", 24
SESSIONS = (f"paper-v-{ROAD}-1", f"dry-v-{ROAD}-1")
ORDERLY = (Kind.BARS, Kind.INTENT, Kind.SENDING, Kind.FILL)
"""What must be equal; boots and commands differ, and times on the machine's clock."""
KILLS = (("flow", 2), ("worker", 5), ("server", 9), ("trader", 13), ("postgres", 17))
WITHIN_S = 480.0


@dataclass(frozen=True)
class Walked:
    """What a validation left behind."""

    status: StepStatus | None
    error: str
    took_s: float
    records: tuple[int, ...]
    boots: tuple[int, ...]
    digests: tuple[str, ...]


def walked(folder: Path, kills: tuple[tuple[str, int], ...]) -> Walked:
    plan = config.PlanConfig(strategy="sma_cross", params={"fast": 20, "slow": 100}, symbols=SYMBOLS, history_days=3, capital="1000")
    brief = config.StageRules(hours_min=1, episodes_min=0, hours_max=2)
    subject = subjects.Subject("drill", plan, config.RoadConfig(validation_hours=HOURS, eur_1=brief, eur_10=brief, eur_100=brief))
    with opened(folder) as home:
        new = road_rows.NewRoad(ROAD, subject.account, "sandbox", subject.recipe, subject.freeze(), rehearsal=True)
        roads.begin_road(home.settings, new)
        began = time.monotonic()
        for name, hour in kills:
            until(lambda hour=hour: hours(home) >= hour, WITHIN_S)  # type: ignore[misc]
            say(f"{time.monotonic() - began:6.1f} s  hour {hours(home):4.1f}  kill -9 {name}")
            end(victims(home, name))
            time.sleep(3)
        until(lambda: step(home)[0] in {StepStatus.DONE, StepStatus.FAILED}, WITHIN_S)
        status, error = step(home)
        return Walked(status, error, time.monotonic() - began, *journals(home))


def in_a_process(folder: Path, kills: tuple[tuple[str, int], ...]) -> Walked:
    """Walk in a process of its own: Prefect's client knows one server per process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(walked, folder, kills).result()


def victims(home: Home, name: str) -> list[int]:
    if name == "postgres":
        found = postgres.status(home.settings)
        return [found.pid] if found.pid else []
    if name == "trader":
        return [home.stack.children["paper"].pid]
    return {"flow": home.engines, "worker": home.workers, "server": home.servers}[name]()


def hours(home: Home) -> float:
    try:
        with begin(home.engine) as db:
            row = sessions.load_session(db, SESSIONS[0])
    except GatehouseError:
        return -1.0
    return (row.next_ms - row.from_ms) / 3_600_000 if row.from_ms else 0.0


def step(home: Home) -> tuple[StepStatus | None, str]:
    try:
        with begin(home.engine) as db:
            found = [row for row in road_rows.steps_of(db, ROAD) if row.step is Step.VALIDATE]
    except GatehouseError:
        return None, ""
    return (found[-1].status, found[-1].error) if found else (None, "")


def journals(home: Home) -> tuple[tuple[int, ...], tuple[int, ...], tuple[str, ...]]:
    records, boots, digests = [], [], []
    with begin(home.engine) as db:
        for name in SESSIONS:
            every = [decode(line.kind, line.body) for line in journal.load(db, name)]
            plain = [
                (str(one.kind), {key: value for key, value in one.body.items() if key not in {"epoch", "at_ms"}})
                for one in every if one.kind in ORDERLY
            ]  # fmt: skip
            records.append(len(plain))
            boots.append(sum(one.kind is Kind.BOOTED for one in every))
            digests.append(hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16])
    return tuple(records), tuple(boots), tuple(digests)


@pytest.mark.slow
def test_a_validation_whose_every_process_is_killed_ends_with_the_journals_of_an_undisturbed_one(tmp_path: Path) -> None:
    calm = in_a_process(tmp_path / "calm", ())
    say(f"undisturbed: {calm}")
    disturbed = in_a_process(tmp_path / "disturbed", KILLS)
    say(f"disturbed:   {disturbed}")
    assert (calm.status, disturbed.status) == (StepStatus.DONE, StepStatus.DONE), (calm.error, disturbed.error)
    assert min(calm.records) > HOURS * 60, "there is something to compare: bars of every minute, and orders"
    assert sum(disturbed.boots) > sum(calm.boots), "the trader was killed"
    assert disturbed.records == calm.records
    assert disturbed.digests == calm.digests
