"""What a run earned and how: return, drawdown, episodes, win rate, profit factor, fees. Exact integers up to the last ratio."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trader_core.model.instrument import Instrument, value_of
from trader_core.model.money import PPM, multiply_divide

Equity = NDArray[np.int64]
BLOCK = 1_000_000


class Traded(NamedTuple):
    """One fill: instrument by index, side +1 or -1, quantity and price in the instrument's units, fee in account units."""

    ts: int
    instrument: int
    side: int
    qty: int
    price: int
    fee: int
    fee_base: int


class Episode(NamedTuple):
    """From flat to flat on one instrument: what was paid in all, fees included, and what was earned."""

    instrument: int
    opened_ts: int
    closed_ts: int
    cost: int
    profit: int


class Booked(NamedTuple):
    """Totals after one fill, over all instruments: realised and fees in account units, instruments held."""

    ts: int
    realised: int
    fees: int
    positions: int


@dataclass(slots=True)
class _Held:
    position: int = 0
    basis: int = 0
    opened_ts: int = 0
    paid: int = 0
    profit: int = 0


@dataclass(frozen=True, slots=True)
class Metrics:
    """The figures of one run; ratios are None where nothing was there to divide by."""

    equity_first: int
    equity_last: int
    return_ppm: int
    drawdown_ppm: int
    """Largest fall of equity from its highest value so far, rounded up."""
    fills: int
    episodes: int
    wins: int
    realised: int
    fees: int
    win_rate: float | None
    profit_factor: float | None
    """Gains of the winning episodes over losses of the losing ones."""
    fees_share: float | None
    """Fees over the gains of the winning episodes."""


def book(instruments: Sequence[Instrument], fills: Iterable[Traded]) -> tuple[list[Episode], list[Booked]]:
    """Return the closed episodes, and the totals after each fill, by the engine's own rules: average cost, rounded against us.

    Raises AssertionError when more is sold than was bought.
    """
    held = [_Held() for _ in instruments]
    episodes: list[Episode] = []
    booked: list[Booked] = []
    realised = fees = 0
    for fill in fills:
        instrument, slot = instruments[fill.instrument], held[fill.instrument]
        fees += fill.fee + value_of(instrument, fill.price, fill.fee_base, up=True)
        if fill.side > 0:
            _buy(slot, instrument, fill)
        else:
            realised += _sell(slot, instrument, fill)
            if slot.position < instrument.lot:
                episodes.append(Episode(fill.instrument, slot.opened_ts, fill.ts, slot.paid, slot.profit))
                slot.paid, slot.profit = 0, 0
        open_now = sum(one.position >= instruments[index].lot for index, one in enumerate(held))
        booked.append(Booked(fill.ts, realised, fees, open_now))
    return episodes, booked


def _buy(slot: _Held, instrument: Instrument, fill: Traded) -> None:
    cost = value_of(instrument, fill.price, fill.qty, up=True) + fill.fee
    if slot.paid == 0:
        slot.opened_ts = fill.ts
    slot.position += fill.qty - fill.fee_base
    slot.basis += cost
    slot.paid += cost


def _sell(slot: _Held, instrument: Instrument, fill: Traded) -> int:
    leaving = fill.qty + fill.fee_base
    assert leaving <= slot.position, f"{instrument.symbol}: {leaving} sold of {slot.position}"
    basis = multiply_divide(slot.basis, leaving, slot.position)
    profit = value_of(instrument, fill.price, fill.qty, up=False) - fill.fee - basis
    slot.position -= leaving
    slot.basis -= basis
    slot.profit += profit
    return profit


def drawdown_ppm(equity: Equity) -> int:
    """Return the largest fall from the highest value so far, in parts per million of it, rounded up; 0 without a fall."""
    worst, found, peak = -1.0, (0, 0), np.iinfo(np.int64).min
    for start in range(0, len(equity), BLOCK):  # ten years of minutes need no second copy
        part = equity[start : start + BLOCK]
        peaks = np.maximum(np.maximum.accumulate(part), peak)
        falls = peaks - part
        shares = falls / np.maximum(peaks, 1)
        at, peak = int(np.argmax(shares)), int(peaks[-1])
        if shares[at] > worst:
            worst, found = float(shares[at]), (int(falls[at]), int(peaks[at]))
    fall, top = found
    return -(-fall * PPM // top) if top > 0 else 0


def measure(instruments: Sequence[Instrument], capital: int, equity: Equity, fills: Sequence[Traded]) -> Metrics:
    """Return the figures of one run that began with `capital`; `equity` of shape [T] is the account after each slot."""
    episodes, booked = book(instruments, fills)
    profits = [episode.profit for episode in episodes]
    gains, losses = sum(one for one in profits if one > 0), -sum(one for one in profits if one < 0)
    last = int(equity[-1]) if equity.size else capital
    curve = np.concatenate([np.array([capital], np.int64), equity])
    fees = booked[-1].fees if booked else 0
    wins = sum(one > 0 for one in profits)
    return Metrics(
        equity_first=capital,
        equity_last=last,
        return_ppm=(last - capital) * PPM // capital,
        drawdown_ppm=drawdown_ppm(curve),
        fills=len(fills),
        episodes=len(episodes),
        wins=wins,
        realised=booked[-1].realised if booked else 0,
        fees=fees,
        win_rate=wins / len(episodes) if episodes else None,
        profit_factor=gains / losses if losses else None,
        fees_share=fees / gains if gains else None,
    )


def episode_returns(episodes: Iterable[Episode]) -> list[float]:
    """Return each episode's profit over what was paid for it, fees included."""
    return [episode.profit / episode.cost for episode in episodes if episode.cost > 0]
