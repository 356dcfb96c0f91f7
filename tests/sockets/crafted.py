"""A session that stands still with a hundred orders of one kind: open at the exchange, unknown, or never sent. For measuring alone."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import text

from tests.sockets.world import ACCOUNT, SESSION, House, World
from trader_core.model.instrument import Instrument
from trader_core.model.order import OrderEvent, client_order_id, decision_key
from trader_core.model.session import Cause, Side
from trader_core.store import database, lease
from trader_core.trader.durable import Durable
from trader_core.trader.records import Kind
from trader_core.trader.run import Run
from trader_core.trader.state import State
from trader_core.venues.link import Link, connect
from trader_core.venues.port import Outcome, SendRequest

SIGNALS = """
insert into signal (session_id, signal_id, ts, symbol, cause, target_from, target_to, wanted, close)
values (:session, :signal, :ts, :symbol, 'TARGET', 0, 1, 1, 1)
"""
FIRST_SIGNAL = 900_000
WORTH = 2_000_000_000
"""Of each order, in account units: 0.2 of the quote."""


@dataclass(slots=True)
class Crafter:
    """Writes orders into the journal of a session whose trader does not run, and places those that the exchange is to have."""

    world: World
    house: House
    placed: int = 0

    async def orders(self, count: int, *, resting: bool, never_sent: int = 0) -> None:
        """Leave `count` orders behind: open ones that rest, or unknown ones of which the last `never_sent` never reached the exchange."""
        with ThreadPoolExecutor(1) as thread:
            engine = self.world.engine("trader")
            epoch = await asyncio.to_thread(self._epoch)
            durable = Durable(engine, thread, SESSION, ACCOUNT, epoch, self.house.home)
            state = await durable.read()
            assert state is not None, "the session has a journal"
            symbols = tuple(instrument.symbol for instrument in state.instruments)
            link = await connect("sandbox", self.house.home, symbols, "1m", lambda _: None, private=True)
            durable.book = f"{ACCOUNT}@{link.identity}"
            try:
                link.gateway.use(state.instruments)
                run = Run(state)
                run.write(Kind.BOOTED, epoch=epoch, holder="a bench", at_ms=link.feed.now_ms())
                for number in range(count):
                    await self._order(run, link, number, resting=resting, reaches=number < count - never_sent)
                await asyncio.to_thread(self._signals, state, count)
                await durable.commit(run.records, state)
            finally:
                await link.close()

    def _epoch(self) -> int:
        with database.begin(self.world.engine("trader")) as db:
            return lease.take(db, ACCOUNT, "a bench", "", 1, 0)

    def _signals(self, state: State, count: int) -> None:
        with database.begin(self.world.database.engine("migrate")) as db:
            db.execute(text("set local role gatehouse_owner"))
            for number in range(count):
                symbol = state.instruments[number % len(state.instruments)].symbol
                db.execute(text(SIGNALS), {"session": SESSION, "signal": FIRST_SIGNAL + number, "ts": number, "symbol": symbol})

    async def _order(self, run: Run, link: Link, number: int, *, resting: bool, reaches: bool) -> None:
        state, now_ms = run.state, link.feed.now_ms()
        index = number % len(state.instruments)
        coin, close = state.instruments[index], int(state.slots["close"][index])
        limit = close * 9 // 10 // coin.tick * coin.tick
        qty, key = _qty(coin, limit), decision_key(SESSION, coin.symbol, number, "BUY", 1)
        cid, window_ms = client_order_id(key), state.protocol.window_ms
        run.write(
            Kind.INTENT, client_order_id=cid, decision_key=key, signal=FIRST_SIGNAL + number, instrument=index, side=1, qty=qty,
            limit=limit, reserve=WORTH * 2, cause=int(Cause.TARGET), verdicts=0, ts=number,
        )  # fmt: skip
        run.write(Kind.SENDING, client_order_id=cid, sent_ms=now_ms, window_ms=window_ms, epoch=state.epoch)
        if reaches:
            kind = "LIMIT" if resting else "IOC"
            reply = await link.gateway.submit(SendRequest(cid, coin.symbol, Side.BUY, qty, limit, now_ms, window_ms, kind))
            assert reply.outcome is Outcome.OK, reply
            self.placed += 1
            if resting:
                assert reply.value is not None
                run.write(Kind.MOVE, client_order_id=cid, event=OrderEvent.ACK, at_ms=now_ms, venue_order_id=reply.value.venue_order_id)
        if not resting:
            run.write(Kind.MOVE, client_order_id=cid, event=OrderEvent.LOSE, at_ms=now_ms)


def _qty(coin: Instrument, limit: int) -> int:
    per_lot = int(limit * 10 ** (10 - coin.price_exp - coin.qty_exp))
    return max(-(-WORTH // per_lot) // coin.lot * coin.lot, coin.lot)
