"""Kraken's signed calls: balances, orders, trades, fees, the dead man's switch and the rights of a key. Pure."""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from sandbox.dialects import kraken_names as names
from sandbox.dialects.base import Params, Powers, whole
from sandbox.dialects.kraken_asked import flag, order_of, userref_of
from sandbox.dialects.kraken_rows import description, id_of, order_row, trade_row
from sandbox.dialects.kraken_words import forbidden, padded, rfc3339
from sandbox.due import Note
from sandbox.matching import FIRST_NUMBER, Exchange
from sandbox.orders import OPEN, Fill, No, Order, Refused
from sandbox.pairs import Pair
from trader_core.model.money import MONEY_EXP

SILENT = "dead man's switch"
PAGE = 50
BATCH_MAX = 50
BALANCE_DECIMALS = {True: 4, False: 10}
"""Of money, and of coins."""
TIMEOUT_MAX_S = 86_400
SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
READS = ("query-funds", "query-open-trades", "query-closed-trades")
TRADES = ("modify-trades", "close-trades")
Item = TypeVar("Item")
TIMES: dict[str, Callable[[Order], tuple[int, ...]]] = {
    "open": lambda order: (order.created_ms,),
    "close": lambda order: (order.updated_ms,),
    "both": lambda order: (order.created_ms, order.updated_ms),
}
"""Which times of a closed order a span of time is about."""


