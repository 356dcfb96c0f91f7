"""Fees that are told after the fill: it is booked at once at the schedule's most, and the difference is a record of its own."""

from dataclasses import replace

import pytest

from tests.simulation.bench import LATER_MS, Bench
from trader_core.model.instrument import fee_at_most, qty_text
from trader_core.model.money import UNIT, to_text
from trader_core.model.session import Mode
from trader_core.trader import books, fees
from trader_core.trader import events as ev
from trader_core.trader.projection import project
from trader_core.trader.records import Kind
from trader_core.trader.tracked import Order
from trader_core.venues.port import Balance, Outcome, Reply, VenueTrade


@pytest.fixture
def bench() -> Bench:
    return Bench()


def bought(bench: Bench, *, fee: int = UNIT, fee_base: int = 0) -> tuple[Order, VenueTrade]:
    """Hold what one order bought, whose fee is due and was taken for so much."""
    order = bench.opened()
    trade = bench.trade(order, order.qty, fee=fee, fee_base=fee_base, fee_due=True)
    bench.trades(trade)
    return order, trade


def account(bench: Bench, name: str) -> int:
    return int(bench.state.account[name][0])


def shown(bench: Bench, *, held: int, cash: int) -> tuple[str, ...]:
    """Return how the books differ where the venue shows so much."""
    coin = bench.state.instruments[0]
    balances = [Balance(coin.base, qty_text(coin, held), "0"), Balance(coin.quote, to_text(cash), "0")]
    return books.differences(bench.state, {coin.quote: to_text(bench.state.plan.capital)}, balances)


def ask(bench: Bench, now_ms: int) -> list[ev.FetchTrades]:
    return [effect for effect in bench.feed(ev.Tick(now_ms))[1] if isinstance(effect, ev.FetchTrades)]


def test_a_fill_is_booked_before_its_fee_is_told_and_the_fee_when_it_is(bench: Bench) -> None:
    _, trade = bought(bench)
    cash, spent = account(bench, "cash"), account(bench, "fees")
    assert bench.trades(trade) == [], "nothing new is told"
    (record,) = bench.trades(replace(trade, fee=UNIT // 4, fee_due=False))
    assert record.kind is Kind.FEE
    assert (record.body["fee"], record.body["more"]) == (UNIT // 4, -3 * UNIT // 4)
    assert account(bench, "cash") == cash + 3 * UNIT // 4
    assert account(bench, "fees") == spent - 3 * UNIT // 4
    assert account(bench, "realised") == 3 * UNIT // 4
    assert bench.trades(replace(trade, fee=UNIT // 4, fee_due=False)) == [], "once"
    assert bench.state.fees_due == {}


def test_a_fee_in_what_was_bought_gives_back_what_was_taken_too_much(bench: Bench) -> None:
    order, trade = bought(bench, fee=0, fee_base=5)
    assert bench.state.position(order.index) == order.qty - 5
    bench.trades(replace(trade, fee_base=2, fee_due=False))
    assert bench.state.position(order.index) == order.qty - 2


def test_a_fee_of_more_than_is_held_is_a_dead_letter_and_halts(bench: Bench) -> None:
    order, trade = bought(bench)
    bench.trades(replace(trade, fee=0, fee_base=order.qty + 1, fee_due=False))
    assert [letter["source"] for letter in bench.state.letters.values()] == ["FEE"]
    assert bench.state.mode is Mode.HALTED


def test_the_books_may_differ_by_a_fee_that_is_due_and_by_no_more(bench: Bench) -> None:
    order, trade = bought(bench)
    cash = account(bench, "cash")
    assert shown(bench, held=order.qty, cash=cash + UNIT) == ()
    assert len(shown(bench, held=order.qty, cash=cash + UNIT + 2)) == 1, "two units: one is the rounding of a fill"
    bench.trades(replace(trade, fee_due=False))
    assert len(shown(bench, held=order.qty, cash=cash + UNIT)) == 1


def test_a_fee_in_base_that_is_due_is_a_tolerance_of_that_instrument(bench: Bench) -> None:
    order, _ = bought(bench, fee=0, fee_base=5)
    cash = account(bench, "cash")
    assert shown(bench, held=order.qty, cash=cash) == ()
    assert len(shown(bench, held=order.qty + 1, cash=cash)) == 1


def test_it_is_asked_for_ever_more_slowly_also_after_a_restart(bench: Bench) -> None:
    _, trade = bought(bench)
    (first,) = ask(bench, LATER_MS + 1_000)
    assert first == ev.FetchTrades(bench.symbol, trade.ts_ms - bench.state.protocol.skew_ms)
    assert ask(bench, LATER_MS + 1_001) == []
    assert len(ask(bench, LATER_MS + 2_001)) == 1
    assert ask(bench, LATER_MS + 4_000) == []
    bench.feed(ev.Boot(LATER_MS + 5_000, 2, "again"))
    assert len(ask(bench, LATER_MS + 70_000)) == 1
    bench.trades(replace(trade, fee_due=False))
    assert ask(bench, LATER_MS + 200_000) == []


def test_a_fee_that_is_never_told_stays_what_it_was_taken_for_and_a_letter_says_so(bench: Bench) -> None:
    order, trade = bought(bench)
    cash = account(bench, "cash")
    assert len(ask(bench, trade.ts_ms + fees.LATEST_MS)) == 1
    records, effects = bench.feed(ev.Tick(trade.ts_ms + fees.LATEST_MS + 1))
    assert [record.kind for record in records][:2] == [Kind.FEE, Kind.LETTER]
    assert records[0].body["more"] == 0
    assert not [effect for effect in effects if isinstance(effect, ev.FetchTrades)]
    assert (account(bench, "cash"), bench.state.fees_due) == (cash, {})
    (letter,) = bench.state.letters.values()
    assert order.client_order_id in letter["why"]
    assert bench.feed(ev.Tick(trade.ts_ms + fees.LATEST_MS + 2))[0] == []


def test_the_tables_get_a_row_of_the_difference_and_sums_are_right(bench: Bench) -> None:
    order, trade = bought(bench, fee=0, fee_base=5)
    bench.trades(replace(trade, fee_base=2, fee_due=False))
    rows = project(bench.state, "account", bench.journal[1:]).fills
    assert [(row.trade_id, row.qty, row.fee_base) for row in rows] == [("t1", order.qty, 5), ("t1 fee", 0, -3)]
    assert sum(row.qty - row.fee_base for row in rows) == bench.state.position(order.index)


def test_the_most_that_a_schedule_takes_is_the_dearer_of_both_rates_rounded_up(bench: Bench) -> None:
    coin = replace(bench.state.instruments[0], maker_ppm=1_000, taker_ppm=2_500, fee_in_base=True)
    assert fee_at_most(coin, 2_000_000, 401, buys=True) == (0, 2)
    value = 2_000_000 * 401 * 10 ** (10 - coin.price_exp - coin.qty_exp)
    assert fee_at_most(coin, 2_000_000, 401, buys=False) == (-(-value * 2_500 // 10**6), 0)


def test_an_answer_of_trades_counts_by_what_became_of_each(bench: Bench) -> None:
    _, trade = bought(bench)
    bench.feed(ev.TradesSeen(bench.symbol, Reply(Outcome.OK, [replace(trade, fee_due=False), trade]), LATER_MS))
    assert (bench.state.tally["trades_applied"], bench.state.tally["trades_known"]) == (2, 1)
