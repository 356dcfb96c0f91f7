"""A sample of the matrix against the embedded exchange, the judge against planted lies, and the page against what was just measured."""

from random import Random

import pytest

from sandbox.fault_kinds import REQUEST_KINDS
from tests.matrix.__main__ import PAGE
from tests.matrix.judge import ABSENT, THEIRS, Judgement, Seen, What, judge
from tests.matrix.known import EVERY
from tests.matrix.run import LATE, Case, Result, cases, measure
from tests.matrix.table import UNHIT, faults, read, shown
from trader_core.trader.settling import PROVEN_ABSENT
from trader_core.venues.port import Outcome

ORDERS = [case for case in cases(["kraken"]) if case.column == "order IOC"]
REST = [case for case in cases() if case not in ORDERS and case.kind not in LATE]
SAMPLE = 120
OPEN, CLOSED = (False, 5, 0), (True, 5, 0)


def held(what: What, outcome: Outcome, said: object = None, truth: object = None) -> Judgement:
    return judge(Seen(what, (outcome,), said, truth))


async def agree(wanted: list[Case]) -> None:
    results = [result async for result in measure(wanted)]
    assert faults(results) == []
    told = read(PAGE.read_text())
    assert {result.case: shown(result) for result in results} == {case: told[case] for case in wanted}, "run `make matrix`"


async def test_every_fault_of_an_order_on_kraken_is_answered_as_the_page_says() -> None:
    assert len(ORDERS) == 2 * len(REQUEST_KINDS)
    await agree(ORDERS)


async def test_a_sample_of_all_other_cases_is_answered_as_the_page_says() -> None:
    await agree(sorted(Random(5).sample(REST, SAMPLE)))


def test_the_page_names_every_fault_on_every_call_of_every_dialect() -> None:
    told = read(PAGE.read_text())
    assert set(told) == set(cases())
    assert {(case.dialect, case.kind) for case in told} == {(dialect, kind) for dialect in EVERY for kind in REQUEST_KINDS}
    assert not [case for case, word in told.items() if not word or "VIOLATION" in word]


def test_the_only_lie_on_the_page_is_a_venue_that_executes_what_it_refuses() -> None:
    lies = {(case.kind, case.when) for case, word in read(PAGE.read_text()).items() if "lie" in word}
    assert lies == {("clock_error", "after")}


@pytest.mark.parametrize("outcome", sorted(ABSENT))
def test_an_order_that_exists_beside_a_proof_of_absence_is_a_violation(outcome: Outcome) -> None:
    assert held(What.ORDER, outcome, truth=("17",)).violation
    assert held(What.ORDER, outcome, truth=()) == Judgement()


def test_every_outcome_that_the_trader_books_as_absent_counts_as_such_a_proof() -> None:
    assert {*PROVEN_ABSENT, Outcome.GATED} == ABSENT
    assert not ABSENT & {Outcome.OK, Outcome.UNKNOWN, Outcome.NOT_FOUND, Outcome.RETRYABLE_READ}


def test_an_acknowledged_order_must_exist_once_under_that_id() -> None:
    assert held(What.ORDER, Outcome.OK, "17", ("17",)) == Judgement()
    assert held(What.ORDER, Outcome.OK, "17", ()).violation
    assert held(What.ORDER, Outcome.OK, "18", ("17",)).violation
    assert held(What.ORDER, Outcome.UNKNOWN, None, ("17", "18")).violation
    assert held(What.ORDER, Outcome.UNKNOWN, None, ("17",)) == held(What.ORDER, Outcome.UNKNOWN, None, ()) == Judgement()


def test_a_cancel_may_not_call_an_open_order_closed_or_gone() -> None:
    assert held(What.CANCEL, Outcome.OK, CLOSED, OPEN).violation
    assert held(What.CANCEL, Outcome.NOT_FOUND, None, OPEN).violation
    assert held(What.CANCEL, Outcome.NOT_FOUND, None, CLOSED) == held(What.CANCEL, Outcome.UNKNOWN, None, OPEN) == Judgement()
    assert held(What.CANCEL, Outcome.OK, CLOSED, CLOSED) == Judgement()
    assert held(What.CANCEL, Outcome.OK, (True, 5, 1), CLOSED).false


def test_a_cancel_by_symbol_leaves_what_is_not_ours_and_forgets_nothing_of_ours() -> None:
    assert held(What.CANCELS, Outcome.OK, [("gh1", True)], {"gh1": True, THEIRS: True}).violation
    assert held(What.CANCELS, Outcome.OK, [("gh1", True)], {"gh1": False}).violation
    assert held(What.CANCELS, Outcome.OK, [("gh1", True)], {"gh1": True, "gh2": False}).false
    assert judge(Seen(What.CANCELS, (), [], {"gh1": False})).false
    assert held(What.CANCELS, Outcome.OK, [("gh1", True)], {"gh1": True, THEIRS: False}) == Judgement()
    assert held(What.CANCELS, Outcome.RETRYABLE_READ, [], {"gh1": False}) == Judgement()


def test_a_read_that_is_ok_must_be_true() -> None:
    assert held(What.LOOK, Outcome.OK, OPEN, None).violation
    assert held(What.LOOK, Outcome.OK, OPEN, CLOSED).false
    assert held(What.LOOK, Outcome.NOT_FOUND, None, OPEN).false
    assert held(What.LOOK, Outcome.NOT_FOUND, None, None) == held(What.LOOK, Outcome.OK, OPEN, OPEN) == Judgement()
    assert held(What.READ, Outcome.OK, [1], [1, 2]).false
    assert held(What.READ, Outcome.RETRYABLE_READ, None, [1, 2]) == held(What.READ, Outcome.OK, [1], [1]) == Judgement()


def test_an_order_test_places_nothing_and_a_switch_that_is_ok_is_set() -> None:
    assert held(What.TEST, Outcome.OK, None, (1, True)).violation
    assert held(What.TEST, Outcome.OK, None, (0, False)).false
    assert held(What.TEST, Outcome.REJECTED, None, (0, True)).false
    assert held(What.TEST, Outcome.OK, None, (0, True)) == Judgement()
    assert held(What.SWITCH, Outcome.OK, None, truth=False).violation
    assert held(What.SWITCH, Outcome.OK, None, truth=True) == Judgement()


def test_a_fault_that_never_fired_and_an_exception_that_is_not_needed_are_found() -> None:
    plain = Case("mexc", "order IOC", "reset", "after")
    fine = Result(plain, "UNKNOWN", fired=True, judgement=Judgement())
    assert faults([fine]) == []
    assert len(faults([fine._replace(fired=False)])) == 1
    assert len(faults([fine._replace(judgement=Judgement("a planted lie"))])) == 1
    assert len(faults([fine._replace(judgement=Judgement(false="a planted untruth"))])) == 1
    unhit, lie = plain._replace(kind="crossed_book"), plain._replace(kind="clock_error")
    assert shown(fine._replace(case=unhit)) == UNHIT
    assert len(faults([fine._replace(case=unhit)])) == 1, "it fired, and the list says that it cannot"
    assert len(faults([fine._replace(case=lie)])) == 1, "it did not lie, and the list says that it does"
