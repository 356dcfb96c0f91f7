"""Mutants of a function: one small mistake each, as source that differs in one place."""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

COMPARE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
}  # fmt: skip
BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift,
}  # fmt: skip
TWINS = {
    "min": "max", "max": "min", "notional_up": "notional_down", "notional_down": "notional_up", "rate_up": "rate_down",
    "rate_down": "rate_up", "down_to": "up_to", "up_to": "down_to",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake: in which function, on which line, what it says instead."""

    function: str
    line: int
    what: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of every function of a module, decorators and docstrings left out."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            plain = copy.deepcopy(node)
            plain.decorator_list = []
            for place, _ in enumerate(ast.walk(plain)):
                yield from _at(plain, place)


def _at(function: ast.FunctionDef, place: int) -> Iterator[Mutant]:
    for number in range(4):
        changed = copy.deepcopy(function)
        node = list(ast.walk(changed))[place]
        what = _change(node, number)
        if what is None:
            return
        ast.fix_missing_locations(changed)
        yield Mutant(function.name, getattr(node, "lineno", function.lineno), what, ast.unparse(changed))


def _change(node: ast.AST, number: int) -> str | None:
    """Make the n-th mistake that a node allows, in place, and say which; None when there is none left."""
    if isinstance(node, ast.Compare):
        return _compare(node, number)
    if number:
        return None
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in BINARY:
        before, node.op = type(node.op).__name__, BINARY[type(node.op)]()
        return f"{before} becomes {type(node.op).__name__}"
    if isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return f"becomes {type(node.op).__name__}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TWINS:
        before, node.func.id = node.func.id, TWINS[node.func.id]
        return f"{before} becomes {node.func.id}"
    if isinstance(node, ast.Constant) and type(node.value) is int:
        before, node.value = str(node.value), node.value + 1
        return f"{before} becomes {node.value}"
    if isinstance(node, ast.IfExp):
        node.body, node.orelse = node.orelse, node.body
        return "the two sides of an if are swapped"
    return None


def _compare(node: ast.Compare, number: int) -> str | None:
    choices = [(at, new) for at, op in enumerate(node.ops) for new in COMPARE.get(type(op), ())]
    if number >= len(choices):
        return None
    at, new = choices[number]
    before, node.ops[at] = type(node.ops[at]).__name__, new()
    return f"{before} becomes {new.__name__}"
