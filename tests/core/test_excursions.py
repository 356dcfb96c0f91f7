"""Excursions by hand, and that it does not matter where a piece ends."""

import numpy as np

from tests.builders import START_MS, STEP_MS, bars, instrument, table
from trader_core.evidence.excursions import Excursion, Excursions
from trader_core.evidence.metrics import Traded

MARKET = table(bars("100 100/104/99/103 103/110/97/98 98/99/90/95 95/96/80/85 85"), bars("10 - 10/12/9/11 11 11/20/5/11 11"))
FILLS = [
    Traded(START_MS + STEP_MS, 0, 1, 50, 10_000, 0, 0),
    Traded(START_MS + 2 * STEP_MS, 1, 1, 10, 1_000, 0, 0),
    Traded(START_MS + 2 * STEP_MS, 0, 1, 50, 10_300, 0, 0),
    Traded(START_MS + 3 * STEP_MS, 0, -1, 100, 9_800, 0, 0),
]


def test_a_round_trip_knows_its_lowest_low_and_highest_high_from_first_to_last_fill() -> None:
    """Bought at 100, added, sold in the bar that fell to 90: 10 % against, 10 % for. What came later is not its own."""
    seen = Excursions((instrument("A/U"), instrument("B/U")), STEP_MS)
    seen.feed(MARKET, FILLS)
    (one,) = seen.closed
    assert one == Excursion(0, START_MS + STEP_MS, START_MS + 3 * STEP_MS, 10_000, 9_000, 11_000)
    assert (one.adverse_ppm, one.favourable_ppm) == (100_000, 100_000)
    assert seen.figures() == {"adverse_ppm": 100_000, "adverse_max_ppm": 100_000, "favourable_ppm": 100_000}


def test_where_a_piece_ends_does_not_matter() -> None:
    sold = [*FILLS, Traded(START_MS + 5 * STEP_MS, 1, -1, 10, 1_100, 0, 0)]
    whole = Excursions((instrument("A/U"), instrument("B/U")), STEP_MS)
    whole.feed(MARKET, sold)
    assert len(whole.closed) == 2
    assert whole.closed[1][3:] == (1_000, 500, 2_000)
    for cut in range(1, 6):
        parts = Excursions((instrument("A/U"), instrument("B/U")), STEP_MS)
        for piece in (slice(0, cut), slice(cut, 6)):
            first, last = MARKET["ts"][piece].max(axis=1)[[0, -1]]
            parts.feed(MARKET[piece], [fill for fill in sold if first <= fill.ts <= last])
        assert parts.closed == whole.closed, cut


def test_without_a_round_trip_there_is_no_figure() -> None:
    seen = Excursions((instrument("A/U"), instrument("B/U")), STEP_MS)
    seen.feed(MARKET, [])
    assert seen.figures() == {}
    assert np.count_nonzero(MARKET["close"]) == 11
