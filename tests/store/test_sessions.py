"""Sessions, their signals, orders, fills and snapshots: stored once, read back equal, never doubled."""

from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.conftest import Database
from tests.store.rows import MINUTE, T0, fill, intent, new_session, order, signal, with_intents
from trader_core.model.errors import Frozen, UnknownName
from trader_core.model.money import UNIT
from trader_core.model.order import UNRESOLVED, OrderState
from trader_core.model.session import SessionMode, SessionStatus, StopPolicy
from trader_core.store import orders, sessions
from trader_core.store.database import begin, translated
from trader_core.store.orders import fills_of, fills_of_order, insert_fills, open_orders, orders_of, unresolved, upsert_order_states
from trader_core.store.signals import RefusalRow, insert_intents, insert_refusals, insert_signals, missing_outcomes, outcomes
from trader_core.store.snapshots import PnlRow, PositionRow, insert_pnl, insert_positions, load_pnl, open_positions
from trader_core.store.tables import PENDING


def test_a_session_comes_back_as_it_was_requested(database: Database) -> None:
    new = new_session()
    with begin(database.engine("flow")) as db:
        assert sessions.create_session(db, new) is True
        assert sessions.create_session(db, new) is False
        row = sessions.load_session(db, "s1")
        assert {name: value for name, value in asdict(row).items() if name in asdict(new)} == asdict(new) | {"disclosures": {}}
        assert (row.status, row.next_ms, row.capital) == (SessionStatus.REQUESTED, T0, 1000 * UNIT)
        assert row.plan == new.plan
        assert row.plan_digest == new.plan.digest()
        assert row.instruments == new.instruments
        assert row.started_at is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"account": "mexc"}, "s1 with account paper; found mexc"),
        ({"mode": SessionMode.STAGE}, "s1 with mode paper"),
        ({"plan": replace(new_session().plan, capital=2_000 * UNIT)}, "the plan that it was requested with"),
    ],
)
def test_two_sessions_do_not_share_an_id(database: Database, changes: dict[str, Any], said: str) -> None:
    with begin(database.engine("flow")) as db:
        sessions.create_session(db, new_session())
        with pytest.raises(Frozen, match=said):
            sessions.create_session(db, replace(new_session(), **changes))
        assert sessions.load_session(db, "s1").plan == new_session().plan


@pytest.mark.parametrize(
    "change", ["plan = plan || '{\"stop_loss_ppm\": 1}'", "account = 'mexc'", "stage = 'EUR_100'", "capital = capital + 1"]
)
@pytest.mark.parametrize("role", ["trader", "flow"])
def test_what_a_session_was_opened_with_is_changed_by_nobody(database: Database, role: str, change: str) -> None:
    with begin(database.engine("flow")) as db:
        sessions.create_session(db, new_session())
    with pytest.raises(Frozen, match="request another session"), begin(database.engine(role)) as db, translated():
        db.exec_driver_sql(f"update trading_session set {change}".replace("%", "%%"))
    with begin(database.engine(role)) as db:
        assert sessions.load_session(db, "s1").plan == new_session().plan
        sessions.set_status(db, "s1", SessionStatus.RUNNING)


def test_the_life_of_a_session_is_timed(database: Database) -> None:
    engine = database.engine("trader")
    with begin(engine) as db:
        sessions.create_session(db, new_session())
        sessions.set_status(db, "s1", SessionStatus.RUNNING)
        started = sessions.load_session(db, "s1").started_at
        assert started is not None
    with begin(engine) as db:
        sessions.set_status(db, "s1", SessionStatus.HALTED, error="because")
        sessions.set_status(db, "s1", SessionStatus.RUNNING)
        assert sessions.load_session(db, "s1").started_at == started
        sessions.set_status(db, "s1", SessionStatus.FINISHED, result={"bars": 100})
        row = sessions.load_session(db, "s1")
        assert (row.status, row.error, row.result) == (SessionStatus.FINISHED, "", {"bars": 100})
        assert row.finished_at is not None
        assert row.finished_at >= started


