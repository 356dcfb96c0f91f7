"""What is cancelled while the database is away, and when: by a kill at once, by time entries alone, and never what was not found."""

from trader_core.model.command import Command
from trader_core.model.order import OrderState
from trader_core.model.session import Cause, Side
from trader_core.trader import lost
from trader_core.trader.events import Operator
from trader_core.trader.lost import Due, Lost, Reasons
from trader_core.trader.tracked import Order
from trader_core.venues.port import Outcome, Reply, VenueOrder, VenueOrderState

BACKOFF = (250, 500)
NONE, KILLED, LATE = Reasons(), Reasons("storm"), Reasons("", "too long")


def order(cid: str, state: OrderState = OrderState.OPEN, side: Side = Side.BUY) -> Order:
    return Order(cid, 1, 0, "BTC/USDT", side, 10, 100, Cause.TARGET, 0, state=state)


def found(state: VenueOrderState, filled: int = 0) -> Reply[VenueOrder]:
    return Reply(Outcome.OK, VenueOrder("a", "7", state, 10, filled, 0))


def test_a_kill_cancels_what_is_at_the_venue_at_once_and_looks_first_at_what_may_be() -> None:
    known = Lost([order("a"), order("b", OrderState.UNKNOWN), order("c", OrderState.INTENT), order("d", OrderState.CANCELING)], BACKOFF)
    assert known.due(0, KILLED) == [Due("a", "BTC/USDT", "storm"), Due("b", "BTC/USDT", ""), Due("d", "BTC/USDT", "storm")]


def test_an_unknown_order_is_cancelled_as_soon_as_it_is_found() -> None:
    known = Lost([order("a", OrderState.UNKNOWN)], BACKOFF)
    assert known.due(0, KILLED) == [Due("a", "BTC/USDT", "")]
    known.answered("a", found(VenueOrderState.OPEN), 10)
    assert known.due(10, KILLED) == [], "its look is not over"
    known.free("a")
    assert known.due(10, KILLED) == [Due("a", "BTC/USDT", "storm")]


def test_a_kill_does_not_wait_for_the_next_look() -> None:
    known = Lost([order("a")], BACKOFF)
    assert known.due(0, NONE) == [Due("a", "BTC/USDT", "")]
    known.free("a")
    assert known.due(1, NONE) == []
    assert known.due(2, KILLED) == [Due("a", "BTC/USDT", "storm")]


def test_a_cancel_that_did_not_end_the_order_is_repeated_after_a_pause_that_grows() -> None:
    known = Lost([order("a")], BACKOFF)
    asked = []
    for now_ms in range(0, 2_000, 10):
        if known.due(now_ms, KILLED):
            asked.append(now_ms)
            known.answered("a", Reply(Outcome.UNKNOWN), now_ms)
            known.free("a")
    assert asked == [0, 250, 750, 1250, 1750]


def test_what_has_ended_is_left_alone() -> None:
    known = Lost([order("a")], BACKOFF)
    known.due(0, KILLED)
    known.answered("a", found(VenueOrderState.CANCELED), 5)
    known.free("a")
    assert known.due(10_000, KILLED) == []


def test_time_cancels_entries_and_leaves_exits() -> None:
    known = Lost([order("a"), order("b", side=Side.SELL)], BACKOFF)
    assert known.due(0, LATE) == [Due("a", "BTC/USDT", "too long"), Due("b", "BTC/USDT", "")]


def test_an_answer_is_a_line_where_the_order_was_cancelled_and_the_answer_is_new() -> None:
    known = Lost([order("a")], BACKOFF)
    known.due(0, NONE)
    assert known.answered("a", found(VenueOrderState.OPEN), 5) is None, "a look is no news"
    known.free("a")
    known.due(10, KILLED)
    wanted = {
        "what": "answer", "client_order_id": "a", "outcome": "OK", "code": "", "at_ms": 20, "state": "PARTIAL", "filled": 3,
    }  # fmt: skip
    assert known.answered("a", found(VenueOrderState.PARTIAL, 3), 20) == wanted
    assert known.answered("a", found(VenueOrderState.PARTIAL, 3), 30) is None
    line = known.answered("a", Reply(Outcome.NOT_FOUND, code="-2013"), 40)
    assert line == {"what": "answer", "client_order_id": "a", "outcome": "NOT_FOUND", "code": "-2013", "at_ms": 40}


def test_reasons_are_a_kill_a_word_that_calls_off_and_a_minute_at_stages() -> None:
    words = [Operator(Command.PAUSE, 1, "me", "x", 0), Operator(Command.CANCEL_ALL, 2, "me", "x", 0)]
    assert lost.reasons("storm", words, 0, lost.PATIENCE_MS) == ("storm", "")
    assert lost.reasons("", words, 0, lost.PATIENCE_MS) == ("cancel_all by me", "")
    assert lost.reasons("", words[:1], 59_999, lost.PATIENCE_MS) == ("", "")
    assert lost.reasons("", [], 60_000, lost.PATIENCE_MS) == ("", "the database is away for 60 s")
    assert lost.reasons("", [], 1 << 40, lost.FOREVER_MS) == ("", "")
