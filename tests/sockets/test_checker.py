"""The checker can fail: what one good run left behind is changed in one place, and the invariant that is named notices it."""

import asyncio
import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from deployments.postgres import Server
from tests.sockets.checker import Evidence, violated
from tests.sockets.plans import ORDER, Chaos, SockPlan, Strike
from tests.sockets.run import run
from tests.sockets.upset import Kill
from tests.sockets.world import Nursery
from trader_core.model.session import SessionStatus
from trader_core.trader.records import Kind, Record


@pytest.fixture(scope="module")
def left(postgres_server: Server, nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """What a run left behind in which one order was lost on its way and everything else went well."""
    plan = SockPlan(5, 14, faults=(Strike(Chaos.REQUEST_LOST, ORDER, 2),))
    found = asyncio.run(run(plan, postgres_server, nursery, tmp_path_factory.mktemp("left")))
    assert found.violations == [], found.logs[-3_000:]
    assert found.orders > 3
    return found.evidence


def body_of(found: Evidence, kind: Kind, nth: int = 0) -> dict[str, Any]:
    """Return the body of the nth record of a kind."""
    return [record.body for record in found.records if record.kind is kind][nth]


def order_twice(found: Evidence) -> None:
    found.ledger["orders"].append(dict(found.ledger["orders"][0]))


def order_of_nobody(found: Evidence) -> None:
    found.ledger["orders"].append(found.ledger["orders"][0] | {"client_id": "somebody"})


def other_price(found: Evidence) -> None:
    found.ledger["orders"][0]["price"] += 1


def other_side(found: Evidence) -> None:
    found.ledger["orders"][0]["side"] *= -1


def too_late(found: Evidence) -> None:
    found.ledger["orders"][0]["created_ms"] += 3_600_000


def never_there(found: Evidence) -> None:
    del found.ledger["orders"][0]


def there_after_all(found: Evidence) -> None:
    placed = {order["client_id"] for order in found.ledger["orders"]}
    lost = next(record.body for record in found.records if record.kind is Kind.SENDING and record.body["client_order_id"] not in placed)
    found.ledger["orders"].append(found.ledger["orders"][0] | {"client_id": lost["client_order_id"]})


def fill_more(found: Evidence) -> None:
    found.ledger["fills"][0]["qty"] += 1


def fill_lost(found: Evidence) -> None:
    del found.ledger["fills"][0]


def fee_other(found: Evidence) -> None:
    found.ledger["fills"][0]["fee_raw"] += 1


def coins_gone(found: Evidence) -> None:
    found.ledger["balances"]["BTC"] = {"free": "7", "locked": "0"}


def money_gone(found: Evidence) -> None:
    found.ledger["balances"]["USDT"] = {"free": "7", "locked": "0"}


def still_open(found: Evidence) -> None:
    found.ledger["orders"][0]["status"] = "NEW"


def not_ended(found: Evidence) -> None:
    found.row = replace(found.row, status=SessionStatus.HALTED)


def not_answered(found: Evidence) -> None:
    found.unanswered = 1


def not_written_ahead(found: Evidence) -> None:
    found.arrivals[0] = found.arrivals[0]._replace(written_ahead=False)


def left_twice(found: Evidence) -> None:
    found.arrivals.append(found.arrivals[0])


def came_elsewhere(found: Evidence) -> None:
    del found.arrivals[0]


def left_after_the_kill(found: Evidence) -> None:
    found.kills.append(Kill("word", found.arrivals[0].at_s - 1))


def sent_behind_the_kill(found: Evidence) -> None:
    line = found.lines[0]
    flag = Record(Kind.FLAG, {"flag": "kill", "on": True, "why": "a test", "at_ms": 0})
    found.lines.insert(1, line._replace(record=flag))


def epochs_back(found: Evidence) -> None:
    found.lines[-1] = found.lines[-1]._replace(epoch=0)


def other_state(found: Evidence) -> None:
    found.row = replace(found.row, state_digest="0" * 64)


def chain_broken(found: Evidence) -> None:
    found.verifies = "record 7 was changed"


def row_other(found: Evidence) -> None:
    found.tables.append("the row of an order says something else")


CHANGES: tuple[tuple[str, Callable[[Evidence], None]], ...] = (
    ("I1", order_twice), ("I10", order_of_nobody), ("I10", other_price), ("I10", other_side), ("I17", too_late), ("I7", never_there),
    ("I7", there_after_all), ("I3", fill_more), ("I21", fill_lost), ("I12", fee_other), ("I3", coins_gone), ("I12", money_gone),
    ("I9", still_open), ("I5", not_ended), ("I21", not_answered), ("I10", not_written_ahead), ("I1", left_twice), ("I10", came_elsewhere),
    ("I2", left_after_the_kill), ("I2", sent_behind_the_kill), ("I17", epochs_back), ("I6", other_state), ("I11", chain_broken),
    ("I25", row_other),
)  # fmt: skip


@pytest.mark.parametrize(("invariant", "change"), CHANGES, ids=lambda value: getattr(value, "__name__", value))
def test_one_change_of_what_a_good_run_left_is_noticed(left: Evidence, invariant: str, change: Callable[[Evidence], None]) -> None:
    found = replace(left, ledger=copy.deepcopy(left.ledger), lines=[*left.lines], arrivals=[*left.arrivals], kills=[], tables=[])
    assert violated(found) == []
    change(found)
    assert invariant in {name for name, _ in violated(found)}, violated(found)
