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


FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is}
"""Of functions that decide and write, besides: memberships, identities, negations, truths, and statements left out."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake: in which function (of a class: CLASS.NAME), on which line, what it says instead."""

    function: str
    line: int
    what: str
    source: str


def mutants(source: str, *, wide: bool = False) -> Iterator[Mutant]:
    """Yield every mutant of every function of a module, decorators and docstrings left out; `wide` knows more mistakes, and methods."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            yield from _of(node, "", wide=wide)
        if wide and isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    yield from _of(method, f"{node.name}.", wide=wide)


def _of(function: ast.FunctionDef, owner: str, *, wide: bool) -> Iterator[Mutant]:
    plain = copy.deepcopy(function)
    plain.decorator_list, plain.returns = [], None
    for argument in ast.walk(plain.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None  # a mistake in it changes nothing that runs
    for place, _ in enumerate(ast.walk(plain)):
        yield from _at(plain, place, owner, wide=wide)


def _at(function: ast.FunctionDef, place: int, owner: str, *, wide: bool) -> Iterator[Mutant]:
    for change in (_change, _left_out, _flip) if wide else (_change,):
        for number in range(12):
            changed = copy.deepcopy(function)
            node = list(ast.walk(changed))[place]
            line = getattr(node, "lineno", function.lineno)
            what = change(node, number)
            if what is None:
                break
            ast.fix_missing_locations(changed)
            yield Mutant(owner + function.name, line, what, ast.unparse(changed))


def _left_out(node: ast.AST, number: int) -> str | None:
    """Leave out the n-th statement of a block that is a call, an assignment to what it was given, or a way out."""
    for block in ("body", "orelse"):
        inside = getattr(node, block, None)
        if not isinstance(inside, list):
            continue
        places = [at for at, one in enumerate(inside) if _acts(one)]
        if number < len(places):
            said = ast.unparse(inside[places[number]]).splitlines()[0][:60]
            inside[places[number]] = ast.Pass()
            return f"left out: {said}"
        number -= len(places)
    return None


def _acts(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Call)
    if isinstance(statement, ast.Assign):
        return all(isinstance(target, ast.Attribute | ast.Subscript) for target in statement.targets)
    return isinstance(statement, ast.AugAssign | ast.Continue) or (isinstance(statement, ast.Return) and statement.value is None)


def _flip(node: ast.AST, number: int) -> str | None:
    """Say the opposite of a membership, an identity, a negation or a truth."""
    if number:
        return None
    if isinstance(node, ast.Compare) and type(node.ops[0]) in FLIPPED:
        said = ast.unparse(node)[:60]
        node.ops[0] = FLIPPED[type(node.ops[0])]()
        return f"the opposite of: {said}"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        said = ast.unparse(node.operand)[:60]
        node.operand = ast.UnaryOp(ast.Not(), node.operand)
        return f"not left out before {said}"
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        node.value = not node.value
        return f"{not node.value} becomes {node.value}"
    return None


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
