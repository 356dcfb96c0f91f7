"""Amounts by the simulator's own arithmetic: unbounded integers, rounded once. It shares none with the product."""

from decimal import Decimal

from trader_core.model.instrument import Instrument


def worth(coin: Instrument, price: int, qty: int, *, up: bool) -> int:
    """Return what a quantity is worth in account units (10^-10), rounded up or down; unbounded integers throughout."""
    shift = 10 - coin.price_exp - coin.qty_exp
    if shift >= 0:
        return price * qty * int(10**shift)
    whole, rest = divmod(price * qty, int(10**-shift))
    return whole + (1 if rest and up else 0)


def fee_of(coin: Instrument, amount: int) -> int:
    """Return the venue's fee on an amount, rounded up."""
    return -(-amount * coin.taker_ppm // 10**6)


def fees_at_most(coin: Instrument, qty: int, value: int, *, buy: bool) -> tuple[int, int]:
    """Return the schedule's fee in quote and in base."""
    return (0, fee_of(coin, qty)) if buy and coin.fee_in_base else (fee_of(coin, value), 0)


def text_of(amount: int, exponent: int) -> str:
    """Return an amount as decimal text."""
    return format(Decimal(amount).scaleb(-exponent), "f")
