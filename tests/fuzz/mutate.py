"""Answers that nobody should give: true ones with one to four mistakes in them, error envelopes, random JSON and random bytes. Pure."""

import json
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from tests.fuzz.junk import CHARSETS, DEPTHS, JUNK, NUMBERS, RAW, SENTENCES, STATUSES, TEXTS, WORDS
from tests.fuzz.memory import Said


def answer(rng: Random, base: Said, others: list[Said]) -> Said:
    """Return an answer instead of `base`; `others` are the healthy answers to other questions."""
    dice = rng.random()
    if dice < 0.70:
        body, status = mutated(rng, base.body), 200 if rng.random() < 0.9 else rng.choice(STATUSES)
    elif dice < 0.86:
        body, status = envelope(rng), 400 if rng.random() < 0.6 else 200 if rng.random() < 0.7 else rng.choice(STATUSES)
        body = mutated(rng, body) if rng.random() < 0.3 else body
    elif dice < 0.90:
        body, status = mutated(rng, rng.choice(others).body), 200
    elif dice < 0.95:
        body, status = _json(random_json(rng, 4)), rng.choice((200, 200, *STATUSES))
    else:
        body, status = random_bytes(rng), rng.choice((200, 200, *STATUSES))
    headers = [("Content-Type", rng.choice(("application/json", "application/json", "text/html", "")))]
    if rng.random() < 0.02:
        headers.append(("Retry-After", rng.choice(("1", "", "-1", "soon", "9" * 30, "²", "1.5"))))
    return Said(status, body, tuple(headers), rng.choice(CHARSETS) if rng.random() < 0.01 else "utf-8")


def mutated(rng: Random, body: bytes) -> bytes:
    """Return a body with mistakes in its tree, and seldom in its text."""
    try:
        tree = json.loads(body)
    except ValueError:
        return _text_mistake(rng, body)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        tree = _tree_mistake(rng, tree)
    out = _json(tree)
    return _text_mistake(rng, out) if rng.random() < 0.15 else out


