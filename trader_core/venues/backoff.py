"""How long to wait before dialling again: longer each time, and never in step with others. Pure: chance comes from a seed."""

import numpy as np

FIRST_S, LONGEST_S = 0.25, 30.0
CALM_S = 60.0
"""A connection that lived this long was a good one: the next wait is a short one again."""


class Backoff:
    """Waits in seconds of the venue's time, doubled at each failure up to half a minute, each between half of that and all of it."""

    def __init__(self, seed: int) -> None:
        """Begin with the shortest."""
        self._chance, self._failures = np.random.default_rng(seed), 0

    def next_s(self, lived_s: float) -> float:
        """Return how long to wait now that a connection ended which had lived `lived_s`."""
        if lived_s >= CALM_S:
            self._failures = 0
        longest = min(FIRST_S * 2**self._failures, LONGEST_S)
        self._failures = min(self._failures + 1, 16)
        return float(longest * (0.5 + 0.5 * self._chance.random()))
