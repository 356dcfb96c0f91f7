"""Deciding: the window of closed bars of every instrument, and the targets that the plan's strategy wants."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from trader_core.engine import strategies
from trader_core.evidence.quality import arriving_fault, contradicts
from trader_core.model.bar import BAR, Bars, timeframe_ms
from trader_core.model.errors import StrategyFault
from trader_core.model.plan import Plan

CLOCK_SLACK_MS = 2_000
"""How far our clock may lag behind the venue's before a bar counts as one from the future."""

SLOW_PART = 10
"""A strategy that takes longer than this part of a bar decides nothing on it."""


class Decider:
    """Keeps the last `lookback` slots [lookback, N] and asks each instrument's strategy once per slot."""

    def __init__(self, plan: Plan, clock_ms: Callable[[], int] = lambda: 0) -> None:
        """Hold an empty window: no decision until it is full. `clock_ms` measures how long a strategy takes."""
        rules = {symbol: rule for rule in plan.rules for symbol in rule.symbols}
        self._rules = [(rules[symbol].strategy, dict(rules[symbol].params)) for symbol in plan.symbols]
        self.lookback = strategies.plan_lookback(plan)
        self._window = np.zeros((self.lookback, len(plan.symbols)), BAR)
        self.faults: list[tuple[str, str]] = []
        """Symbol and fault of each bar of the last slot that was no basis."""
        self._symbols, self._step_ms, self._clock_ms = plan.symbols, timeframe_ms(plan.timeframe), clock_ms

    def push(self, bars: Bars, now_ms: int) -> NDArray[np.int64]:
        """Move the window on by one slot and return the targets [N].

        A target is -1, no decision, where the window has a missing slot, where the arriving bar breaks a rule of data quality, and
        where the strategy failed: protection and exits go on without it.
        """
        before, self.faults = self._window, []
        self._window = np.concatenate([before[1:], _sound(bars)[None, :]])
        return np.array([self._target(index, before, bars, now_ms) for index in range(len(self._symbols))], np.int64)

    def _target(self, index: int, before: Bars, bars: Bars, now_ms: int) -> int:
        if bars["close"][index] > 0:
            fault = arriving_fault(before[:, index], bars[index : index + 1], self._step_ms, now_ms + CLOCK_SLACK_MS)
            if fault:
                self.faults.append((self._symbols[index], fault))
                return -1
        name, params = self._rules[index]
        began_ms, slow_ms, said = self._clock_ms(), self._step_ms // SLOW_PART, ""
        try:
            target = int(strategies.target_at(name, params, self._window[:, index]))
        except StrategyFault as error:
            target, said = -1, str(error)
        took_ms = self._clock_ms() - began_ms
        if took_ms > slow_ms:
            target, said = -1, said or f"{name} took {took_ms} ms, more than {slow_ms}: what is decided late is not traded"
        if said:
            self.faults.append((self._symbols[index], said))
        return target

    def mend(self, slot_ms: int, index: int, bar: Bars) -> None:
        """Put a bar [1] that came late, or was changed, into its slot of an instrument's window; a slot that has left it is past."""
        rows = np.flatnonzero(self._window["ts"][:, index] == slot_ms)
        self._window[rows, index] = _sound(bar)

    def warm(self, history: Bars) -> None:
        """Fill the window with the last slots of a history [T, N]."""
        for row in history[-self.lookback :]:
            self._window = np.concatenate([self._window[1:], _sound(row)[None, :]])


def _sound(bars: Bars) -> Bars:
    """Return a slot [N] with each bar whose prices contradict each other as a missing one: no later decision rests on it.

    A jump or a wick stays: if it was the market's, what follows is judged against it.
    """
    found = bars.copy()
    for name in ("open", "high", "low", "close", "volume"):
        found[name] = np.where(contradicts(bars), 0, bars[name])
    return found
