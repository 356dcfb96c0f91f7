"""How long a cancel is waited for: a second, three times; then twice as long, and never longer than any other call."""

from trader_core.venues.hurry import Hurry
from trader_core.venues.port import VenueOrder, VenueOrderState


def test_three_cancels_take_a_second_each_the_next_three_two_and_none_more_than_any_other_call() -> None:
    hurry = Hurry(1.0, 10.0)
    assert [hurry.again("a") for _ in range(14)] == [1.0] * 3 + [2.0] * 3 + [4.0] * 3 + [8.0] * 3 + [10.0] * 2


def test_a_look_at_an_order_that_nobody_cancels_takes_as_long_as_any_call() -> None:
    hurry = Hurry(1.0, 10.0)
    hurry.again("a")
    assert (hurry.wait_s("a"), hurry.wait_s("b")) == (1.0, 0.0)


def test_an_order_that_has_ended_is_forgotten_and_one_that_has_not_is_kept() -> None:
    hurry = Hurry(1.0, 10.0)
    hurry.again("a")
    hurry.seen(VenueOrder("a", "v", VenueOrderState.OPEN, 10, 0, 0))
    assert hurry.wait_s("a") == 1.0
    hurry.seen(VenueOrder("a", "v", VenueOrderState.CANCELED, 10, 0, 0))
    assert hurry.wait_s("a") == 0.0


def test_a_client_that_is_less_patient_than_a_cancel_stays_so() -> None:
    assert Hurry(1.0, 0.3).again("a") == 0.3
