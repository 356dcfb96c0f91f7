"""Booking by hand: prices of 100.00, quantities of one coin, a capital of 1,000."""

import pytest

from tests.builders import Desk, instrument, money, plan
from trader_core.engine import book, core
from trader_core.engine.state import grid_records, new_state, state_bytes, state_from_bytes, symbol_hash
from trader_core.model.errors import OutOfRange
from trader_core.model.instrument import Instrument
from trader_core.model.session import Mode

BUY, SELL = 1, -1


def test_buying_two_coins_at_a_hundred_moves_two_hundred_and_the_fee() -> None:
    desk = Desk()
    assert desk.fill(BUY, "2", "100", fee="0.2") == book.BOOKED
    assert desk["cash"] == money("799.8")
    assert (desk.of("position"), desk.of("cost"), desk.of("entry_cost")) == (20_000, money("200.2"), 10_000)
    assert (desk["fees"], desk.of("fees"), desk["positions"], desk.of("fills")) == (money("0.2"), money("0.2"), 1, 1)


def test_selling_half_takes_half_of_the_cost_and_realises_the_difference() -> None:
    desk = Desk()
    desk.fill(BUY, "2", "100", fee="0.2")
    desk.fill(SELL, "1", "110", fee="0.11")
    assert desk["cash"] == money("909.69")
    assert (desk.of("position"), desk.of("cost")) == (10_000, money("100.1"))
    assert desk["realised"] == desk.of("realised") == desk.of("episode") == money("9.79")


def test_the_last_coin_takes_what_is_left_of_the_cost_and_closes_the_episode() -> None:
    desk = Desk()
    desk.fill(BUY, "0.0003", "33.33")
    for _ in range(3):
        assert desk.of("episode") == 0 or desk.of("position") > 0
        desk.fill(SELL, "0.0001", "33.33")
    assert desk["cash"] == money("1000")
    assert (desk.of("position"), desk.of("cost"), desk.of("entry_cost"), desk["positions"], desk.of("episode")) == (0, 0, 0, 0, 0)


def test_a_second_buy_moves_the_average_price_up_to_the_next_unit() -> None:
    desk = Desk()
    desk.fill(BUY, "1", "100")
    desk.fill(BUY, "2", "100.01")
    assert desk.of("entry_cost") == 10_001


def test_losing_episodes_count_up_and_a_winning_one_starts_again() -> None:
    desk = Desk()
    for price, run in (("99", 1), ("98", 2), ("101", 0), ("100", 0), ("99", 1)):
        desk.fill(BUY, "1", "100")
        desk.fill(SELL, "1", price)
        assert desk["losses_run"] == run


def test_a_fee_in_base_leaves_less_coin_at_the_same_cost() -> None:
    desk = Desk()
    desk.fill(BUY, "1", "100", fee_base="0.001")
    assert (desk.of("position"), desk.of("cost"), desk["cash"]) == (9_990, money("100"), money("900"))
    assert (desk.of("fees_base"), desk["fees"]) == (10, money("0.1"))


def test_dust_below_a_lot_occupies_no_position() -> None:
    desk = Desk(plan(), instrument(lot=100))
    desk.fill(BUY, "1", "100", fee_base="0.001")
    desk.fill(SELL, "0.99", "100")
    assert (desk.of("position"), desk["positions"], desk.of("entry_cost")) == (90, 0, 0)
    assert desk["cash"] + desk.of("cost") - desk["realised"] == money("1000")


@pytest.mark.parametrize(
    ("side", "qty", "price", "fee", "fee_base", "status"),
    [
        (SELL, 10_001, 10_000, 0, 0, book.FAULT_OVERSOLD),
        (SELL, 9_999, 10_000, 0, 2, book.FAULT_OVERSOLD),
        (BUY, 0, 10_000, 0, 0, book.FAULT_INPUT),
        (BUY, 1, 0, 0, 0, book.FAULT_INPUT),
        (BUY, 1, 10_000, -1, 0, book.FAULT_INPUT),
        (BUY, 1, 10_000, 10**17 + 1, 0, book.FAULT_INPUT),
        (BUY, 1, 10_000, 0, -1, book.FAULT_INPUT),
        (BUY, 1, 10_000, 0, 2, book.FAULT_INPUT),
        (BUY, 1, 1_000_001, 0, 0, book.FAULT_DOOR),
        (BUY, 10_000_001, 1, 0, 0, book.FAULT_DOOR),
        (BUY, 9_990_001, 1, 0, 0, book.FAULT_DOOR),
        (BUY, 9_000_000, 1_000_000, 10**17, 0, book.FAULT_DOOR),
        (SELL, 1, 1, 10**17, 0, book.FAULT_DOOR),
    ],
)
def test_a_fill_beyond_a_door_changes_nothing_but_the_faults(side: int, qty: int, price: int, fee: int, fee_base: int, status: int) -> None:
    desk = Desk()
    desk.fill(BUY, "1", "100")
    if status == book.FAULT_DOOR and side == SELL:
        desk.account["cash"] = -(10**17)
    before = desk.account.copy(), desk.slots.copy()
    assert core.on_fill(desk.account, desk.slots, desk.record, desk.grids, 0, side, qty, price, fee, fee_base, 0) == status
    before[0]["faults"] += 1
    assert state_bytes(desk.account, desk.slots) == state_bytes(*before)


