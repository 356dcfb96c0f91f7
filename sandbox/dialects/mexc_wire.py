"""The bytes of MEXC's websocket messages, whose fields mexc.proto names: protobuf, written by hand. Pure.

Only what these messages need: texts, whole numbers and messages within messages. What is empty or 0 is left out, as proto3
does; a message within a message is always written.
"""

from sandbox.book import Level
from sandbox.pairs import Pair

VARINT, LENGTH = 0, 2
"""Kinds of fields on the wire."""
SHORT = 0x80
"""Lengths and numbers below take one byte."""
Field = tuple[int, str | int | bytes]
"""(number, value): a text, a whole number or truth, or a message."""
ASKS, BIDS = b"\x0a", b"\x12"
"""The first bytes of a level in a book's change."""


def message(*fields: Field) -> bytes:
    """Return a message of fields."""
    return b"".join(_field(number, value) for number, value in fields)


def levels(side: bytes, pair: Pair, rows: tuple[Level, ...]) -> bytes:
    """Return the levels of one side, ASKS or BIDS: what `message` would make of them, for books are what costs time."""
    price_one, qty_one, price_exp, qty_exp = 10**pair.price_exp, 10**pair.qty_exp, pair.price_exp, pair.qty_exp
    parts = []
    for price, qty in rows:
        left = b"%d.%0*d" % (price // price_one, price_exp, price % price_one)
        right = b"%d.%0*d" % (qty // qty_one, qty_exp, qty % qty_one)
        parts.append(b"%b%c\x0a%c%b\x12%c%b" % (side, len(left) + len(right) + 4, len(left), left, len(right), right))
    return b"".join(parts)


def _field(number: int, value: str | int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | VARINT) + _varint(value) if value else b""
    if isinstance(value, str):
        if not value:
            return b""
        value = value.encode()
    return _varint(number << 3 | LENGTH) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    """Return a number of at least 0, seven bits a byte, the lowest first."""
    assert value >= 0, f"no message here has a negative number: {value}"
    out = bytearray()
    while value >= SHORT:
        out.append(value & (SHORT - 1) | SHORT)
        value >>= 7
    out.append(value)
    return bytes(out)
