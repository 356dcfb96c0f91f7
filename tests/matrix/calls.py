"""The private calls of the gateway: how each is brought about, asked, and compared with the truth. One column of the table each."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.matrix.bench import Bench, state_of
from tests.matrix.judge import THEIRS, Seen, What
from trader_core.venues.port import CLOSED, Reply

OURS = ("gh1", "gh2", "gh3", "gh4")
FOREIGN = "xx9"
SWITCH_S = 60
ORDER, CANCEL, ONE, OPEN, TRADES, ACCOUNT = "order", "cancel", "look-up", "open orders", "trades", "balances"
ALL, RIGHTS, FEES, TEST, CLOSED_ONES, NAMES, SWITCH = "cancel all", "rights", "fees", "order test", "closed orders", "names", "switch"
_FAMILY = {
    ORDER: "POST /api/v3/order", CANCEL: "DELETE /api/v3/order", ONE: "GET /api/v3/order", OPEN: "GET /api/v3/openOrders",
    TRADES: "GET /api/v3/myTrades", ACCOUNT: "GET /api/v3/account", ALL: "DELETE /api/v3/openOrders", TEST: "POST /api/v3/order/test",
}  # fmt: skip
_KRAKEN = {
    ORDER: "AddOrder", CANCEL: "CancelOrder", OPEN: "OpenOrders", CLOSED_ONES: "ClosedOrders", TRADES: "TradesHistory",
    NAMES: "QueryOrders", ACCOUNT: "BalanceEx", RIGHTS: "GetApiKeyInfo", FEES: "TradeVolume", TEST: "AddOrder",
    SWITCH: "CancelAllOrdersAfter",
}  # fmt: skip
SITES: dict[str, dict[str, str]] = {
    "mexc": {**_FAMILY, RIGHTS: "GET /api/v3/account", FEES: "GET /api/v3/tradeFee"},
    "binance": {
        **_FAMILY, NAMES: "GET /api/v3/order", RIGHTS: "GET /sapi/v1/account/apiRestrictions", FEES: "GET /sapi/v1/asset/tradeFee",
    },
    "kraken": {name: f"POST /0/private/{call}" for name, call in _KRAKEN.items()},
}  # fmt: skip
"""Where each dialect answers what the gateway asks."""

Ask = Callable[[Bench], Awaitable[Any]]
Truth = Callable[[Bench, Any], Seen]


@dataclass(frozen=True)
class Column:
    """One call of the gateway, of which one request meets the fault."""

    name: str
    what: What
    hit: str
    """The request that meets the fault, by its name in SITES."""
    ask: Ask
    truth: Truth
    arrange: Callable[[Bench], None] = lambda _: None
    dialects: tuple[str, ...] = ("mexc", "binance", "kraken")
    faults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Parameters of faults in this column."""

    def site(self, dialect: str) -> str:
        return SITES[dialect][self.hit]


def _submission(order_type: str, dialects: tuple[str, ...] = ("mexc", "binance", "kraken")) -> Column:
    async def ask(bench: Bench) -> Reply[Any]:
        return await bench.gateway.submit(bench.request(OURS[0], order_type))

    def truth(bench: Bench, reply: Any) -> Seen:
        said = reply.value.venue_order_id if reply.value else None
        return Seen(What.ORDER, (reply.outcome,), said, bench.ids(OURS[0]))

    return Column(f"order {order_type}", What.ORDER, ORDER, ask, truth, dialects=dialects)


def _cancellation(name: str, hit: str, dialects: tuple[str, ...] = ("mexc", "binance", "kraken")) -> Column:
    async def ask(bench: Bench) -> Reply[Any]:
        return await bench.gateway.cancel(bench.symbol, OURS[0])

    return Column(name, What.CANCEL, hit, ask, _stands(What.CANCEL), lambda bench: bench.rest(OURS[0]), dialects)


def _stands(what: What) -> Truth:
    def truth(bench: Bench, reply: Any) -> Seen:
        return Seen(what, (reply.outcome,), state_of(reply.value) if reply.value else None, bench.state(OURS[0]))

    return truth


def _look(name: str, hit: str, arrange: Callable[[Bench], None], dialects: tuple[str, ...]) -> Column:
    async def ask(bench: Bench) -> Reply[Any]:
        return await bench.gateway.order(bench.symbol, OURS[0])

    return Column(f"look-up, {name}", What.LOOK, hit, ask, _stands(What.LOOK), arrange, dialects)


def _cancels(name: str, hit: str, dialects: tuple[str, ...], *, foreign: bool = False) -> Column:
    def arrange(bench: Bench) -> None:
        for one in (*((FOREIGN,) if foreign else ()), *(OURS if foreign else OURS[:2])):
            bench.rest(one)

    async def ask(bench: Bench) -> list[Reply[Any]]:
        return await bench.gateway.cancel_symbol(bench.symbol, OURS)

    def truth(bench: Bench, replies: Any) -> Seen:
        said = [(reply.value.client_order_id, reply.value.state in CLOSED) for reply in replies if reply.value]
        stands = {name: bench.state(name) for name in (*OURS, FOREIGN)}
        true = {THEIRS if name == FOREIGN else name: state[0] for name, state in stands.items() if state}
        return Seen(What.CANCELS, tuple(dict.fromkeys(reply.outcome for reply in replies)), said, true)

    faults = {"partial_list": {"keep": 2 if foreign else 1}} if hit == OPEN else {}
    return Column(name, What.CANCELS, hit, ask, truth, arrange, dialects, faults)


