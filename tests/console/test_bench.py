"""`gatehouse bench`: works that other engines do as well, on a market that a seed makes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from console import bench_market
from console.main import app
from trader_core.engine.kernel import COMPILED

BARS = 20_000 if COMPILED else 600


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A market of three symbols' worth of files: that of the year stays where it is."""
    monkeypatch.setenv("PEERS_HOME", str(tmp_path))
    return tmp_path / "data"


def measured(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["bench", "backtest", "--bars", str(BARS), "--rounds", "1", "--json", *arguments])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_every_grade_of_decision_trades_alike_and_the_line_says_what_was_done(folder: Path) -> None:
    found = [measured("--work", "W1", "--decide", grade) for grade in ("all", "window", "none")]
    assert len({(one["trades"], one["equity"]) for one in found}) == 1
    assert found[0]["trades"] > (50 if COMPILED else 1)
    assert 90_000 < found[0]["equity"] < 100_000
    assert {"engine", "work", "run_s", "bars", "trades", "equity"} <= set(found[0])
    assert (found[0]["engine"], found[0]["work"], found[0]["bars"]) == ("gatehouse", "W1", BARS)
    assert (folder / "c0.npy").exists()


@pytest.mark.skipif(not COMPILED, reason="ten instruments and a hundred runs take minutes in plain Python")
def test_ten_instruments_share_one_account_and_a_hundred_sets_are_run() -> None:
    ten, sets = measured("--work", "W2"), measured("--work", "w3")
    assert (ten["bars"], sets["bars"]) == (10 * BARS, 100 * BARS)
    assert sets["trades"] > ten["trades"] > 10 * 20


@pytest.mark.skipif(not COMPILED, reason="ten instruments take minutes in plain Python")
def test_a_live_bar_in_which_all_ten_decide_is_timed_and_so_is_the_guard() -> None:
    done = CliRunner().invoke(app, ["bench", "step", "--rounds", "200", "--json"])
    found = json.loads(done.stdout)
    assert found["bars"] > 50
    assert 0 < found["guard_us"] < found["bar_us"]


def test_a_file_with_other_numbers_is_named(folder: Path) -> None:
    folder.mkdir()
    np.save(folder / "c0.npy", np.zeros((5, bench_market.MINUTES)))
    done = CliRunner().invoke(app, ["bench", "backtest", "--bars", str(BARS)])
    assert "checksum" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"), [(["--work", "W4"], "W1, W2, W3"), (["--decide", "fast"], "all, window"), (["--bars", "1"], "--bars from 300")]
)
def test_what_is_no_work_is_refused(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(app, ["bench", "backtest", *arguments])
    assert said in done.stderr
