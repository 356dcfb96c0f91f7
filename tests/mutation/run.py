"""Plant one mistake after the other, each in a process of its own, and see whether the tests of its suite fail."""

import importlib
import inspect
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest

from simulation.campaign import some
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.suites import ENGINE, SILENT, Suite
from tests.mutation.survivors import SURVIVORS
from tests.mutation.tables import Swap, swaps

SHARE_MIN = 0.9
LIMIT_S = 300
Mistake = tuple[ModuleType, Mutant | Swap]


def noticed(suite: Suite, mistake: Mistake) -> bool:
    """Return whether some test fails with the mistake in place; one that hangs is noticed too."""
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        _plant(*mistake)
        os._exit(1 if _fails(suite) else 0)
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.05)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return True


def _plant(module: ModuleType, mistake: Mutant | Swap) -> None:
    if isinstance(mistake, Swap):
        mistake.apply()
        return
    made: dict[str, Any] = dict(vars(module))
    exec(compile(mistake.source, module.__file__ or "", "exec"), made)
    owner, _, name = mistake.function.rpartition(".")
    found = getattr(module, owner).__dict__[name] if owner else getattr(module, name)
    (getattr(found, "fget", None) or found).__code__ = made[name].__code__


def _fails(suite: Suite) -> bool:
    if pytest.main([*SILENT, *suite.fast]) or pytest.main([*SILENT, *suite.slow]):
        return True
    return bool(suite.seeds and some(range(1, suite.seeds + 1)).violations)


def _mistakes(suite: Suite) -> list[Mistake]:
    modules = [importlib.import_module(name) for name in suite.modules]
    found: list[Mistake] = [(one, mutant) for one in modules for mutant in mutants(inspect.getsource(one), wide=suite.wide)]
    for module, name in suite.tables:
        found += [(importlib.import_module(module), swap) for swap in swaps(module, name)]
    return found


def _key(module: ModuleType, mistake: Mutant | Swap) -> str:
    place = mistake.function if isinstance(mistake, Mutant) else mistake.name
    return f"{module.__name__.rsplit('.', 1)[1]}.{place}: {mistake.what}"


def main(suite: Suite) -> int:
    """Run the mutants of a suite and report what survived."""
    assert pytest.main([*SILENT, "--collect-only", *suite.fast, *suite.slow]) == 0, "the tests can be collected"
    assert not _fails(suite) or suite is ENGINE, "without a mistake every test passes"
    every = _mistakes(suite)[:: int(os.environ.get("GATEHOUSE_MUTANTS_ONE_IN", "1"))]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        results = list(pool.map(lambda one: noticed(suite, one), every))
    alive = [one for one, dead in zip(every, results, strict=True) if not dead]
    unexplained = 0
    for module, one in alive:
        said = SURVIVORS.get(_key(module, one), "")
        unexplained += not said
        line = f" (line {one.line})" if isinstance(one, Mutant) else ""
        sys.stdout.write(f"survived  {_key(module, one)}{line}  {said or 'NOT EXPLAINED'}\n")
    share = 1 - len(alive) / len(every)
    sys.stdout.write(f"{len(every)} mutants, {len(every) - len(alive)} noticed ({share:.1%}), {unexplained} survivors not explained\n")
    return 1 if share < SHARE_MIN or unexplained else 0
