"""Journals as files: written in bounded memory, and verified again without a database.

A file holds whole chains, or what follows on an archived part of them. Beside it lies `FILE.heads.json`: where each chain ends, so
that a file whose end was cut off is seen, and what its first record follows where that is not the beginning of the chain.
"""

import base64
import csv
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from trader_core.model.errors import BadInput, ChainBroken, UnknownName
from trader_core.store.audit import Line
from trader_core.store.disk import synced
from trader_core.store.journal import Head, follow, genesis

FORMATS = ("parquet", "json", "csv")
COLUMNS = ("chain", "seq", "epoch", "at", "kind", "body", "prev", "hash")
SCHEMA = pa.schema(
    [
        ("chain", pa.string()), ("seq", pa.int64()), ("epoch", pa.int64()), ("at", pa.timestamp("us", "UTC")), ("kind", pa.string()),
        ("body", pa.binary()), ("prev", pa.binary()), ("hash", pa.binary()),
    ]
)  # fmt: skip
GROUP = 5_000
"""Rows that are held at once."""
HEADS = ".heads.json"
CODED = "base64:"
"""Before a body that is no UTF-8 text, in the formats that hold text."""
Row = tuple[str, int, str, bytes, bytes, bytes]
"""(chain, seq, kind, body, prev, hash)."""


class _Sink(Protocol):
    def __call__(self, lines: list[Line]) -> None: ...


def format_of(path: Path, said: str = "") -> str:
    """Return the format that is said, or that a file's name ends with; raises UnknownName."""
    found = said or {".jsonl": "json", ".ndjson": "json"}.get(path.suffix, path.suffix.lstrip("."))
    if found not in FORMATS:
        raise UnknownName(f"a format of {', '.join(FORMATS)}", repr(found), "say --format, or end the file's name with it")
    return found


def write(path: Path, form: str, lines: Iterable[Line]) -> dict[str, Head]:
    """Write records in order and return where each chain ended; the file appears whole or not at all. Raises BadInput if it is there."""
    if path.exists():
        raise BadInput("a file that is not there yet", str(path), "choose another name, or remove it")
    fresh, heads, group = path.with_name(path.name + ".new"), dict[str, Head](), list[Line]()
    begun: dict[str, Head] = {}
    try:
        with _SINKS[form](fresh) as sink:
            for line in lines:
                begun.setdefault(line.chain, Head(line.seq - 1, line.prev))
                heads[line.chain] = Head(line.seq, line.hash)
                group.append(line)
                if len(group) >= GROUP:
                    sink(group)
                    group = []
            sink(group)
        said = {"heads": _said(heads), "begins": _said({name: head for name, head in begun.items() if head.seq})}
        path.with_name(path.name + HEADS).write_text(json.dumps(said, indent=1) + "\n")
        for one in (fresh, path.with_name(path.name + HEADS)):
            synced(one)
        fresh.replace(path)
        synced(path.parent)
    except OSError as error:
        raise BadInput(f"a place for {path.name}", str(error), "make room there, and let it be written to") from error
    finally:
        fresh.unlink(missing_ok=True)
    return heads


def _said(heads: dict[str, Head]) -> dict[str, list[int | str]]:
    return {name: [head.seq, head.hash.hex()] for name, head in heads.items()}


def verify(path: Path) -> dict[str, Head]:
    """Recompute every chain of a file and return their heads; raises ChainBroken naming the first record that does not fit.

    Also where a chain ends before the head that lies beside the file. Raises BadInput for what is no export.
    """
    if not path.is_file():
        raise BadInput("a file that `gatehouse audit export` wrote", str(path), "name the file")
    heads, begun = dict[str, Head](), _beside(path, "begins")
    for chain, *row in read(path):
        head = heads.get(chain) or begun.get(chain) or Head(0, genesis(chain))
        heads[chain] = follow(chain, head, [tuple(row)])  # type: ignore[list-item]
    for name, expected in _beside(path, "heads").items():
        if heads.get(name) != expected:
            found = f"its end at record {heads[name].seq if name in heads else 0}"
            raise ChainBroken(f"{name} up to record {expected.seq}, as {path.name}{HEADS} says", found, "export again")
    return heads


def read(path: Path) -> Iterator[Row]:
    """Yield the records of a file in its order; raises ChainBroken naming the last one before something else."""
    last = 0
    try:
        for row in _SOURCES[format_of(path)](path):
            yield row
            last = row[1]
    except (ValueError, KeyError, TypeError, OSError) as error:  # ArrowInvalid is a ValueError; a broken page is an OSError
        place = f"{path.name} behind record {last}"
        raise ChainBroken(f"records as `gatehouse audit export` writes them in {place}", repr(error)[:120], "export again") from error


def _beside(path: Path, what: str) -> dict[str, Head]:
    beside = path.with_name(path.name + HEADS)
    if not beside.is_file():
        return {}
    try:
        said = json.loads(beside.read_text())
        return {name: Head(int(seq), bytes.fromhex(text)) for name, (seq, text) in said.get(what, {}).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ChainBroken(f"{what} in {beside.name}", repr(error)[:120], "export again") from error


def _text(body: bytes) -> str:
    try:
        said = body.decode()
    except UnicodeDecodeError:
        return CODED + base64.b64encode(body).decode()
    return CODED + base64.b64encode(body).decode() if said.startswith(CODED) or "\r" in said or "\0" in said else said


def _bytes(said: str) -> bytes:
    return base64.b64decode(said[len(CODED) :], validate=True) if said.startswith(CODED) else said.encode()


def _plain(line: Line) -> dict[str, Any]:
    return {**line._asdict(), "at": line.at.isoformat(), "body": _text(line.body), "prev": line.prev.hex(), "hash": line.hash.hex()}


@contextmanager
def _parquet(path: Path) -> Iterator[_Sink]:
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:

        def sink(lines: list[Line]) -> None:
            columns = {name: [getattr(line, name) for line in lines] for name in COLUMNS}
            writer.write_table(pa.table(columns, schema=SCHEMA))

        yield sink


@contextmanager
def _json(path: Path) -> Iterator[_Sink]:
    with path.open("w", encoding="utf-8") as file:
        yield lambda lines: file.writelines(json.dumps(_plain(line), ensure_ascii=False) + "\n" for line in lines)


@contextmanager
def _csv(path: Path) -> Iterator[_Sink]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        yield lambda lines: writer.writerows(_plain(line) for line in lines)


def _read_parquet(path: Path) -> Iterator[Row]:
    file = pq.ParquetFile(path)
    for batch in file.iter_batches(GROUP, columns=["chain", "seq", "kind", "body", "prev", "hash"]):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _read_json(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield _row(json.loads(line))


def _read_csv(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        for found in csv.DictReader(file, strict=True):
            yield _row(found)


def _row(found: dict[str, Any]) -> Row:
    datetime.fromisoformat(found["at"])
    digests = bytes.fromhex(found["prev"]), bytes.fromhex(found["hash"])
    return found["chain"], int(found["seq"]), found["kind"], _bytes(found["body"]), *digests


_SINKS = {"parquet": _parquet, "json": _json, "csv": _csv}
_SOURCES = {"parquet": _read_parquet, "json": _read_json, "csv": _read_csv}
