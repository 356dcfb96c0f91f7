"""The spool's form: what was done while the database was away, one line each, in a hash chain that goes on from the journal's head. Pure.

A line is the hash of the one before it with its body, a space, the body's canonical bytes, and a line feed. The first line names the
session and the place in its journal behind which the others belong; the hash that it follows is the journal's own.
"""

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from trader_core.model.errors import ChainBroken
from trader_core.trader.records import encode

DOMAIN = b"gatehouse.spool.v1\0"
SIZE_MAX = 1 << 20
"""Bytes of one file: some five thousand lines."""
ADVICE = "keep the file, look at the venue, and start a new session (docs/audit.md)"
_HEX = 64
_length = struct.Struct(">i").pack


class Line(NamedTuple):
    """One line: its number (1 is the first behind the heading), what it says, and its hash."""

    number: int
    body: dict[str, Any]
    hash: bytes


class Spool(NamedTuple):
    """A file as read: whose it is, behind which record of the journal it belongs, and what it says."""

    session_id: str
    seq: int
    head: bytes
    """The hash of record `seq`."""
    epoch: int
    """Of the trader that wrote it."""
    name: str
    """The heading's hash, in hex: no two files have the same."""
    lines: tuple[Line, ...]
    end: bytes
    """The last line's hash, or the heading's."""
    size: int
    """So many bytes are whole; behind them lies what was being written when it stopped."""

    def behind(self, merged: Mapping[str, str]) -> tuple[Line, ...]:
        """Return the lines that are not merged yet; `merged` has the hash of the last one that is, in hex, by the name of its file."""
        at = next((line.number for line in self.lines if line.hash.hex() == merged.get(self.name)), 0)
        return self.lines[at:]


def heading(session_id: str, seq: int, head: bytes, epoch: int) -> tuple[bytes, bytes]:
    """Return a file's first line and its hash."""
    return written(head, {"session_id": session_id, "seq": seq, "head": head.hex(), "epoch": epoch})


def written(prev: bytes, body: dict[str, Any]) -> tuple[bytes, bytes]:
    """Return a line with its line feed, and its hash."""
    said = encode(body)
    digest = _hashed(prev, said)
    return digest.hex().encode() + b" " + said + b"\n", digest


def many(prev: bytes, bodies: Sequence[dict[str, Any]]) -> tuple[bytes, bytes]:
    """Return several lines as one piece, and the hash of the last one."""
    found = b""
    for body in bodies:
        line, prev = written(prev, body)
        found += line
    return found, prev


def read(data: bytes, place: str) -> Spool | None:
    """Return what a file says, or None where not even its heading was finished.

    A last line without its line feed was being written when the machine stopped, and nothing followed from it: it counts as not
    there. Raises ChainBroken, naming the line, for whatever else does not follow from the line before it.
    """
    whole = data[: data.rfind(b"\n") + 1]
    rows = whole.split(b"\n")[:-1]
    if not rows:
        return None
    first = _body(rows[0], 0, place)
    try:
        session_id, seq, head, epoch = str(first["session_id"]), int(first["seq"]), bytes.fromhex(first["head"]), int(first["epoch"])
    except (KeyError, TypeError, ValueError) as error:
        raise _broken(place, 0, "a heading without session, number, hash and epoch") from error
    name = end = _follow(head, rows[0], 0, place)
    lines = list[Line]()
    for number, row in enumerate(rows[1:], 1):
        end = _follow(end, row, number, place)
        lines.append(Line(number, _body(row, number, place), end))
    return Spool(session_id, seq, head, epoch, name.hex(), tuple(lines), end, len(whole))


def _follow(prev: bytes, row: bytes, number: int, place: str) -> bytes:
    digest = _hashed(prev, row[_HEX + 1 :])
    if row[: _HEX + 1] != digest.hex().encode() + b" ":
        raise _broken(place, number, "another hash: it was changed, or one before it is missing")
    return digest


def _body(row: bytes, number: int, place: str) -> dict[str, Any]:
    try:
        body = json.loads(row[_HEX + 1 :])
    except ValueError as error:
        raise _broken(place, number, "something that cannot be read") from error
    if not isinstance(body, dict):
        raise _broken(place, number, "something that is no record")
    return body


def _hashed(prev: bytes, body: bytes) -> bytes:
    return hashlib.sha256(DOMAIN + prev + _length(len(body)) + body).digest()


def _broken(place: str, number: int, found: str) -> ChainBroken:
    return ChainBroken(f"line {number} of {place} to follow from the one before", found, ADVICE)
