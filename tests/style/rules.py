"""The house rules that no linter knows, as pure functions from a file's path and text to the findings in it.

Paths are relative to the project and use slashes. Each rule has a test that shows it failing on a bad snippet.
"""

import ast
import posixpath
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import PurePosixPath

Rule = Callable[[str, str], list[str]]
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 70

IMPORTERS: dict[str, tuple[str, ...]] = {
    "ccxt": ("trader_core/venues/gateway.py",),
    "sqlalchemy": ("trader_core/store/", "migrations/", "deployments/"),
    "alembic": ("trader_core/store/database.py", "migrations/", "deployments/"),
    "psycopg": ("trader_core/store/", "migrations/", "deployments/"),
    "numba": ("trader_core/engine/",),
    "fastapi": ("console/", "sandbox/"),
    "aiohttp": ("sandbox/", "trader_core/venues/"),
    "typer": ("console/",),
    "rich": ("console/",),
    "prefect": ("flows/", "tasks/", "deployments/"),
    "great_expectations": ("tasks/quality.py", "tasks/quality_suite.py"),
    "slack_sdk": ("tasks/slack.py",),
    "talib": ("trader_core/engine/strategies/",),
    "optuna": ("tasks/searching.py",),
    "distributed": ("tasks/searching.py",),
    "prometheus_client": ("trader_core/trader/exporter.py",),
}
"""Who may import what: a path that ends in a slash means the folder. Tests may import anything."""

LIVE_PLACES = ("trader_core/venues/", "trader_core/model/stage.py", "trader_core/evidence/permit.py", "trader_core/settings.py")
PURE_FOLDERS = ("trader_core/model/", "trader_core/engine/", "trader_core/evidence/", "trader_core/trader/")
PURE_EXCEPTIONS = (
    "trader_core/engine/kernel.py",  # chooses the folder of the compiled code
    "trader_core/engine/warm.py",  # fills it
    "trader_core/engine/strategies/own.py",  # finds and loads the user's own strategies
    "trader_core/trader/shell.py",  # asks and tells the venue
    "trader_core/trader/durable.py",  # the database, on its own thread
    "trader_core/trader/opening.py",  # brings a session up
    "trader_core/trader/permitted.py",  # reads the permit again and again
    "trader_core/trader/process.py",  # owns the account
    "trader_core/trader/away.py",  # watches the venue while the database is away
    "trader_core/trader/patient.py",  # waits for the store's thread
    "trader_core/trader/returning.py",  # brings a spool into the journal
    "trader_core/trader/doors.py",  # chooses and closes the way to the venue
    "trader_core/trader/left.py",  # words that were left as files
    "trader_core/trader/spool_file.py",  # what is done while the database is away, on the disk
    "trader_core/trader/vitals.py",  # stores how streams are, every few seconds
    "trader_core/trader/telling.py",  # hands alerts to a thread
    "trader_core/trader/exporter.py",  # serves metrics
    "trader_core/trader/code.py",  # reads its own sources
    "trader_core/trader/key_check.py",  # asks what the key may do, day after day
    "trader_core/trader/pausing.py",  # waits for the venue
    "trader_core/trader/freezing.py",  # asks the venue again
)
"""The doors of these folders to disk, network and clock; a new file among them is pure until it is named here."""
IMPURE_MODULES = frozenset({
    "asyncio", "ftplib", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "select",
    "shutil", "signal", "socket", "sqlite3", "ssl", "structlog", "subprocess", "sys", "tempfile", "threading", "time",
    "urllib", "uuid", "aiohttp", "ccxt", "psycopg", "requests", "sqlalchemy",
})  # fmt: skip
IMPURE_CALLS = frozenset({"open", "print", "input", "exec", "eval"})
IMPURE_ATTRIBUTES = frozenset({
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "np.random", "numpy.random", "np.load", "np.save",
    "np.memmap", "np.fromfile",
})  # fmt: skip
BROAD = frozenset({"Exception", "BaseException"})
BROAD_PLACES = {
    "trader_core/venues/wire.py": 1, "trader_core/venues/stream_client.py": 2, "trader_core/trader/process.py": 1,
    "trader_core/engine/strategies/own.py": 2,  # the user's own code: whatever it throws becomes a StrategyFault
}  # fmt: skip
"""How many `except Exception` a file may hold: the call wrapper's, and the outermost line of a session."""

_LINK = re.compile(r"\]\(([^)#\s][^)\s]*)\)")
_LIVE = re.compile(r"(?<![a-z])live(?![a-z])", re.IGNORECASE)
_ABSOLUTE = re.compile(r"(?<![\w.])/(?:" + "|".join(("work", "home", "root", "Users", "tmp/bash_" + "jobs")) + r")/")
_LEFTOVER = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b")
_REGISTRY = re.compile(
    "|".join(("py" + r"pi\.org", "python" + r"hosted\.org", "npm" + r"js\.org", r"--(?:extra-)?index" + "-url")), re.IGNORECASE
)


def functions(text: str) -> Iterator[tuple[str, int]]:
    """Yield (dotted name, lines) of every function, methods and nested ones included, decorators not counted."""
    yield from _functions(ast.parse(text), "")


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, int]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FunctionNode | ast.ClassDef):
            name = f"{prefix}{child.name}"
            if isinstance(child, FunctionNode):
                assert child.end_lineno is not None, "a parsed function has an end"
                yield name, child.end_lineno - child.lineno + 1
            yield from _functions(child, f"{name}.")
        else:
            yield from _functions(child, prefix)


def long_functions(path: str, text: str) -> list[str]:
    """Find functions of more than 70 lines, each as `path::name`."""
    return [f"{path}::{name}" for name, lines in functions(text) if lines > FUNCTION_LINES_MAX]


