"""Kraken's names: of currencies, of pairs, and of orders and trades, which are numbers in disguise. Pure."""

import re
from collections.abc import Iterable

from sandbox.pairs import Pair

SHORT = {"BTC": "XBT", "DOGE": "XDG"}
OLD = frozenset({"BTC", "DOGE", "ETH", "LTC", "XRP"})
"""Coins listed when every currency had a letter before its name: X for coins, Z for money."""
MONEY = frozenset({"EUR", "USD"})
LONG = OLD - {"DOGE"}
"""Coins whose pairs are called by the long names."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
SPACE = 1 << 80
SPREAD = 0x9E37_79B9_7F4A_7C15_F39D
"""Odd, so that multiplying by it mixes the numbers of the space and can be undone."""
BACK = pow(SPREAD, -1, SPACE)
ID = re.compile(r"([OT])([A-Z2-7]{5})-([A-Z2-7]{5})-([A-Z2-7]{6})")


def short(currency: str) -> str:
    """Return a currency's short name: XBT for BTC."""
    return SHORT.get(currency, currency)


def asset(currency: str) -> str:
    """Return a currency's full name: XXBT for BTC, ZEUR for EUR, SOL for SOL."""
    letter = "X" if currency in OLD else "Z" if currency in MONEY else ""
    return letter + short(currency)


def altname(pair: Pair) -> str:
    """Return a pair's short name, such as XBTEUR."""
    return short(pair.base) + short(pair.quote)


def wsname(pair: Pair) -> str:
    """Return a pair's name with a stroke, such as XBT/EUR."""
    return f"{short(pair.base)}/{short(pair.quote)}"


def pair_id(pair: Pair) -> str:
    """Return a pair's full name: XXBTZEUR for the old coins against money, the short one for all others."""
    return asset(pair.base) + asset(pair.quote) if pair.base in LONG and pair.quote in MONEY else altname(pair)


def by_any_name(pairs: Iterable[Pair]) -> dict[str, Pair]:
    """Return the pairs by each of their names."""
    return {name: pair for pair in pairs for name in (pair_id(pair), altname(pair), wsname(pair))}


def order_id(number: int) -> str:
    """Return the id, such as OABCDE-FGHIJ-KLMNOP, of the order with a number."""
    return _id("O", number)


def trade_id(number: int) -> str:
    """Return the id, such as TABCDE-FGHIJ-KLMNOP, of the trade with a number."""
    return _id("T", number)


def number_of(name: str, letter: str) -> int:
    """Return the number behind an id of orders (O) or trades (T); 0 for what is no such id."""
    found = ID.fullmatch(name)
    if found is None or found[1] != letter:
        return 0
    mixed = 0
    for sign in found[2] + found[3] + found[4]:
        mixed = mixed * len(LETTERS) + LETTERS.index(sign)
    return mixed * BACK % SPACE


def _id(letter: str, number: int) -> str:
    mixed, text = number * SPREAD % SPACE, ""
    for _ in range(16):
        mixed, at = divmod(mixed, len(LETTERS))
        text = LETTERS[at] + text
    return f"{letter}{text[:5]}-{text[5:10]}-{text[10:]}"