class SignedCalls:
    """The calls that need a key; each takes the account and the parameters and returns a result as plain JSON values."""

    def __init__(self, exchange: Exchange, powers: dict[str, Powers]) -> None:
        """Answer from an exchange; `powers` holds the accounts whose keys are not the usual one."""
        self._exchange, self._powers = exchange, powers
        self._pairs = names.by_any_name(exchange.market.pairs.values())
        self._userrefs: dict[int, int] = {}
        self._timers: dict[str, int] = {}
        """How often each account has set its dead man's switch: only the last setting counts."""
        exchange.handlers[SILENT] = self._silent

    def saved(self) -> dict[str, Any]:
        """Return what only Kraken knows of orders and accounts as plain JSON values."""
        return {"userrefs": [[*item] for item in self._userrefs.items()], "timers": dict(self._timers)}

    def restoring(self, state: dict[str, Any]) -> Callable[[], None]:
        """Return what takes a saved state over; raises KeyError, TypeError or ValueError for what is none."""
        userrefs = {int(number): int(userref) for number, userref in state["userrefs"]}
        timers = {str(account): int(setting) for account, setting in state["timers"].items()}

        def take() -> None:
            self._userrefs, self._timers = userrefs, timers

        return take

    # the account

    def balance(self, account: str, _params: Params) -> Any:
        """Return whole balances of every currency that is not zero."""
        return {name: whole_balance for name, (whole_balance, _) in self._held(account)}

    def balance_ex(self, account: str, _params: Params) -> Any:
        """Return whole balances and what of them is held for orders."""
        return {name: {"balance": whole_balance, "hold_trade": held} for name, (whole_balance, held) in self._held(account)}

    def trade_volume(self, _account: str, params: Params) -> Any:
        """Return the fees of the pairs asked for, in percent; there is one tier."""
        said: dict[str, Any] = {"currency": "ZUSD", "volume": "0.0000"}
        pairs = [self._pair(name) for name in params.get("pair", "").split(",") if name]
        rules = self._exchange.rules
        if pairs:
            said["fees"] = {names.pair_id(pair): _tier(rules.taker_ppm) for pair in pairs}
            said["fees_maker"] = {names.pair_id(pair): _tier(rules.maker_ppm) for pair in pairs}
        return said

    def key_info(self, account: str, _params: Params) -> Any:
        """Return what the key may do."""
        powers = self._powers.get(account, Powers())
        beyond = tuple(right for right in powers.markets if right != "SPOT")
        rights = READS + (TRADES if powers.trades else ()) + (("withdraw-funds",) if powers.withdraws else ()) + beyond
        return {
            "apiKeyName": account, "nonceWindow": 0, "permissions": list(rights), "validUntil": "0", "queryFrom": "0", "queryTo": "0",
            "ipAllowlist": [],
        }  # fmt: skip

    # reading

    def open_orders(self, account: str, params: Params) -> Any:
        """Return the open orders, youngest first: of one client id or userref, or all."""
        orders = self._of_client(self._exchange.open_orders(account), params)
        return {"open": self._rows(reversed(orders), with_trades=flag(params, "trades"))}

    def closed_orders(self, account: str, params: Params) -> Any:
        """Return fifty of the closed orders of a span of time, youngest first, and how many there are."""
        times = TIMES.get(params.get("closetime", "both"))
        if times is None:
            raise Refused(No.PARAMETER, "closetime")
        begin_ms, end_ms = self._span(params)
        orders = [
            order
            for order in self._of_client(self._exchange.orders(account), params)
            if order.status not in OPEN and any(begin_ms < at <= end_ms for at in times(order))
        ]
        return {"closed": self._rows(_page(orders, params), with_trades=flag(params, "trades")), "count": len(orders)}

    def query_orders(self, account: str, params: Params) -> Any:
        """Return orders by their ids, however they stand; a client id or a userref leaves out those that have another."""
        asked = params.get("txid", "").split(",")
        if len(asked) > BATCH_MAX:
            raise Refused(No.PARAMETER, "txid")
        orders = self._of_client([self._order(account, name) for name in asked], params)
        return {name: {"reason": None, **row} for name, row in self._rows(orders, with_trades=flag(params, "trades")).items()}

    def trades_history(self, account: str, params: Params) -> Any:
        """Return fifty of the account's trades of a span of time, youngest first, and how many there are."""
        begin_ms, end_ms = self._span(params)
        fills = self._exchange.fills_of(account, "", begin_ms + 1, end_ms)
        return {"trades": self._trade_rows(_page(fills, params)), "count": len(fills)}

    def query_trades(self, account: str, params: Params) -> Any:
        """Return trades by their ids."""
        asked = params.get("txid", "").split(",")
        found = {names.trade_id(fill.number): fill for fill in self._exchange.fills_of(account)}
        if len(asked) > BATCH_MAX or not set(asked) <= set(found):
            raise Refused(No.PARAMETER, "txid")
        return self._trade_rows([found[name] for name in asked])

    # trading

    def add_order(self, account: str, params: Params) -> Any:
        """Place an order, or only check it, and return it in a sentence and, if it was placed, its id."""
        self._check_right(account)
        exchange = self._exchange
        asked = order_of(self._pairs, params, exchange.now_ms + exchange.rules.skew_ms)
        userref = userref_of(params)
        if flag(params, "validate"):
            order = exchange.accepted(account, asked)
            return {"descr": {"order": description(exchange.pair(asked.symbol), order)}}
        order = exchange.place(account, asked)
        if userref is not None:
            self._userrefs[order.number] = userref
        return {"txid": [id_of(order)], "descr": {"order": description(exchange.pair(asked.symbol), order)}}

    def cancel_order(self, account: str, params: Params) -> Any:
        """Cancel an open order by its id or its client id, or all of a userref, and return how many that were."""
        self._check_right(account)
        client_id, name = params.get("cl_ord_id", ""), params.get("txid", "")
        if not client_id and not name:
            raise Refused(No.PARAMETER)
        if not client_id and name.isdecimal():
            return {"count": self._cancel_tagged(account, userref_of({"userref": name}))}
        self._cancel(account, client_id, names.number_of(name, "O"))
        return {"count": 1}

    def cancel_all(self, account: str, _params: Params) -> Any:
        """Cancel all open orders and return how many that were."""
        self._check_right(account)
        return {"count": sum(len(self._exchange.cancel_all(account, name)) for name in self._exchange.market.pairs)}

    def cancel_all_after(self, account: str, params: Params) -> Any:
        """Have all open orders cancelled after a time, unless it is set again before; a time of 0 ends that."""
        self._check_right(account)
        timeout_s, now_ms = whole(params, "timeout"), self._exchange.now_ms
        if timeout_s is None or not 0 <= timeout_s < TIMEOUT_MAX_S:
            raise Refused(No.PARAMETER, "timeout")
        setting = self._timers[account] = self._timers.get(account, 0) + 1
        if not timeout_s:
            return {"currentTime": rfc3339(now_ms), "triggerTime": "0"}
        due_ms = now_ms + timeout_s * 1_000
        self._exchange.schedule(due_ms, Note(SILENT, [account, setting]))
        return {"currentTime": rfc3339(now_ms), "triggerTime": rfc3339(due_ms)}

    def _silent(self, noted: list[Any]) -> None:
        """Cancel everything when nothing was heard since the switch was set; a restored exchange has heard nothing."""
        account, setting = noted
        if self._timers.get(account, setting) == setting:
            for name in self._exchange.market.pairs:
                self._exchange.cancel_all(account, name)

    def _cancel(self, account: str, client_id: str, number: int) -> None:
        """Cancel one order on whatever market it stands; raises Refused, in other words for an id that was never given out."""
        order_id = str(FIRST_NUMBER + number)
        for name in self._exchange.market.pairs:
            try:
                self._exchange.cancel(account, name, order_id, client_id)
            except Refused:
                continue
            return
        known = client_id or FIRST_NUMBER < FIRST_NUMBER + number < self._exchange.register.next_number()
        raise Refused(No.NOT_CANCELABLE if known else No.NO_ORDER)

    def _cancel_tagged(self, account: str, userref: int | None) -> int:
        mine = [order for order in self._exchange.open_orders(account) if self._userrefs.get(order.number) == userref]
        if not mine:
            raise Refused(No.NOT_CANCELABLE)
        for order in mine:
            self._exchange.cancel(account, order.asked.symbol, order.id)
        return len(mine)

    # helpers

    def _check_right(self, account: str) -> None:
        if not self._powers.get(account, Powers()).trades:
            raise forbidden()

    def _pair(self, name: str) -> Pair:
        if name not in self._pairs:
            raise Refused(No.SYMBOL)
        return self._pairs[name]

    def _held(self, account: str) -> list[tuple[str, tuple[str, str]]]:
        """Return the balance and what is held of it for every currency that is not zero, by Kraken's name."""
        held = []
        for currency, balance in sorted(self._exchange.ledger.shown(account).items()):
            decimals = BALANCE_DECIMALS[currency in names.MONEY]
            texts = padded(sum(balance), MONEY_EXP, decimals), padded(balance.locked, MONEY_EXP, decimals)
            if sum(balance):
                held.append((names.asset(currency), texts))
        return held

    def _order(self, account: str, name: str) -> Order:
        """Return an order by its id, as reads see it; raises Refused."""
        number = names.number_of(name, "O")
        if not number:
            raise Refused(No.NO_ORDER)
        for market in self._exchange.market.pairs:
            try:
                return self._exchange.find(account, market, str(FIRST_NUMBER + number))
            except Refused:
                continue
        raise Refused(No.NO_ORDER)

    def _of_client(self, orders: list[Order], params: Params) -> list[Order]:
        """Return the orders with the client id and the userref asked for."""
        client_id, userref = params.get("cl_ord_id", ""), userref_of(params)
        return [
            order
            for order in orders
            if client_id in ("", order.asked.client_id) and (userref is None or self._userrefs.get(order.number) == userref)
        ]

    def _span(self, params: Params) -> tuple[int, int]:
        """Return the span (begin, end] asked for in ms; the beginning itself is left out."""
        begin_ms, end_ms = _ms(params, "start"), _ms(params, "end")
        return -1 if begin_ms is None else begin_ms, 1 << 62 if end_ms is None else end_ms

    def _rows(self, orders: Iterable[Order], *, with_trades: bool) -> dict[str, Any]:
        """Return an account's orders by their ids, each with the ids of its trades where they are asked for."""
        rules, rows, shown = self._exchange.rules, {}, list(orders)
        trades: dict[int, list[str]] = {}
        if with_trades and shown:
            for fill in self._exchange.fills_of(shown[0].account, "", min(order.created_ms for order in shown)):
                trades.setdefault(fill.order_number, []).append(names.trade_id(fill.number))
        for order in shown:
            pair = self._exchange.pair(order.asked.symbol)
            rows[id_of(order)] = order_row(pair, order, self._userrefs.get(order.number), trades.get(order.number, []), rules.fee_in)
        return rows

    def _trade_rows(self, fills: Iterable[Fill]) -> dict[str, Any]:
        rows = {}
        for fill in fills:
            kind = self._exchange.find(fill.account, fill.symbol, fill.order_id).asked.kind
            rows[names.trade_id(fill.number)] = trade_row(self._exchange.pair(fill.symbol), fill, kind)
        return rows


def _page(items: list[Item], params: Params) -> list[Item]:
    """Return fifty of the items, youngest first, from the offset on."""
    offset = whole(params, "ofs") or 0
    if offset < 0:
        raise Refused(No.PARAMETER, "ofs")
    return items[::-1][offset : offset + PAGE]


def _ms(params: Params, name: str) -> int | None:
    """Return a time told in seconds as ms, None for none; raises Refused for what is none."""
    text = params.get(name, "")
    if not text:
        return None
    if not SECONDS.fullmatch(text):
        raise Refused(No.PARAMETER, name)
    head, _, tail = text.partition(".")
    return int(head) * 1_000 + int(tail.ljust(3, "0")[:3])


def _tier(ppm: int) -> dict[str, Any]:
    percent = padded(ppm, 4, 4)
    return {"fee": percent, "minfee": percent, "maxfee": percent, "nextfee": None, "tiervolume": None, "nextvolume": None}
