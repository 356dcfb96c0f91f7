"""Keys: kept for their owner alone, refused when others could read them or when they may do more than trade spot, and shown nowhere."""

import io
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from console import credentials
from console.main import app
from sandbox.dialects.base import Powers
from sandbox.server import ACCOUNT, Sandbox
from tests.venues import real_profile
from trader_core.model.errors import BadInput
from trader_core.venues import keys

KEY, SECRET = "mx0CANARYKEY12345", "CANARYSECRET0123456789abcdef"
WEBHOOK = "https://hooks.slack.com/services/T0CANARY/B1/abcdef"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    for name in ("GATEHOUSE_VENUE_KEY", "GATEHOUSE_VENUE_SECRET"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def exchange() -> Iterator[Sandbox]:
    with real_profile.thread_of(real_profile.config()) as running:
        yield running


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, ["credentials", *arguments], input=typed)


def kept(home: Path, name: str = "mexc") -> Path:
    return home / "secrets" / f"{name}.json"


def test_a_key_is_read_from_a_pipe_and_kept_for_its_owner_alone(home: Path) -> None:
    done = run("set", "mexc", "--json", typed=f"{KEY}\n{SECRET}\n")
    assert done.exit_code == 0, done.output
    assert json.loads(kept(home).read_text()) == {"key": KEY, "secret": SECRET}
    assert stat.S_IMODE(kept(home).stat().st_mode) == 0o600
    assert stat.S_IMODE(kept(home).parent.stat().st_mode) == 0o700
    assert list(kept(home).parent.iterdir()) == [kept(home)]
    assert KEY not in done.output
    assert SECRET not in done.output
    found = keys.load("mexc", home)
    assert ((found.key.key, found.key.secret), found.source) == ((KEY, SECRET), str(kept(home)))
    assert SECRET not in repr(found)


def test_a_key_is_asked_for_on_a_terminal_without_echo(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    asked = list[str]()

    def typed(prompt: str, stream: object = None) -> str:
        asked.append(prompt)
        return (KEY, SECRET)[len(asked) - 1]

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", typed)
    credentials.set_(name="mexc")
    assert (asked, keys.load("mexc", home).key.key) == (["API key: ", "Secret: "], KEY)


def test_slack_s_webhook_is_kept_under_its_own_name(home: Path) -> None:
    assert run("set", "slack", typed=f"{WEBHOOK}\n").exit_code == 0
    assert json.loads(kept(home, "slack").read_text()) == {"webhook": WEBHOOK}
    assert stat.S_IMODE(kept(home, "slack").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "typed", "says"),
    [
        ("mexc", f"{KEY}\n", "2 lines: API key, Secret"),
        ("mexc", "", "0 lines"),
        ("mexc", f"{KEY}\n{SECRET}\nmore\n", "3 lines"),
        ("mexc", f"{KEY}\nshort\n", "a key of 8 to 512 visible characters"),
        ("mexc", f"{KEY}\nwith some spaces\n", "a key of 8 to 512 visible characters"),
        ("slack", "http://hooks.slack.com/services/T0CANARY\n", "a webhook's address"),
        ("slack", "T0CANARY0\n", "a webhook's address"),
        ("bitmex", f"{KEY}\n{SECRET}\n", "a venue of sandbox, mexc"),
        ("../mexc", f"{KEY}\n{SECRET}\n", "a venue of sandbox, mexc"),
        ("sandbox", f"{KEY}\n{SECRET}\n", "announces its own key"),
    ],
)
def test_what_is_no_key_is_refused_without_showing_it(home: Path, name: str, typed: str, says: str) -> None:
    done = run("set", name, typed=typed)
    assert (done.exit_code, says in done.stderr) == (2, True), done.stderr
    assert "CANARY" not in done.output
    assert not (home / "secrets").exists() or not list((home / "secrets").iterdir())


def test_a_key_is_no_argument(home: Path) -> None:
    assert run("set", "mexc", KEY, SECRET).exit_code == 2


