"""The exchange's own ledger in the shape in which the simulator's checker takes a venue's truth: the same books on both tiers."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from simulation.books import Books
from simulation.checker import Checker, Violation
from simulation.market import Market
from trader_core.trader.records import Record
from trader_core.trader.state import State


@dataclass(frozen=True, slots=True)
class Fill:
    """One fill as the exchange has it, in the trader's units."""

    client_id: str
    symbol: str
    side: int
    qty: int
    price: int
    fee: int
    fee_base: int


@dataclass(frozen=True, slots=True)
class Truth:
    """What books ask of a venue."""

    market: Market
    by_cid: dict[str, list[Any]]
    by_trade: dict[str, tuple[str, Fill]]
    placed: list[Any]
    transit: frozenset[str] = frozenset()
    stranger: None = None
    """Nobody else has orders there."""

    def coming(self, _client_id: str, _now_ms: int) -> bool:
        """Return whether an order may still come: none after the end."""
        return False


@dataclass(slots=True)
class Asker:
    """What books ask of a checker; it raises Violation as the simulator's does."""

    venue: Truth
    limits: Any
    clock: Any = field(default_factory=lambda: SimpleNamespace(now_ms=0))
    asked: int = 0

    def need(self, holds: object, invariant: str, text: str, *parts: object) -> None:
        """Raise Violation unless it holds."""
        self.asked += 1
        if not holds:
            raise Violation(invariant, text.format(*parts))


def fills_of(ledger: dict[str, Any], state: State) -> dict[str, Fill]:
    """Return the ledger's fills by trade id; fees in quote count its units, fees in base the trader's, rounded up."""
    coins = {instrument.symbol.replace("/", ""): instrument for instrument in state.instruments}
    found: dict[str, Fill] = {}
    for row in ledger["fills"]:
        coin = coins[row["symbol"]]
        raw = row["fee_raw"]
        in_base = row["fee_currency"] == coin.base
        base = -(-raw // 10 ** (10 - coin.qty_exp)) if in_base else 0
        fill = Fill(row["client_id"], coin.symbol, row["side"], row["qty"], row["price"], 0 if in_base else raw, base)
        found[row["trade_id"]] = fill
    return found


def books_of(records: list[Record], state: State, ledger: dict[str, Any]) -> Books:
    """Return the simulator's books after every record, compared with the folded state; raises Violation."""
    fills = fills_of(ledger, state)
    market = cast("Market", SimpleNamespace(plan=state.plan, instruments=state.instruments, protocol=state.protocol))
    by_cid: dict[str, list[Any]] = {}
    for order in ledger["orders"]:
        by_cid.setdefault(order["client_id"], []).append(order)
    truth = Truth(market, by_cid, {trade: (fill.client_id, fill) for trade, fill in fills.items()}, [])
    books = Books(cast("Checker", Asker(truth, state.plan.limits)))
    books.restart(records)
    books.compare(state)
    books.whole(state)
    return books
