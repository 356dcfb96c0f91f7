"""Strategies of one's own: the how-to as it stands in the docs, and everything that such a file may do wrong."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.builders import random_market
from tests.console.conftest import START_MS, Cli, wave
from trader_core.engine import strategies
from trader_core.engine.strategies import own
from trader_core.evidence import causality
from trader_core.evidence.verdict import Judgement, Verdict
from trader_core.model.errors import StrategyFault
from trader_core.model.plan import Plan, Rule
from trader_core.trader.decider import Decider

PAGE = (Path(__file__).parents[2] / "docs" / "own-strategies.md").read_text()
HEAD = """
from trader_core.engine.strategies.own import frame_strategy, window_strategy
from trader_core.engine.strategies.spec import StrategyParams, param
import numpy as np, pandas as pd

class P(StrategyParams):
    bars: int = param(10, 2, 50, "bars")
"""
FRAME = HEAD + "def targets(params, frame):\n    {}\nSTRATEGY = frame_strategy(P, lambda p: {}, targets)\n"
WINDOW = HEAD + "def decide(values, window):\n    {}\nSTRATEGY = window_strategy(P, lambda p: p['bars'], decide, compiled=False)\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATEHOUSE_STRATEGIES", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


def written(folder: Path, body: str, lookback: str = "p['bars']", kind: str = FRAME) -> str:
    (folder / "mine.py").write_text(kind.format(body, lookback))
    return strategies.find("mine").name


def judged(name: str) -> Judgement:
    return causality.judge_strategy(name, {"bars": 10}, 400, 60, 7)


def test_the_page_is_followed_word_for_word(cli: Cli, folder: Path) -> None:
    for symbol in ("BTC/USDT", "ETH/USDT"):
        cli.json("import", cli.file("wave.csv", wave(400)), "--venue", "binance", "--symbol", symbol, "--timeframe", "1m")
    assert START_MS == 1_700_006_400_000, "the page's backtests begin on 2023-11-15"
    done = []
    for kind, block in re.findall(r"```(sh|python)\n(.*?)```", PAGE, re.DOTALL):
        if kind == "python":
            (folder / "rising.py").write_text(block)
            continue
        done += [cli.json(*shlex.split(line)[1:]) for line in block.splitlines()]
    new, listed, check, alone, both = done
    assert Path(new["file"]) == folder / "rising.py"
    assert "rising" in [one["name"] for one in listed["strategies"]]
    assert check["verdict"] == "GO"
    assert alone["strategy"].startswith("rising@")
    assert alone["trades"] > 0
    assert both["trades"] > 0


CHEATS = {
    "a shift by -1": ("return (frame['close'].shift(-1).fillna(frame['close']) > frame['close']).astype(int) * 10_000", 1),
    "the mean of the whole series": ("return (frame['close'] > frame['close'].mean()).astype(int) * 10_000", 2),
    "a centred window": ("return (frame['close'] > frame['close'].rolling(9, center=True, min_periods=1).mean()).astype(int) * 10_000", 9),
    "a label of resampling": (
        "return (frame['close'].resample('5min').last().reindex(frame.index, method='ffill') > frame['open']).astype(int) * 10_000",
        5,
    ),
    "a peek of one bar": ("x = (frame['close'] > frame['open']).astype(int); x.iloc[-2] = int(x.iloc[-1]); return x * 10_000", 2),
    "a higher timeframe's bar that is not closed": (
        "return (frame['close'] * 1.001 > frame['high'].resample('60min').transform('max')).astype(int) * 10_000",
        60,
    ),
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_frame_that_sees_the_future_is_caught(folder: Path, cheat: str) -> None:
    body, lookback = CHEATS[cheat]
    name = written(folder, body, str(lookback))
    found = judged(name)
    assert found.verdict is Verdict.NO_GO
    assert {"prefix invariance", "future poisoning"} & {one.name for one in found.findings if one.holds is False}
    with pytest.raises(StrategyFault, match="without a look ahead"):
        causality.require_causal(Plan(name, (("bars", 10),), ("A/B",), "1m", 10**10))


def test_an_honest_frame_passes_and_an_endless_smoothing_fails_by_its_warm_up(folder: Path) -> None:
    honest = written(folder, "return (frame['close'] > frame['close'].shift(p := params['bars'] - 1)).astype(int) * 10_000")
    assert judged(honest).verdict is Verdict.GO
    causality.require_causal(Plan(honest, (("bars", 10),), ("A/B",), "1m", 10**10))
    endless = written(folder, "return (frame['close'] > frame['close'].ewm(span=40, adjust=False).mean()).astype(int) * 10_000")
    assert {one.name for one in judged(endless).findings if one.holds is False} == {"warm-up", "sweep and window decide alike"}


FAULTS: dict[str, tuple[str, str, str]] = {
    "raises": (WINDOW, "return 1 // 0", "ZeroDivisionError.*mine.py line"),
    "garbage": (WINDOW, "return 'all in'", "ValueError"),
    "out of range": (WINDOW, "return 10_001", "10001 at"),
    "negative": (WINDOW, "return -2", "-2 at"),
    "a frame that raises": (FRAME, "return frame['clsoe']", "KeyError.*clsoe"),
    "nan": (FRAME, "return frame['close'] * float('nan')", "nan in row"),
    "a fraction": (FRAME, "return frame['close'] * 0 + 0.5", "0.5 in row"),
    "too short": (FRAME, "return frame['close'].iloc[1:]", "shape"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_strategy_that_fails_is_told_where(folder: Path, fault: str) -> None:
    kind, body, said = FAULTS[fault]
    name = written(folder, body, kind=kind)
    market = random_market(1, 40, 1, gaps=False)[0]
    with pytest.raises(StrategyFault) as raised:
        strategies.targets_of(name, {"bars": 10}, market)
    assert re.search(said, str(raised.value))
    assert "mine@" in str(raised.value)


def test_in_a_session_a_strategy_that_fails_decides_nothing_and_the_others_go_on(folder: Path) -> None:
    name = written(folder, "raise RuntimeError('gone')", kind=WINDOW)
    chosen = Plan(
        name, (("bars", 10),), ("A/U", "B/U"), "1m", 10**10, others=(Rule("momentum", (("period", 3), ("rise_ppm", 0)), ("B/U",)),)
    )
    decider, market = Decider(chosen), random_market(2, 20, 2, gaps=False)[0]
    decider.warm(market[:-1])
    targets = decider.push(market[-1], int(market["ts"][-1, 0]) + 60_000)
    assert targets[0] == -1
    assert targets[1] >= 0
    assert [symbol for symbol, said in decider.faults if "gone" in said] == ["A/U"]


def test_in_a_session_a_strategy_that_takes_a_tenth_of_a_bar_decides_nothing_on_it(folder: Path) -> None:
    chosen = Plan(written(folder, "return 10_000", kind=WINDOW), (("bars", 10),), ("A/U",), "1m", 10**10)
    market = random_market(3, 20, 1, gaps=False)[0]
    answers = []
    for took_ms in (6_000, 6_001):
        readings = iter((0, took_ms))
        decider = Decider(chosen, lambda readings=readings: next(readings))  # type: ignore[misc]
        decider.warm(market[:-1])
        answers.append((int(decider.push(market[-1], int(market["ts"][-1, 0]) + 60_000)[0]), len(decider.faults)))
    assert answers == [(10_000, 0), (-1, 1)]


def test_a_plan_holds_on_to_the_file_that_it_was_made_from(folder: Path) -> None:
    first = written(folder, "return 10_000", kind=WINDOW)
    plans = [Plan(first, (("bars", 10),), ("A/U",), "1m", 10**10)]
    second = written(folder, "return 0", kind=WINDOW)
    plans.append(Plan(second, (("bars", 10),), ("A/U",), "1m", 10**10))
    assert first != second
    assert plans[0].recipe("mexc") != plans[1].recipe("mexc")
    with pytest.raises(StrategyFault, match="as it was judged"):
        strategies.find(first)
    (folder / "mine.py").unlink()
    with pytest.raises(Exception, match="a strategy of"):
        strategies.find(first)


@pytest.mark.parametrize(("body", "said"), [("import nothing_of_that_name", "ModuleNotFoundError"), ("x = 1", "STRATEGY")])
def test_a_file_that_is_no_strategy_is_named(folder: Path, body: str, said: str) -> None:
    (folder / "mine.py").write_text(body)
    with pytest.raises(StrategyFault, match=said):
        strategies.find("mine")


def test_new_writes_two_kinds_that_pass_their_check_and_replaces_nothing(cli: Cli, folder: Path) -> None:
    for kind in ("window", "frame"):
        cli.json("strategy", "new", f"my_{kind}", "--kind", kind)
        assert cli.json("strategy", "check", f"my_{kind}", "--bars", "400", "--cuts", "20")["verdict"] == "GO"
    assert own.names() == ["my_frame", "my_window"]
    for arguments in (("my_frame",), ("sma_cross",), ("../x",), ("good", "--kind", "oracle")):
        refused = cli.run("strategy", "new", *arguments)
        assert refused.exit_code == 2, arguments


def test_parameters_of_ones_own_are_checked_like_any_others(folder: Path) -> None:
    written(folder, "return 0", kind=WINDOW)
    found = strategies.find("mine")
    assert strategies.parse_params(found, {"bars": "7"}) == {"bars": 7}
    for wrong in ({"bars": 1}, {"bar": 3}, {"bars": "x"}):
        given: Any = wrong
        with pytest.raises(Exception, match="bars"):
            strategies.parse_params(found, given)
