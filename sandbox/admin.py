"""The operator's side of the embedded exchange: clock, faults, accounts, switches and the ground truth. Own port, own token."""

import hmac
import inspect
import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.barrier import Barrier
from sandbox.filters import Filters
from sandbox.matching import Exchange
from sandbox.orders import Fill, Order
from sandbox.pairs import Rules
from trader_core.model.errors import BadInput, GatehouseError, OutOfRange
from trader_core.model.money import money, to_text

if TYPE_CHECKING:
    from sandbox.server import Sandbox

TOKEN_HEADER = "X-Sandbox-Token"  # noqa: S105 - the header's name
BODY_MAX = 2**20
"""What the server reads of one body, in bytes."""
NAME_MAX = 100
MONEY_RULES = ("notional_min", "notional_max")


class Admin:
    """Handles the operator's requests; every answer is JSON, an error is {"error": text}."""

    def __init__(self, sandbox: "Sandbox") -> None:
        """Serve one exchange."""
        self._sandbox = sandbox
        self._barrier = Barrier(lambda: sandbox.exchange.now_ms, sandbox.exchange.advance)
        self._calls = {
            "GET /state": self.state, "POST /advance": self.advance, "POST /leave": self.leave, "GET /faults": self.faults,
            "POST /faults": self.add_faults,
            "DELETE /faults": self.clear_faults, "POST /accounts": self.accounts, "POST /switches": self.switches,
            "GET /ledger": self.ledger, "POST /halted": self.halted, "POST /filters": self.filters, "GET /save": self.save,
            "POST /restore": self.restore,
        }  # fmt: skip

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request: 401 without the token, 404, 400 for bad input, else 200."""
        token = request.headers.get(TOKEN_HEADER, "")
        if not hmac.compare_digest(token.encode(errors="replace"), self._sandbox.token.encode()):
            return _json({"error": f"expected the admin token in {TOKEN_HEADER}; found another or none; read the announce file"}, 401)
        call = self._calls.get(f"{request.method} {request.path}")
        if call is None:
            return _json({"error": f"expected one of {', '.join(self._calls)}; found {request.method} {request.path}"}, 404)
        try:
            whole = request.path == "/restore"  # a saved state may be larger than what `read` takes
            sent = await (request.content.read() if whole else request.read())
            body = json.loads(sent.decode()) if sent else {}
            self._sandbox.tick()
            answer = call(body if request.method == "POST" else dict(request.query))
            answer = await answer if inspect.isawaitable(answer) else answer
            await self._sandbox.sockets.publish()
            return _json(answer)
        except web.HTTPRequestEntityTooLarge:
            return _json({"error": f"expected a body of at most {BODY_MAX} bytes; found a larger one; send less"}, 413)
        except (web.RequestPayloadError, ConnectionError):
            return _json({"error": "expected a body as its headers describe it; found another; send it again"}, 400)
        except (GatehouseError, json.JSONDecodeError) as error:
            return _json({"error": str(error)}, 400)
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError, RecursionError) as error:
            return _json({"error": f"expected the fields that docs/sandbox.md names; found {error!r}; correct the request"}, 400)

    def state(self, _body: Any) -> Any:
        """Return clock, seed, planted trend, rules, symbols and balances."""
        sandbox, exchange = self._sandbox, self._sandbox.exchange
        accounts = {name: _balances(sandbox, name) for name in exchange.ledger.accounts()}
        return {
            "now_ms": exchange.now_ms, "clock": sandbox.clock.mode, "seed": sandbox.config.seed, "start_ms": sandbox.config.start_ms,
            "history_from_ms": sandbox.config.history_from_ms, "planted_trend_bps": sandbox.config.trend_bps,
            "market": sandbox.config.market, "replay": [symbol for symbol, _ in sandbox.config.replay], "rules": _rules(exchange.rules),
            "symbols": [pair.symbol for pair in exchange.market.pairs.values()], "accounts": accounts,
            "halted": sorted(exchange.halted), "filters": {name: _filters(exchange.filters(name)) for name in exchange.overrides},
        }  # fmt: skip

    async def advance(self, body: Any) -> Any:
        """Take a stepped clock to `to_ms`, and return now and the fills since; raises BadInput on a running clock.

        With `who` and `with` the clock moves to the smallest wish once every member has said one (sandbox/barrier.py).
        """
        if self._sandbox.clock.speed:
            raise BadInput("a stepped clock", f"one that runs at {self._sandbox.clock.mode}", "wait instead")
        exchange = self._sandbox.exchange
        before = len(exchange.fills)
        if "who" in body:
            await self._barrier.reach(str(body["who"]), [str(name) for name in body.get("with", [])], int(body["to_ms"]))
        else:
            exchange.advance(int(body["to_ms"]))
        return {"now_ms": exchange.now_ms, "fills": len(exchange.fills) - before}

    async def leave(self, body: Any) -> Any:
        """Let the others of a shared clock wait for `who` no more."""
        await self._barrier.leave(str(body["who"]))
        return {"now_ms": self._sandbox.exchange.now_ms}

    def faults(self, _body: Any) -> Any:
        """Return the rules in force with how often each was seen and fired, and the same of every kind since the beginning."""
        return {"faults": [asdict(rule) for rule in self._sandbox.faults.rules], "kinds": self._sandbox.faults.kinds}

    def add_faults(self, body: Any) -> Any:
        """Add rules: a list, {"faults": list}, or a whole plan of seed and rules."""
        self._sandbox.faults.add(body if isinstance(body, list) or "rules" in body else body["faults"])
        return self.faults({})

    def clear_faults(self, _body: Any) -> Any:
        """Remove all rules."""
        self._sandbox.faults.clear()
        return self.faults({})

    def accounts(self, body: Any) -> Any:
        """Credit `account` with `credits` (texts by currency) and return a new key for it."""
        account = str(body.get("account", "main"))
        paid_in = {str(name): str(text) for name, text in body["credits"].items()}
        if account.startswith("(") or not all(name.isprintable() and 0 < len(name) <= NAME_MAX for name in (account, *paid_in)):
            expected = f"names of 1 to {NAME_MAX} printable characters, an account's without parentheses"
            raise OutOfRange(expected, repr([account, *paid_in])[:200], "choose others")
        api_key, secret = self._sandbox.open_account(account, paid_in)
        return {"account": account, "api_key": api_key, "secret": secret, "balances": _balances(self._sandbox, account)}

    def switches(self, body: Any) -> Any:
        """Change rules by name (amounts and rates as texts) and return all of them; changes nothing where one is wrong."""
        unknown = set(body) - set(Rules.__dataclass_fields__)
        if unknown:
            raise OutOfRange(f"switches of {', '.join(Rules.__dataclass_fields__)}", ", ".join(sorted(unknown)), "correct them")
        values = {name: _rule(name, value) for name, value in body.items()}
        self._sandbox.exchange.rules = replace(self._sandbox.exchange.rules, **values)
        return _rules(self._sandbox.exchange.rules)

    def halted(self, body: Any) -> Any:
        """Halt the markets named by `symbols`, such as BTCUSDT, let all others trade, and return them."""
        exchange = self._sandbox.exchange
        exchange.halted = {exchange.pair(str(name)).id for name in body["symbols"]}
        return {"halted": sorted(exchange.halted)}

    def filters(self, body: Any) -> Any:
        """Change filters of the market `symbol` by name (the notional as text, null back to the usual) and return all of them."""
        changes = {name: value for name, value in body.items() if name != "symbol"}
        if changes.get("notional_min") is not None:
            changes["notional_min"] = money(str(changes["notional_min"]), "notional_min")
        return _filters(self._sandbox.exchange.change_filters(str(body["symbol"]), **changes))

    def save(self, _body: Any) -> Any:
        """Return the whole exchange with the keys of its accounts: a secret; raises BadInput while what is to come cannot be saved."""
        return {
            "market": _market(self._sandbox), "clients": self._sandbox.dialect.saved(), "exchange": self._sandbox.exchange.saved(),
        }  # fmt: skip

    def restore(self, body: Any) -> Any:
        """Go on where an exchange of this market was saved, its keys added to ours; raises BadInput and changes nothing."""
        sandbox = self._sandbox
        if body["market"] != _market(sandbox):
            raise BadInput(f"a state of {_market(sandbox)}", str(body["market"])[:200], "start an exchange with these options")
        take = sandbox.dialect.restoring(body["clients"])
        sandbox.exchange.become(Exchange.restored(sandbox.exchange.market, None, body["exchange"]))
        take()
        sandbox.set_clock()
        sandbox.hub.restart()
        self._barrier = Barrier(lambda: sandbox.exchange.now_ms, sandbox.exchange.advance)
        return {"now_ms": sandbox.exchange.now_ms, "fills": len(sandbox.exchange.fills)}

    def ledger(self, body: Any) -> Any:
        """Return the ground truth of `account`: every order and fill, whatever reads are allowed to see, and balances."""
        account = str(body.get("account", "main"))
        exchange = self._sandbox.exchange
        orders = [order for order in exchange.all_orders() if order.account == account]
        fills = [fill for fill in exchange.fills if fill.account == account]
        return {
            "account": account, "now_ms": exchange.now_ms, "orders": [_order(order) for order in orders],
            "fills": [_fill(fill) for fill in fills], "balances": _balances(self._sandbox, account),
        }  # fmt: skip


def _market(sandbox: "Sandbox") -> dict[str, Any]:
    """Return what decides, besides the state, how an exchange goes on."""
    config = sandbox.config
    replay, books = ([symbol for symbol, _ in files] for files in (config.replay, config.books))
    return {
        "dialect": config.dialect, "seed": config.seed, "market": config.market, "planted_trend_bps": config.trend_bps,
        "replay": replay, "books": books,
    }  # fmt: skip


def _balances(sandbox: "Sandbox", account: str) -> dict[str, dict[str, str]]:
    held = sandbox.exchange.ledger.of(account)
    return {name: {"free": to_text(balance.free), "locked": to_text(balance.locked)} for name, balance in sorted(held.items())}


def _rules(rules: Rules) -> dict[str, Any]:
    amounts = {name: to_text(getattr(rules, name)) for name in MONEY_RULES}
    return {**asdict(rules), **amounts, "fee_rates": {quote: to_text(price) for quote, price in rules.fee_rates}}


def _rule(name: str, value: Any) -> Any:
    if name == "fee_rates":
        return tuple((str(quote), money(str(price), name)) for quote, price in value.items())
    return money(str(value), name) if name in MONEY_RULES else value


def _filters(filters: Filters) -> dict[str, Any]:
    return {**asdict(filters), "notional_min": to_text(filters.notional_min)}


def _order(order: Order) -> dict[str, Any]:
    asked = order.asked
    return {
        "order_id": order.id, "client_id": asked.client_id, "symbol": asked.symbol, "side": asked.side, "type": asked.kind.value,
        "status": order.status.value, "qty": order.qty, "filled": order.filled, "price": order.price, "cost": to_text(order.cost),
        "fee": to_text(order.fee), "created_ms": order.created_ms, "updated_ms": order.updated_ms,
    }  # fmt: skip


def _fill(fill: Fill) -> dict[str, Any]:
    return {**asdict(fill), "order_id": fill.order_id, "cost": to_text(fill.cost), "fee": to_text(fill.fee)}


def _json(body: Any, status: int = 200) -> web.Response:
    return web.json_response(body, status=status)
