"""What the machine wants to know of the venue for a proof: several lists, read one after the other, dated when they were asked for."""

from trader_core.trader import events as ev
from trader_core.trader import external
from trader_core.trader.state import State
from trader_core.venues.port import Balance, Outcome, Venue, VenueOrder
from trader_core.venues.simulated import Feed


async def prove_absence(venue: Venue, feed: Feed, effect: ev.ProveAbsence) -> ev.Event:
    """Return the open orders and the trades of a symbol."""
    asked_ms = feed.now_ms()
    opens = await venue.open_orders(effect.symbol)
    trades = await venue.trades(effect.symbol, effect.since_ms)
    return ev.AbsenceEvidence(effect.client_order_id, opens, trades, asked_ms)


async def prove_trades(venue: Venue, feed: Feed, effect: ev.ProveTrades) -> ev.Event:
    """Return the account's trades on a symbol since a time."""
    asked_ms = feed.now_ms()
    reply = await venue.trades(effect.symbol, effect.since_ms)
    return ev.TradesProof(effect.symbol, effect.since_ms, reply, asked_ms)


async def examine(venue: Venue, feed: Feed, effect: ev.Examine) -> ev.Event:
    """Return what the venue shows of an order that an operator speaks of: by its id, and in both lists."""
    asked_ms = feed.now_ms()
    looked = await venue.order(effect.symbol, effect.client_order_id)
    opens = await venue.open_orders(effect.symbol)
    trades = await venue.trades(effect.symbol, effect.since_ms)
    return ev.Examined(effect.word, looked, opens, trades, asked_ms)


async def strangers(venue: Venue, feed: Feed, state: State, balances: list[Balance]) -> ev.ExternalSeen:
    """Return the account's open orders on the session's symbols, and what the balances show to be locked; asked when nothing is pending."""
    symbols, found, unread, asked_ms = [x.symbol for x in state.instruments], list[tuple[str, VenueOrder]](), list[str](), feed.now_ms()
    for symbol in symbols:
        reply = await venue.open_orders(symbol)
        if reply.outcome is Outcome.OK:
            found += [(symbol, order) for order in reply.value or ()]
        else:
            unread.append(symbol)
    return ev.ExternalSeen(tuple(found), tuple(unread), *external.cash(state.instruments[0].quote, balances), asked_ms)
