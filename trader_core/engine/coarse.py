"""Coarse bars out of fine ones: decisions on the hour, fills by the minute."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trader_core.engine.kernel import entry
from trader_core.engine.strategies.table import NO_DECISION
from trader_core.model.bar import BAR, Bars


@entry
def gather(fine: Any, ratio: int, coarse: Any) -> None:
    """Write to coarse[T, N] what each `ratio` bars of fine[T * ratio, N] make together; one without any bar stays empty."""
    for at in range(coarse.shape[0]):
        for i in range(coarse.shape[1]):
            bar = coarse[at, i]
            bar.ts = fine[at * ratio, i].ts
            for k in range(at * ratio, (at + 1) * ratio):
                part = fine[k, i]
                if part.close == 0:
                    continue
                if bar.close == 0:
                    bar.open, bar.high, bar.low = part.open, part.high, part.low
                bar.high, bar.low, bar.close = max(bar.high, part.high), min(bar.low, part.low), part.close
                bar.volume += part.volume


def coarsen(fine: Bars, ratio: int) -> Bars:
    """Return bars [T, N] of `ratio` times the length of fine [T * ratio, N], which begins with a whole one and carries every time."""
    assert len(fine) % ratio == 0, "whole coarse bars"
    coarse = np.zeros((len(fine) // ratio, fine.shape[1]), BAR)
    gather(np.require(fine, BAR, ["C", "W"]), ratio, coarse)
    return coarse


def spread(targets: NDArray[np.int64], ratio: int) -> NDArray[np.int64]:
    """Return targets of coarse bars [T, N] at the last fine bar of each, where it closes; nothing is decided on the others."""
    fine = np.full((len(targets) * ratio, targets.shape[1]), NO_DECISION, np.int64)
    fine[ratio - 1 :: ratio] = targets
    return fine
