"""`gatehouse simulate`: sums, a planted bug that is shrunk and told with exit code 1, a plan from its file, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from console.main import app
from simulation.bugs import BUGS
from simulation.campaign import Total, some
from simulation.faults import Fault


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    return tmp_path


M4 = next(bug.seed for bug in BUGS if bug.name == "M4")


def simulate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["simulate", *arguments])


def answered(*arguments: str) -> tuple[int, dict[str, Any]]:
    result = simulate(*arguments, "--json")
    return result.exit_code, json.loads(result.stdout)


def test_seeds_are_run_and_added_up() -> None:
    code, said = answered("--seeds", "3", "--start", "4")
    total = some(range(4, 7))
    assert code == 0
    assert (said["seeds"], said["steps"], said["orders"], said["violations"]) == (3, total.steps, total.orders, 0)
    assert said["digest"] == total.digest
    assert said["faults"] == sum(said["faults_by_kind"].values()) > 50
    assert said["checks_by_invariant"]["I13"] > 100
    assert {"simulated_hours", "crashes", "failovers", "steps_per_core_second"} <= set(said)


def test_a_planted_bug_is_shrunk_and_told_and_its_plan_fails_again(home: Path) -> None:
    code, said = answered("--seeds", "1", "--start", str(M4), "--bug", "M4")
    assert code == 1
    assert said["violated"][0]["seed"] == M4
    assert said["violated"][0]["violation"].startswith("I7: ")
    assert said["story"][-1].endswith("and the venue has it")
    path = Path(said["plans"][0])
    assert path.parent == home / "simulations"
    assert answered("--plan", str(path), "--bug", "M4")[0] == 1
    code, said = answered("--plan", str(path))
    assert (code, said["violation"]) == (0, "")


def test_people_read_tables_and_the_story() -> None:
    result = simulate("--seeds", "1", "--start", str(M4), "--bug", "M4")
    assert result.exit_code == 1
    assert "faults by kind" in result.stdout
    assert "violations" in result.stdout
    assert "gatehouse simulate --plan" in result.stderr


def test_crash_positions_are_counted() -> None:
    code, said = answered("--crashes", "--seeds", "1", "--start", "3")
    assert code == 0
    assert said["runs"] == said["runs_with_double_crashes"] == 1
    assert said["double_crashes"] > said["positions"] > 30


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--bug", "M99"), "M99"),
        (("--plan", "nowhere.json"), "nowhere.json"),
        (("--seeds", "0"), "0"),
        (("--crashes", "--bug", "M4"), "--bug"),
    ],
)
def test_what_cannot_be_run_is_refused(arguments: tuple[str, ...], found: str) -> None:
    result = simulate(*arguments)
    assert result.exit_code == 2
    assert found in result.stderr


def test_a_kind_that_never_struck_and_a_check_that_never_ran_are_named() -> None:
    idle = Total().idle()
    assert {str(Fault.LAG), "kill", "I1", "I25"} <= set(idle)
    assert str(Fault.CRASH_AT) not in idle
