"""Kraken's spot REST protocol as the unmodified ccxt client speaks it: routes, signatures, nonces and the envelope. Pure.

Every refusal has status 200 and words instead of a code. There is no clock in a signature: a nonce larger than the last one
of the key takes its place. An order's answer names its id alone, and no order is looked up by the client's id but in lists.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from typing import Any

from sandbox.candles import Candles
from sandbox.dialects.base import Dialect, Request, Route
from sandbox.dialects.kraken_names import by_any_name
from sandbox.dialects.kraken_public import PublicCalls
from sandbox.dialects.kraken_signed import SignedCalls
from sandbox.dialects.kraken_words import UNKNOWN_METHOD, words_of
from sandbox.fault_rules import Answer, Facts
from sandbox.matching import Exchange
from sandbox.orders import No, Refused

WRITES = frozenset(f"/0/private/{name}" for name in ("AddOrder", "CancelOrder", "CancelAll", "CancelAllOrdersAfter"))
NONCE, NONCE_END = re.compile("[0-9]{1,20}"), 2**64


class Kraken(Dialect):
    """One exchange behind Kraken's protocol."""

    name = "kraken"
    key_header = "api-key"

    def __init__(self, exchange: Exchange, candles: Candles, history_from_ms: int) -> None:
        """Offer the routes over an exchange."""
        super().__init__(exchange)
        self.nonces: dict[str, int] = {}
        """The last one of each key."""
        self._pairs = by_any_name(exchange.market.pairs.values())
        public, signed = PublicCalls(exchange, candles, history_from_ms), SignedCalls(exchange, self.powers)
        self._signed = signed
        open_to_all = {
            "Time": public.time, "SystemStatus": public.status, "Assets": public.assets, "AssetPairs": public.asset_pairs,
            "Ticker": public.ticker, "OHLC": public.ohlc, "Depth": public.depth, "Trades": public.trades,
        }  # fmt: skip
        private = {
            "Balance": (signed.balance, 1), "BalanceEx": (signed.balance_ex, 1), "TradeVolume": (signed.trade_volume, 1),
            "GetApiKeyInfo": (signed.key_info, 1), "OpenOrders": (signed.open_orders, 1), "ClosedOrders": (signed.closed_orders, 1),
            "QueryOrders": (signed.query_orders, 1), "TradesHistory": (signed.trades_history, 2), "QueryTrades": (signed.query_trades, 1),
            "AddOrder": (signed.add_order, 0), "CancelOrder": (signed.cancel_order, 0), "CancelAll": (signed.cancel_all, 1),
            "CancelAllOrdersAfter": (signed.cancel_all_after, 1),
        }  # fmt: skip
        self._routes = {f"GET /0/public/{name}": Route(call, signed=False, weight=1) for name, call in open_to_all.items()}
        for name, (call, weight) in private.items():
            self._routes[f"POST /0/private/{name}"] = Route(call, signed=True, weight=weight)

    def saved(self) -> dict[str, Any]:
        """Return what clients need to go on, with the numbers that they tagged orders with, and their switches."""
        return {**super().saved(), **self._signed.saved()}

    def restoring(self, state: dict[str, Any]) -> Callable[[], None]:
        """Return what takes a saved state over; raises KeyError, TypeError or ValueError for what is none."""
        takes = super().restoring(state), self._signed.restoring(state)

        def take() -> None:
            for part in takes:
                part()

        return take

    def secret_of(self, chance: bytes) -> str:
        """Return a secret in base64."""
        return base64.b64encode(chance).decode()

    def only_reads(self, request: Request) -> bool:
        """Return whether a request changes nothing; Kraken's private reads are POSTs too."""
        return request.path not in WRITES

    def facts(self, request: Request) -> Facts:
        """Return what a rule of faults can ask of a request, in the exchange's own words."""
        params = request.params
        pair = self._pairs.get(params.get("pair", ""))
        return Facts(pair.id if pair else "", params.get("type", ""), params.get("cl_ord_id", ""), params)

    def refusal(self, refused: Refused) -> Answer:
        """Return a refusal as this protocol writes it."""
        return _refused(words_of(refused))

    def _unknown(self) -> Answer:
        return _refused(UNKNOWN_METHOD)

    def _said(self, body: Any) -> Answer:
        result = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
        return Answer(200, b'{"error":[],"result":' + result + b"}")

    def _account_of(self, request: Request, api_key: str) -> str:
        """Return the account that signed a request; raises Refused(KEY, SIGNATURE or TIMESTAMP, which stands for the nonce)."""
        key = self.keys.get(api_key)
        if key is None:
            raise Refused(No.KEY)
        nonce = request.params.get("nonce", "")
        digest = hashlib.sha256((nonce + request.body).encode(errors="surrogatepass")).digest()
        expected = hmac.new(base64.b64decode(key.secret), request.path.encode() + digest, hashlib.sha512).digest()
        try:
            said = base64.b64decode(request.headers.get("api-sign", ""), validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refused(No.SIGNATURE) from error
        if not hmac.compare_digest(expected, said):
            raise Refused(No.SIGNATURE)
        if not NONCE.fullmatch(nonce) or not self.nonces.get(api_key, -1) < int(nonce) < NONCE_END:
            raise Refused(No.TIMESTAMP)
        self.nonces[api_key] = int(nonce)
        return key.account


def _refused(words: str) -> Answer:
    return Answer(200, json.dumps({"error": [words]}, separators=(",", ":")).encode())
