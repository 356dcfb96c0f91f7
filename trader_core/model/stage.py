"""The ladder: a stage's working capital per position and its loss budget, in account units of the settlement currency's EUR worth."""

from dataclasses import dataclass
from enum import StrEnum

from trader_core.model.money import UNIT


class StageName(StrEnum):
    """The rungs, lowest first."""

    PAPER = "PAPER"
    EUR_1 = "EUR_1"
    EUR_10 = "EUR_10"
    EUR_100 = "EUR_100"


@dataclass(frozen=True, slots=True)
class Stage:
    """One rung: W per position and the loss budget L, both in account units of EUR."""

    name: StageName
    working_capital: int
    loss_budget: int


STAGES = {
    StageName.EUR_1: Stage(StageName.EUR_1, 1 * UNIT, 1 * UNIT),
    StageName.EUR_10: Stage(StageName.EUR_10, 10 * UNIT, 3 * UNIT),
    StageName.EUR_100: Stage(StageName.EUR_100, 100 * UNIT, 10 * UNIT),
}
