"""Wrong pieces about fees that are told after their fill."""

from typing import Any


def never_told(_run: Any, _symbol: str, _trade: Any, _now: int) -> bool:
    """Take no fee that comes later."""
    return False


def told_in_full(state: Any, body: dict[str, Any]) -> None:
    """Book a fee beside what it was taken for, in place of the difference."""
    state.fees_due.pop(f"{state.orders[body['client_order_id']].symbol} {body['trade_id']}")
    state.account["cash"][0] -= body["fee"]
    state.account["realised"][0] -= body["fee"]