def test_a_new_key_replaces_the_old_one_and_remove_leaves_none(home: Path) -> None:
    run("set", "mexc", typed=f"{KEY}\n{SECRET}\n")
    kept(home).chmod(0o644)
    run("set", "mexc", typed=f"{KEY}2\n{SECRET}\n")
    assert keys.load("mexc", home).key.key == f"{KEY}2"
    assert run("remove", "mexc").exit_code == 0
    assert not kept(home).exists()
    assert "nothing was there" in run("remove", "mexc").output


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604, 0o700, 0o400, 0o601])
def test_a_file_of_another_mode_is_refused_with_the_command_that_mends_it(home: Path, mode: int) -> None:
    run("set", "mexc", typed=f"{KEY}\n{SECRET}\n")
    kept(home).chmod(mode)
    with pytest.raises(BadInput, match=r"mode 0600.*chmod 600") as refused:
        keys.load("mexc", home)
    assert "CANARY" not in str(refused.value)


def test_a_file_of_another_user_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("set", "mexc", typed=f"{KEY}\n{SECRET}\n")
    monkeypatch.setattr("os.getuid", lambda: 12345678)
    with pytest.raises(BadInput, match="owned by user 12345678"):
        keys.load("mexc", home)


def test_a_link_to_a_file_is_refused(home: Path) -> None:
    run("set", "mexc", typed=f"{KEY}\n{SECRET}\n")
    kept(home).rename(home / "elsewhere.json")
    kept(home).symlink_to(home / "elsewhere.json")
    with pytest.raises(BadInput, match="a readable file"):
        keys.load("mexc", home)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"key": "CANARY12345"}', '{"key": "CANARY12345", "secret": 7}', '{"key":"CANARY1","secret":"CANARY22","x":1}']
)
def test_a_file_that_says_something_else_is_refused_without_showing_it(home: Path, text: str) -> None:
    run("set", "mexc", typed=f"{KEY}\n{SECRET}\n")
    kept(home).write_text(text)
    with pytest.raises(BadInput) as refused:
        keys.load("mexc", home)
    assert "CANARY" not in str(refused.value)
    assert "CANARY" not in str(refused.value.__context__)


def test_the_environment_s_key_goes_first_and_half_of_it_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("set", "mexc", typed=f"{KEY}\n{SECRET}\n")
    monkeypatch.setenv("GATEHOUSE_VENUE_KEY", "fromtheenvironment")
    with pytest.raises(BadInput, match="no GATEHOUSE_VENUE_SECRET"):
        keys.load("mexc", home)
    monkeypatch.setenv("GATEHOUSE_VENUE_SECRET", "itssecret123")
    assert (keys.load("mexc", home).key.key, keys.load("mexc", home).source) == ("fromtheenvironment", "environment")


@pytest.mark.parametrize(
    ("powers", "code", "says"),
    [
        (Powers(), 0, "not visible"),
        (Powers(withdraws=True), 1, "it can withdraw"),
        (Powers(markets=("SPOT", "MARGIN")), 1, "it trades MARGIN"),
        (Powers(withdraws=True, markets=("FUTURES", "SPOT")), 1, "without the right to withdraw"),
        (Powers(trades=False), 1, "it cannot trade"),
    ],
)
def test_a_key_that_may_do_more_than_trade_spot_is_refused_with_what_to_change(
    home: Path, exchange: Sandbox, monkeypatch: pytest.MonkeyPatch, powers: Powers, code: int, says: str
) -> None:
    real_profile.is_mexc(monkeypatch, exchange)
    monkeypatch.setitem(exchange.dialect.powers, ACCOUNT, powers)
    run("set", "mexc", typed=f"{exchange.api_key}\n{exchange.secret}\n")
    done = run("test", "mexc")
    assert (done.exit_code, says in done.output + done.stderr) == (code, True), done.output
    assert exchange.secret not in done.output
    assert exchange.api_key not in done.output


def test_a_wrong_key_and_a_missing_one_are_said_to_be_that(home: Path, exchange: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    real_profile.is_mexc(monkeypatch, exchange)
    missing = run("test", "mexc")
    assert (missing.exit_code, "credentials set mexc" in missing.stderr) == (2, True)
    run("set", "mexc", typed=f"{KEY}\n{SECRET}\n")
    wrong = run("test", "mexc")
    assert (wrong.exit_code, "WrongKey" in wrong.stderr) == (4, True), wrong.stderr
    assert "CANARY" not in wrong.output
