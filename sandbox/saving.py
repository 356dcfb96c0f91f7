"""An exchange as plain JSON values, and back. Pure.

Orders are kept version by version in the order in which they were written: register, queues and stops follow from them.
"""

from dataclasses import asdict, fields
from typing import Any, TypeVar

from sandbox.due import Note
from sandbox.floor import Floor
from sandbox.ledger import OWN, Balance
from sandbox.market import Market
from sandbox.orders import OPEN, Fill, Kind, NewOrder, Order, Status
from sandbox.pairs import Rules
from sandbox.register import FIRST_NUMBER
from trader_core.model.errors import BadInput

VERSION = 1
COLUMNS = {kind.__name__: [field.name for field in fields(kind)] for kind in (Order, NewOrder, Fill)}
"""What the rows of a saved state hold, so that a state of other columns is seen."""
ADVICE = "restore what this program saved, unchanged"
Made = TypeVar("Made", Order, NewOrder, Fill)
Kept = TypeVar("Kept", bound=Floor)


def plain(floor: Floor) -> dict[str, Any]:
    """Return everything of an exchange but market, listeners and handlers; raises BadInput while a call is scheduled."""
    return {
        "version": VERSION, "columns": COLUMNS, "seed": floor.seed, "now_ms": floor.now_ms, "markets": list(floor.market.pairs),
        "rules": {**asdict(floor.rules), "fee_rates": [list(rate) for rate in floor.rules.fee_rates]},
        "due": floor.due.saved(), "halted": sorted(floor.halted), "filters": {name: {**kept} for name, kept in floor.overrides.items()},
        "taken": {name: [tick, [[*item] for item in taken.items()]] for name, (tick, taken) in floor.taken.items()},
        "ahead": {name: [[*item] for item in sorted(resting.ahead.items())] for name, resting in floor.resting.items()},
        "ledger": {name: {currency: [*held] for currency, held in floor.ledger.of(name).items()} for name in floor.ledger.accounts()},
        "orders": [_row(order) for order in floor.register.log], "fills": [_row(fill) for fill in floor.register.fills],
    }  # fmt: skip


def _row(value: Order | NewOrder | Fill) -> list[Any]:
    found = [getattr(value, name) for name in COLUMNS[type(value).__name__]]
    return [_row(item) if isinstance(item, NewOrder) else item for item in found]


def restored(kind: type[Kept], market: Market, rules: Rules | None, state: Any) -> Kept:
    """Return an exchange of a kind that goes on where another was saved, under the saved rules unless others are given.

    Raises BadInput for a state that is damaged, of another version, or of another market.
    """
    found = state.get("version") if isinstance(state, dict) else type(state).__name__
    if found != VERSION:
        raise BadInput(f"a saved exchange of version {VERSION}", repr(found)[:60], ADVICE)
    try:
        if state["columns"] != COLUMNS or state["markets"] != list(market.pairs):
            said = f"{state['columns']}, {state['markets']}"[:200]
            raise BadInput(f"a state of these orders' columns and of {', '.join(market.pairs)}", said, "restore it where it was saved")
        floor = kind(market, rules or rules_of(state["rules"]), int(state["seed"]), int(state["now_ms"]))
        _load_orders(floor, state)
        _load_rest(floor, state)
        _check(floor)
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise BadInput("a whole saved exchange", repr(error)[:200], ADVICE) from error
    return floor


def rules_of(values: dict[str, Any]) -> Rules:
    """Return rules from plain JSON values; raises OutOfRange, or KeyError or TypeError for what are none."""
    return Rules(**{**values, "fee_rates": tuple((quote, price) for quote, price in values["fee_rates"])})


def _load_orders(floor: Floor, state: dict[str, Any]) -> None:
    for row in state["orders"]:
        floor.register.write(_made(Order, row))
    for row in state["fills"]:
        floor.register.record(_made(Fill, row))
    for order in floor.register.every():
        if order.status in OPEN:
            floor.resting[order.asked.symbol].put(order)
    for name, ahead in state["ahead"].items():
        floor.resting[name].ahead.update({int(number): int(lots) for number, lots in ahead})


def _load_rest(floor: Floor, state: dict[str, Any]) -> None:
    for account, held in state["ledger"].items():
        for currency, (free, locked) in held.items():
            floor.ledger.put(account, currency, Balance(int(free), int(locked)))
    for name, (tick, taken) in state["taken"].items():
        floor.taken[name] = int(tick), {int(price): int(qty) for price, qty in taken}
    for due_ms, note, data in state["due"]:
        floor.due.add(int(due_ms), Note(str(note), data))
    floor.halted = {floor.pair(name).id for name in state["halted"]}
    for name, changes in state["filters"].items():
        floor.change_filters(name, **changes)


def _made(kind: type[Made], row: list[Any]) -> Made:
    """Return one order or fill of a row; raises TypeError or ValueError where a value is of another type."""
    values: dict[str, Any] = {}
    for field, value in zip(fields(kind), row, strict=True):
        if field.type is NewOrder:
            values[field.name] = _made(NewOrder, value)
        elif field.type in (Kind, Status):
            values[field.name] = (Kind if field.type is Kind else Status)(value)
        elif type(value) is field.type:
            values[field.name] = value
        else:
            raise TypeError(f"{field.name} is {value!r}")
    return kind(**values)


def _check(floor: Floor) -> None:
    """Assert that orders are counted through, that the books balance, and that what is locked is what orders locked."""
    orders = floor.register.every()
    assert [order.number for order in orders] == list(range(FIRST_NUMBER + 1, FIRST_NUMBER + 1 + len(orders))), "orders are missing"
    accounts = floor.ledger.accounts()
    for currency in {currency for account in accounts for currency in floor.ledger.of(account)}:
        assert floor.ledger.total(currency) == 0, f"{currency} does not balance"
    locked = sum(held.locked for account in accounts if account not in OWN for held in floor.ledger.of(account).values())
    assert locked == sum(order.locked for order in orders if order.status in OPEN), "what is locked is not what orders locked"
