"""`make mutate`: plant one mistake after the other in the money code, and see whether the tests of the engine notice.

The engine runs plain; a mutant replaces its function's code in a forked process, so that nothing on disk changes. Ends with 1
when fewer than nine in ten are noticed, or when a survivor is not explained in `SURVIVORS`.
"""

import importlib
import inspect
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

os.environ["GATEHOUSE_ENGINE"] = "python"

import pytest

from tests.mutation.mutants import Mutant, mutants
from tests.mutation.survivors import SURVIVORS

MODULES = ("guard", "book", "size", "protect", "fills")
FAST = tuple(
    f"tests/engine/test_{name}.py"
    for name in ("edges", "rounding", "slippage", "guard", "book", "decide", "mark", "fills", "protect", "orders", "simulate")
)
SLOW = ("tests/engine/test_properties.py", "tests/engine/test_position_facts.py")
SHARE_MIN = 0.9
LIMIT_S = 300
SILENT = ("-q", "-x", "--no-header", "-p", "no:cacheprovider", "-p", "no:randomly", "-W", "ignore")


def noticed(module: ModuleType, mutant: Mutant) -> bool:
    """Return whether some test fails with the mutant in place; one that hangs is noticed too."""
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        made: dict[str, object] = dict(vars(module))
        exec(compile(mutant.source, module.__file__ or "", "exec"), made)
        getattr(module, mutant.function).__code__ = made[mutant.function].__code__  # type: ignore[attr-defined]
        found = pytest.main([*SILENT, *FAST]) or pytest.main([*SILENT, *SLOW])
        os._exit(1 if found else 0)
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.05)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return True


def main(names: list[str]) -> int:
    """Run the mutants of modules of the engine and report what survived."""
    assert pytest.main([*SILENT, "--collect-only", *FAST, *SLOW]) == 0, "the tests can be collected"
    every = [(module, one) for name in names or MODULES for module in [_module(name)] for one in mutants(inspect.getsource(module))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda pair: noticed(*pair), every))
    alive = [(module.__name__.rsplit(".", 1)[1], one) for (module, one), dead in zip(every, results, strict=True) if not dead]
    unexplained = 0
    for name, one in alive:
        key = f"{name}.{one.function}: {one.what}"
        said = SURVIVORS.get(key, "")
        unexplained += not said
        sys.stdout.write(f"survived  {key} (line {one.line})  {said or 'NOT EXPLAINED'}\n")
    share = 1 - len(alive) / len(every)
    sys.stdout.write(f"{len(every)} mutants, {len(every) - len(alive)} noticed ({share:.1%}), {unexplained} survivors not explained\n")
    return 1 if share < SHARE_MIN or unexplained else 0


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"trader_core.engine.{name}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
