"""Behind a gate that is false, raises, hangs, is stale or missing, no order that raises risk reaches the exchange."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.quality import ERROR, CheckRequest, check_data
from tests.conftest import Database
from tests.integration.world import SYMBOLS, World, bypass, world
from trader_core.evidence.gates import Gate
from trader_core.evidence.permit import Level
from trader_core.evidence.verdict import Finding, Verdict
from trader_core.model.errors import NotPermitted, StoreError
from trader_core.model.session import SessionMode
from trader_core.model.stage import StageName
from trader_core.settings import Settings
from trader_core.store import database, permits, rounds, sessions
from trader_core.store.gates import save_gate

SLOTS = 40
Shut = Callable[[World, sessions.NewSession, pytest.MonkeyPatch], None]


def revoked(found: World, new: sessions.NewSession, _patch: pytest.MonkeyPatch) -> None:
    """False: the gate said NO_GO, so a permit is refused by the database, and the one that stood is taken."""
    recipe, now_ms = new.plan.recipe(new.venue), int(time.time() * 1000)
    gate = Gate(
        "g-no", "", "validate", "validation", recipe, Verdict.NO_GO, (Finding("hours", "1", "72", holds=False),), {}, now_ms, now_ms + 10**9
    )
    with database.begin(found.engine("flow")) as db:
        save_gate(db, gate)
    earned = permits.NewPermit(new.account, recipe, Level.LIMITED, new.stage, "gate", rehearsal=True, expires_ms=now_ms + 10**8, actor="t",
                               reason="none", gate_id="g-no")  # fmt: skip
    with pytest.raises(NotPermitted), database.begin(found.engine("flow")) as db:
        permits.issue(db, earned)
    with database.begin(found.engine("flow")) as db:
        permits.issue(db, bypass(new))
        permits.demote(db, new.account, recipe, StageName.PAPER, "gate", "it said NO_GO", now_ms)


def unreadable(found: World, new: sessions.NewSession, patch: pytest.MonkeyPatch) -> None:
    """Raises: a permit stands, and reading it fails."""

    def fails(*_: object) -> None:
        raise StoreError("permits", "a broken table", "repair it")

    with database.begin(found.engine("flow")) as db:
        permits.issue(db, bypass(new))
    patch.setattr(rounds, "load_permits", fails)


def hanging(found: World, new: sessions.NewSession, patch: pytest.MonkeyPatch) -> None:
    """Hangs: a permit stands, and the data gate of its instruments never answers."""
    patch.setenv("GATEHOUSE_DATABASE_URL", found.database.own_url())
    patch.setenv("GATEHOUSE_HOME", str(found.home))
    with database.begin(found.engine("flow")) as db:
        permits.issue(db, bypass(new))
    asked = CheckRequest("q-hangs", "stage", "sandbox", SYMBOLS, "1m", 0, 60_000, 60_000)
    said = check_data(Settings(), asked, timeout_s=0.5, command=[sys.executable, "-c", "import time; time.sleep(60)"])
    assert said.status == ERROR


def stale(found: World, new: sessions.NewSession, _patch: pytest.MonkeyPatch) -> None:
    """Stale: the permit has expired."""
    ended = bypass(new)
    with database.begin(found.engine("flow")) as db:
        permits.issue(db, permits.NewPermit(**{name: getattr(ended, name) for name in ended.__slots__} | {"expires_ms": 1}))


def missing(_found: World, _new: sessions.NewSession, _patch: pytest.MonkeyPatch) -> None:
    """Missing: nobody ever judged it."""


def open_gate(found: World, new: sessions.NewSession, _patch: pytest.MonkeyPatch) -> None:
    """The counter-example: with a permit, orders go."""
    with database.begin(found.engine("flow")) as db:
        permits.issue(db, bypass(new))


@pytest.mark.parametrize("shut", [revoked, unreadable, hanging, stale, missing, open_gate], ids=lambda one: str(one.__name__))
async def test_no_risk_is_taken_behind_a_shut_gate(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shut: Shut) -> None:
    async with world(database, tmp_path) as found:
        new = found.new(SessionMode.STAGE, minutes=SLOTS)
        shut(found, new, monkeypatch)
        found.store(new)
        found.trader("sandbox")
        row = await found.ended(new.session_id)
        assert row.status == "finished", row.error
        bought = [order for order in found.sandbox.exchange.all_orders() if order.asked.side > 0]
        assert bool(bought) == (shut is open_gate)
        signals = sum(len(record.body["decisions"]) for record in found.records(new.session_id) if record.kind == "BARS")
        assert signals > 0, "the strategy wanted to trade"
