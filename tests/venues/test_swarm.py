"""Fault plans drawn from a seed, checked, printed and counted."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from sandbox.__main__ import config_of, main, parser
from sandbox.config import START_MS, Config
from sandbox.fault_files import parse, written
from sandbox.fault_kinds import KINDS, STREAM_KINDS
from sandbox.faults import FaultPlan
from sandbox.planning import described, from_seed, outcome
from trader_core.model.errors import OutOfRange

DIALECTS = ("mexc", "binance", "kraken")


def kinds(rules: Iterable[object]) -> set[str]:
    return {str(getattr(rule, "kind", "")) for rule in rules}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_one_seed_gives_one_plan_and_another_seed_another(dialect: str) -> None:
    config = Config(dialect=dialect)
    first = from_seed(5, config, 60, 0.5)
    assert first == from_seed(5, config, 60, 0.5)
    assert kinds(first.rules) != kinds(from_seed(6, config, 60, 0.5).rules)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_whole_share_has_every_kind_that_the_exchange_can_have(dialect: str) -> None:
    plan = from_seed(1, Config(dialect=dialect), 60, 1.0)
    without = {*STREAM_KINDS, "listen_key_loss"} if dialect == "kraken" else set[str]()
    assert kinds(plan.rules) == set(KINDS) - without


def test_half_a_share_has_about_half_of_the_kinds_and_over_seeds_each_one() -> None:
    found = [kinds(from_seed(seed, Config(), 60, 0.5).rules) for seed in range(24)]
    assert all(13 <= len(one) <= 38 for one in found), "of 51 kinds"
    assert set.union(*found) == set(KINDS)


def test_its_windows_lie_within_its_time_and_a_long_one_has_more_of_them() -> None:
    hour, days = from_seed(3, Config(), 60, 1.0), from_seed(3, Config(), 3_000, 1.0)
    assert len(days.rules) == 6 * len(hour.rules)
    for plan, minutes in ((hour, 60), (days, 3_000)):
        begins = [rule.since_ms for rule in plan.rules if rule.since_ms is not None]
        ends = [rule.until_ms for rule in plan.rules if rule.until_ms is not None]
        assert len(begins) == len(plan.rules)
        assert min(begins) >= START_MS
        assert max(ends) <= START_MS + minutes * 60_000, "it is calm afterwards"


@pytest.mark.parametrize(("seed", "minutes", "share"), [(-1, 60, 0.5), (1, 0, 0.5), (1, 60, 0.0), (1, 60, 1.1)])
def test_what_no_plan_can_be_drawn_from_is_refused(seed: int, minutes: int, share: float) -> None:
    with pytest.raises(OutOfRange, match="seed"):
        from_seed(seed, Config(), minutes, share)


def test_a_printed_plan_is_a_file_that_gives_the_same_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--swarm", "9", "--swarm-share", "1", "--print"]) == 0
    file = tmp_path / "plan.toml"
    file.write_text(capsys.readouterr().out)
    drawn = config_of(parser().parse_args(["--swarm", "9", "--swarm-share", "1"])).faults
    assert config_of(parser().parse_args(["--faults", str(file)])).faults == drawn
    assert parse(written(drawn), "it", START_MS) == drawn


def test_a_check_says_what_a_plan_has_and_what_it_does_not_try(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "plan.toml"
    file.write_text('seed = 4\n[[rules]]\nsite = "GET /api/v3/time"\nkind = "500"\n')
    assert main(["--faults", str(file), "--check"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("1 rules of 1 kinds, seed 4; not tried: empty_200, ")
    assert "500," not in told
    assert described(from_seed(1, Config(), 60, 1.0)).endswith("every kind is tried")


WRONG = {
    "kind": ('[[rules]]\nsite = "world"\nkind = "earthquake"\n', "`kind` of rule 1 in plan.toml"),
    "site": ('[[rules]]\nsite = "GET /api/v9/x"\nkind = "500"\n', "`site` of rule 1 in plan.toml"),
    "symbol": ('[[rules]]\nsite = "world"\nkind = "zero_price"\nparams = { symbol = "XMR/USDT" }\n', "`params.symbol` of rule 1"),
    "TOML": ("[[rules]\n", "TOML or JSON in plan.toml"),
    "seed": ("seed = -1\nrules = []\n", "`seed` in plan.toml"),
    "window": ('[[rules]]\nsite = "GET *"\nkind = "500"\nfrom = "+2m"\nuntil = "+1m"\n', "`until` of rule 1"),
    "stray": ('[[rules]]\nsite = "GET *"\nkind = "500"\nnht = 2\n', "`nht` of rule 1"),
    "chance": ('[[rules]]\nsite = "GET *"\nkind = "500"\nonly = { chance = 0 }\n', "`only.chance` of rule 1"),
    "param": ('[[rules]]\nsite = "GET *"\nkind = "429"\nparams = { retry_after = "soon" }\n', "`params.retry_after` of rule 1"),
    "missing": ('[[rules]]\nkind = "500"\n', "`site` of rule 1"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_plan_with_a_mistake_is_refused_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(text)
    assert main(["--faults", str(file), "--check"]) == 1
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told


def test_a_file_that_is_not_there_and_two_plans_at_once_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--faults", str(tmp_path / "none.toml"), "--check"]) == 1
    assert "name a TOML or JSON file" in capsys.readouterr().err
    assert main(["--faults", str(tmp_path / "none.toml"), "--swarm", "1"]) == 1
    assert "leave one out" in capsys.readouterr().err


def test_what_never_fired_is_named_in_the_end() -> None:
    plan = FaultPlan()
    assert outcome(plan) == ""
    plan.add([{"site": "GET /a", "kind": "500"}, {"site": "GET /b", "kind": "504"}, {"site": "GET /a", "kind": "429", "nth": 3}])
    plan.hit("GET /a")
    assert outcome(plan) == "1 faults of 3 rules; never fired: rule 2 (504 at GET /b, never seen), rule 3 (429 at GET /a)"
    plan.hit("GET /b")
    assert plan.hit("GET /a") is None
    plan.hit("GET /a")
    assert outcome(plan) == "3 faults of 3 rules; every rule fired"
