"""`gatehouse permit`: a bypass is short, reasoned, chained and told; what is wrong changes nothing."""

import json

import pytest
from sqlalchemy import text

from tests.console.conftest import Cli

RECIPE = ("sma_cross", "--venue", "sandbox", "--symbol", "BTC/USDT", "--param", "fast=5", "--param", "slow=20")
REASON = ("--reason", "the gate is wrong, see the notes")


def test_a_bypass_opens_its_recipe_for_minutes_and_is_told_and_chained(cli: Cli) -> None:
    cli.json("permit", "bypass", *RECIPE, "--stage", "EUR_10", "--minutes", "5", *REASON)
    shown = cli.json("permit", "show")["permits"]
    assert [(one["level"], one["ceiling"], one["stage"], one["source"], one["rehearsal"]) for one in shown] == [
        ("LIMITED", "FULL", "EUR_10", "bypass", True)
    ]
    alerts = cli.json("alert", "list")["alerts"]
    assert [(one["title"], one["severity"]) for one in alerts] == [("Gates bypassed on sandbox", "critical")]
    with cli.database.engine("verify").connect() as db:
        said = db.execute(text("select body from journal where session_id = 'operators'")).scalars().all()
    assert len(said) == 1, "an operator's word stands in the operators' chain"


def test_a_revocation_takes_it_at_once_and_a_denial_also_paper(cli: Cli) -> None:
    cli.json("permit", "bypass", *RECIPE, *REASON)
    cli.json("permit", "revoke", *RECIPE, *REASON)
    assert [one["level"] for one in cli.json("permit", "show")["permits"]] == ["PAPER_ONLY"]
    cli.json("permit", "revoke", *RECIPE, "--deny", *REASON)
    assert [one["level"] for one in cli.json("permit", "show")["permits"]] == ["DENIED"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("--reason", "short"), "a reason of at least 10 characters"),
        (("--minutes", "61", *REASON), "--minutes"),
        (("--minutes", "0", *REASON), "--minutes"),
        (("--stage", "EUR_1000", *REASON), "a stage of EUR_1"),
        (("--param", "speed=3", *REASON), "speed"),
        (("--timeframe", "7m", *REASON), "a timeframe of"),
    ],
    ids=["short reason", "an hour and a minute", "no minute", "stage", "parameter", "timeframe"],
)
def test_a_wrong_bypass_changes_nothing_and_says_what_is_wrong(cli: Cli, changed: tuple[str, ...], said: str) -> None:
    result = cli.run("permit", "bypass", *RECIPE, *changed)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.stderr.split())
    assert cli.count("permit") == 0


def test_without_any_permit_it_says_paper_only(cli: Cli) -> None:
    assert "paper only" in cli.run("permit", "show").output
    assert json.loads(cli.run("permit", "show", "--json").stdout) == {"permits": []}
