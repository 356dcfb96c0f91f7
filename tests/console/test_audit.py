"""`gatehouse audit`: verify, query, trail and export."""

import pytest

from tests.console.conftest import Cli
from tests.store.test_journal import filled, tamper
from trader_core.store import anchors

REASON = ("--reason", "the gate is wrong, see the notes")


def test_every_chain_is_verified_against_itself_and_its_anchors(cli: Cli) -> None:
    end = filled(cli.database)
    anchors.keep(cli.home, "s1", end)
    found = cli.json("audit", "verify")
    assert found["chains"] == [{"chain": "s1", "records": 4, "head": end.hash.hex()[:16], "anchors": 1, "archived": 0}]
    assert "1 chains, 4 records" in cli.run("audit", "verify", "--session", "s1").output


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ("update journal set body = 'x' where seq = 3", "record 3 of s1 to follow from the one before"),
        ("delete from journal where seq = 2", "record 3: one is missing"),
        ("delete from journal; delete from journal_head", "none: the end is missing"),
    ],
)
def test_a_chain_that_was_changed_ends_the_command_with_1_and_names_the_record(cli: Cli, done: str, said: str) -> None:
    anchors.keep(cli.home, "s1", filled(cli.database))
    tamper(cli.database, *done.split("; "))
    result = cli.run("audit", "verify", "--session", "s1")
    assert result.exit_code == 1
    assert said in " ".join(result.stderr.split())


def test_a_chain_that_is_gone_is_missed_by_the_history_of_anchors(cli: Cli) -> None:
    anchors.append(cli.home, {"s1": filled(cli.database)}, "2026-01-01")
    tamper(cli.database, "delete from journal", "delete from journal_head")
    result = cli.run("audit", "verify")
    assert (result.exit_code, "record 4 of s1" in " ".join(result.stderr.split())) == (1, True)


def test_records_are_searched_page_by_page(cli: Cli) -> None:
    filled(cli.database)
    page = cli.json("audit", "query", "--limit", 2, "--session", "s1")
    assert ([one["seq"] for one in page["records"]], page["after"]) == ([1, 2], "s1:2")
    rest = cli.json("audit", "query", "--limit", 50, "--after", page["after"], "--kind", "tick")
    assert ([one["seq"] for one in rest["records"]], rest["after"]) == ([4], "")
    assert "more: --after s1:1" in cli.run("audit", "query", "--limit", 1).output
    assert "No record fits" in cli.run("audit", "query", "--from", "2099-01-01").output


def test_an_export_is_verified_without_a_database(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(cli.database)
    cli.json("permit", "bypass", "sma_cross", "--venue", "sandbox", "--symbol", "BTC/USDT", *REASON)
    for name in ("x.parquet", "x.jsonl", "x.csv"):
        if name == "x.parquet":
            assert cli.json("audit", "export", "--out", cli.home / name)["chains"] == 2
        else:
            cli.json("audit", "export", "--session", "operators", "--out", cli.home / name)
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert [one["records"] for one in cli.json("audit", "verify", "--file", cli.home / "x.parquet")["chains"]] == [1, 4]
    assert cli.json("audit", "verify", "--file", cli.home / "x.csv")["records"] == 1
    path = cli.home / "x.jsonl"
    path.write_text(path.read_text().replace("BTC/USDT", "ETH/USDT").replace("see the notes", "see my notes"))
    result = cli.run("audit", "verify", "--file", path)
    assert (result.exit_code, "record 1 of operators" in " ".join(result.stderr.split())) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("query", "--limit", 0), "--limit"),
        (("query", "--after", "s1"), "--after SESSION:NUMBER"),
        (("query", "--from", "yesterday"), "--from"),
        (("trail",), "--order, or --session and --signal"),
        (("trail", "--order", "gh1", "--session", "s1", "--signal", 1), "--order, or --session and --signal"),
        (("trail", "--order", "gh1"), "'gh1'"),
        (("export", "--out", "x.xlsx"), "parquet, json, csv"),
        (("export", "--out", "x.csv", "--session", "none"), "a session with a journal"),
        (("verify", "--file", "none.csv"), "audit export"),
    ],
)
def test_what_is_wrong_is_said(cli: Cli, arguments: tuple[object, ...], said: str) -> None:
    result = cli.run("audit", *arguments)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.stderr.split())
