"""The house rules hold in every file, and each of them can fail."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.style import rules

ROOT = Path(__file__).parents[2]
SUFFIXES = {".cfg", ".css", ".html", ".ini", ".js", ".json", ".mako", ".md", ".py", ".sh", ".sql", ".toml", ".txt", ".yaml", ".yml"}
NAMES = {"Makefile", "LICENSE", "run", ".gitignore"}
SKIPPED = {"build", "dist", "htmlcov", "node_modules", "__pycache__"}

LONG_FILES: dict[str, int] = {}
"""path -> lines. This list may only shrink: make the file shorter, then lower the number or remove the line."""
LONG_FUNCTIONS: dict[str, int] = {}
"""path::name -> lines. This list may only shrink as well."""


def _texts() -> Iterator[tuple[str, str]]:
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if (not name.startswith(".") or name == ".ci") and name not in SKIPPED]
        folders[:] = [name for name in folders if not name.endswith(".egg-info")]
        for name in files:
            if Path(name).suffix in SUFFIXES or name in NAMES:
                file = Path(folder, name)
                yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")


TEXTS = dict(_texts())
CODE = {path: text for path, text in TEXTS.items() if path.endswith(".py")}


def test_the_walk_sees_the_code() -> None:
    assert {"trader_core/model/money.py", "pyproject.toml", "Makefile", ".ci/run", "tests/style/rules.py"} <= set(TEXTS)


@pytest.mark.parametrize("rule", rules.CODE_RULES, ids=lambda rule: rule.__name__)
def test_code_keeps_the_rule(rule: rules.Rule) -> None:
    assert [finding for path, text in CODE.items() for finding in rule(path, text)] == []


@pytest.mark.parametrize("rule", rules.TEXT_RULES, ids=lambda rule: rule.__name__)
def test_every_text_keeps_the_rule(rule: rules.Rule) -> None:
    assert [finding for path, text in TEXTS.items() for finding in rule(path, text)] == []


def test_every_link_between_pages_leads_somewhere() -> None:
    assert [finding for path, text in TEXTS.items() for finding in rules.broken_links(path, text, TEXTS)] == []


def test_a_link_to_nowhere_is_found() -> None:
    known = {"docs/a.md", "docs/decisions/b.md", "README.md"}
    good = "[a](a.md) [b](decisions/b.md#part) [all](decisions/) [up](../README.md) [web](https://example.org/x)"
    assert rules.broken_links("docs/index.md", good, known) == []
    assert rules.broken_links("docs/index.md", "[c](c.md)", known) == ["docs/index.md -> c.md"]


def test_files_stay_below_300_lines_or_stand_in_the_list_that_shrinks() -> None:
    found = {path: len(CODE[path].splitlines()) for path in CODE if rules.long_file(path, CODE[path])}
    assert not _beyond(found, LONG_FILES)


def test_functions_stay_below_70_lines_or_stand_in_the_list_that_shrinks() -> None:
    lengths = {f"{path}::{name}": lines for path, text in CODE.items() for name, lines in rules.functions(text)}
    found = {name: lengths[name] for path, text in CODE.items() for name in rules.long_functions(path, text)}
    assert not _beyond(found, LONG_FUNCTIONS)


def _beyond(found: dict[str, int], allowed: dict[str, int]) -> list[str]:
    """Return what is too long and not excepted, what grew, and every exception that is no longer needed."""
    new = [f"{name} has {lines} lines" for name, lines in found.items() if name not in allowed]
    grown = [f"{name} grew to {found[name]}" for name in allowed if found.get(name, 0) > allowed[name]]
    spare = [f"{name} is {found.get(name, 'short or gone')}, the list says {allowed[name]}: lower it"
             for name in allowed if found.get(name, 0) < allowed[name]]  # fmt: skip
    return new + grown + spare


def test_an_exception_that_is_new_grown_or_no_longer_needed_is_found() -> None:
    assert _beyond({"a.py": 301}, {}) == ["a.py has 301 lines"]
    assert _beyond({"a.py": 320}, {"a.py": 310}) == ["a.py grew to 320"]
    assert _beyond({}, {"a.py": 310}) == ["a.py is short or gone, the list says 310: lower it"]
    assert _beyond({"a.py": 310}, {"a.py": 310}) == []


BAD: list[tuple[rules.Rule, str, str]] = [
    (rules.long_file, "console/x.py", "x = 1\n" * 301),
    (rules.long_functions, "console/x.py", "def f() -> None:\n" + "    x = 1\n" * 70),
    (rules.long_functions, "console/x.py", "class A:\n    def f(self) -> None:\n" + "        x = 1\n" * 70),
    (rules.foreign_imports, "trader_core/venues/feed.py", "import ccxt.async_support as ccxt"),
    (rules.foreign_imports, "console/data.py", "def f():\n    from sqlalchemy import text"),
    (rules.foreign_imports, "trader_core/evidence/metrics.py", "import numba"),
    (rules.foreign_imports, "console/data.py", "if TYPE_CHECKING:\n    pass\nelse:\n    import sqlalchemy"),
    (rules.foreign_imports, "console/data.py", "import importlib\nimportlib.import_module('ccxt')"),
    (rules.foreign_imports, "sandbox/core.py", "from prefect import flow"),
    (rules.mode_words, "trader_core/trader/shell.py", "if is_live:\n    pass"),
    (rules.mode_words, "trader_core/engine/core.py", "# in live trading"),
    (rules.impurities, "trader_core/model/bar.py", "import time"),
    (rules.impurities, "trader_core/engine/core.py", "from random import Random"),
    (rules.impurities, "trader_core/evidence/metrics.py", "open('x')"),
    (rules.impurities, "trader_core/evidence/metrics.py", "import datetime\nx = datetime.datetime.now()"),
    (rules.impurities, "trader_core/trader/machine.py", "from datetime import datetime\nx = datetime.now"),
    (rules.impurities, "trader_core/engine/core.py", "import numpy as np\nx = np.random.default_rng()"),
    (rules.broad_handlers, "console/main.py", "try:\n    f()\nexcept Exception:\n    pass"),
    (rules.broad_handlers, "console/main.py", "try:\n    f()\nexcept:\n    pass"),
    (rules.broad_handlers, "console/main.py", "try:\n    f()\nexcept Exception as error:\n    raise ValueError from error"),
    (rules.broad_handlers, "console/main.py", "try:\n    f()\nexcept (KeyError, BaseException):\n    pass"),
    (rules.broad_handlers, "trader_core/venues/wire.py", "try:\n    f()\nexcept Exception:\n    pass\n" * 2),
    (rules.missing_docstrings, "console/main.py", '"""Doc."""\ndef f() -> None: ...'),
    (rules.missing_docstrings, "console/main.py", '"""Doc."""\nclass A:\n    """Doc."""\n    def f(self) -> None: ...'),
    (rules.missing_docstrings, "console/main.py", "x = 1"),
    (rules.absolute_paths, "docs/x.md", "see /" + "home/me/x"),
    (rules.leftovers, "docs/x.md", "TO" + "DO: more"),
    (rules.registry_hosts, "Makefile", "curl https://py" + "pi.org/simple"),
    (rules.links_in_constraints, "constraints.txt", "numpy @ https://example.org/numpy.whl"),
]


@pytest.mark.parametrize(("rule", "path", "snippet"), BAD)
def test_the_rule_fails_on_a_bad_snippet(rule: rules.Rule, path: str, snippet: str) -> None:
    assert len(rule(path, snippet)) >= 1


def test_every_rule_has_a_bad_snippet() -> None:
    assert {rule for rule, _, _ in BAD} == {*rules.CODE_RULES, *rules.TEXT_RULES, rules.long_file, rules.long_functions}


GOOD: list[tuple[rules.Rule, str, str]] = [
    (rules.foreign_imports, "trader_core/venues/gateway.py", "import ccxt.async_support"),
    (rules.foreign_imports, "tests/venues/test_x.py", "import ccxt"),
    (rules.mode_words, "trader_core/venues/profiles.py", "live = 1"),
    (rules.mode_words, "trader_core/engine/core.py", "delivered = alive = 1  # where it lives"),
    (rules.impurities, "trader_core/engine/kernel.py", "import os"),
    (rules.impurities, "trader_core/trader/process.py", "import time"),
    (rules.impurities, "trader_core/model/bar.py", "from datetime import UTC, datetime\nx = datetime.fromtimestamp(0, UTC)"),
    (rules.broad_handlers, "trader_core/venues/wire.py", "try:\n    f()\nexcept Exception:\n    pass"),
    (rules.broad_handlers, "console/main.py", "try:\n    f()\nexcept BaseException:\n    close()\n    raise"),
    (rules.foreign_imports, "console/data.py", "if TYPE_CHECKING:\n    from sqlalchemy import Connection"),
    (rules.missing_docstrings, "console/main.py", '"""Doc."""\ndef _f() -> None: ...'),
    (rules.absolute_paths, "docs/x.md", "GET /api/v3/order and tests/home/x"),
    (rules.leftovers, "trader_core/model/errors.py", "def f(todo: str) -> None: ..."),
]


@pytest.mark.parametrize(("rule", "path", "snippet"), GOOD)
def test_the_rule_leaves_good_code_alone(rule: rules.Rule, path: str, snippet: str) -> None:
    assert rule(path, snippet) == []
