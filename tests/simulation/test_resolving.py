"""What an operator saw at the venue resolves an order that was given up, unless the venue says otherwise at that moment."""

import pytest

from simulation.market import PROTOCOL
from tests.simulation.bench import LATER_MS, Bench
from trader_core.model.command import Command
from trader_core.model.order import OrderState
from trader_core.trader import events as ev
from trader_core.trader.records import Kind
from trader_core.trader.tracked import Order
from trader_core.venues.port import Outcome, Reply, VenueOrder, VenueOrderState, VenueTrade

GIVEN_UP_MS = LATER_MS + PROTOCOL.give_up_ms
NOTHING: Reply[VenueOrder] = Reply(Outcome.NOT_FOUND)


class Desk(Bench):
    """A bench with one order that was given up."""

    def __init__(self) -> None:
        super().__init__()
        self.order = self.sent()
        self.feed(ev.Answered(self.order.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS))
        self.feed(ev.Looked(self.order.client_order_id, Reply(Outcome.RETRYABLE_READ), GIVEN_UP_MS))
        assert self.order.state is OrderState.QUARANTINED

    def word(self, number: int = 1, found: str = "", about: str = "") -> ev.Operator:
        about = about or self.order.client_order_id
        return ev.Operator(Command.RESOLVE, number, "ann", "looked at the venue's page", GIVEN_UP_MS, about=about, found=found)

    def examined(
        self,
        word: ev.Operator,
        looked: Reply[VenueOrder] = NOTHING,
        opens: Reply[list[VenueOrder]] | None = None,
        trades: Reply[list[VenueTrade]] | None = None,
    ) -> str:
        """Say a word, have the venue answer so, and return what became of it."""
        _, effects = self.feed(word)
        assert effects == [ev.Examine(self.order.client_order_id, self.symbol, self.order.sent_ms - PROTOCOL.skew_ms, word)]
        empty: Reply[list[VenueOrder]] = Reply(Outcome.OK, [])
        none: Reply[list[VenueTrade]] = Reply(Outcome.OK, [])
        self.feed(ev.Examined(word, looked, opens or empty, trades or none, GIVEN_UP_MS + 1))
        return self.state.obeyed[word.command_id]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_absent_by_an_operators_word_frees_the_reserve_and_keeps_who_said_it_and_why(desk: Desk) -> None:
    assert "was never placed, by an operator's word" in desk.examined(desk.word())
    assert (desk.order.state, int(desk.state.account["reserved"][0])) == (OrderState.NOT_PLACED, 0)
    move, said = desk.journal[-2:]
    assert (move.kind, move.body["evidence"]) == (Kind.MOVE, "ann: looked at the venue's page")
    assert (said.kind, said.body["actor"], said.body["reason"]) == (Kind.OPERATOR, "ann", "looked at the venue's page")


def test_found_by_an_operators_word_goes_the_way_of_every_other_order(desk: Desk) -> None:
    word = desk.word(found="v7")
    assert desk.examined(word) == f"{desk.order.client_order_id} is the venue's v7; it is looked up as any other"
    assert (desk.order.state, desk.order.venue_order_id) == (OrderState.OPEN, "v7")
    desk.trades(desk.trade(desk.order, desk.order.qty, client_order_id="", venue_order_id="v7"))
    assert desk.order.state is OrderState.FILLED


def test_a_word_is_carried_out_once_and_a_second_one_finds_it_resolved(desk: Desk) -> None:
    word = desk.word()
    desk.examined(word)
    assert desk.feed(word) == ([], [])
    assert desk.feed(ev.Examined(word, NOTHING, Reply(Outcome.OK, []), Reply(Outcome.OK, []), GIVEN_UP_MS))[0] == []
    desk.feed(desk.word(2))
    assert desk.state.obeyed[2].endswith(f"{desk.order.client_order_id} is NOT_PLACED")


@pytest.mark.parametrize("about", ["somebody's", ""])
def test_a_word_about_no_order_of_the_session_is_refused(desk: Desk, about: str) -> None:
    desk.feed(ev.Operator(Command.RESOLVE, 1, "ann", "a guess", GIVEN_UP_MS, about=about))
    assert desk.state.obeyed[1].startswith("refused: expected an order of this session")


def test_an_order_that_is_not_given_up_is_not_resolved_by_hand() -> None:
    bench = Bench()
    order = bench.opened()
    bench.feed(ev.Operator(Command.RESOLVE, 1, "ann", "gone", LATER_MS, about=order.client_order_id))
    assert bench.state.obeyed[1] == f"refused: expected an order that was given up (QUARANTINED); {order.client_order_id} is OPEN"
    assert order.state is OrderState.OPEN


def shown(order: Order, venue_id: str = "v1", cid: str = "") -> VenueOrder:
    return VenueOrder(cid or order.client_order_id, venue_id, VenueOrderState.OPEN, order.qty, 0, LATER_MS)


def test_the_venues_own_word_outranks_the_operators(desk: Desk) -> None:
    order = desk.order
    listed = Reply(Outcome.OK, [shown(order)])
    trades = Reply(Outcome.OK, [desk.trade(order, 5, client_order_id="")])
    limited: Reply[list[VenueOrder]] = Reply(Outcome.RATE, code="429")
    absent = {
        "the venue shows it now": desk.examined(desk.word(1), looked=Reply(Outcome.OK, shown(order))),
        "it is looked up instead": desk.examined(desk.word(2), opens=listed),
        "trade t1": desk.examined(desk.word(3), trades=trades),
        "cannot be read now (RATE 429)": desk.examined(desk.word(4), opens=limited),
    }
    found = {
        "the venue shows it as v1": desk.examined(desk.word(5, "v2"), opens=listed),
        "is an order of another client id, somebody": desk.examined(
            desk.word(6, "v1"), opens=Reply(Outcome.OK, [shown(order, cid="somebody")])
        ),
    }
    assert all(said.startswith("refused: ") and part in said for part, said in {**absent, **found}.items())
    assert order.state is OrderState.QUARANTINED


def test_an_id_of_another_order_of_ours_is_refused() -> None:
    desk = Desk()
    desk.feed(ev.Looked(desk.order.client_order_id, Reply(Outcome.OK, shown(desk.order, "v1")), GIVEN_UP_MS))
    desk.look(desk.order, VenueOrderState.EXPIRED)
    other = desk.sent(5_000)
    desk.feed(ev.Answered(other.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS))
    late = other.sent_ms + PROTOCOL.give_up_ms + 1
    desk.feed(ev.Looked(other.client_order_id, Reply(Outcome.RETRYABLE_READ), late))
    assert other.state is OrderState.QUARANTINED
    desk.feed(desk.word(1, "v1", other.client_order_id))
    assert desk.state.obeyed[1] == f"refused: the venue's v1 is {desk.order.client_order_id}; look once more which one it is"
