"""A market whose ticks are written by hand."""

from collections.abc import Collection

import numpy as np
import pytest

from sandbox.config import START_MS
from sandbox.market import DAY_MS, TICKS_DAY, Block, candles_of
from sandbox.matching import Exchange
from sandbox.orders import Kind, NewOrder, No, Refused
from sandbox.pairs import Pair, Rules
from trader_core.model.money import money

BTC = Pair("BTC", "USDT", 2, 6, 100_00, 0.02, 1e6)
"""Prices count cents, quantities millionths."""
DAY = START_MS // DAY_MS


class FixedMarket:
    """One pair that stands at 100.00 with 1 BTC a tick, but for the ticks given as {row: (price, volume)}.

    The taker buys but in the rows that `sells` names.
    """

    def __init__(self, ticks: dict[int, tuple[int, int]], sells: Collection[int] = ()) -> None:
        self.pairs = {BTC.id: BTC}
        prices, volumes = np.full(TICKS_DAY, 100_00), np.full(TICKS_DAY, 1_000_000)
        for row, (price, volume) in ticks.items():
            prices[row], volumes[row] = price, volume
        buys = prices > 0
        buys[list(sells)] = False
        self._first = Block(prices, volumes, buys, candles_of(prices, volumes))
        calm, usual = np.full(TICKS_DAY, 100_00), np.full(TICKS_DAY, 1_000_000)
        self._other = Block(calm, usual, calm > 0, candles_of(calm, usual))

    def block(self, name: str, day: int) -> Block:
        assert name == BTC.id
        return self._first if day == DAY else self._other


def exchange(
    ticks: dict[int, tuple[int, int]] | None = None,
    rules: Rules | None = None,
    usdt: str = "1000",
    btc: str = "0",
    sells: Collection[int] = (),
) -> Exchange:
    """An exchange over a fixed market whose account `me` holds what is given."""
    venue = Exchange(FixedMarket(ticks or {}, sells), rules or Rules(), seed=7, start_ms=START_MS)
    venue.credit("me", "USDT", money(usdt))
    venue.credit("me", "BTC", money(btc))
    return venue


def limit(side: int, qty: int, price: int, kind: Kind = Kind.LIMIT, client_id: str = "") -> NewOrder:
    """An order of the fixed market with a limit."""
    return NewOrder(BTC.id, side, kind, qty=qty, price=price, client_id=client_id)


def refusal(venue: Exchange, asked: NewOrder, account: str = "me") -> No:
    """Why the exchange refuses an order; that changes nothing."""
    before = venue.ledger.of(account), len(venue.all_orders()), len(venue.fills)
    with pytest.raises(Refused) as caught:
        venue.place(account, asked)
    assert (venue.ledger.of(account), len(venue.all_orders()), len(venue.fills)) == before, "a refusal changes nothing"
    return caught.value.why
