"""Sessions on a real venue's profile, played by an embedded exchange on loopback whose clock runs: paper needs no key, money two words."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sandbox.dialects.base import Powers
from sandbox.server import ACCOUNT, start
from tests.conftest import Database
from tests.integration.world import RULES, World
from tests.venues import real_profile
from trader_core.evidence.permit import Level, Permit
from trader_core.model.money import UNIT
from trader_core.model.plan import Limits, Plan
from trader_core.model.session import SessionMode, SessionStatus
from trader_core.model.stage import StageName
from trader_core.settings import Settings
from trader_core.store import database as db_of
from trader_core.store import permits, sessions
from trader_core.trader.opening import Opener
from trader_core.trader.permitted import AGE_MAX_MS, Guard
from trader_core.trader.process import Trader
from trader_core.venues.profiles import PROFILES

SPEED = 30
PLAN = Plan("sma_cross", (("fast", 2), ("slow", 5)), ("BTC/USDT", "ETH/USDT", "SOL/USDT"), "1m", 30 * UNIT, limits=Limits(positions_max=3))
OFF = "LIVE_TRADING_ENABLED is not true"


@asynccontextmanager
async def mexc(database: Database, home: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    config = real_profile.config(f"{SPEED}x", trend_bps=60, rules=RULES)
    sandbox = await start(config)
    monkeypatch.setitem(PROFILES, "mexc", real_profile.bound(sandbox.port, float(SPEED)))
    real_profile.give_key(home, sandbox)
    made = World(sandbox, database, home)
    try:
        yield made
    finally:
        for trader in made.traders:
            trader.stopping.set()
        await asyncio.gather(*made.tasks, return_exceptions=True)
        await sandbox.stop()


def trade(world: World, account: str, switch: str = OFF) -> None:
    """Start a trader of an account whose environment says `switch`."""
    trader = Trader(world.database.engine("trader"), account, world.home)
    trader.run_session = Opener(trader.engine, trader.thread, world.home, timeout_s=2.0, switch=switch)
    world.traders.append(trader)
    world.tasks.append(asyncio.create_task(trader.serve()))


def request(world: World, mode: SessionMode, minutes: int) -> str:
    account = "paper" if mode is SessionMode.PAPER else "mexc"
    new = sessions.NewSession(f"{mode}-real", mode, account, "mexc", StageName.EUR_1, PLAN, (), 0, minutes * 60_000)
    with db_of.begin(world.engine("flow")) as db:
        sessions.create_session(db, new)
    return new.session_id


def permit(world: World, level: Level = Level.LIMITED, *, lasts_ms: int = 3_000_000) -> None:
    now_ms = int(time.time() * 1000)
    new = permits.NewPermit(
        "mexc", PLAN.recipe("mexc"), level, StageName.EUR_1, "bypass", rehearsal=False, expires_ms=now_ms + lasts_ms, actor="test",
        reason="a test of the guard",
    )  # fmt: skip
    with db_of.begin(world.engine("api")) as db:
        permits.issue(db, new)


async def test_paper_on_a_real_venue_needs_no_key_and_sends_nothing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with mexc(database, tmp_path, monkeypatch) as world:
        (tmp_path / "secrets" / "mexc.json").unlink()
        trade(world, "paper")
        row = await world.ended(request(world, SessionMode.PAPER, 4))
        assert (row.status, row.error) == (SessionStatus.FINISHED, "")
        assert row.next_ms == row.until_ms
        assert world.placed() == {}
        assert row.instruments[0].venue == "mexc"


@pytest.mark.parametrize(
    ("switch", "level", "missing"),
    [(OFF, None, (OFF, "paper only")), ("", None, ("paper only",)), (OFF, Level.LIMITED, (OFF,)), ("", Level.DENIED, ("is denied",))],
)
async def test_a_session_for_money_does_not_open_while_one_of_the_two_words_is_missing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, switch: str, level: Level | None, missing: tuple[str, ...]
) -> None:
    async with mexc(database, tmp_path, monkeypatch) as world:
        if level is not None:
            permit(world, level)
        trade(world, "mexc", switch)
        row = await world.ended(request(world, SessionMode.STAGE, 4))
        assert (row.status, row.from_ms, world.placed()) == (SessionStatus.FAILED, 0, {})
        assert "leave to place orders on mexc" in row.error
        assert all(word in row.error for word in missing), row.error


async def test_with_both_words_orders_go_and_no_secret_is_left_anywhere(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async with mexc(database, tmp_path, monkeypatch) as world:
        permit(world)
        trade(world, "mexc", Settings(LIVE_TRADING_ENABLED="true").orders_withheld())  # type: ignore[call-arg]
        row = await world.ended(request(world, SessionMode.STAGE, 8))
        assert (row.status, row.error) == (SessionStatus.FINISHED, "")
        assert world.placed()
        heard, journal = capfd.readouterr(), repr(world.records(row.session_id))
        for hidden in (world.sandbox.api_key, world.sandbox.secret):
            assert hidden not in heard.out + heard.err + journal + repr(row)


@pytest.mark.parametrize(
    ("powers", "says"), [(Powers(withdraws=True), "it can withdraw"), (Powers(markets=("SPOT", "MARGIN")), "it trades MARGIN")]
)
async def test_a_key_that_may_do_more_than_trade_spot_opens_no_session(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, powers: Powers, says: str
) -> None:
    async with mexc(database, tmp_path, monkeypatch) as world:
        permit(world)
        world.sandbox.dialect.powers[ACCOUNT] = powers
        trade(world, "mexc", "")
        row = await world.ended(request(world, SessionMode.STAGE, 4))
        assert (row.status, row.from_ms, world.placed()) == (SessionStatus.FAILED, 0, {})
        assert says in row.error


def test_the_environment_names_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIVE_TRADING_ENABLED", raising=False)
    assert Settings().orders_withheld() == OFF


NOW_MS = 1_767_571_200_000


def guard(switch: str = "", *, expires_ms: int = NOW_MS + 60_000, age_ms: int = 0, rehearsal: bool = False) -> Guard:
    clock: Callable[[], int] = lambda: NOW_MS  # noqa: E731
    held = Permit(Level.LIMITED, StageName.EUR_1, rehearsal=rehearsal, expires_ms=expires_ms, source="gate", permit_id=1)
    return Guard(switch, StageName.EUR_1, clock, [held], NOW_MS - age_ms)


def test_the_guard_lets_a_buy_pass_under_a_permit_read_a_moment_ago() -> None:
    assert guard()("BUY") == ""
    assert guard(age_ms=AGE_MAX_MS)("BUY") == ""


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (guard(OFF), OFF),
        (guard(expires_ms=NOW_MS), "has expired"),
        (guard(age_ms=AGE_MAX_MS + 1), "read 30001 ms ago"),
        (guard(age_ms=-1), "read -1 ms ago"),
        (guard(rehearsal=True), "a rehearsal's"),
    ],
)
def test_the_guard_stops_a_buy_that_lacks_something(found: Guard, why: str) -> None:
    assert why in found("BUY")
    assert why in found("anything but SELL")


def test_what_was_bought_may_be_sold_when_the_permit_has_ended_but_not_against_the_environment() -> None:
    assert guard(expires_ms=NOW_MS)("SELL") == ""
    assert guard(OFF)("SELL") == OFF
