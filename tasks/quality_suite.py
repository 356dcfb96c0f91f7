"""The suites of Great Expectations over stored candles: its own expectations where they fit, ours where a market needs them.

The rules of trader_core.evidence.quality judge here and on each arriving bar; the suite asks the same things in its own way,
so two judges must agree before data counts as good. Importing this file costs seconds and 150 MB: only the gate's own process does.
"""

import os
from typing import Any, ClassVar

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
import great_expectations.expectations as gxe
import numpy as np
import pandas as pd
from great_expectations.core import ExpectationSuite
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import ColumnMapMetricProvider, column_condition_partial

from trader_core.evidence import quality
from trader_core.evidence.quality import PPM, RULES, QualityFinding, Severity
from trader_core.model.bar import Bars

PRICES = ("open", "high", "low", "close")
COLUMNS = ("ts", *PRICES, "volume")
KEPT = ("on_grid", "closed", "no_jump", "no_wick")
"""Columns of True and False per bar, by our own rules."""


class KeepsRule(ColumnMapMetricProvider):  # type: ignore[misc]
    """Whether each bar keeps the rule that a column of the frame says."""

    condition_metric_name = "column_values.keeps_rule"

    @column_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(cls, column: Any, **_: Any) -> Any:  # noqa: N805 - the library hands the class over
        return column.astype(bool)


class ExpectBarsToKeepRule(ColumnMapExpectation):  # type: ignore[misc]
    """Expect every bar to keep a rule of ours."""

    map_metric: ClassVar[str] = "column_values.keeps_rule"
    success_keys: ClassVar[tuple[str, ...]] = ("mostly",)


def frame_of(bars: Bars, step_ms: int, now_ms: int) -> pd.DataFrame:
    """Return bars [T] as a frame of integers, with a column per rule that a single bar can break."""
    frame = pd.DataFrame({name: bars[name] for name in COLUMNS})
    closes = bars["close"].astype(np.float64)
    with np.errstate(all="ignore"):  # a price of zero is no number here: it keeps no rule
        wicks, scale = quality.wicks_of(bars), quality.deviation(closes) if len(bars) > 1 else 0.0
        moves = np.abs(np.diff(np.log(closes), prepend=np.log(closes[:1])))
    frame["on_grid"] = bars["ts"] % step_ms == 0
    frame["closed"] = bars["ts"] + step_ms <= now_ms
    frame["no_jump"] = moves * PPM <= RULES["jump"].limit
    frame["no_wick"] = (wicks * PPM <= RULES["wick"].limit) | (wicks <= quality.WICK_DEVIATIONS * scale)
    return frame


def suite_of(symbol: str, slots: int) -> ExpectationSuite:
    """Return the suite of one instrument's frame that should have `slots` bars."""
    suite = ExpectationSuite(name=f"candles {symbol}")
    least = slots - slots * RULES["missing"].limit // PPM
    suite.add_expectation(gxe.ExpectTableColumnsToMatchSet(column_set=[*COLUMNS, *KEPT], exact_match=True))
    suite.add_expectation(gxe.ExpectTableRowCountToBeBetween(min_value=least, max_value=slots))
    for name in COLUMNS:
        suite.add_expectation(gxe.ExpectColumnValuesToNotBeNull(column=name))
    suite.add_expectation(gxe.ExpectColumnValuesToBeUnique(column="ts"))
    for name in PRICES:
        suite.add_expectation(gxe.ExpectColumnValuesToBeBetween(column=name, min_value=1))
    for high, low in (("high", "open"), ("high", "close"), ("open", "low"), ("close", "low")):
        suite.add_expectation(gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A=high, column_B=low, or_equal=True))
    suite.add_expectation(gxe.ExpectColumnValuesToBeBetween(column="volume", min_value=0))
    mostly = 1 - RULES["silent_share"].limit / PPM
    suite.add_expectation(gxe.ExpectColumnValuesToBeBetween(column="volume", min_value=1, mostly=mostly))
    for name in KEPT:
        suite.add_expectation(ExpectBarsToKeepRule(column=name))
    return suite


def broken(symbol: str, frame: pd.DataFrame, slots: int, context: Any) -> list[QualityFinding]:
    """Return one finding per expectation that failed; raises RuntimeError when one raised: what could not be asked has not passed."""
    source = context.data_sources.add_pandas(f"pandas {symbol}")
    batch = source.add_dataframe_asset(name=symbol).add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    answer = batch.validate(suite_of(symbol, slots))
    found = []
    for one in answer.results:
        if one.success:
            continue
        kind, about = one.expectation_config.type, dict(one.expectation_config.kwargs)
        if "exception_traceback" in str(one.exception_info) and "True" in str(one.exception_info):
            raise RuntimeError(f"{kind} on {symbol} raised: {str(one.exception_info)[:300]}")
        name = f"{kind.removeprefix('expect_')} {about.get('column') or about.get('column_A') or ''}".strip()
        said = str(one.result.get("observed_value") or f"{one.result.get('unexpected_count', '?')} bars")
        count = int(one.result.get("unexpected_count") or 1)
        found.append(QualityFinding(f"suite: {name}", Severity.BLOCK, symbol, holds=False, measured=said, allowed="none", count=count,
                                    first_ms=0, last_ms=0, blocks=(symbol,)))  # fmt: skip
    return found


def context() -> Any:
    """Return a context in memory, without progress bars and without telemetry."""
    found = gx.get_context(mode="ephemeral")
    found.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return found
