"""`gatehouse status` and `doctor`: what is there, and what to do about what is wrong."""

import json
import socket

import pytest

from tests.console.conftest import ONE_MINUTE, Cli, row
from tests.store.rows import new_session
from trader_core.model.alert import Alert, AlertKind, Severity
from trader_core.model.session import SessionStatus
from trader_core.store import journal, lease, outbox
from trader_core.store.database import SCHEMA, begin
from trader_core.store.sessions import create_session, save_opening, save_statistics, set_status
from trader_core.store.streams import StreamRow, save_streams


def _checks(cli: Cli) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in json.loads(cli.run("doctor", "--json").stdout)["checks"]}


def _announce(cli: Cli, address: str) -> None:
    (cli.home / "run").mkdir()
    (cli.home / "run" / "sandbox.json").write_text(json.dumps({"base_url": address}))


def test_status_tells_versions_database_and_the_last_collections(cli: Cli) -> None:
    done = cli.json("import", cli.file("a.csv", [row(0)]), *ONE_MINUTE)
    found = cli.json("status")
    assert found["gatehouse"] == "0.1.0"
    assert (found["database"], found["database_running"], found["exchange"]) == ("your own", True, "not running")
    assert [one["collection_session"] for one in found["collections"]] == [done["collection_session_id"]]
    assert done["collection_session_id"] in cli.run("status").stdout


def test_status_hides_the_databases_password(cli: Cli) -> None:
    password = cli.database.server.passwords["postgres"]
    assert password in cli.database.own_url()
    assert password not in cli.run("status", "--json").stdout


def test_the_doctor_finds_a_healthy_installation_well(cli: Cli) -> None:
    result = cli.run("doctor", "--json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["well"]) == (0, True)
    assert [check["todo"] for check in answer["checks"]] == [""] * len(answer["checks"])
    assert _checks(cli)["database schema"]["found"] == f"migrated to {SCHEMA}"


def test_the_doctor_says_what_to_do_when_the_database_is_away(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/gatehouse?connect_timeout=2")
    result = cli.run("doctor", "--json")
    check = _checks(cli)["database"]
    assert (result.exit_code, "DatabaseAway" in check["found"]) == (1, True)
    assert check["todo"]


def test_the_doctor_finds_an_announcement_that_outlived_its_exchange(cli: Cli) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        _announce(cli, f"http://127.0.0.1:{free.getsockname()[1]}")
        check = _checks(cli)["exchange and traders"]
    assert "where nothing listens" in check["found"]
    assert check["todo"].endswith("run/sandbox.json")


def test_the_doctor_is_content_with_an_exchange_that_listens(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        _announce(cli, f"http://127.0.0.1:{server.getsockname()[1]}")
        assert _checks(cli)["exchange and traders"]["todo"] == ""


def test_little_disk_space_is_a_finding(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.status.DISK_MIN_MB", 10**9)
    result = cli.run("doctor")
    assert (result.exit_code, "free at least" in result.stdout) == (1, True)


def test_a_clock_that_differs_from_the_databases_is_a_finding(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.status.SKEW_MAX_MS", -1)
    assert "NTP" in _checks(cli)["clock"]["todo"]


def test_down_on_nothing_says_so(cli: Cli) -> None:
    assert cli.run("down").stdout.strip() == "Nothing of ours was running."


def test_up_of_the_database_alone_answers_where_it_is(cli: Cli) -> None:
    assert "Your own PostgreSQL answers" in cli.run("up", "--database").stdout


def test_the_doctor_says_where_alerts_go_and_what_to_do_about_failed_ones(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def alerts() -> tuple[str, bool]:
        found = _checks(cli)["alerts"]
        return found["found"], bool(found["todo"])

    assert alerts() == ("no webhook", False)
    with begin(cli.database.engine("flow")) as db:
        outbox.notify(db, Alert(AlertKind.TEST, Severity.INFO, "a", "", "a"), 1)
    monkeypatch.setenv("GATEHOUSE_SLACK_WEBHOOK", "sink")
    assert alerts() == ("to alerts.jsonl, 1 waiting", False)
    with begin(cli.database.engine("flow")) as db:
        for _ in range(outbox.TRIES_MAX):
            outbox.failed(db, outbox.newest(db)[0], "HTTP 500", 0)
    assert alerts() == ("to alerts.jsonl, 1 failed", True)
    assert cli.json("status")["alerts"] == "1 failed"
    assert cli.json("status")["prefect"] == "not running"


def test_status_has_one_line_for_each_stream_of_a_running_session(cli: Cli) -> None:
    health = StreamRow("trades BTC/USDT", 1_200, 80, 500, 1, 2, 0, "closed by the server")
    with begin(cli.database.engine("flow")) as db:
        create_session(db, new_session())
        set_status(db, "s1", SessionStatus.RUNNING)
    with begin(cli.database.engine("trader")) as db:
        save_streams(db, "s1", [health])
    assert cli.json("status")["streams"] == [{"session_id": "s1", **health._asdict()}]
    lines = [line for line in cli.run("status").stdout.splitlines() if "trades" in line]
    assert len(lines) == 1


def test_status_shows_the_last_recovery_what_came_in_and_what_is_not_ours(cli: Cli) -> None:
    opened = {"instruments": [{"base": "BTC"}], "baseline": {"BTC": "0.5", "USDT": "100"}}
    recovered = {"at_ms": 1_700_000_000_000, "asked": 1, "found": 1, "proven": [["BTC/USDT", 0, 1_700_000_000_000]]}
    external = {"orders": [["BTC/USDT", "x1", "", 5, 0]], "locked": 3}
    with begin(cli.database.engine("trader")) as db:
        create_session(db, new_session(), SessionStatus.RUNNING)
        epoch = lease.take(db, "paper", "me", "code", 10_000, 0)
        rows = [journal.Record(kind, json.dumps(body).encode()) for kind, body in
                (("OPENED", opened), ("RECOVERED", recovered), ("EXTERNAL", external))]  # fmt: skip
        journal.append(db, "s1", "paper", 0, journal.genesis("s1"), epoch, rows)
        save_opening(db, "s1", 60_000, 120_000, ())
        save_statistics(db, "s1", {"messages_trades_received": 3, "messages_trades_applied": 2, "messages_trades_known": 1})
    (found,) = cli.json("status")["standing"]
    assert (found["recovery"]["asked"], found["proven"]) == (1, "BTC/USDT")
    assert found["messages"] == "trades 3: 2 applied, 1 known"
    assert found["not_ours"] == "order x1 on BTC/USDT, 0.5 BTC from before"
    assert "order x1 on BTC/USDT" in " ".join(cli.run("status").stdout.split())
