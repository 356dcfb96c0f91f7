"""Plans: what decides, refused beyond its doors, and the same after a walk through JSON."""

import json
from typing import Any

import pytest

from tests.builders import plan
from trader_core.model.errors import OutOfRange
from trader_core.model.money import CAPITAL_MAX, MONEY_MAX
from trader_core.model.plan import INSTRUMENTS_MAX, Plan, units


def test_a_plan_survives_json_and_keeps_its_digest() -> None:
    first = plan("BTC/USDT", "ETH/USDT", allocation_bps=(6000, 4000), stop_loss_ppm=50_000)
    again = Plan.from_json(json.loads(json.dumps(first.to_json())))
    assert again == first
    assert again.digest() == first.digest()


def test_any_change_changes_the_digest() -> None:
    assert plan().digest() != plan(stop_loss_ppm=1).digest()
    assert plan().digest() != plan(limits={"latch": True}).digest()
    assert plan().digest() != plan(costs={"slippage_ppm": 1}).digest()


@pytest.mark.parametrize(
    "wrong",
    [
        {"capital": 0},
        {"capital": CAPITAL_MAX + 1},
        {"stop_loss_ppm": 1_000_000},
        {"take_profit_ppm": -1},
        {"allocation_bps": (1, 2)},
        {"allocation_bps": (10_001,)},
        {"allocation_bps": (-1,)},
        {"limits": {"positions_max": 0}},
        {"limits": {"exposure_max": MONEY_MAX + 1}},
        {"limits": {"order_max": -1}},
        {"limits": {"daily_loss_max": -1}},
        {"limits": {"drawdown_max_ppm": 1_000_001}},
        {"limits": {"band_ppm": -1}},
        {"limits": {"minimum_ppm": 999_999}},
        {"limits": {"cooldown_ms": -1}},
        {"costs": {"slippage_ppm": 500_001}},
        {"costs": {"collar_ppm": -1}},
        {"costs": {"exit_collar_ppm": 500_001}},
        {"costs": {"participation_ppm": 1_000_001}},
    ],
)
def test_what_lies_beyond_a_door_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(OutOfRange):
        plan(**wrong)


def test_symbols_are_some_and_each_once() -> None:
    with pytest.raises(OutOfRange, match="each symbol once"):
        plan("BTC/USDT", "BTC/USDT")
    with pytest.raises(OutOfRange, match="number of symbols"):
        plan(*(f"A{i}/USDT" for i in range(INSTRUMENTS_MAX + 1)))


def test_two_units_are_twenty_milliards_of_account_units() -> None:
    assert units(2) == 20_000_000_000
