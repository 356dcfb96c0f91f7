"""Listeners: what the exchange tells its streams of an order, and when."""

from sandbox.orders import BUY, Kind, NewOrder, Status
from tests.venues.sandbox_market_fixed import exchange


def test_listeners_hear_of_an_order_when_it_is_accepted_filled_and_closed() -> None:
    venue, heard = exchange(), list[tuple[Status, int, int]]()
    venue.listeners.append(lambda said: heard.append((said.order.status, said.order.filled, said.fill.qty if said.fill else 0)))
    order = venue.place("me", NewOrder("BTCUSDT", BUY, Kind.LIMIT, qty=20_000, price=99_00))
    venue.cancel("me", "BTCUSDT", order.id)
    assert heard == [(Status.NEW, 0, 0), (Status.CANCELED, 0, 0)]
    heard.clear()
    venue.place("me", NewOrder("BTCUSDT", BUY, Kind.MARKET, qty=20_000))
    assert [status for status, _, _ in heard] == [Status.NEW, Status.FILLED]
    assert heard[-1][1:] == (20_000, 20_000)
