"""Which tests call which functions: a test that never calls a function cannot notice a mistake in it."""

import sys
import time
from collections import defaultdict
from collections.abc import Generator, Sequence
from types import FrameType
from typing import Any

import pytest

from tests.mutation.suites import SILENT

Place = tuple[str, str]
"""(file, function; of a class CLASS.NAME)."""


class Reach:
    """A plugin that follows the calls of each test, from its fixtures to its end."""

    def __init__(self, files: Sequence[str]) -> None:
        """Follow the functions of these files."""
        self._files = frozenset(files)
        self._seen: set[Place] = set()
        self._tests: defaultdict[Place, list[tuple[float, str]]] = defaultdict(list)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None]:
        """Note what one test calls, and how long it takes."""
        self._seen, began = set(), time.perf_counter()
        sys.setprofile(self._follow)
        yield
        sys.setprofile(None)
        for place in self._seen:
            self._tests[place].append((time.perf_counter() - began, item.nodeid))

    def _follow(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename in self._files:
            self._seen.add((frame.f_code.co_filename, frame.f_code.co_qualname))

    def tests(self, place: Place) -> list[str]:
        """Return the tests that call a function, the quickest first."""
        return [name for _, name in sorted(self._tests[place])]


def reach(files: Sequence[str], tests: Sequence[str]) -> Reach:
    """Run the tests once, without a mistake. Raises AssertionError when one of them fails."""
    found = Reach(files)
    assert pytest.main([*SILENT, *tests], plugins=[found]) == 0, "without a mistake every test passes"
    return found
