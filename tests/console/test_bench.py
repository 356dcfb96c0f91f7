"""`gatehouse bench`: figures of the engine on a market that a seed makes."""

import json

from typer.testing import CliRunner

from console.main import app


def test_the_bench_measures_one_and_ten_instruments_and_repeats_itself() -> None:
    arguments = ["bench", "backtest", "--minutes", "200", "--rounds", "1", "--json"]
    first, second = (json.loads(CliRunner().invoke(app, arguments).stdout) for _ in range(2))
    for name in ("1_instrument", "10_instruments"):
        assert first[f"{name}_fills"] > 0
        assert first[f"{name}_simulate_ms"] > 0
        assert first[f"{name}_digest"] == second[f"{name}_digest"]
