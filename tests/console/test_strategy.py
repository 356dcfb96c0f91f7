"""`gatehouse strategy`: what there is, and what it can be told."""

import pytest

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


@pytest.mark.parametrize("name", sorted(strategies.STRATEGIES))
def test_every_strategy_is_checked_and_looks_at_nothing_that_comes_later(cli: Cli, name: str) -> None:
    answer = cli.json("strategy", "check", name, "--bars", 800, "--cuts", 20)
    assert (answer["verdict"], len(answer["findings"])) == ("GO", 4)


def test_too_few_bars_for_a_window_are_not_enough_evidence(cli: Cli) -> None:
    result = cli.run("strategy", "check", "breakout", "--bars", 100)
    assert (result.exit_code, "NOT_ENOUGH_EVIDENCE" in result.output, "use more bars" in result.output) == (3, True, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nope",), "a strategy of"),
        (("sma_cross", "--param", "speed=1"), "a parameter of sma_cross"),
        (("sma_cross", "--param", "fast=900"), "from 1 to 499"),
        (("sma_cross", "--bars", "99"), "--bars"),
        (("sma_cross", "--cuts", "1001"), "--cuts"),
    ],
    ids=["name", "parameter", "range", "bars", "cuts"],
)
def test_what_is_asked_wrong_is_named(cli: Cli, arguments: tuple[str, ...], said: str) -> None:
    result = cli.run("strategy", "check", *arguments)
    assert (result.exit_code, said in " ".join(result.stderr.split())) == (2, True)
