"""Listen keys: what a signed request buys, and a connection shows, to hear of an account. Pure: time and seed are arguments."""

import hashlib
from typing import Any

from sandbox.dialects.base import Params
from sandbox.market import MINUTE_MS
from sandbox.matching import Exchange
from sandbox.orders import No, Refused

LIFE_MS = 60 * MINUTE_MS
KEYS_MAX = 60
"""Valid keys of one account."""


class ListenKeys:
    """The keys given out, each valid for 60 minutes of venue time after it was made or kept alive; its methods are signed calls."""

    def __init__(self, exchange: Exchange) -> None:
        """Give out none yet."""
        self._exchange = exchange
        self._keys: dict[str, tuple[str, int]] = {}
        self._made = 0

    def account_of(self, key: str) -> str:
        """Return the account that a key opens, empty when it opens none (any more)."""
        account, until_ms = self._keys.get(key, ("", 0))
        return account if self._exchange.now_ms < until_ms else ""

    def create(self, account: str, _params: Params) -> Any:
        """Make a key."""
        if len(self._of(account)) >= KEYS_MAX:
            raise Refused(No.PARAMETER, "listenKey")
        self._made += 1
        key = hashlib.sha256(f"{self._exchange.seed}|{account}|{self._made}".encode()).hexdigest()
        self._keys[key] = (account, self._exchange.now_ms + LIFE_MS)
        return {"listenKey": key}

    def valid(self, account: str, _params: Params) -> Any:
        """Return the account's valid keys."""
        return {"listenKey": self._of(account)}

    def keep(self, account: str, params: Params) -> Any:
        """Keep a key alive for another 60 minutes."""
        key = self._mine(account, params)
        self._keys[key] = (account, self._exchange.now_ms + LIFE_MS)
        return {"listenKey": key}

    def remove(self, account: str, params: Params) -> Any:
        """End a key, and with it the connections that showed it."""
        key = self._mine(account, params)
        del self._keys[key]
        return {"listenKey": key}

    def lose(self, account: str) -> bool:
        """End all keys of an account without being asked, and return whether there were any."""
        lost = self._of(account)
        for key in lost:
            del self._keys[key]
        return bool(lost)

    def _of(self, account: str) -> list[str]:
        return [key for key in self._keys if self.account_of(key) == account]

    def _mine(self, account: str, params: Params) -> str:
        key = params.get("listenKey", "")
        if self.account_of(key) != account:
            raise Refused(No.LISTEN_KEY)
        return key
