"""Orders without end: each is sent once through the gateway, and what the gateway said of it is kept beside the exchange's own books."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from trader_core.model.instrument import Instrument
from trader_core.model.session import Side
from trader_core.venues.gateway import Gateway
from trader_core.venues.port import Outcome, SendRequest

PROOFS_OF_ABSENCE = frozenset({Outcome.REJECTED, Outcome.AUTH, Outcome.CLOCK, Outcome.RESTRICTED, Outcome.GATED})
EVERY_S = 0.4
AWAY_PPM = 30_000


@dataclass
class Mill:
    """What was sent and what was said of it."""

    gateway: Gateway
    now_ms: Callable[[], int]
    instruments: Mapping[str, Instrument]
    closes: dict[str, int]
    """The last close of each symbol, as the feed gave it; 0 before the first."""
    seed: int = 0
    said: dict[str, Outcome] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)

    async def run(self) -> None:
        """Send, look, cancel and ask until cancelled."""
        dice = random.Random(self.seed)
        self.gateway.install_gate(lambda _: None)
        number = 0
        while True:
            await asyncio.sleep(EVERY_S)
            symbol = dice.choice(sorted(self.instruments))
            if not self.closes.get(symbol):
                continue
            number += 1
            await self._one(f"gh{self.seed}x{number}", self.instruments[symbol], dice)
            if number % 8 == 0:
                await self._ask(symbol)

    async def _one(self, client_order_id: str, instrument: Instrument, dice: random.Random) -> None:
        side, kind = dice.choice((Side.BUY, Side.SELL)), dice.choice(("IOC", "LIMIT"))
        toward = 1 if (side is Side.BUY) == (kind == "IOC") else -1
        close = self.closes[instrument.symbol]
        price = close + toward * close * AWAY_PPM // 1_000_000
        limit = max(price - price % instrument.tick, instrument.tick)
        worth = 25 * 10 ** (instrument.price_exp + instrument.qty_exp)
        qty = max(worth // limit // instrument.lot * instrument.lot, instrument.qty_min)
        now_ms = self.now_ms()
        request = SendRequest(client_order_id, instrument.symbol, side, qty, limit, now_ms, self.gateway.profile.window_ms_max, kind)
        reply = await self.gateway.submit(request)
        self.said[client_order_id] = reply.outcome
        self.calls[f"submit {reply.outcome}{' ' + reply.code if reply.outcome is Outcome.GATED else ''}"] += 1
        looked = await self.gateway.order(instrument.symbol, client_order_id)
        self.calls[f"order {looked.outcome}"] += 1
        if kind == "LIMIT" and dice.random() < 0.9:
            ended = await self.gateway.cancel(instrument.symbol, client_order_id)
            self.calls[f"cancel {ended.outcome}"] += 1

    async def _ask(self, symbol: str) -> None:
        self.calls[f"open_orders {(await self.gateway.open_orders(symbol)).outcome}"] += 1
        self.calls[f"balances {(await self.gateway.balances()).outcome}"] += 1
        self.calls[f"ticker {(await self.gateway.ticker(symbol)).outcome}"] += 1
        self.calls[f"book {(await self.gateway.book(symbol)).outcome}"] += 1
        since_ms = self.now_ms() - 3_600_000
        self.calls[f"trades {(await self.gateway.trades(symbol, since_ms)).outcome}"] += 1

    def against(self, ids: list[str], *, liar: bool) -> list[str]:
        """Return what the gateway said wrongly, given the client ids that the exchange really has; `liar`: it refused what it executed."""
        counts, wrong = Counter(ids), []
        for cid, outcome in self.said.items():
            absent = outcome in PROOFS_OF_ABSENCE and not (liar and outcome is Outcome.CLOCK)
            if counts[cid] > 1 or (counts[cid] and absent) or (outcome is Outcome.OK and not counts[cid]):
                wrong.append(f"{cid}: {outcome}, and the exchange has it {counts[cid]} times")
        return wrong
