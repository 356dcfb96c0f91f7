"""`gatehouse strategy`: what there is, and what it can be told."""

from tests.console.conftest import Cli
from trader_core.engine import strategies


def test_every_strategy_is_listed_with_its_parameters_and_the_bars_that_it_looks_at(cli: Cli) -> None:
    found = {one["name"]: one for one in cli.json("strategy", "list")["strategies"]}
    assert sorted(found) == sorted(strategies.STRATEGIES)
    assert found["sma_cross"]["bars"] == 100
    assert found["sma_cross"]["params"][0] == {"name": "fast", "default": 20, "low": 1, "high": 499, "meaning": "bars in the fast mean"}
    assert found["buy_and_hold"] == {"name": "buy_and_hold", "bars": 1, "params": []}


def test_the_table_names_each_parameter_with_its_range(cli: Cli) -> None:
    shown = cli.run("strategy", "list").output
    assert all(name in shown for name in strategies.STRATEGIES)
    assert "1 to 499" in shown
