"""Recovery proves that no trade is missing, or stays HALTED and says what it lacks."""

from simulation.market import START_MS, instruments
from tests.simulation.bench import LATER_MS, Bench
from trader_core.model.command import Command
from trader_core.model.money import UNIT
from trader_core.model.order import OrderState
from trader_core.model.plan import Plan
from trader_core.model.session import Mode
from trader_core.trader import continuity
from trader_core.trader import events as ev
from trader_core.trader.protocol import Protocol
from trader_core.trader.records import Kind, Record
from trader_core.trader.recovery import fold, opening
from trader_core.venues.port import TRADES_MADE_HERE, Outcome, Reply, VenueOrderState, VenueTrade

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
AWAY_MS = LATER_MS + 10_000


class Kept(Bench):
    """A bench whose venue keeps its trades for so long; it holds what one order bought, and then begins anew."""

    def __init__(self, kept_ms: int = 0) -> None:
        super().__init__()
        traded = instruments()[:1]
        plan = Plan("sma_cross", (("fast", 2), ("slow", 3)), (traded[0].symbol,), "1m", 1_000 * UNIT)
        self.journal = [opening("bench", plan, traded, Protocol(trades_kept_ms=kept_ms), START_MS, {})]
        self.state = fold(self.journal)
        self.boot(START_MS, 1)
        self.proof(START_MS - HOUR_MS, START_MS)
        self.feed(ev.Reconciled((), START_MS))
        self.order = self.bought()

    def boot(self, now: int, epoch: int) -> list[ev.Effect]:
        return self.feed(ev.Boot(now, epoch, "test"))[1]

    def proof(self, since: int, now: int, *trades: VenueTrade, outcome: Outcome = Outcome.OK) -> list[Record]:
        reply = Reply(outcome, list(trades) if outcome is Outcome.OK else None)
        return self.feed(ev.TradesProof(self.symbol, since, reply, now))[0]

    def agree(self, now: int) -> list[Record]:
        return self.feed(ev.Reconciled((), now))[0]


def test_a_recovery_asks_for_the_trades_from_the_last_one_applied_with_an_overlap_but_none_from_before_the_session() -> None:
    bench = Kept()
    assert bench.boot(AWAY_MS, 2) == [ev.ProveTrades(bench.symbol, START_MS + 1)], "the session began ten minutes before its trade"


def test_a_session_starts_when_its_books_agree_and_a_booked_trade_is_listed_and_says_what_was_proven() -> None:
    bench = Kept()
    bench.boot(AWAY_MS, 2)
    since = START_MS + 1
    records, effects = bench.feed(ev.Reconciled((), AWAY_MS))
    assert [record.kind for record in records] == [Kind.RECONCILED], "the books alone prove nothing"
    assert effects == [ev.ProveTrades(bench.symbol, since)], "it is asked for once more"
    old, foreign = bench.trade(bench.order, bench.order.qty), bench.trade(bench.order, 7, "t9", client_order_id="x", venue_order_id="y")
    bench.proof(since, AWAY_MS + 5, old, foreign)
    records = bench.agree(AWAY_MS + 60)
    assert [record.kind for record in records] == [Kind.RECONCILED, Kind.RECOVERED, Kind.FLAG]
    assert records[1].body == {
        "at_ms": AWAY_MS + 60, "took_ms": 60, "asked": 0, "found": 0, "absent": 0, "fills": 0, "foreign": 1,
        "proven": [[bench.symbol, since, AWAY_MS + 5]],
    }  # fmt: skip
    assert bench.state.mode is Mode.ACTIVE


def test_orders_that_were_on_their_way_are_counted_as_found_or_absent() -> None:
    bench = Kept()
    order = bench.sent(0)
    bench.boot(AWAY_MS, 2)
    since = continuity.since(bench.state, bench.symbol, AWAY_MS)
    bench.feed(ev.Looked(order.client_order_id, Reply(Outcome.OK, bench.shown(order, VenueOrderState.FILLED, order.qty)), AWAY_MS))
    bench.proof(since, AWAY_MS, bench.trade(bench.order, bench.order.qty), bench.trade(order, order.qty, "t2"))
    assert order.state is OrderState.FILLED
    body = bench.agree(AWAY_MS)[1].body
    assert (body["asked"], body["found"], body["absent"], body["fills"], body["foreign"]) == (1, 1, 0, 1, 0)