def test_a_partial_fill_keeps_the_reserve_of_the_rest_and_a_release_frees_it() -> None:
    desk = Desk()
    desk.bar("100", 10_000)
    qty = desk.of("buying")
    assert desk["reserved"] == desk.of("buy_reserved") > 0
    desk.fill(BUY, "2", "100", fee="0.2")
    assert desk.of("buying") == qty - 20_000
    rest = (qty - 20_000) * 10_000 * 10_000
    assert desk["reserved"] == rest + -(-rest // 1000)
    desk.release(BUY, f"{(qty - 20_000) / 10_000}")
    assert (desk["reserved"], desk.of("buying"), desk.of("buy_reserved"), desk.of("buy_limit"), desk["positions"]) == (0, 0, 0, 0, 1)


def test_a_buy_released_whole_gives_its_position_slot_back() -> None:
    desk = Desk()
    desk.bar("100", 10_000)
    assert desk["positions"] == 1
    desk.release(BUY, f"{desk.of('buying') / 10_000}")
    assert (desk["positions"], desk["reserved"]) == (0, 0)


def test_a_sell_released_can_be_sold_again() -> None:
    desk = Desk()
    desk.fill(BUY, "1", "100")
    desk.bar("100", 0)
    assert desk.of("selling") == 10_000
    desk.release(SELL, "1")
    assert (desk.of("selling"), desk.of("sell_limit"), desk.of("position")) == (0, 0, 10_000)


def test_a_late_fill_after_its_release_is_booked() -> None:
    desk = Desk()
    desk.bar("100", 10_000)
    desk.release(BUY, f"{desk.of('buying') / 10_000}")
    assert desk.fill(BUY, "1", "100") == book.BOOKED
    assert (desk.of("position"), desk.of("buying"), desk["positions"], desk["faults"]) == (10_000, 0, 1, 0)


def test_rejections_run_until_a_fill() -> None:
    desk = Desk()
    desk.release(BUY, "1", reason=core.RELEASED_AS_ERROR)
    desk.release(BUY, "1", reason=core.RELEASED_AS_ERROR)
    desk.release(BUY, "1")
    assert desk["errors_run"] == 2
    desk.fill(BUY, "1", "100")
    assert desk["errors_run"] == 0


def test_a_state_is_its_bytes() -> None:
    desk = Desk(plan("BTC/USDT", "ETH/USDT"))
    desk.fill(BUY, "1", "100", i=1)
    data = state_bytes(desk.account, desk.slots)
    account, slots = state_from_bytes(data)
    assert state_bytes(account, slots) == data
    assert int(slots["position"][1]) == 10_000
    for wrong in (b"", data[:-1], data[:100]):
        with pytest.raises(OutOfRange):
            state_from_bytes(wrong)


def test_a_state_starts_halted_with_its_capital_in_cash() -> None:
    account, slots = new_state(plan(), 1)
    assert account["mode"][0] == Mode.HALTED
    assert account["cash"][0] == account["equity"][0] == money("1000")
    assert not slots.tobytes().strip(b"\0")


def test_grids_say_how_a_price_times_a_quantity_becomes_money() -> None:
    symbols = ("A/U", "B/U")
    shapes = (instrument("A/U"), instrument("B/U", price_exp=6, qty_exp=6, notional_min=0))
    grids = grid_records(shapes, plan(*symbols, allocation_bps=(7000, 3000)))
    assert grids["multiplier"].tolist() == [10_000, 1]
    assert grids["divisor"].tolist() == [1, 100]
    assert grids["allocation_bps"].tolist() == [7000, 3000]
    assert grids["hash"].tolist() == [symbol_hash("A/U"), symbol_hash("B/U")]


def test_instruments_that_are_not_frozen_or_not_the_plans_are_refused() -> None:
    loose = Instrument("test", "BTC/USDT", "BTC", "USDT", 2, 4, 1, 1, 0, 0, 0, 0)
    with pytest.raises(OutOfRange, match="not frozen"):
        grid_records([loose], plan())
    with pytest.raises(OutOfRange, match="plan's order"):
        grid_records([instrument("ETH/USDT")], plan())
    with pytest.raises(OutOfRange, match="minimums"):
        grid_records([instrument(qty_min=10**12)], plan())


def test_a_late_fill_is_booked_and_leaves_another_orders_flight_alone() -> None:
    """One coin of an order that had ended arrives while five others are in flight: those, and their reserve, stay."""
    desk = Desk()
    desk.bar("100", 5000)
    before = {name: desk.of(name) for name in core.IN_FLIGHT}
    reserved = desk["reserved"]
    status = core.on_late_fill(desk.account, desk.slots, desk.record, desk.grids, 0, 1, 10_000, 10_000, 0, 0, 0)
    assert status == book.BOOKED
    assert (desk.of("position"), desk.of("cost"), desk["positions"]) == (10_000, money("100"), 1)
    assert {name: desk.of(name) for name in core.IN_FLIGHT} == before
    assert desk["reserved"] == reserved


def test_a_fee_that_was_taken_too_high_comes_back_and_is_realised() -> None:
    desk = Desk()
    desk.fill(BUY, "2", "100", fee="0.5")
    assert desk.fee("100", "0.2", "0", "0.5", "0") == book.BOOKED
    assert desk["cash"] == money("799.8")
    assert desk["realised"] == desk.of("realised") == desk.of("episode") == money("0.3")
    assert (desk["fees"], desk.of("fees"), desk.of("cost")) == (money("0.2"), money("0.2"), money("200.5"))
    assert (desk.of("position"), desk["positions"], desk.of("fills"), desk["faults"]) == (20_000, 1, 1, 0)


def test_a_fee_that_was_taken_too_low_is_paid_from_cash() -> None:
    desk = Desk()
    desk.fill(BUY, "2", "100", fee="0.2")
    assert desk.fee("100", "0.5", "0", "0.2", "0") == book.BOOKED
    assert (desk["cash"], desk["realised"], desk["fees"]) == (money("799.5"), money("-0.3"), money("0.5"))


def test_a_fee_in_base_that_was_taken_too_high_gives_coins_back_at_their_price() -> None:
    desk = Desk()
    desk.fill(BUY, "1", "100", fee_base="0.003")
    assert desk.fee("100", "0", "0.001", "0", "0.003") == book.BOOKED
    assert (desk.of("position"), desk.of("fees_base"), desk["fees"], desk.of("fees")) == (9_990, 10, money("0.1"), money("0.1"))
    assert (desk["cash"], desk["realised"], desk.of("cost")) == (money("900"), 0, money("100"))


def test_a_fee_in_base_may_take_the_last_coin_and_not_one_more() -> None:
    desk = Desk()
    desk.fill(BUY, "1", "100")
    assert desk.fee("100", "0", "1.0001", "0", "0") == book.FAULT_OVERSOLD
    assert (desk["faults"], desk.of("position"), desk["positions"]) == (1, 10_000, 1)
    assert desk.fee("100", "0", "1", "0", "0") == book.BOOKED
    assert (desk["faults"], desk.of("position"), desk["positions"]) == (1, 0, 0)


def test_a_fee_after_the_episode_s_end_belongs_to_no_other() -> None:
    desk = Desk()
    desk.fill(BUY, "1", "100")
    desk.fill(SELL, "1", "110", fee="0.5")
    assert desk.fee("110", "0.1", "0", "0.5", "0") == book.BOOKED
    assert (desk.of("episode"), desk.of("realised"), desk["realised"]) == (0, money("9.9"), money("9.9"))


@pytest.mark.parametrize("fee", ["-0.1", "10000000.1"])
def test_a_fee_beyond_a_door_changes_nothing_but_the_faults(fee: str) -> None:
    desk = Desk()
    desk.fill(BUY, "1", "100", fee="0.1")
    before = (desk["cash"], desk["realised"], desk["fees"], desk.of("position"))
    assert desk.fee("100", fee, "0", "0.1", "0") == book.FAULT_INPUT
    assert (desk["cash"], desk["realised"], desk["fees"], desk.of("position")) == before
    assert desk["faults"] == 1
