"""The messages of MEXC's websocket, each from one event. Pure."""

from collections.abc import Sequence

from sandbox.dialects.mexc_wire import ASKS, BIDS, Field, levels, message
from sandbox.events import BalanceChanged, BookChanged, CandleSeen, Cause, OrderChanged, QuoteSeen, TradeSeen
from sandbox.market import CLOSE, HIGH, LOW, OPEN, QUOTE, VOLUME
from sandbox.orders import BUY, Fill, Kind, Status
from sandbox.pairs import Pair
from trader_core.model.money import to_text

MINUTE_S = 60
BOUGHT, SOLD = 1, 2
ORDER_TYPES = {Kind.LIMIT: 1, Kind.LIMIT_MAKER: 2, Kind.IOC: 3, Kind.FOK: 4, Kind.MARKET: 5}
STATUSES = {Status.NEW: 1, Status.FILLED: 2, Status.PARTIALLY_FILLED: 3, Status.CANCELED: 4, Status.PARTIALLY_CANCELED: 5}
CAUSES = {Cause.PLACED: "ENTRUST_PLACE", Cause.FILLED: "ENTRUST", Cause.CLOSED: "ENTRUST_CANCEL", Cause.PAID_IN: "DEPOSIT"}
ORDER, FILL, ACCOUNT, CANDLE, DEPTH, DEALS, QUOTES = 304, 306, 307, 308, 313, 314, 315
"""Fields of the outermost message."""


def push(channel: str, name: str, ts_ms: int, body: Field) -> bytes:
    """Return the outermost message: candles tell when they were made, balances that and when they were sent, all others only the latter."""
    made, sent = body[0] in (CANDLE, ACCOUNT), body[0] != CANDLE
    return message((1, channel), (3, name), (5, ts_ms if made else 0), (6, ts_ms if sent else 0), body)


def deals_body(pair: Pair, kind: str, trades: Sequence[TradeSeen]) -> Field:
    """Return prints of the tape."""
    deals: list[Field] = [
        (1, message((1, to_text(trade.price, pair.price_exp)), (2, to_text(trade.qty, pair.qty_exp)),
                    (3, BOUGHT if trade.buys else SOLD), (4, trade.ts_ms)))
        for trade in trades
    ]  # fmt: skip
    return DEALS, message(*deals, (2, kind))


def candle_body(pair: Pair, interval: str, candle: CandleSeen) -> Field:
    """Return a candle as far as it has come; that it is closed is not said. Its times are in seconds."""
    prices = {column: to_text(candle.values[column], pair.price_exp) for column in (OPEN, HIGH, LOW, CLOSE)}
    return CANDLE, message(
        (1, interval), (2, candle.minute * MINUTE_S), (3, prices[OPEN]), (4, prices[CLOSE]), (5, prices[HIGH]), (6, prices[LOW]),
        (7, to_text(candle.values[VOLUME], pair.qty_exp)), (8, to_text(candle.values[QUOTE], pair.price_exp + pair.qty_exp)),
        (9, (candle.minute + candle.step) * MINUTE_S),
    )  # fmt: skip


def depth_body(pair: Pair, kind: str, change: BookChanged) -> Field:
    """Return the levels that changed between two versions."""
    rows = levels(ASKS, pair, change.asks) + levels(BIDS, pair, change.bids)
    return DEPTH, rows + message((3, kind), (4, str(change.first)), (5, str(change.last)))


def quote_body(pair: Pair, quote: QuoteSeen) -> Field:
    """Return the best bid and ask."""
    pe, qe = pair.price_exp, pair.qty_exp
    bid, ask = quote.bid, quote.ask
    return QUOTES, message((1, to_text(bid.price, pe)), (2, to_text(bid.qty, qe)), (3, to_text(ask.price, pe)), (4, to_text(ask.qty, qe)))


def order_body(pair: Pair, said: OrderChanged) -> Field:
    """Return an order as it stands, with its last fill if a fill is what changed it."""
    order, fill, pe, qe = said.order, said.fill, pair.price_exp, pair.qty_exp
    worth = order.asked.quote_qty or order.price * order.qty * pair.notional_factor
    return ORDER, message(
        (1, order.id), (2, order.asked.client_id), (3, to_text(order.price, pe)), (4, to_text(order.qty, qe)), (5, to_text(worth)),
        (6, to_text(order.cost * 10**qe // order.filled) if order.filled else "0"),
        (7, ORDER_TYPES[order.asked.kind]), (8, _side(order.asked.side)), (9, fill is not None and fill.maker),
        (10, to_text(max(worth - order.cost, 0))), (11, to_text(order.remaining, qe)), (12, to_text(fill.qty, qe) if fill else ""),
        (13, to_text(order.filled, qe)), (14, to_text(order.cost)), (15, STATUSES[order.status]), (16, order.created_ms),
    )  # fmt: skip


def fill_body(pair: Pair, fill: Fill) -> Field:
    """Return an execution."""
    return FILL, message(
        (1, to_text(fill.price, pair.price_exp)), (2, to_text(fill.qty, pair.qty_exp)), (3, to_text(fill.cost)), (4, _side(fill.side)),
        (5, fill.maker), (7, fill.trade_id), (8, fill.client_id), (9, fill.order_id), (10, to_text(fill.fee)), (11, fill.fee_currency),
        (12, fill.ts_ms),
    )  # fmt: skip


def account_body(held: BalanceChanged) -> Field:
    """Return a balance after a change."""
    return ACCOUNT, message(
        (1, held.currency), (3, to_text(held.free)), (4, to_text(held.free_by)), (5, to_text(held.locked)), (6, to_text(held.locked_by)),
        (7, CAUSES[held.cause]), (8, held.ts_ms),
    )  # fmt: skip


def _side(side: int) -> int:
    return BOUGHT if side == BUY else SOLD
