"""Plant one mistake after the other, each in a process of its own, and see whether the tests of its suite fail."""

import importlib
import inspect
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from io import StringIO
from types import ModuleType
from typing import Any

import pytest

from simulation.campaign import some
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.reach import Reach, reach
from tests.mutation.suites import ENGINE, SILENT, Suite
from tests.mutation.survivors import SURVIVORS
from tests.mutation.tables import Swap, swaps

SHARE_MIN = 0.9
LIMIT_S = 300
ALIVE, NOTICED, BROKEN = 0, 1, 2
Mistake = tuple[ModuleType, Mutant | Swap]


def noticed(suite: Suite, mistake: Mistake, reached: Reach) -> bool:
    """Return whether some test fails with the mistake in place; one that hangs is noticed too."""
    tests = _calling(suite, mistake, reached)
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        fate = BROKEN
        try:
            _plant(*mistake)
            fate = NOTICED  # also by whatever the mistake throws
            fate = _fate(suite, tests)
        finally:
            os._exit(fate)
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            fate = os.waitstatus_to_exitcode(status)
            assert fate != BROKEN, f"{_key(*mistake)}: its tests could not be run"
            return fate != ALIVE
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
    planted, right = made[name], getattr(found, "fget", None) or getattr(found, "__func__", found)
    right.__code__, right.__defaults__, right.__kwdefaults__ = planted.__code__, planted.__defaults__, planted.__kwdefaults__


def _calling(suite: Suite, mistake: Mistake, reached: Reach) -> list[str]:
    """Return the fast tests that can notice it: those that call the function; all, for a mistake in data."""
    module, one = mistake
    return list(suite.fast) if isinstance(one, Swap) else reached.tests((module.__file__ or "", one.function))


def _fate(suite: Suite, fast: Sequence[str]) -> int:
    for tests in (fast, suite.slow):
        ended = pytest.main([*SILENT, *tests]) if tests else pytest.ExitCode.OK
        if ended != pytest.ExitCode.OK:
            return NOTICED if ended == pytest.ExitCode.TESTS_FAILED else BROKEN
    return NOTICED if suite.seeds and some(range(1, suite.seeds + 1)).violations else ALIVE


def _mistakes(suite: Suite) -> list[Mistake]:
    modules = [importlib.import_module(name) for name in suite.modules]
    found: list[Mistake] = [(one, mutant) for one in modules for mutant in mutants(inspect.getsource(one), wide=suite.wide)]
    for module, name in suite.tables:
        found += [(importlib.import_module(module), swap) for swap in swaps(module, name)]
    return found


def _key(module: ModuleType, mistake: Mutant | Swap) -> str:
    place = mistake.function if isinstance(mistake, Mutant) else mistake.name
    return f"{module.__name__.rsplit('.', 1)[1]}.{place}: {mistake.what}"


def _told(module: ModuleType, mistake: Mutant | Swap) -> bool:
    """Say that a mistake lives, and why that may be; return whether that is explained."""
    said = SURVIVORS.get(_key(module, mistake), "")
    line = f" (line {mistake.line})" if isinstance(mistake, Mutant) else ""
    sys.stdout.write(f"survived  {_key(module, mistake)}{line}  {said or 'NOT EXPLAINED'}\n")
    sys.stdout.flush()
    return bool(said)


def main(suite: Suite) -> int:
    """Run the mutants of a suite and report what survived."""
    reached = reach([importlib.import_module(name).__file__ or "" for name in suite.modules], suite.fast)
    with redirect_stdout(StringIO()):
        assert pytest.main([*SILENT, "--collect-only", *suite.slow]) == pytest.ExitCode.OK, "the tests can be collected"
    assert suite is ENGINE or _fate(suite, []) == ALIVE, "without a mistake every test passes"
    every = _mistakes(suite)[:: int(os.environ.get("GATEHOUSE_MUTANTS_ONE_IN", "1"))]
    alive = unexplained = 0
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for one, dead in zip(every, pool.map(lambda one: noticed(suite, one, reached), every), strict=True):
            alive += not dead
            unexplained += not dead and not _told(*one)
    share = 1 - alive / len(every)
    sys.stdout.write(f"{len(every)} mutants, {len(every) - alive} noticed ({share:.1%}), {unexplained} survivors not explained\n")
    return 1 if share < SHARE_MIN or unexplained else 0