def test_a_list_that_does_not_reach_back_halts_and_says_what_is_missing_and_what_to_do() -> None:
    bench = Kept()
    bench.boot(AWAY_MS, 2)
    records = bench.proof(LATER_MS - HOUR_MS, AWAY_MS)
    assert [record.kind for record in records] == [Kind.ANOMALY, Kind.FLAG]
    why = bench.state.flags["history"]
    assert f"does not show the one of {LATER_MS} that is booked" in why
    assert "gatehouse resolve bench --trades" in why
    assert [record.kind for record in bench.agree(AWAY_MS)] == [Kind.RECONCILED]
    bench.say(Command.RESUME)
    assert bench.state.obeyed[1].startswith("refused: the venue's list")
    assert bench.state.mode == Mode.HALTED
    bench.proof(LATER_MS - HOUR_MS, AWAY_MS, bench.trade(bench.order, bench.order.qty))
    bench.agree(AWAY_MS)
    assert "history" not in bench.state.flags, "a later, whole list closes the gap"


def test_a_trade_that_was_applied_only_after_the_start_shows_nothing_of_the_time_before_it() -> None:
    bench = Kept()
    order = bench.sent(0)
    bench.boot(AWAY_MS, 2)
    young = bench.trade(order, order.qty, "t2", ts_ms=AWAY_MS)
    bench.trades(young)
    bench.proof(LATER_MS - HOUR_MS, AWAY_MS, young)
    assert "history" in bench.state.flags


def test_nor_does_an_old_trade_that_was_applied_only_after_the_start() -> None:
    bench = Kept()
    bench.boot(AWAY_MS, 2)
    late = bench.trade(bench.order, 10, "t0", ts_ms=LATER_MS - 1)
    for now in (AWAY_MS + 5, AWAY_MS + 65):  # the second time it is known
        bench.proof(START_MS + 1, now, late)
        assert "history" in bench.state.flags
    assert continuity.missing(bench.state) == [bench.symbol]


def test_a_list_that_could_not_be_read_proves_nothing_and_accuses_nobody() -> None:
    bench = Kept()
    bench.boot(AWAY_MS, 2)
    assert bench.proof(LATER_MS - HOUR_MS, AWAY_MS, outcome=Outcome.RETRYABLE_READ) == []
    assert ([*bench.state.flags], continuity.missing(bench.state)) == (["start"], [bench.symbol])


def test_trades_are_no_proof_while_an_order_of_their_symbol_is_unproven() -> None:
    bench = Kept()
    bench.sent(0)
    bench.boot(AWAY_MS, 2)
    bench.proof(LATER_MS - HOUR_MS, AWAY_MS, bench.trade(bench.order, bench.order.qty))
    assert continuity.missing(bench.state) == [bench.symbol]


def test_a_venue_that_keeps_a_month_is_believed_as_far_as_the_books_agreed_within_it() -> None:
    month = 30 * DAY_MS
    bench = Kept(month)
    bench.agree(START_MS + 40 * DAY_MS)
    bench.boot(START_MS + 60 * DAY_MS, 2)
    since = START_MS + 40 * DAY_MS - HOUR_MS
    assert continuity.since(bench.state, bench.symbol, START_MS + 60 * DAY_MS) == since
    assert continuity.gap(bench.state, bench.symbol, since, []) == ""
    late = START_MS + 71 * DAY_MS
    cut = continuity.since(bench.state, bench.symbol, late)
    assert cut == late - month
    assert f"between {START_MS + 40 * DAY_MS} and {cut} cannot be seen" in continuity.gap(bench.state, bench.symbol, cut, [])


def test_a_person_vouches_for_what_is_not_listed_any_more_and_the_journal_keeps_it() -> None:
    bench = Kept()
    bench.boot(AWAY_MS, 2)
    bench.proof(LATER_MS - HOUR_MS, AWAY_MS)
    word = ev.Operator(Command.RESOLVE, 9, "ann", "compared with the export", AWAY_MS, about="trades")
    records, effects = bench.feed(word)
    assert ([record.kind for record in records], effects) == ([Kind.OPERATOR, Kind.FLAG], [])
    assert (records[0].body["actor"], records[0].body["reason"]) == ("ann", "compared with the export")
    assert bench.feed(word) == ([], [])
    bench.boot(AWAY_MS + 1, 3)
    bench.proof(continuity.since(bench.state, bench.symbol, AWAY_MS + 1), AWAY_MS + 1)
    bench.agree(AWAY_MS + 2)
    assert bench.state.mode is Mode.ACTIVE
    again = ev.Operator(Command.RESOLVE, 10, "ann", "again", AWAY_MS, about="trades")
    assert bench.feed(again)[0][0].body["outcome"].startswith("refused: the venue's lists are not known to leave anything out")


def test_a_venue_that_trades_only_while_it_is_asked_has_nothing_to_prove() -> None:
    bench = Kept(TRADES_MADE_HERE)
    assert bench.boot(AWAY_MS, 2) == []
    assert [record.kind for record in bench.agree(AWAY_MS)] == [Kind.RECONCILED, Kind.RECOVERED, Kind.FLAG]
