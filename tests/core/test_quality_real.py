"""The rules on real candles with known defects: what the market did warns, what no market makes blocks (docs/data-quality.md)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from trader_core.evidence.quality import QualityFinding, blocked, check, judge
from trader_core.evidence.verdict import Verdict
from trader_core.model.bar import BAR, Bars, timeframe_ms

REAL = Path(__file__).parents[3] / "shared/data/candles"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real candles are not beside this project (../shared/data)")
UNITS = 10**8


def real(file: str) -> Bars:
    table = pyarrow.parquet.read_table(REAL / f"{file}.parquet")
    found = np.zeros(table.num_rows, BAR)
    for name in BAR.names or ():
        values = table[name].to_numpy()
        found[name] = values if name == "ts" else np.rint(values * UNITS)
    return found


def checked(file: str, first_ms: int = 0, last_ms: int = 2**62) -> dict[str, QualityFinding]:
    """Return the findings on a file's bars, or on a part of them: the whole interval is expected, and now is its end."""
    found, step_ms = real(file), timeframe_ms("5m" if "-5m" in file else file.rsplit("-", 1)[1])
    start, end = max(first_ms, int(found["ts"][0])), min(last_ms, int(found["ts"][-1]) + step_ms)
    found = found[(found["ts"] >= start) & (found["ts"] < end)]
    return {one.rule: one for one in check(file, found, (start, end), step_ms, end)}


def broken(findings: dict[str, QualityFinding]) -> list[str]:
    return sorted(blocked([one])[one.symbol].split(":")[0] for one in findings.values() if blocked([one]))


@pytest.mark.parametrize(
    ("file", "blocking", "warning"),
    [
        ("binance/BTC_USDT-5m", [], ["spike"]),
        ("binance/BTC_USDT-1m", [], ["gaps", "silent", "spike"]),
        ("binance/LUNA_USDT-5m", ["wick"], ["silent", "spike"]),
        ("binance_long/BTC_USDT-1h", ["missing"], ["gaps", "silent", "spike"]),
        ("binanceus/BTC_USDC-1m", ["silent_share", "wick"], ["silent", "spike"]),
        ("binanceus/BTC_USDT-1m", [], ["silent"]),
        ("coinbase/BTC_EUR-1m", ["missing"], ["gaps"]),
        ("defective/bitstamp_BTC_USD-5m-2011", ["jump", "silent_run", "silent_share"], ["silent", "spike"]),
    ],
)
def test_each_file_breaks_the_rules_that_its_known_defects_break(file: str, blocking: list[str], warning: list[str]) -> None:
    found = checked(file)
    assert broken(found) == blocking
    assert sorted(one.rule for one in found.values() if not one.holds and not blocked([one])) == warning
    assert judge(list(found.values())).verdict is (Verdict.NO_GO if blocking else Verdict.GO)


def at(text: str) -> int:
    return int(pd.Timestamp(text, tz="UTC").timestamp() * 1000)


def test_a_finding_names_the_very_bar() -> None:
    assert (checked("binance/LUNA_USDT-5m")["wick"].first_ms, checked("binance/LUNA_USDT-5m")["wick"].count) == (at("2024-08-06 06:15"), 1)
    assert checked("binanceus/BTC_USDC-1m")["wick"].first_ms == at("2023-03-14 14:24")
    crash = checked("binance/BTC_USDT-5m")["spike"]
    assert at("2024-08-05 00:00") < crash.first_ms < crash.last_ms < at("2024-08-06 00:00")
    filled = checked("defective/bitstamp_BTC_USD-5m-2011")
    assert (filled["silent_run"].measured, filled["silent_run"].first_ms) == ("1423 bars in a row", at("2011-08-25 19:50"))
    assert (filled["jump"].first_ms, filled["jump"].last_ms) == (at("2011-11-25 11:00"), at("2011-11-25 16:35"))


def test_the_outage_of_a_day_is_little_in_a_year_and_blocks_around_itself() -> None:
    """72 flat bars without volume from 11:28, then 80 missing ones from 12:40 on 2023-03-24."""
    year, day = checked("binance/BTC_USDT-1m"), checked("binance/BTC_USDT-1m", at("2023-03-24 00:00"), at("2023-03-25 00:00"))
    assert (year["missing"].measured, broken(year)) == ("80 of 525600 bars, 152 ppm", [])
    assert (day["missing"].measured, broken(day)) == ("80 of 1440 bars, 55555 ppm", ["missing"])
    assert (day["missing"].first_ms, day["missing"].last_ms) == (at("2023-03-24 12:40"), at("2023-03-24 13:59"))
    assert (day["silent_run"].measured, day["silent_run"].first_ms) == ("72 bars in a row", at("2023-03-24 11:28"))


def test_every_gap_of_seven_years_of_hours_is_counted() -> None:
    found = checked("binance_long/BTC_USDT-1h")
    assert found["gaps"].measured == "28 gaps, the longest 33 bars"
    assert found["missing"].count == 128
