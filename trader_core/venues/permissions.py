"""What a key may do, as the venue says it, and why a key that may do more is refused. Pure."""

from typing import NamedTuple

from trader_core.model.errors import DataFault
from trader_core.venues.fields import record, rows

SPOT = "SPOT"
UNSEEN = (
    "whether the key is bound to an address, when it ends, transfers between accounts of the same owner, and sub-accounts:"
    " the venue's account answer has no field for them; look at its page of API keys"
)
"""What nobody can read from the answer."""


class Permissions(NamedTuple):
    """The account's answer to its key: what it may do, and on which markets."""

    trades: bool
    withdraws: bool
    markets: tuple[str, ...]


def read(payload: object) -> Permissions:
    """Return the permissions in an account's answer; raises DataFault when it does not say all of them."""
    row = record(payload, "an account")
    trades, withdraws, markets = row.get("canTrade"), row.get("canWithdraw"), rows(row.get("permissions"), "permissions")
    if not isinstance(trades, bool) or not isinstance(withdraws, bool):
        raise DataFault("canTrade and canWithdraw as true or false", repr((trades, withdraws))[:60], "ask again")
    if not all(isinstance(market, str) and market.isascii() and market.isprintable() and len(market) < 40 for market in markets):  # noqa: PLR2004
        raise DataFault("permissions as names", repr(markets)[:60], "ask again")
    return Permissions(trades, withdraws, tuple(sorted(markets)))


def faults(found: Permissions) -> list[tuple[str, str]]:
    """Return (what is wrong, what to change) for each reason not to use a key; none for one that trades spot and nothing else."""
    beyond = [market for market in found.markets if market != SPOT]
    checks = (
        (not found.withdraws, "it can withdraw", "make a new key without the right to withdraw, and delete this one"),
        (not beyond, f"it trades {', '.join(beyond)}", "make a new key for spot alone: margin and futures are refused"),
        (found.trades, "it cannot trade", "give the key the right to trade spot, or lift what restricts the account"),
        (SPOT in found.markets, "it does not trade spot", "give the key the right to trade spot"),
    )
    return [(wrong, todo) for fine, wrong, todo in checks if not fine]
