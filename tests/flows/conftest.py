"""A home with an embedded exchange, traders as processes and a database of the test's own: all of the road but Prefect."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sandbox import launch
from tasks import reach
from tasks.sessions import require_trader
from tasks.subjects import Subject
from tests.conftest import Database
from tests.integration.test_recovery import share_cache
from trader_core.config import PlanConfig, RoadConfig, StageRules
from trader_core.model.errors import TraderAway
from trader_core.settings import Settings
from trader_core.store.database import Engine
from trader_core.store.roads import NewRoad, create_road

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
EXCHANGE = ("--planted-trend", "90", "--history-days", "2", "--notional-min", "0.1", "--maker-ppm", "500", "--taker-ppm", "1000")


@dataclass
class Walk:
    """What a test holds on to; `kill` ends a trader as a power cut would."""

    home: Path
    database: Database
    engine: Engine
    settings: Settings
    traders: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    number: int = 0

    def start(self, account: str) -> None:
        """Start the trader of an account; one that ends by a RESTART is started again by `keep_up`."""
        environment = {**os.environ, "GATEHOUSE_HOME": str(self.home), "GATEHOUSE_DATABASE_URL": self.database.own_url()}
        with (self.home / f"trader-{account}.log").open("ab") as out:
            command = [sys.executable, "-m", "console", "trader", "--account", account, "--parent", str(os.getpid())]
            self.traders[account] = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def keep_up(self) -> None:
        """Start every trader again that has ended."""
        for account, process in list(self.traders.items()):
            if process.poll() is not None:
                self.start(account)

    def subject(self, strategy: str = "sma_cross", hours: int = 3, stage_hours: float = 1, episodes: int = 0) -> Subject:
        """Return a plan of three instruments with short stages."""
        params = {"fast": 5, "slow": 20} if strategy == "sma_cross" else {}
        plan = PlanConfig(strategy=strategy, params=params, symbols=SYMBOLS, history_days=1)
        brief = StageRules(hours_min=stage_hours, episodes_min=episodes, hours_max=3 * stage_hours)
        return Subject("test", plan, RoadConfig(validation_hours=hours, eur_1=brief, eur_10=brief, eur_100=brief))

    def road(self, subject: Subject) -> Subject:
        """Store a road for a subject and return the subject with its id; nothing is asked of Prefect."""
        self.number += 1
        road_id = f"r-{self.number}"
        new = NewRoad(road_id, subject.account, subject.plan.venue, subject.recipe, subject.freeze(), rehearsal=True)
        with reach.transaction(self.settings) as db:
            create_road(db, new)
        return Subject(subject.name, subject.plan, subject.road, road_id)


@pytest.fixture
def walk(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Walk]:
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", database.own_url())
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    share_cache(tmp_path)
    exchange = launch.launch(*EXCHANGE)
    announce(tmp_path, exchange.announced)
    made = Walk(tmp_path, database, database.engine("flow"), Settings())
    try:
        for account in ("paper", "sandbox"):
            made.start(account)
        until(lambda: all(there(made.engine, account) for account in made.traders), within_s=120)
        yield made
    finally:
        for process in made.traders.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in made.traders.values():
            process.wait(20)
        exchange.stop()


def there(engine: Engine, account: str) -> bool:
    """Tell whether an account's trader has taken it: on a busy machine that takes a while."""
    try:
        require_trader(engine, account)
    except TraderAway:
        return False
    return True


def announce(home: Path, said: dict[str, object]) -> None:
    """Say where the exchange is, as the local stack does."""
    from deployments.stack import announce as write  # noqa: PLC0415 - needs a Settings of this home

    os.environ["GATEHOUSE_HOME"] = str(home)
    write(Settings(), said)


def until(holds: object, within_s: float = 60.0) -> None:
    """Wait until a callable returns something true."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if holds():  # type: ignore[operator]
            return
        time.sleep(0.05)
    raise AssertionError("it never came true")
