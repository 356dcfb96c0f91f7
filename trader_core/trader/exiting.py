"""Exits at an operator's word, outside a bar: decided by the engine, recorded, and decided again when the journal is folded. Pure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trader_core.engine import core
from trader_core.model.errors import ChainBroken

if TYPE_CHECKING:
    from trader_core.trader.state import State


def decide(state: "State", ts_ms: int, instruments: Sequence[int]) -> list[list[int]]:
    """Have the engine sell what is held of latched instruments, and return its decisions as rows of integers."""
    return [
        [int(value) for value in state.scratch[0].tolist()]
        for index in instruments
        if core.on_exit(state.account, state.slots, state.plan_record, state.grids, index, ts_ms, state.scratch)
    ]


def apply(state: "State", body: dict[str, Any]) -> None:
    """Decide again what was recorded; raises ChainBroken when that gives something else."""
    if decide(state, body["ts"], body["instruments"]) != body["decisions"]:
        raise ChainBroken(f"the exits recorded for {body['ts']}", "others on replay", "start with the code that wrote this journal")
