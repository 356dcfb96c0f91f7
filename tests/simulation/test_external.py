"""What lies on the account and is not ours is recorded as it comes and goes, counted at its worst, and never touched."""

from tests.simulation.bench import LATER_MS, Bench
from trader_core.model.command import Command
from trader_core.model.money import UNIT
from trader_core.model.session import Refusal
from trader_core.trader import events as ev
from trader_core.trader.external import cash
from trader_core.trader.records import Kind, Record
from trader_core.trader.verdicts import asked_again
from trader_core.venues.port import Balance, VenueOrder, VenueOrderState

FOREIGN = VenueOrder("", "x1", VenueOrderState.OPEN, 500, 0, LATER_MS)


def seen(bench: Bench, *orders: VenueOrder, cash: int = 0, unread: tuple[str, ...] = (), spare: int = 0) -> list[Record]:
    """Show orders that lock so much cash of an account that holds the session's and some to spare."""
    free = int(bench.state.account["cash"][0]) + spare - cash
    return bench.feed(ev.ExternalSeen(tuple((bench.symbol, order) for order in orders), unread, free, cash, LATER_MS))[0]


def test_an_order_that_no_intent_explains_is_recorded_when_it_comes_and_when_it_goes() -> None:
    bench = Bench()
    records, effects = bench.feed(ev.ExternalSeen(((bench.symbol, FOREIGN),), (), 970 * UNIT, 30 * UNIT, LATER_MS))
    assert [(record.kind, record.body["orders"], record.body["locked"]) for record in records] == [
        (Kind.EXTERNAL, [[bench.symbol, "x1", "", 500, 0]], 30 * UNIT)
    ]
    assert [type(effect) for effect in effects] == [ev.Alert]
    assert seen(bench, FOREIGN, cash=30 * UNIT) == [], "it stands as it stood"
    assert seen(bench, unread=(bench.symbol,), cash=30 * UNIT) == [], "a list that could not be read takes nothing away"
    (gone,) = seen(bench)
    assert (gone.body["orders"], gone.body["locked"], bench.state.external) == ([], 0, {})


def test_an_order_of_ours_is_not_somebody_elses_under_either_of_its_ids() -> None:
    bench = Bench()
    order = bench.opened()
    ours = bench.shown(order, VenueOrderState.OPEN, 0)
    assert seen(bench, ours, VenueOrder("", ours.venue_order_id, VenueOrderState.OPEN, order.qty, 0, LATER_MS)) == []


def test_cash_that_others_lock_is_neither_spent_nor_risked_once_more() -> None:
    bench = Bench()
    bench.slot(10_000)
    (order,) = bench.state.pending.values()
    spare = int(bench.state.account["cash"][0]) - int(bench.state.account["reserved"][0])
    seen(bench, FOREIGN, cash=spare)
    assert asked_again(bench.state, order) == (Refusal.NONE, 0)
    seen(bench, FOREIGN, cash=spare + 1)
    assert asked_again(bench.state, order) == (Refusal.CASH, 1 << 5)
    bench.state.plan_record["exposure_max"] = int(bench.state.account["reserved"][0]) + spare
    assert asked_again(bench.state, order) == (Refusal.EXPOSURE, 1 << 4 | 1 << 5)


def test_cash_of_the_account_that_is_not_the_sessions_covers_others_first() -> None:
    bench = Bench()
    bench.slot(10_000)
    (order,) = bench.state.pending.values()
    (record,) = seen(bench, FOREIGN, cash=5_000 * UNIT, spare=5_000 * UNIT)
    assert (record.body["locked"], record.body["taken"]) == (5_000 * UNIT, 0)
    assert asked_again(bench.state, order) == (Refusal.NONE, 0)
    (record,) = seen(bench, FOREIGN, cash=5_000 * UNIT, spare=4_900 * UNIT)
    assert record.body["taken"] == 100 * UNIT


def test_no_word_touches_what_is_not_ours() -> None:
    bench = Bench()
    seen(bench, FOREIGN, cash=UNIT)
    for word in (Command.CANCEL_ALL, Command.CLOSE_ALL, Command.KILL):
        _, effects = bench.say(word)
        assert not [effect for effect in effects if isinstance(effect, ev.CancelOrder)]
    assert bench.state.external


def test_cash_is_counted_in_the_settlement_currency_and_rounded_against_us() -> None:
    balances = [Balance("USDT", "5.00000000001", "0.00000000001"), Balance("AAA", "1", "7"), Balance("USDT", "0", "1")]
    assert cash("USDT", balances) == (5 * UNIT, UNIT + 1)
