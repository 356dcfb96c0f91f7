"""What every protocol of the embedded exchange has in common: a request, keys, weights, and the way to an answer. Pure."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from sandbox.dialects.session import Session
from sandbox.dialects.troubles import TROUBLES, UNTRUE
from sandbox.fault_rules import Answer, Facts, Trouble
from sandbox.market import MINUTE_MS
from sandbox.matching import Exchange
from sandbox.orders import No, Refused

Params = dict[str, str]
WHOLE = re.compile("-?[0-9]{1,20}")


class Request(NamedTuple):
    """One HTTP request as it came; header names are in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = {}
    body: str = ""

    @property
    def site(self) -> str:
        """Return method and path, as faults name them."""
        return f"{self.method} {self.path}"

    @property
    def sent(self) -> str:
        """Return the parameters as one text: those of the query, then those of the body."""
        return self.query + self.body

    @property
    def params(self) -> Params:
        """Return the parameters by name, those of the query and those of the body."""
        return dict(parse_qsl(self.query + "&" + self.body, keep_blank_values=True))


class Key(NamedTuple):
    """An API key's secret and the account that it opens."""

    secret: str
    account: str


class Powers(NamedTuple):
    """What an account's key may do, as the exchange says it; the default is a key made for trading spot."""

    trades: bool = True
    withdraws: bool = False
    markets: tuple[str, ...] = ("SPOT",)


class Route(NamedTuple):
    """Who answers a request, whether it must be signed, and what it weighs."""

    call: Callable[[str, Params], Any]
    signed: bool
    weight: int


class Dialect(ABC):
    """One exchange behind a protocol; `answer` is the whole of it. A subclass brings the routes, the signature and the words."""

    name: str
    key_header: str
    sockets: tuple[str, ...] = ()
    """Where websockets begin, as faults name it."""

    def __init__(self, exchange: Exchange) -> None:
        """Speak for an exchange."""
        self.exchange = exchange
        self.keys: dict[str, Key] = {}
        self.powers: dict[str, Powers] = {}
        self._weights: dict[str, tuple[int, int]] = {}
        self._routes: dict[str, Route] = {}

    def answer(self, request: Request) -> Answer:
        """Return the response to a request."""
        route = self._routes.get(request.site)
        if route is None:
            return self._unknown()
        api_key = request.headers.get(self.key_header, "")
        try:
            self._weigh(route.weight, api_key if api_key in self.keys else "")
            params = self._params(request)
            account = self._account_of(request, api_key) if route.signed else ""
            body = route.call(account, params)
        except Refused as refused:
            return self.refusal(refused)
        return self._said(body)

    def _params(self, request: Request) -> Params:
        """Return the parameters of a request; raises Refused for what contradicts itself."""
        return request.params

    def saved(self) -> dict[str, Any]:
        """Return what clients need to go on, their keys, as plain JSON values: a secret."""
        return {"keys": {name: list(key) for name, key in self.keys.items()}}

    def restoring(self, state: dict[str, Any]) -> Callable[[], None]:
        """Return what takes a saved state over, added to our keys; raises KeyError, TypeError or ValueError for what is none."""
        keys = {str(name): Key(str(secret), str(account)) for name, (secret, account) in state["keys"].items()}
        return lambda: self.keys.update(keys)

    @abstractmethod
    def secret_of(self, chance: bytes) -> str:
        """Return a key's secret, as this protocol writes it, made of 64 random bytes."""

    def connect(self, _request: Request) -> Session | None:
        """Begin a conversation on a websocket; None where there is none to be had."""
        return None

    @property
    def sites(self) -> tuple[str, ...]:
        """Return the requests that it answers, as faults name them."""
        return (*self._routes, *self.sockets)

    @property
    def untrue(self) -> Answer:
        """Return an acknowledgement of an order that does not exist."""
        return UNTRUE[self.name]

    def trouble(self, what: Trouble) -> Answer:
        """Return what this venue says when it is in trouble."""
        return TROUBLES[self.name][what]

    def only_reads(self, request: Request) -> bool:
        """Return whether a request changes nothing, whatever it is answered."""
        return request.method == "GET"

    def facts(self, request: Request) -> Facts:
        """Return what a rule of faults can ask of a request, in the exchange's own words."""
        params = request.params
        client_id = params.get("newClientOrderId") or params.get("origClientOrderId", "")
        return Facts(params.get("symbol", ""), params.get("side", ""), client_id, params)

    def lose_listen_keys(self, _account: str) -> bool:
        """End what lets an account's private streams go on, and return whether there was anything of that kind."""
        return False

    @abstractmethod
    def refusal(self, refused: Refused) -> Answer:
        """Return a refusal as this protocol writes it."""

    @abstractmethod
    def _unknown(self) -> Answer:
        """Return the answer to a request that no route takes."""

    @abstractmethod
    def _said(self, body: Any) -> Answer:
        """Return what a call returned, plain JSON values or their bytes, as an answer."""

    @abstractmethod
    def _account_of(self, request: Request, api_key: str) -> str:
        """Return the account that signed a request; raises Refused."""

    def _weigh(self, weight: int, api_key: str) -> None:
        limit = self.exchange.rules.weight_limit
        if not limit:
            return
        minute = self.exchange.now_ms // MINUTE_MS
        before, used = self._weights.get(api_key, (minute, 0))
        used = weight + (used if before == minute else 0)
        if used > limit:
            raise Refused(No.RATE)
        self._weights[api_key] = (minute, used)


def whole(params: Params, name: str) -> int | None:
    """Return a parameter as a number, None when it was not sent; raises Refused(PARAMETER) when it is none."""
    text = params.get(name)
    if text is None or text == "":
        return None
    if not WHOLE.fullmatch(text):
        raise Refused(No.PARAMETER, name)
    return int(text)


def limited(params: Params, default: int, most: int, name: str = "limit") -> int:
    """Return the parameter that limits a list, within 1 and `most`; raises Refused(PARAMETER) for a negative one."""
    asked = whole(params, name)
    if asked is not None and asked < 0:
        raise Refused(No.PARAMETER, name)
    return min(max(default if asked is None else asked, 1), most)