def _reading(name: str, hit: str, ask: Ask, value: Callable[[Any], Any], true: Callable[[Bench], Any], dialects: tuple[str, ...]) -> Column:
    def truth(bench: Bench, reply: Any) -> Seen:
        return Seen(What.READ, (reply.outcome,), None if reply.value is None else value(reply.value), true(bench))

    return Column(name, What.READ, hit, ask, truth, _holdings, dialects)


def _holdings(bench: Bench) -> None:
    """Two orders that rest and two that were filled, so that every list has something to lose."""
    for name in OURS[:2]:
        bench.rest(name)
    for name in OURS[2:]:
        bench.buy(name)


def _tested() -> Column:
    async def ask(bench: Bench) -> Reply[Any]:
        return await bench.gateway.test_order(bench.request(OURS[0], "IOC"))

    def truth(bench: Bench, reply: Any) -> Seen:
        return Seen(What.TEST, (reply.outcome,), None, (len(bench.orders(OURS[0])), bench.executed))

    return Column("order test", What.TEST, TEST, ask, truth)


def _switched() -> Column:
    async def ask(bench: Bench) -> Reply[Any]:
        return await bench.gateway.cancel_all_after(SWITCH_S)

    def truth(bench: Bench, reply: Any) -> Seen:
        bench.floor.pass_ms((SWITCH_S + 1) * 1_000)
        return Seen(What.SWITCH, (reply.outcome,), None, bench.state(OURS[0]) == (True, bench.qty, 0))

    return Column("dead man's switch", What.SWITCH, SWITCH, ask, truth, lambda bench: bench.rest(OURS[0]), ("kraken",))


EVERY, FAMILY, KRAKEN = ("mexc", "binance", "kraken"), ("mexc", "binance"), ("kraken",)


def _lists() -> list[Column]:
    def trades(bench: Bench) -> Awaitable[Any]:
        return bench.gateway.trades(bench.symbol, bench.floor.now_ms - 600_000)

    def fills(value: Any) -> Any:
        return sorted((one.ts_ms, one.client_order_id, one.qty, one.price, one.maker) for one in value)

    return [
        _reading(
            "open orders", OPEN, lambda bench: bench.gateway.open_orders(bench.symbol),
            lambda value: sorted((one.client_order_id, state_of(one)) for one in value), Bench.open, EVERY,
        ),
        _reading("trades", TRADES, trades, fills, Bench.fills, EVERY),
        _reading("trades: their orders' names", NAMES, trades, fills, Bench.fills, ("binance", "kraken")),
    ]  # fmt: skip


def _account() -> list[Column]:
    def held(value: Any) -> Any:
        found = {one.currency: (Decimal(one.free), Decimal(one.locked)) for one in value}
        return {name: both for name, both in found.items() if any(both)}

    def rates(bench: Bench) -> Any:
        rules = bench.floor.sandbox.exchange.rules
        return rules.maker_ppm, rules.taker_ppm

    return [
        _reading("balances", ACCOUNT, lambda bench: bench.gateway.balances(), held, Bench.balances, EVERY),
        _reading("permissions", RIGHTS, lambda bench: bench.gateway.permissions(), tuple, lambda _: (True, False, ("SPOT",)), EVERY),
        _reading("fees", FEES, lambda bench: bench.gateway.fees(bench.symbol), tuple, rates, EVERY),
        _tested(),
        _switched(),
    ]


def _rest(bench: Bench) -> None:
    bench.rest(OURS[0])


def _bought(bench: Bench) -> None:
    bench.buy(OURS[0])


GROUPS: dict[str, list[Column]] = {
    "Orders": [
        *(_submission(kind) for kind in ("IOC", "MARKET", "LIMIT", "POST_ONLY")), _submission("STOP", ("binance", "kraken")),
    ],
    "Cancels": [
        _cancellation("cancel", CANCEL),
        _cancellation("cancel: open list", OPEN, KRAKEN),
        _cancellation("cancel: closed list", CLOSED_ONES, KRAKEN),
        _cancels("by symbol: list", OPEN, EVERY),
        _cancels("by symbol: list, beside a foreign order", OPEN, EVERY, foreign=True),
        _cancels("by symbol: one request", ALL, FAMILY),
        _cancels("by symbol: look-up", ONE, FAMILY),
        _cancels("by symbol: one by one", CANCEL, KRAKEN),
    ],
    "Look-ups and lists": [
        _look("open", ONE, _rest, FAMILY),
        _look("filled", ONE, _bought, FAMILY),
        _look("absent", ONE, lambda _: None, FAMILY),
        _look("open: open list", OPEN, _rest, KRAKEN),
        _look("filled: open list", OPEN, _bought, KRAKEN),
        _look("filled: closed list", CLOSED_ONES, _bought, KRAKEN),
        _look("absent: open list", OPEN, lambda _: None, KRAKEN),
        _look("absent: closed list", CLOSED_ONES, lambda _: None, KRAKEN),
        *_lists(),
    ],
    "Account": _account(),
}  # fmt: skip
"""The tables, and the columns of each."""
COLUMNS = {column.name: column for group in GROUPS.values() for column in group}
