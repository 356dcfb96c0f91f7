"""Balances, by double entry, in units of 10^-10 of each currency: whatever happens, all accounts together hold 0. Pure."""

from typing import NamedTuple

from trader_core.model.money import PPM

DEPOSITS, MARKET, FEES = "(deposits)", "(market)", "(fees)"
"""The exchange's own accounts: where money comes from, the other side of every fill, and the fees earned."""
OWN = frozenset({DEPOSITS, MARKET, FEES})


class Balance(NamedTuple):
    """What an account holds of one currency."""

    free: int = 0
    locked: int = 0


class Ledger:
    """Who holds how much; only moves between accounts exist."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._balances: dict[str, dict[str, Balance]] = {}
        self.misshown: dict[str, int] = {}
        """By how many ppm an account's own reads are wrong, by currency; the truth stays."""

    def of(self, account: str) -> dict[str, Balance]:
        """Return an account's balances by currency."""
        return dict(self._balances.get(account, {}))

    def shown(self, account: str) -> dict[str, Balance]:
        """Return an account's balances by currency as its own reads see them."""
        held = self.of(account)
        for currency in held.keys() & self.misshown.keys():
            share = PPM + self.misshown[currency]
            held[currency] = Balance(*(amount * share // PPM for amount in held[currency]))
        return held

    def balance(self, account: str, currency: str) -> Balance:
        """Return what an account holds of one currency."""
        return self._balances.get(account, {}).get(currency, Balance())

    def total(self, currency: str) -> int:
        """Return the sum over all accounts: always 0."""
        return sum(sum(held.get(currency, Balance())) for held in self._balances.values())

    def accounts(self) -> list[str]:
        """Return the names of all accounts, the exchange's own included."""
        return list(self._balances)

    def move(self, source: str, target: str, currency: str, amount: int) -> None:
        """Take `amount` from the source's free balance to the target's."""
        self._change(source, currency, -amount, 0)
        self._change(target, currency, amount, 0)

    def lock(self, account: str, currency: str, amount: int) -> None:
        """Lock `amount` of a free balance; a negative amount unlocks."""
        self._change(account, currency, -amount, amount)

    def put(self, account: str, currency: str, balance: Balance) -> None:
        """Let an account hold what a saved ledger says."""
        assert account in OWN or min(balance) >= 0, f"{account} never owes {currency}: {balance}"
        self._balances.setdefault(account, {})[currency] = balance

    def _change(self, account: str, currency: str, free: int, locked: int) -> None:
        held = self._balances.setdefault(account, {})
        before = held.get(currency, Balance())
        after = Balance(before.free + free, before.locked + locked)
        assert account in OWN or (after.free >= 0 and after.locked >= 0), f"{account} never owes {currency}: {after}"
        held[currency] = after
