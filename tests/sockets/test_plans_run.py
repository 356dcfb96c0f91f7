"""Ten plans over real sockets in every run of the tests, and those that once failed. `make sockets` runs two hundred."""

from pathlib import Path

import pytest

from deployments.postgres import Server
from tests.sockets.campaign import FOUND
from tests.sockets.draw import draw
from tests.sockets.plans import SockPlan, parse
from tests.sockets.run import run
from tests.sockets.world import Nursery

SEEDS = (1, 2, 4, 5, 6, 8, 10, 11, 14, 19)


async def holds(plan: SockPlan, server: Server, nursery: Nursery, folder: Path) -> None:
    found = await run(plan, server, nursery, folder)
    assert found.violations == [], found.logs[-4_000:]


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_plan_over_real_sockets_violates_nothing(seed: int, postgres_server: Server, nursery: Nursery, tmp_path: Path) -> None:
    await holds(draw(seed), postgres_server, nursery, tmp_path)


@pytest.mark.parametrize("name", sorted(path.stem for path in FOUND.glob("*.json")))
async def test_a_plan_that_once_failed_violates_nothing(name: str, postgres_server: Server, nursery: Nursery, tmp_path: Path) -> None:
    await holds(parse((FOUND / f"{name}.json").read_text()), postgres_server, nursery, tmp_path)
