"""A larger working capital that a person accepts: frozen with the road, bounded by the stages beside it, at the same loss budget."""

import pytest

from tasks.subjects import Subject
from trader_core.config import PlanConfig, RoadConfig, StageRules
from trader_core.model.money import UNIT
from trader_core.model.stage import StageName

PLAN = PlanConfig(symbols=("BTC/USDT", "ETH/USDT"), positions_max=2)


def rules(accepted: float) -> StageRules:
    return StageRules(hours_min=1, episodes_min=1, hours_max=2, accepted_capital_eur=accepted)


def test_without_a_word_a_stage_trades_its_own_capital() -> None:
    plan = Subject("alpha", PLAN, RoadConfig()).stage_plan(StageName.EUR_1, 1_080_000)
    assert (plan.capital, plan.limits.loss_max) == (216 * UNIT // 100, 108 * UNIT // 100)


def test_an_accepted_capital_is_traded_at_the_stage_s_own_loss_budget() -> None:
    """EUR 1.25 a position are 1.35 USDT at 1.08, so two of them 2.70; the budget of EUR 1 stays 1.08."""
    plan = Subject("alpha", PLAN, RoadConfig(eur_1=rules(1.25))).stage_plan(StageName.EUR_1, 1_080_000)
    assert (plan.capital, plan.limits.loss_max) == (270 * UNIT // 100, 108 * UNIT // 100)


@pytest.mark.parametrize(("stage", "accepted"), [("eur_1", 0.5), ("eur_1", 10), ("eur_10", 5), ("eur_100", 99)])
def test_less_than_a_stage_s_own_capital_or_as_much_as_the_next_one_s_is_refused(stage: str, accepted: float) -> None:
    with pytest.raises(ValueError, match=f"accepted_capital_eur of {stage.upper()}: from"):
        RoadConfig(**{stage: rules(accepted)})  # type: ignore[arg-type]