def test_the_requested_end_never_moves_back(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        sessions.create_session(db, new_session())
        assert sessions.request_until(db, "s1", T0 + 200 * MINUTE) == T0 + 200 * MINUTE
        assert sessions.request_until(db, "s1", T0) == T0 + 200 * MINUTE


def test_progress_policy_and_frozen_instruments_are_kept(database: Database) -> None:
    with begin(database.engine("trader")) as db:
        sessions.create_session(db, new_session(), SessionStatus.RUNNING)
        sessions.save_progress(db, "s1", T0 + MINUTE, "digest")
        sessions.set_stop_policy(db, "s1", StopPolicy.FLATTEN)
        sessions.save_instruments(db, "s1", [])
        row = sessions.load_session(db, "s1")
        assert (row.next_ms, row.state_digest, row.stop_policy, row.instruments) == (T0 + MINUTE, "digest", StopPolicy.FLATTEN, ())
        assert row.started_at is not None


def test_sessions_are_found_by_account_and_status_and_listed_newest_first(database: Database) -> None:
    engine = database.engine("flow")
    for name, account in (("s1", "paper"), ("s2", "mexc"), ("s3", "paper")):
        with begin(engine) as db:
            sessions.create_session(db, new_session(name, account=account))
    with begin(engine) as db:
        sessions.set_status(db, "s3", SessionStatus.FAILED, error="x")
        assert [row.session_id for row in sessions.list_sessions(db)] == ["s3", "s2", "s1"]
        assert [row.session_id for row in sessions.list_sessions(db, limit=1)] == ["s3"]
        assert [row.session_id for row in sessions.sessions_of(db, "paper", list(SessionStatus))] == ["s1", "s3"]
        assert [row.session_id for row in sessions.sessions_of(db, "paper", [SessionStatus.FAILED])] == ["s3"]
        assert sessions.sessions_of(db, "paper", []) == []


def test_an_unknown_session_is_named_in_every_answer(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        for call in (
            lambda: sessions.load_session(db, "none"),
            lambda: sessions.set_status(db, "none", SessionStatus.RUNNING),
            lambda: sessions.request_until(db, "none", 1),
            lambda: sessions.save_progress(db, "none", 1),
            lambda: sessions.session_pnl(db, "none"),
        ):
            with pytest.raises(UnknownName, match="'none'"):
                call()


def test_statistics_are_exact_and_the_last_value_counts(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        sessions.create_session(db, new_session())
        sessions.save_statistics(db, "s1", {})
        sessions.save_statistics(db, "s1", {"trades": 3, "sharpe": 0.1, "fees": Decimal("1.23")})
        sessions.save_statistics(db, "s1", {"trades": 4})
        assert sessions.load_statistics(db, "s1") == {"fees": Decimal("1.23"), "sharpe": Decimal("0.1"), "trades": Decimal(4)}


def test_every_signal_ends_as_an_intent_or_a_refusal_and_a_query_shows_it(database: Database) -> None:
    with begin(database.engine("trader")) as db:
        with_intents(db, 2)
        assert insert_signals(db, "s1", [signal(3, "PROTECT"), signal(4)]) == 2
        assert insert_refusals(db, "s1", [RefusalRow(3, "BAND", 8, 0)]) == 1
        assert missing_outcomes(db, "s1") == 1
        assert [(row["signal_id"], row["cause"], row["outcome"], row["refusal"]) for row in outcomes(db, "s1")] == [
            (1, "TARGET", "intent", None),
            (2, "TARGET", "intent", None),
            (3, "PROTECT", "refusal", "BAND"),
            (4, "TARGET", "missing", None),
        ]
        insert_refusals(db, "s1", [RefusalRow(4, "CASH", 5, 32), RefusalRow(1, "CASH", 5, 32)])
        assert missing_outcomes(db, "s1") == 1
        assert outcomes(db, "s1")[0]["outcome"] == "both"


def test_storing_again_changes_nothing(database: Database) -> None:
    with begin(database.engine("trader")) as db:
        with_intents(db, 2)
        upsert_order_states(db, [order(1), order(2)])
        assert insert_fills(db, [fill(1), fill(2)]) == 2
        assert insert_signals(db, "s1", [signal(1), signal(2)]) == 0
        assert insert_intents(db, "s1", [intent(1)]) == 0
        assert insert_fills(db, [fill(1), fill(2), fill(2, trade_id="t3")]) == 1
        assert [row.trade_id for row in fills_of(db, "s1")] == ["t1", "t2", "t3"]
        assert fills_of_order(db, "gh1") == [fill(1)]
        assert insert_signals(db, "s1", []) == 0


@pytest.mark.parametrize(
    "double", [intent(2, decision_key="key1"), intent(1, client_order_id="other", decision_key="other"), intent(9)]
)  # a decision twice, a signal twice, a signal that is not there
def test_a_second_order_for_a_decision_or_a_signal_is_impossible(database: Database, double: object) -> None:
    with begin(database.engine("trader")) as db:
        with_intents(db, 1)
        insert_signals(db, "s1", [signal(2)])
    with database.engine("trader").connect() as db, pytest.raises(IntegrityError):
        insert_intents(db, "s1", [double])  # type: ignore[list-item]


def test_session_and_signal_are_never_null_and_never_defaulted(database: Database) -> None:
    query = """
        select table_name, column_name, is_nullable, column_default from information_schema.columns
         where table_schema = 'public' and column_name in ('session_id', 'signal_id')
           and table_name in (select tablename from pg_tables where schemaname = 'public')"""
    with begin(database.engine("verify")) as db:
        rows = {(row.table_name, row.column_name): (row.is_nullable, row.column_default) for row in db.execute(text(query))}
    assert rows.pop(("operator_command", "session_id")) == ("YES", None)  # a kill belongs to an account
    assert rows.pop(("stage_run", "session_id")) == ("YES", None)  # a preflight has no session yet
    assert set(rows.values()) == {("NO", None)}
    assert {("fill", "signal_id"), ("orders", "session_id"), ("intent", "signal_id"), ("journal", "session_id")} < set(rows)


def test_an_orders_state_goes_forward_only(database: Database) -> None:
    with begin(database.engine("trader")) as db:
        with_intents(db, 1)
        assert upsert_order_states(db, [order(1), order(1, state="PARTIAL", filled=2, updated_ms=T0 + 5)]) == 1
        assert upsert_order_states(db, [order(1, state="OPEN", updated_ms=T0 + 4)]) == 0
        assert orders_of(db, "s1") == [order(1, state="PARTIAL", filled=2, updated_ms=T0 + 5)]


def test_pending_and_unresolved_are_those_of_the_order_table(database: Database) -> None:
    states = [state for state in OrderState if state is not OrderState.DECIDED]
    with begin(database.engine("trader")) as db:
        with_intents(db, len(states))
        upsert_order_states(db, [order(number, state=state) for number, state in enumerate(states, 1)])
        assert {row.state for row in unresolved(db, "paper")} == {str(state) for state in UNRESOLVED} == set(orders.UNRESOLVED)
        assert {row.state for row in open_orders(db, "paper")} == set(PENDING)
        assert open_orders(db, "mexc") == []
        query = "select state from unresolved_order"
        assert set(db.execute(text(query)).scalars()) == {str(state) for state in UNRESOLVED}
    terminal = {str(state) for state in OrderState if state not in PENDING and state is not OrderState.DECIDED}
    assert terminal == {"FILLED", "CANCELED", "EXPIRED", "REJECTED", "NOT_PLACED", "ABANDONED", "DENIED"}


def test_open_positions_are_the_last_snapshots_that_hold_something(database: Database) -> None:
    held = [PositionRow("BTC/USDT", T0, 5, 500, 100, 0), PositionRow("BTC/USDT", T0 + 1, 7, 700, 101, 0)]
    sold = [PositionRow("ETH/USDT", T0, 5, 500, 100, 0), PositionRow("ETH/USDT", T0 + 1, 0, 0, 101, 9)]
    with begin(database.engine("trader")) as db:
        sessions.create_session(db, new_session())
        assert insert_positions(db, "s1", held + sold) == 4
        assert insert_positions(db, "s1", held) == len(held)
        assert open_positions(db, "s1") == [held[1]]


def test_profit_and_loss_is_split_into_realised_and_unrealised(database: Database) -> None:
    with begin(database.engine("trader")) as db:
        sessions.create_session(db, new_session())
        assert sessions.session_pnl(db, "s1") == {"realised": 0, "unrealised": 0, "fees": 0, "equity": 1000 * UNIT}
        first = PnlRow(T0, 900 * UNIT, 990 * UNIT, 1000 * UNIT, 0, UNIT, 1)
        last = PnlRow(T0 + 1, 900 * UNIT, 1020 * UNIT, 1020 * UNIT, 5 * UNIT, 2 * UNIT, 1)
        assert insert_pnl(db, "s1", [last, first]) == 2
        assert insert_pnl(db, "s1", [last]) == 1
        assert load_pnl(db, "s1") == [first, last]
        assert sessions.session_pnl(db, "s1") == {"realised": 5 * UNIT, "unrealised": 15 * UNIT, "fees": 2 * UNIT, "equity": 1020 * UNIT}
        row = db.execute(text("select net_return, drawdown, signals, fills from session_performance")).one()
        assert (row.net_return, row.drawdown, row.signals, row.fills) == (Decimal("0.02"), Decimal("0.01"), 0, 0)


@pytest.mark.parametrize(("mode", "shown"), [(SessionMode.PAPER, 1), (SessionMode.BACKTEST, 0)])
def test_the_paper_views_show_paper_sessions_only(database: Database, mode: SessionMode, shown: int) -> None:
    with begin(database.engine("trader")) as db:
        with_intents(db, 1, mode=mode)
        upsert_order_states(db, [order(1)])
        insert_fills(db, [fill(1)])
        insert_positions(db, "s1", [PositionRow("BTC/USDT", T0, 5, 500, 100, 0)])
        insert_pnl(db, "s1", [PnlRow(T0, 1, 1, 1, 0, 0, 1)])
        sessions.save_statistics(db, "s1", {"trades": 1})
        views = ("paper_orders", "paper_fills", "paper_positions", "paper_pnl_snapshots", "paper_trading_stats")
        counts = [db.execute(text(f"select count(*) from {view}")).scalar_one() for view in views]
        assert counts == [shown] * 5
