"""The money of orders: what they lock, what their fills move, what their end sets free. Pure."""

import hashlib
from dataclasses import replace

from sandbox.ledger import FEES, MARKET, Ledger
from sandbox.orders import BUY, OPEN, Fill, Kind, No, Order, Refused, Status
from sandbox.pairs import Pair, Rules
from sandbox.register import Register
from trader_core.model.money import PPM, UNIT


class Settling:
    """The ledger's side of an exchange; both sides of a trade between accounts pass through the market's own account."""

    def __init__(self, seed: int, pairs: dict[str, Pair], ledger: Ledger, register: Register) -> None:
        """Move money in a ledger and record fills in a register; trade ids come from the seed."""
        self._seed, self._pairs, self._ledger, self._register = seed, pairs, ledger, register

    def locked(self, order: Order, worst: int, rules: Rules) -> Order:
        """Return the order with the worst cost of its lots locked (tick times lot), taker fee included; raises Refused(FUNDS)."""
        pair, side = self._pair(order), order.asked.side
        cost = worst * pair.notional_factor
        amount = cost + -(-cost * rules.taker_ppm // PPM) if side == BUY else order.qty * pair.qty_factor
        currency = _paid_in(pair, side)
        if amount > self._ledger.balance(order.account, currency).free:
            raise Refused(No.FUNDS)
        if order.status not in OPEN:
            return order
        self._ledger.lock(order.account, currency, amount)
        return replace(order, locked=amount)

    def booked(self, order: Order, price: int, qty: int, ts_ms: int, rules: Rules, *, maker: bool) -> tuple[Order, Fill]:
        """Move money and goods of one fill, record it, and return the order after it, and the fill.

        The fee is rounded up once over the whole order, so that partial fills cost no more than one. Where fees have risen
        since a buy locked its cost, it pays the rest from its free balance, as far as that goes.
        """
        pair, side, account = self._pair(order), order.asked.side, order.account
        cost, goods = price * qty * pair.notional_factor, qty * pair.qty_factor
        ppm = rules.maker_ppm if maker else rules.taker_ppm
        fee_raw, fee, fee_currency = self._fee(order, cost, goods, ppm, rules)
        paid, got = (cost, goods) if side == BUY else (goods, cost)
        usual = fee if fee_raw != order.fee_raw else 0
        spent = paid
        if side == BUY and usual and fee_currency == pair.quote:
            room = order.locked - paid - self._kept(order, qty)
            fee = usual = min(usual, room + self._ledger.balance(account, pair.quote).free)
            spent += min(usual, room)
        self._ledger.lock(account, _paid_in(pair, side), -spent)
        self._ledger.move(account, MARKET, _paid_in(pair, side), paid)
        self._ledger.move(MARKET, account, _paid_in(pair, -side), got)
        self._ledger.move(account, FEES, fee_currency, fee)
        at, asked = len(self._register.fills), order.asked
        digest = hashlib.sha256(f"{self._seed}|{at}".encode()).hexdigest()[:32]
        what = asked.symbol, asked.client_id, side, qty, price, cost, fee, ts_ms, maker, fee_currency, at + 1
        fill = Fill(digest, order.number, account, *what)
        self._register.record(fill)
        filled = order.filled + qty
        status = Status.FILLED if filled == order.qty else Status.PARTIALLY_FILLED
        after = replace(
            order, filled=filled, cost=order.cost + cost, fee=order.fee + usual, fee_raw=fee_raw, locked=order.locked - spent,
            status=status, updated_ms=ts_ms,
        )  # fmt: skip
        return self.unlocked(after) if status is Status.FILLED else after, fill

    def unlocked(self, order: Order) -> Order:
        """Return the order with nothing locked any more."""
        self._ledger.lock(order.account, _paid_in(self._pair(order), order.asked.side), -order.locked)
        return replace(order, locked=0)

    def _fee(self, order: Order, cost: int, goods: int, ppm: int, rules: Rules) -> tuple[int, int, str]:
        """Return the order's sum of worth times ppm after a fill, the fill's fee, and the fee's currency.

        A third currency pays while its free balance suffices, rounded up fill by fill, and leaves that sum as it was.
        """
        pair = self._pair(order)
        price = rules.fee_price(pair.quote)
        if price:
            third = -(-cost * ppm * UNIT // (PPM * price))
            if third <= self._ledger.balance(order.account, rules.fee_currency).free:
                return order.fee_raw, third, rules.fee_currency
        in_base = order.asked.side == BUY and rules.fee_in == "received"
        fee_raw = order.fee_raw + (goods if in_base else cost) * ppm
        return fee_raw, -(-fee_raw // PPM) - order.fee, pair.base if in_base else pair.quote

    def _kept(self, order: Order, qty: int) -> int:
        """Return what must stay locked for the lots that `qty` leaves: nothing of an order that locked what its takes cost."""
        if order.asked.kind is Kind.MARKET:
            return 0
        return order.price * (order.remaining - qty) * self._pair(order).notional_factor

    def _pair(self, order: Order) -> Pair:
        return self._pairs[order.asked.symbol]


def _paid_in(pair: Pair, side: int) -> str:
    return pair.quote if side == BUY else pair.base
