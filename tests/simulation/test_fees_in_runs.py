"""Whole runs at a venue that tells its fees after the fills."""

from dataclasses import replace

import pytest

from simulation.draw import draw
from simulation.plans import RunPlan
from simulation.world import World
from trader_core.trader.records import Kind


def later(seed: int, ms: int) -> RunPlan:
    plan = draw(seed)
    return replace(plan, choices=replace(plan.choices, fees_later_ms=ms, fee_ppm=2_500))


@pytest.mark.parametrize("ms", [2_000, 30_000, 400_000])
def test_runs_whose_fees_come_later_keep_every_invariant(ms: int) -> None:
    told = 0
    for seed in range(1, 6):
        world = World(later(seed, ms))
        world.run()
        lines = world.checker.journal.lines
        due = sum(kind == Kind.FILL and b"fee_due" in body for kind, body in lines)
        assert sum(kind == Kind.FEE for kind, _ in lines) == due
        told += due
    assert told >= 10
