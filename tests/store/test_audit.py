"""The audit trail: searched and paged, followed for one order, exported whole, and verified again without a database."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.store import rows
from tests.store.test_journal import filled
from trader_core.model.errors import BadInput, ChainBroken, UnknownName
from trader_core.store import audit, audit_files, journal, lease
from trader_core.store.audit import Asked, Line
from trader_core.store.database import begin
from trader_core.store.journal import Head, Record
from trader_core.store.orders import FillRow, insert_fills, upsert_order_states
from trader_core.store.sessions import create_session
from trader_core.store.signals import RefusalRow, insert_intents, insert_refusals, insert_signals

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
BODIES = [b'{"a":1}', b"", b"\x00\xff", "ü € ✓\n\r".encode(), b"base64:x", b'say "hi", twice\n' * 3]


def chain(name: str, bodies: list[bytes], kind: str = "MOVE") -> list[Line]:
    """Return a chain as it would come from the database."""
    found, prev = [], journal.genesis(name)
    for seq, body in enumerate(bodies, 1):
        digest = journal.record_hash(prev, kind, body)
        found.append(Line(name, seq, 1, AT, kind, body, prev, digest))
        prev = digest
    return found


def asked(database: Database, limit: int = 100, **wanted: object) -> list[tuple[str, int]]:
    with begin(database.engine("verify")) as db:
        return [(one.chain, one.seq) for one in audit.query(db, Asked(**wanted), limit)]  # type: ignore[arg-type]


def two_chains(database: Database) -> None:
    with begin(database.engine("trader")) as db:
        epoch = lease.take(db, "paper", "me", "code", 10_000, 0)
        for name in ("s1", "s2"):
            body = f'{{"client_order_id":"gh{name}","n":1}}'.encode()
            records = [Record("INTENT", body), Record("FLAG", b'{"flag":"kill"}'), Record("MOVE", body)]
            journal.append(db, name, "paper", 0, journal.genesis(name), epoch, records)


def test_records_are_found_by_chain_kind_time_order_and_text_and_come_in_pages(database: Database) -> None:
    two_chains(database)
    assert asked(database) == [(name, seq) for name in ("s1", "s2") for seq in (1, 2, 3)]
    assert asked(database, chain="s2") == [("s2", 1), ("s2", 2), ("s2", 3)]
    assert asked(database, kind="FLAG") == [("s1", 2), ("s2", 2)]
    assert asked(database, order="ghs2") == [("s2", 1), ("s2", 3)]
    assert asked(database, contains='"kill"', chain="s1") == [("s1", 2)]
    assert asked(database, since=datetime(2100, 1, 1, tzinfo=UTC)) == []
    assert len(asked(database, until=datetime(2100, 1, 1, tzinfo=UTC))) == 6
    pages, after = [], ("", 0)
    while page := asked(database, limit=4, after=after):
        pages.append(page)
        after = page[-1]
    assert [len(page) for page in pages] == [4, 2]
    assert asked(database, contains="%") == [], "a text is a text, not a pattern"


def test_the_whole_way_of_an_order_is_shown_and_why_a_signal_did_not_trade(database: Database) -> None:
    with begin(database.engine("trader")) as db:
        create_session(db, rows.new_session())
        insert_signals(db, "s1", [rows.signal(1), rows.signal(2)])
        insert_intents(db, "s1", [rows.intent(1)])
        insert_refusals(db, "s1", [RefusalRow(2, "EXPOSURE", 4, 16)])
        upsert_order_states(db, [rows.order(1, state="FILLED", filled=5)])
        insert_fills(db, [FillRow("paper", "BTC/USDT", "t1", "s1", 1, "gh1", 1, 5, 100, 3, 0, rows.T0)])
        epoch = lease.take(db, "paper", "me", "code", 10_000, 0)
        records = [Record("INTENT", b'{"client_order_id":"gh1"}'), Record("MOVE", b'{"client_order_id":"gh2"}')]
        journal.append(db, "s1", "paper", 0, journal.genesis("s1"), epoch, records)
    with begin(database.engine("verify")) as db:
        assert audit.signal_of(db, "gh1") == ("s1", 1)
        traded, refused = audit.trail(db, "s1", 1), audit.trail(db, "s1", 2)
        assert (traded["intent"]["client_order_id"], traded["order"]["state"], traded["refusal"]) == ("gh1", "FILLED", None)
        assert [fill["trade_id"] for fill in traded["fills"]] == ["t1"]
        assert [record["kind"] for record in traded["records"]] == ["INTENT"]
        assert (refused["refusal"]["refusal"], refused["intent"], refused["order"], refused["fills"]) == ("EXPOSURE", None, None, [])
        with pytest.raises(UnknownName, match="'gh7'"):
            audit.signal_of(db, "gh7")
        with pytest.raises(UnknownName, match="a signal of s1"):
            audit.trail(db, "s1", 3)


@pytest.mark.parametrize("form", audit_files.FORMATS)
def test_an_export_verifies_without_a_database_whatever_the_bodies_are(tmp_path: Path, form: str) -> None:
    lines = [*chain("s/1", BODIES), *chain("operators", BODIES[:2], "ÄNDERUNG")]
    path = tmp_path / f"x.{form}"
    heads = audit_files.write(path, form, lines)
    assert heads == {"s/1": Head(6, lines[5].hash), "operators": Head(2, lines[7].hash)}
    assert audit_files.verify(path) == heads


@pytest.mark.parametrize("form", audit_files.FORMATS)
def test_groups_are_written_one_after_the_other(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_files, "GROUP", 2)
    path = tmp_path / f"x.{form}"
    assert audit_files.verify(path)["s1"].seq == 5 if audit_files.write(path, form, chain("s1", BODIES[:5])) else 0


def test_what_the_database_holds_is_what_is_exported(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "EXPORT_PAGE", 3)
    end = filled(database)
    with begin(database.engine("verify")) as db:
        assert audit.chains(db) == ["s1"]
        audit_files.write(tmp_path / "x.parquet", "parquet", audit.lines(db, "s1"))
        assert audit_files.verify(tmp_path / "x.parquet") == {"s1": end} == {"s1": journal.verify(db, "s1")}


def _changed(lines: list[str], row: int, name: str, value: object) -> None:
    lines[row] = json.dumps({**json.loads(lines[row]), name: value})


def _renamed(lines: list[str]) -> None:
    lines[:] = [line.replace('"s1"', '"s2"') for line in lines]


TAMPERED: dict[str, tuple[Callable[[list[str]], object], str]] = {
    "a body": (lambda lines: _changed(lines, 2, "body", "{}"), "record 3 of s1"),
    "a kind": (lambda lines: _changed(lines, 2, "kind", "FILL"), "record 3 of s1"),
    "a hash": (lambda lines: _changed(lines, 2, "hash", "00" * 32), "record 3 of s1"),
    "a number": (lambda lines: _changed(lines, 2, "seq", 4), "record 3 of s1.*record 4: one is missing"),
    "another chain's name": (_renamed, "record 1 of s2"),
    "one is missing": (lambda lines: lines.pop(1), "record 2 of s1.*record 3"),
    "two are swapped": (lambda lines: lines.insert(1, lines.pop(2)), "record 2 of s1"),
    "one is there twice": (lambda lines: lines.insert(2, lines[1]), "record 3 of s1.*record 2"),
    "the end is missing": (lambda lines: lines.pop(), "s1 up to record 5.*its end at record 4"),
    "nothing is left": (lambda lines: lines.clear(), "s1 up to record 5.*its end at record 0"),
    "no record": (lambda lines: lines.insert(2, "{"), r"behind record 2"),
    "a column is missing": (lambda lines: lines.insert(2, "{}"), r"behind record 2"),
}


@pytest.mark.parametrize(("change", "said"), TAMPERED.values(), ids=TAMPERED)
def test_an_export_that_was_tampered_with_names_the_first_record(tmp_path: Path, change: Callable[[list[str]], object], said: str) -> None:
    path = tmp_path / "x.json"
    audit_files.write(path, "json", chain("s1", [b"1", b"2", b"3", b"4", b"5"]))
    lines = path.read_text().splitlines()
    change(lines)
    path.write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(ChainBroken, match=said):
        audit_files.verify(path)


def test_each_of_300_random_edits_is_seen(tmp_path: Path) -> None:
    dice = random.Random(3)
    lines = chain("s1", [dice.randbytes(20) for _ in range(12)])
    for _ in range(300):
        edited = tampered(dice, lines)
        with pytest.raises(ChainBroken):
            whole(edited, Head(12, lines[-1].hash))


def whole(lines: list[Line], expected: Head) -> None:
    """Raise ChainBroken unless the lines are the chain up to its head."""
    head = journal.follow("s1", Head(0, journal.genesis("s1")), [(one.seq, one.kind, one.body, one.prev, one.hash) for one in lines])
    if head != expected:
        raise ChainBroken(f"record {expected.seq}", f"record {head.seq}", "compare")


def tampered(dice: random.Random, lines: list[Line]) -> list[Line]:
    """Return lines with one edit of a bit, or one of them deleted, swapped, inserted or the end cut off."""
    found, at, what = list(lines), dice.randrange(len(lines)), dice.randrange(5)
    if what == 0:
        line, bit = lines[at], 1 << dice.randrange(7)
        edits = (
            lambda: line._replace(body=_flipped(dice, line.body, bit)), lambda: line._replace(prev=_flipped(dice, line.prev, bit)),
            lambda: line._replace(hash=_flipped(dice, line.hash, bit)),
            lambda: line._replace(kind=_flipped(dice, line.kind.encode(), bit).decode()),
        )  # fmt: skip
        found[at] = dice.choice(edits)()
    elif what == 1:
        del found[at]
    elif what == 2:
        other = (at + dice.randrange(1, len(lines))) % len(lines)
        found[at], found[other] = found[other], found[at]
    elif what == 3:
        found.insert(at, lines[dice.randrange(len(lines))])
    else:
        del found[at:]
    return found


def _flipped(dice: random.Random, value: bytes, bit: int) -> bytes:
    at = dice.randrange(len(value))
    return value[:at] + bytes([value[at] ^ bit]) + value[at + 1 :]


def test_a_file_is_written_whole_or_not_at_all_and_never_over_another(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"

    def breaks() -> object:
        yield from chain("s1", BODIES[:2])
        raise ChainBroken("a", "b", "c")

    with pytest.raises(ChainBroken):
        audit_files.write(path, "csv", breaks())  # type: ignore[arg-type]
    assert [*tmp_path.iterdir()] == []
    audit_files.write(path, "csv", chain("s1", BODIES[:2]))
    with pytest.raises(BadInput, match="not there yet"):
        audit_files.write(path, "csv", chain("s1", BODIES[:2]))


@pytest.mark.parametrize(("name", "said", "form"), [("x.jsonl", "", "json"), ("x.csv", "", "csv"), ("x", "parquet", "parquet")])
def test_the_format_is_said_or_in_the_name(name: str, said: str, form: str) -> None:
    assert audit_files.format_of(Path(name), said) == form


def test_what_is_no_format_and_no_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="parquet, json, csv"):
        audit_files.format_of(Path("x.xlsx"))
    with pytest.raises(BadInput, match="audit export"):
        audit_files.verify(tmp_path / "none.csv")
    (tmp_path / "x.parquet").write_bytes(b"no parquet")
    with pytest.raises(ChainBroken, match="export again"):
        audit_files.verify(tmp_path / "x.parquet")
