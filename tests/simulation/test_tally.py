"""What comes from outside is counted once, by what became of it, and the counts add up."""

from tests.simulation.bench import LATER_MS, Bench
from trader_core.model.command import Command
from trader_core.trader import events as ev
from trader_core.trader.meter import Meter
from trader_core.trader.tally import FATES, NAMES
from trader_core.venues.port import Outcome, Reply, VenueOrderState, VenueTrade


def counted(bench: Bench, what: str) -> dict[str, int]:
    tally = bench.state.tally
    assert tally[f"{what}_received"] == sum(tally.get(f"{what}_{fate}", 0) for fate in FATES[what])
    return {fate: tally[f"{what}_{fate}"] for fate in FATES[what] if f"{what}_{fate}" in tally}


def test_a_trade_is_applied_known_foreign_or_waits() -> None:
    bench = Bench()
    order = bench.sent()
    bench.feed(ev.Answered(order.client_order_id, Reply(Outcome.UNKNOWN), LATER_MS))
    nameless = bench.trade(order, 10, client_order_id="")
    bench.trades(nameless)
    bench.look(order, VenueOrderState.OPEN)
    bench.trades(nameless, nameless, bench.trade(order, 5, "t9", client_order_id="x", venue_order_id="y"))
    assert counted(bench, "trades") == {"applied": 1, "known": 1, "waiting": 1, "foreign": 1}


def test_an_answer_is_applied_known_unread_or_a_dead_letter() -> None:
    bench = Bench()
    order = bench.opened()
    failed: Reply[list[VenueTrade]] = Reply(Outcome.RETRYABLE_READ)
    bench.feed(ev.TradesSeen(bench.symbol, failed, LATER_MS))
    bench.feed(ev.TradesSeen(bench.symbol, Reply(Outcome.OK, []), LATER_MS))
    malformed: Reply[list[VenueTrade]] = Reply(Outcome.RETRYABLE_READ, code="malformed")
    for _ in range(5):
        bench.feed(ev.TradesSeen(bench.symbol, malformed, LATER_MS))
    bench.look(order, VenueOrderState.EXPIRED)
    assert counted(bench, "answers") == {"applied": 2, "known": 1, "unread": 5, "lettered": 1}


def test_a_word_is_applied_refused_or_repeated() -> None:
    bench = Bench()
    bench.say(Command.PAUSE, 7)
    bench.say(Command.PAUSE, 7)
    bench.feed(ev.Operator(Command.DISMISS, 8, "ann", "explained", LATER_MS, letter=3))
    assert counted(bench, "words") == {"applied": 1, "refused": 1, "repeated": 1}


def test_what_is_stored_adds_up_over_the_lives_of_a_session() -> None:
    meter = Meter({"messages_trades_applied": 4, "messages_trades_received": 5})
    meter.tally = {"trades_applied": 2, "trades_received": 2}
    found = meter.values(0)
    assert (found["messages_trades_applied"], found["messages_trades_received"]) == (6, 7)
    assert {f"messages_{name}" for name in NAMES} <= found.keys()
