"""Waits before dialling again: doubled up to half a minute, jittered by a seed, short again after a calm minute."""

from trader_core.venues.backoff import Backoff


def test_waits_double_up_to_half_a_minute_and_lie_between_half_of_it_and_all() -> None:
    backoff, longest = Backoff(7), [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    for most in longest:
        assert most / 2 <= backoff.next_s(0.0) <= most


def test_the_same_seed_waits_the_same_and_another_one_does_not() -> None:
    one, same, other = ([backoff.next_s(0.0) for _ in range(5)] for backoff in (Backoff(7), Backoff(7), Backoff(8)))
    assert one == same
    assert one != other


def test_after_a_connection_that_lived_for_a_minute_the_wait_is_short_again() -> None:
    backoff = Backoff(7)
    for _ in range(8):
        backoff.next_s(59.9)
    assert backoff.next_s(59.9) >= 15
    assert backoff.next_s(60.0) <= 0.25
