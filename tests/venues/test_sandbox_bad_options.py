"""Options and fault plans that `python -m sandbox` cannot use: one message that says what to do, and an exit code that is not 0."""

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.__main__ import main

DEEP = 100_000
PLANS = {
    "missing": None,
    "bytes.toml": b"\xff\xfe",
    "cut.toml": b"[[rules]",
    "cut.json": b'{"rules": [',
    "deep.json": b'{"rules": ' + b"[" * DEEP,
    "deep.toml": b"a = " + b"[" * DEEP,
    "empty.toml": b"",
    "number.toml": b"rules = 5",
    "seed.json": b'{"seed": 1e999, "rules": []}',
    "kind.toml": b'[[rules]]\nsite = "POST /api/v3/order"\nkind = "nope"',
    "site.toml": b'[[rules]]\nsite = "nowhere"\nkind = "timeout"',
    "types.json": b'[{"site": 5, "kind": ["timeout"], "when": [1]}]',
    "nan.json": b'[{"site": "GET /api/v3/time", "kind": "timeout", "params": {"seconds": NaN}}]',
    "far.json": b'[{"site": "GET /api/v3/time", "kind": "timeout", "from": "+99999999999999h"}]',
    "past.json": b'[{"site": "GET /api/v3/time", "kind": "timeout", "until": "0001-01-01T00:00:00+23:00"}]',
    "chance.json": b'[{"site": "GET /api/v3/time", "kind": "timeout", "only": {"chance": NaN}}]',
}
OPTIONS = (
    "--dialect=nope", "--dialect=", "--clock=61x", "--clock=\u0663x", "--port=65536", "--admin-port=-1", "--seed=-1", "--start=soon",
    "--start=0001-01-01", "--start=9999-12-31T23:59:59-23:59", "--history-days=999999999999", "--planted-trend=99999", "--parent=-1",
    "--parent=1000000000000000000000", "--maker-ppm=99999999999999999999999", "--notional-min=NaN", "--notional-min=-1",
    "--credit=USDT", "--credit=USDT=1e999999999", "--credit=USDT=-5", "--credit=USDT=1e-400000000", "--replay=NONSENSE=x.parquet",
    "--replay=BTC/USDT=missing.parquet", "--swarm=-1", "--announce=missing/announce.json", "--announce=.",
)  # fmt: skip


def told(capsys: pytest.CaptureFixture[str]) -> None:
    said = capsys.readouterr().err
    assert (said.startswith("expected "), "; found " in said, said.count("; ") >= 2, said.count("\n")) == (True, True, True, 1), said


@pytest.mark.parametrize("name", PLANS)
def test_a_fault_plan_that_cannot_be_used_is_named_with_what_to_do(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = PLANS[name]
    if plan is not None:
        (tmp_path / name).write_bytes(plan)
    assert main(["--faults", str(tmp_path / name)]) == 1
    told(capsys)


def test_a_folder_is_no_fault_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--faults", str(tmp_path)]) == 1
    told(capsys)


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_that_cannot_be_used_is_named_with_what_to_do(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([option]) == 1
    told(capsys)


def test_an_announcement_that_cannot_be_written_ends_the_exchange(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--announce", str(tmp_path / ("x" * 300))]) == 1
    told(capsys)
    assert main(["--announce", str(tmp_path)]) == 1
    assert list(tmp_path.parent.glob(f"{tmp_path.name}.*")) == [], "no draft with secrets stays behind"


@pytest.mark.parametrize(("options", "code"), [(["--dialect", "nope"], 1), (["--port", "many"], 2), (["--nothing"], 2)])
def test_a_process_that_cannot_start_leaves_no_traceback(options: list[str], code: int) -> None:
    ended = subprocess.run([sys.executable, "-m", "sandbox", *options], check=False, capture_output=True, text=True, timeout=20)
    assert (ended.returncode, "Traceback" in ended.stderr, ended.stdout) == (code, False, ""), ended.stderr
