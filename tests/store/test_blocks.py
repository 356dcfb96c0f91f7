"""Blocks of instruments: a later check frees one only when it looked again at what was bad."""

import pytest

from tests.conftest import Database
from trader_core.evidence.quality import QualityFinding, Severity
from trader_core.store import quality
from trader_core.store.blocks import standing_blocks
from trader_core.store.database import begin

BTC, ETH = "BTC/USDT", "ETH/USDT"
HOUR_MS = 3_600_000


def found(symbol: str, *, holds: bool) -> QualityFinding:
    """Return a jump in the fifth hour, or its absence."""
    return QualityFinding(
        "jump", Severity.BLOCK, symbol, holds=holds, measured="70 %", allowed="30 %", count=0 if holds else 1,
        first_ms=0 if holds else 5 * HOUR_MS, last_ms=0 if holds else 5 * HOUR_MS, blocks=() if holds else (symbol,),
    )  # fmt: skip


def run(database: Database, name: str, hours: tuple[int, int], status: str, *, holds: bool = True, timeframe: str = "1m") -> dict[str, str]:
    """Store a run on both instruments, of which the first may be bad, and return the blocks that stand then."""
    with begin(database.engine("flow")) as db:
        quality.begin_run(db, name, "test", "", "mexc", (BTC, ETH), timeframe, (hours[0] * HOUR_MS, hours[1] * HOUR_MS), None)
        findings = [] if status == "error" else [found(BTC, holds=holds), found(ETH, holds=True)]
        quality.finish_run(db, name, status, findings, 10 * HOUR_MS, error="it hangs" if status == "error" else "")
        return standing_blocks(db, "mexc")


def test_a_failed_check_blocks_exactly_the_instrument_whose_data_is_bad(database: Database) -> None:
    assert run(database, "q-1", (0, 10), "failed", holds=False) == {BTC: "jump: 70 %, allowed 30 %"}


def test_a_check_that_could_not_say_blocks_all_its_instruments_until_one_looks_at_the_whole_interval(database: Database) -> None:
    assert set(run(database, "q-1", (0, 10), "error")) == {BTC, ETH}
    assert set(run(database, "q-2", (1, 10), "passed")) == {BTC, ETH}
    assert run(database, "q-3", (0, 10), "passed") == {}


@pytest.mark.parametrize(
    ("hours", "timeframe", "freed"), [((6, 10), "1m", False), ((0, 5), "1m", False), ((0, 10), "5m", False), ((5, 6), "1m", True)]
)
def test_a_passed_check_frees_an_instrument_only_when_it_looked_at_its_bad_bar(
    database: Database, hours: tuple[int, int], timeframe: str, freed: bool  # noqa: FBT001 - a parameter of the test
) -> None:  # fmt: skip
    run(database, "q-1", (0, 10), "failed", holds=False)
    assert (run(database, "q-2", hours, "passed", timeframe=timeframe) == {}) is freed
