"""Deciding: the window of closed bars of every instrument, and the targets that the plan's strategy wants."""

import numpy as np
from numpy.typing import NDArray

from trader_core.engine import strategies
from trader_core.model.bar import BAR, Bars
from trader_core.model.plan import Plan


class Decider:
    """Keeps the last `lookback` slots [lookback, N] and asks the strategy once per slot."""

    def __init__(self, plan: Plan) -> None:
        """Hold an empty window: no decision until it is full."""
        self._name, self._params = plan.strategy, dict(plan.params)
        self.lookback = strategies.lookback(self._name, self._params)
        self._window = np.zeros((self.lookback, len(plan.symbols)), BAR)

    def push(self, bars: Bars) -> NDArray[np.int64]:
        """Move the window on by one slot and return the targets [N]: -1 where the window has a missing slot."""
        self._window = np.concatenate([self._window[1:], bars[None, :]])
        columns = range(self._window.shape[1])
        return np.array([strategies.target_at(self._name, self._params, self._window[:, i]) for i in columns], np.int64)

    def warm(self, history: Bars) -> None:
        """Fill the window with the last slots of a history [T, N]."""
        for row in history[-self.lookback :]:
            self._window = np.concatenate([self._window[1:], row[None, :]])