def long_file(path: str, text: str) -> list[str]:
    """Find a file of more than 300 lines."""
    return [path] if len(text.splitlines()) > FILE_LINES_MAX else []


def imported(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line, module) of every import that runs, also of `importlib.import_module("name")`; names for types only do not."""
    for node in _running(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.lineno, node.module
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"importlib.import_module", "import_module", "__import__"}:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield node.lineno, first.value


def _running(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    typing_only = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
    children = node.orelse if typing_only and isinstance(node, ast.If) else ast.iter_child_nodes(node)
    for child in children:
        yield from _running(child)


def foreign_imports(path: str, text: str) -> list[str]:
    """Find imports of a library by a file that is not its one importer."""
    found = []
    for line, module in imported(text):
        places = IMPORTERS.get(module.split(".")[0])
        if places is not None and not path.startswith("tests/") and not any(_lies_in(path, place) for place in places):
            found.append(f"{path}:{line} imports {module}; only {', '.join(places)} may")
    return found


def _lies_in(path: str, place: str) -> bool:
    return path.startswith(place) if place.endswith("/") else path == place


def mode_words(path: str, text: str) -> list[str]:
    """Find the word that tells backtest from money inside trader_core, in code and comments, outside its four places."""
    if not path.startswith("trader_core/") or any(_lies_in(path, place) for place in LIVE_PLACES):
        return []
    lines = enumerate(text.splitlines(), start=1)
    return [f"{path}:{number} {line.strip()[:80]}" for number, line in lines if _LIVE.search(line)]


def is_pure(path: str) -> bool:
    """Tell whether the file belongs to the pure ring."""
    return path.startswith(PURE_FOLDERS) and path not in PURE_EXCEPTIONS


def impurities(path: str, text: str) -> list[str]:
    """Find clocks, chance and I/O inside the pure ring."""
    if not is_pure(path):
        return []
    found = [f"{path}:{line} imports {name}" for line, name in imported(text) if name.split(".")[0] in IMPURE_MODULES]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
            found.append(f"{path}:{node.lineno} calls {node.func.id}")
        if isinstance(node, ast.Attribute):
            last_two = ".".join(ast.unparse(node).split(".")[-2:])
            if last_two in IMPURE_ATTRIBUTES:
                found.append(f"{path}:{node.lineno} uses {last_two}")
    return found


def broad_handlers(path: str, text: str) -> list[str]:
    """Find handlers that swallow everything, beyond the two places named for it; one that ends in a bare `raise` only tidies up."""
    if path.startswith("tests/"):
        return []
    handlers = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ExceptHandler))
    found = [f"{path}:{node.lineno} catches everything" for node in handlers if _catches_all(node) and not _raises_on(node)]
    return found if len(found) > BROAD_PLACES.get(path, 0) else []


def _catches_all(node: ast.ExceptHandler) -> bool:
    if node.type is None:
        return True
    kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(isinstance(kind, ast.Name) and kind.id in BROAD for kind in kinds)


def _raises_on(node: ast.ExceptHandler) -> bool:
    last = node.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def missing_docstrings(path: str, text: str) -> list[str]:
    """Find public modules, classes, functions and methods without a docstring; tests speak by their names."""
    if path.startswith("tests/"):
        return []
    tree = ast.parse(text)
    found = [] if ast.get_docstring(tree) else [f"{path}: the module"]
    return found + [f"{path}::{name}" for name, node in _public(tree, "") if not ast.get_docstring(node)]


def _public(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, FunctionNode | ast.ClassDef]]:
    for child in node.body:
        if isinstance(child, FunctionNode | ast.ClassDef) and not child.name.startswith("_"):
            yield f"{prefix}{child.name}", child
            if isinstance(child, ast.ClassDef):
                yield from _public(child, f"{prefix}{child.name}.")


def _matches(pattern: re.Pattern[str], path: str, text: str) -> list[str]:
    lines = enumerate(text.splitlines(), start=1)
    return [f"{path}:{number} {line.strip()[:80]}" for number, line in lines if pattern.search(line)]


def absolute_paths(path: str, text: str) -> list[str]:
    """Find paths that exist on one machine only."""
    return _matches(_ABSOLUTE, path, text)


def leftovers(path: str, text: str) -> list[str]:
    """Find notes about work that is not done: it is done, or it stands in an issue."""
    return _matches(_LEFTOVER, path, text)


def registry_hosts(path: str, text: str) -> list[str]:
    """Find package registries by name: which one is used is the user's setting."""
    return _matches(_REGISTRY, path, text)


def links_in_constraints(path: str, text: str) -> list[str]:
    """Find a constraint that names a place instead of a version."""
    if PurePosixPath(path).name != "constraints.txt":
        return []
    return [f"{path}: {line}" for line in text.splitlines() if "://" in line or " @ " in line]


def broken_links(path: str, text: str, known: Collection[str]) -> list[str]:
    """Find links of a Markdown page to files of ours that are not there; `known` holds every path."""
    if not path.endswith(".md"):
        return []
    folder = posixpath.dirname(path)
    targets = (match[1] for match in _LINK.finditer(text))
    places = ((target, posixpath.normpath(posixpath.join(folder, target.split("#")[0]))) for target in targets if "://" not in target)
    return [f"{path} -> {target}" for target, place in places if not any(one == place or one.startswith(f"{place}/") for one in known)]


CODE_RULES: tuple[Rule, ...] = (foreign_imports, mode_words, impurities, broad_handlers, missing_docstrings)
"""Rules for Python files; length has its own test, because it knows exceptions."""
TEXT_RULES: tuple[Rule, ...] = (absolute_paths, leftovers, registry_hosts, links_in_constraints)
"""Rules for every text file."""
