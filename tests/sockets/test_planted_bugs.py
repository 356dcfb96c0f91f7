"""Bugs planted in a real trader are noticed over real sockets, each by the invariant that is named for it."""

from pathlib import Path

import pytest

from deployments.postgres import Server
from tests.sockets.bugs import BUGS
from tests.sockets.run import run
from tests.sockets.world import Nursery


@pytest.mark.parametrize("name", BUGS)
async def test_a_planted_bug_is_noticed(name: str, postgres_server: Server, nursery: Nursery, tmp_path: Path) -> None:
    bug = BUGS[name]
    found = await run(bug.plan, postgres_server, nursery, tmp_path, name)
    assert bug.invariant in {invariant for invariant, _ in found.violations}, (bug.text, found.violations, found.logs[-3_000:])