def envelope(rng: Random) -> bytes:
    """Return a refusal: a code with a text, or Kraken's list of errors."""
    if rng.random() < 0.5:
        code: Any = rng.choice(NUMBERS)
        code = str(code) if rng.random() < 0.2 else float(code) if rng.random() < 0.1 else code
        return _json({"code": code, "msg": rng.choice(TEXTS)})
    errors: list[Any] = [rng.choice(SENTENCES) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
    return _json({"error": errors} if rng.random() < 0.7 else {"error": errors, "result": _junk(rng)})


def random_json(rng: Random, depth: int) -> Any:
    """Return any value."""
    dice = rng.random()
    if depth == 0 or dice < 0.4:
        return _junk(rng)
    if dice < 0.7:
        return [random_json(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice(WORDS): random_json(rng, depth - 1) for _ in range(rng.randrange(5))}


def random_bytes(rng: Random) -> bytes:
    """Return bytes, of all kinds or of JSON's own, or brackets without end."""
    dice = rng.random()
    if dice < 0.1:
        return rng.choice((b"[", b'{"a":', b'[{"code":')) * rng.choice(DEPTHS)
    if dice < 0.2:
        depth = rng.choice(DEPTHS)
        return b"[" * depth + b"]" * depth
    size = rng.randrange(200)
    return rng.randbytes(size) if dice < 0.6 else bytes(rng.choices(b'{}[]":,0123456789.eE+-truefalsn \n\\u', k=size))


def _tree_mistake(rng: Random, tree: Any) -> Any:
    """Return the tree with one mistake somewhere; a tree is changed in place unless its root is replaced."""
    parent, at = _place(rng, tree)
    if parent is None:
        return rng.choice(ROOTS)(rng, tree)
    rng.choice(CHANGES)(rng, parent, at)
    return tree


def _place(rng: Random, tree: Any) -> tuple[Any, Any]:
    """Return a random (container, key or index) in the tree, (None, None) for its root."""
    found: tuple[Any, Any] = (None, None)
    here = tree
    while isinstance(here, dict | list) and here and (found[0] is None or rng.random() < 0.75):
        if found[0] is None and rng.random() < 0.03:
            break
        at = rng.choice(list(here)) if isinstance(here, dict) else rng.randrange(len(here))
        found, here = (here, at), here[at]
    return found


def _replace(rng: Random, parent: Any, at: Any) -> None:
    parent[at] = _junk(rng)


def _remove(_rng: Random, parent: Any, at: Any) -> None:
    del parent[at]


def _rename(rng: Random, parent: Any, at: Any) -> None:
    if isinstance(parent, dict):
        parent[rng.choice((at.upper(), at + " ", at[:-1], rng.choice(WORDS), ""))] = parent.pop(at)
    else:
        parent.insert(rng.randrange(len(parent) + 1), _junk(rng))


def _double(rng: Random, parent: Any, at: Any) -> None:
    if isinstance(parent, dict):
        parent[rng.choice((*WORDS, *parent))] = parent[at]
    else:
        parent += [parent[at]] * rng.choice((1, 1, 2, 150))


def _cut(rng: Random, parent: Any, at: Any) -> None:
    if isinstance(parent, list):
        del parent[rng.randrange(len(parent)) :]
    else:
        parent[at] = parent[at][: len(parent[at]) // 2] if isinstance(parent[at], str | list) else None


def _retype(rng: Random, parent: Any, at: Any) -> None:
    value = parent[at]
    if isinstance(value, str):
        parent[at] = rng.choice((RAW + value if _is_number(value) else [value], {value: value}, value.upper(), value.lower(), f" {value}"))
    elif isinstance(value, bool | None):
        parent[at] = rng.choice((str(value), int(bool(value)), not value))
    else:
        parent[at] = json.dumps(value) if rng.random() < 0.5 else [value]


def _number(rng: Random, parent: Any, at: Any) -> None:
    """Write a number otherwise, or another one."""
    value = str(parent[at])
    if isinstance(parent[at], bool) or not _is_number(value):
        _replace(rng, parent, at)
        return
    forms = (f"-{value}", f"{value}e1", f"{value}E-1", f"{value}0", f"{value}.0", f"0{value}", f"{value}e0", f"{value}e400", f"{value}_0",
             f"{value}" + "0" * 40, value.replace(".", ""), value.translate(_WIDE), value[::-1], f"+{value}")  # fmt: skip
    chosen = rng.choice(forms)
    parent[at] = chosen if isinstance(parent[at], str) or rng.random() < 0.3 else RAW + chosen


def _swap(rng: Random, parent: Any, at: Any) -> None:
    other = rng.choice(list(parent)) if isinstance(parent, dict) else rng.randrange(len(parent))
    parent[at], parent[other] = parent[other], parent[at]


def _nest(rng: Random, parent: Any, at: Any) -> None:
    depth = rng.choice(DEPTHS)
    parent[at] = RAW + "[" * depth + "]" * depth if rng.random() < 0.5 else RAW + "{'a':" * depth + "1" + "}" * depth


def _nested_somewhere(rng: Random, tree: Any) -> Any:
    if isinstance(tree, dict | list) and tree:
        _nest(rng, tree, rng.choice(list(tree)) if isinstance(tree, dict) else rng.randrange(len(tree)))
    return tree


_WIDE = {ord("0") + digit: chr(0xFF10 + digit) for digit in range(10)}
CHANGES: tuple[Callable[[Random, Any, Any], None], ...] = (
    *(_replace, _replace, _replace, _remove, _remove, _rename, _double, _cut, _retype, _retype, _number, _number, _number, _swap),
)
ROOTS: tuple[Callable[[Random, Any], Any], ...] = (
    lambda rng, _: _junk(rng),
    lambda _, tree: [tree],
    lambda _, tree: {"data": tree},
    lambda _, tree: {"error": [], "result": tree},
    lambda _, tree: json.dumps(tree),
    lambda rng, tree: {**tree, rng.choice(WORDS): _junk(rng)} if isinstance(tree, dict) else tree * 2 if isinstance(tree, list) else tree,
    _nested_somewhere,
)


def _junk(rng: Random) -> Any:
    """Return a value that no later mistake shares."""
    return deepcopy(rng.choice(JUNK))


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal() and text.isascii()


def _json(tree: Any) -> bytes:
    """Return the tree's text, raw tokens among it; an apostrophe in a token stands for a quote."""
    first, *parts = json.dumps(tree).split(f'"{RAW}')
    tokens = (part.partition('"') for part in parts)
    return "".join([first, *(token.replace("'", '"') + rest for token, _, rest in tokens)]).encode()


def _text_mistake(rng: Random, body: bytes) -> bytes:
    """Return a body with one mistake in its bytes."""
    at, dice = rng.randrange(len(body) + 1), rng.random()
    if dice < 0.2:
        return body[:at]
    if dice < 0.4:
        return body[:at] + rng.randbytes(rng.choice((1, 1, 2, 8))) + body[at + 1 :]
    if dice < 0.6:
        key, value = rng.choice(WORDS), json.dumps(rng.choice(NUMBERS))
        where = body.find(b"{", at if rng.random() < 0.5 else 0)
        return body if where < 0 else body[: where + 1] + f'"{key}":{value},'.encode() + body[where + 1 :]
    if dice < 0.7:
        return rng.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b")]}',\n", b" \n")) + body
    if dice < 0.8:
        return body + rng.choice((b"\x00", b"}", b"]", b"<html>", body, b" "))
    if dice < 0.9:
        return body[:at] + rng.choice((b'"', b"\\", b"{", b"}", b"[", b"]", b",", b"NaN", b"\\u0000", b"\\ud800")) + body[at:]
    return body.replace(b'"', b"'", 1)
