"""The page on faults says what there is."""

import re
from pathlib import Path

import pytest

from sandbox.config import START_MS
from sandbox.fault_files import FIELDS, parse
from sandbox.fault_kinds import KINDS, Area, Param

PAGE = Path("docs/faults.md").read_text()
ROWS = {row[0]: row[1:] for row in re.findall(r"^\| `(\w+)` \| ([a-z, ]+) \| (.+?) \| (.*?) ?\|$", PAGE, re.MULTILINE) if row[0] in KINDS}
UNSAID = {
    "bytes": "half of it",
    "keep": "half of them",
    "venue_ms": "none",
    "tick": "as it was",
    "lot": "as it was",
    "qty_min": "as it was",
}


def shown(name: str, param: Param) -> str:
    """Return how the page should tell a parameter."""
    if param.usual is ...:
        return f"`{name}`"
    usual = UNSAID[name] if param.usual is None else param.usual
    if isinstance(usual, tuple):
        usual = ", ".join(map(str, usual))
    return f"`{name}` ({usual:g})" if isinstance(usual, float) else f"`{name}` ({usual})"


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_told_with_where_it_happens_and_its_parameters(name: str) -> None:
    where, _, params = ROWS[name]
    kind = KINDS[name]
    expected = [area.value for area in (Area.REQUEST, Area.STREAM) if area in kind.areas] + ["connection"] * kind.connection
    assert where == ", ".join(expected or ["world"])
    said = params.replace(": nothing is shown", "")
    assert said == ", ".join(shown(one, param) for one, param in kind.params.items())


def test_the_example_is_a_plan_and_every_field_is_told() -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    plan = parse(example[1], "the page", START_MS)
    assert [rule.kind for rule in plan.rules] == ["reset", "502_html", "duplicate", "symbol_halted"]
    assert plan.rules[1].since_ms == START_MS + 300_000
    head = PAGE[: PAGE.index("## Kinds")]
    assert all(f"`{field}`" in head for field in FIELDS)
