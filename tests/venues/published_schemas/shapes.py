"""A language for the shape of a JSON answer, and where a value departs from it. Pure.

A shape is a text that names types (`decimal|null`), a dict of fields, a list with the shape of its elements, or a tuple with the
shapes of a row. A field whose name ends in `?` may be absent; the field `*` stands for every other name; an empty list says nothing
of its elements.
"""

import re
from typing import Any, NamedTuple

TEXT, DECIMAL, INTEGER, NUMBER, NUMERIC, TRUTH, NULL = "text", "decimal", "integer", "number", "numeric", "truth", "null"
"""`decimal` is a number written as text. `numeric` is a number of which one cannot tell whether it was written as text: in most of the
captures the client's own parser has put quotes around every number that is a field of its own."""
ACCEPTED = {
    TEXT: {TEXT, DECIMAL}, DECIMAL: {DECIMAL}, INTEGER: {INTEGER}, NUMBER: {INTEGER, NUMBER}, NUMERIC: {INTEGER, NUMBER, DECIMAL},
    TRUTH: {TRUTH}, NULL: {NULL},
}  # fmt: skip
DECIMAL_TEXT = re.compile(r"-?[0-9]+(\.[0-9]+)?")

Shape = str | dict[str, Any] | list[Any] | tuple[Any, ...]


class Published(NamedTuple):
    """What was published: the client's method whose capture or comment was read, and the shape that it shows."""

    read_from: str
    shape: Shape


class Dialect(NamedTuple):
    """Everything known of one dialect's payloads; a case is a site, or a site and words in brackets."""

    published: dict[str, Published]
    unpublished: dict[str, str]
    """Sites without a published payload, and a word about each."""
    differences: dict[str, dict[str, str]]
    """By case and finding, why we answer otherwise."""


def site_of(case: str) -> str:
    """Return the site that a case is about."""
    return case.partition(" (")[0]


def kind_of(value: object) -> str:
    """Return the type of a plain value."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return TRUTH
    if isinstance(value, int):
        return INTEGER
    if isinstance(value, float):
        return NUMBER
    if isinstance(value, str):
        return DECIMAL if DECIMAL_TEXT.fullmatch(value) else TEXT
    return "record" if isinstance(value, dict) else "list"


def findings(shape: Shape, value: object, path: str = "") -> set[str]:
    """Return where a value departs from a shape, in words."""
    if isinstance(shape, str):
        kind = kind_of(value)
        fits = any(kind in ACCEPTED[name] for name in shape.split("|"))
        return set() if fits else {f"{path or 'answer'}: {kind}, published {shape}"}
    if isinstance(shape, dict):
        return _record(shape, value, path) if isinstance(value, dict) else {f"{path or 'answer'}: {kind_of(value)}, published record"}
    if not isinstance(value, list):
        return {f"{path or 'answer'}: {kind_of(value)}, published list"}
    return _row(shape, value, path) if isinstance(shape, tuple) else _rows(shape, value, path)


def _record(shape: dict[str, Any], value: dict[str, Any], path: str) -> set[str]:
    known = {name.removesuffix("?"): inner for name, inner in shape.items() if name != "*"}
    found = {f"{_at(path, name)}: missing" for name in shape if not name.endswith("?") and name != "*" and name not in value}
    others = [name for name in value if name not in known]
    if "*" in shape:
        found |= set() if others else {f"{path or 'answer'}: empty"}
        found |= {text for name in others for text in findings(shape["*"], value[name], _at(path, "*"))}
    else:
        found |= {f"{_at(path, name)}: not published" for name in others}
    return found | {text for name, inner in known.items() if name in value for text in findings(inner, value[name], _at(path, name))}


def _rows(shape: list[Any], value: list[Any], path: str) -> set[str]:
    if not shape:
        return set()
    if not value:
        return {f"{path or 'answer'}: empty"}
    return {text for item in value for text in findings(shape[0], item, f"{path}[]")}


def _row(shape: tuple[Any, ...], value: list[Any], path: str) -> set[str]:
    if len(shape) != len(value):
        return {f"{path}: {len(value)} columns, published {len(shape)}"}
    return {text for at, inner in enumerate(shape) for text in findings(inner, value[at], f"{path}[{at}]")}


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
