"""A sample of `make fuzz`, and the proof that the fuzzer would notice: planted mistakes are found."""

import pytest

from tests.fuzz import mutate, oracle, requests
from tests.fuzz.__main__ import main, pieces
from tests.fuzz.memory import Said
from tests.fuzz.run import Fuzzer, fuzz
from tests.fuzz.subject import CALLS, VENUES, subject_of
from trader_core.venues import outcomes
from trader_core.venues.adapters.known import ADAPTERS
from trader_core.venues.port import Outcome, Reply, VenueOrder, VenueOrderState

SEED = 2


@pytest.mark.parametrize("venue", VENUES)
async def test_nothing_but_a_proven_outcome_comes_of_a_thousand_answers_that_nobody_should_give(venue: str) -> None:
    tally = await fuzz(await subject_of(venue), SEED, range(1_000))
    assert tally.found == 0, "\n".join(tally.findings)
    asked = {call for _, call, _ in tally.counts}
    assert asked == CALLS.keys() - ({"cancel_all_after"} if venue != "kraken" else set()), "every call was asked"
    outcomes_of_submit = {outcome for _, call, outcome in tally.counts if call == "submit"}
    assert {"OK", "REJECTED", "UNKNOWN"} <= outcomes_of_submit


@pytest.mark.parametrize("dialect", VENUES)
def test_the_embedded_exchange_answers_a_thousand_malformed_requests_and_its_books_still_balance(dialect: str) -> None:
    tally = requests.fuzz(dialect, SEED, range(1_000))
    assert tally.found == 0, "\n".join(tally.findings)
    assert tally.counts.total() == 1_000


async def test_a_case_is_a_function_of_its_seed_and_number() -> None:
    first, again = Fuzzer(await subject_of("mexc"), 5), Fuzzer(await subject_of("mexc"), 5)
    try:
        calls = [[fuzzer.case(index)[0] for index in range(50)] for fuzzer in (first, again)]
    finally:
        await first.close()
        await again.close()
    assert calls[0] == calls[1]
    assert len(set(calls[0])) > 5


async def test_a_parser_that_believes_every_acknowledgement_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = await subject_of("mexc")
    order = VenueOrder(subject.request.client_order_id, "C02__1", VenueOrderState.OPEN, 1, 0, 0)
    monkeypatch.setattr(type(ADAPTERS["mexc"]), "ack", lambda *_: order)
    tally = await fuzz(subject, SEED, range(200))
    assert any("OK without an acknowledgement of exactly this order" in text for text in tally.findings)


async def test_a_code_that_is_believed_behind_a_500_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "_SERVER_ERROR", 600)
    tally = await fuzz(await subject_of("mexc"), SEED, range(4_000))
    assert any("without proof" in text for text in tally.findings)


async def test_an_exception_is_found_and_its_case_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise KeyError("serverTime")

    subject = await subject_of("mexc")
    monkeypatch.setattr(type(ADAPTERS["mexc"]), "time_of", broken)
    tally = await fuzz(subject, SEED, range(400))
    assert tally.found > 0
    assert "KeyError: 'serverTime'" in tally.findings[0]
    assert f"python -m tests.fuzz --seed {SEED} --case mexc:" in tally.findings[0]


async def test_the_oracle_refuses_what_no_reply_may_be() -> None:
    subject, said = await subject_of("mexc"), Said(200, b"{}")
    wrong: list[tuple[str, object]] = [
        ("time_ms", None),
        ("time_ms", Reply(Outcome.OK)),
        ("time_ms", Reply(Outcome.OK, 2**63)),
        ("time_ms", Reply(Outcome.RETRYABLE_READ, 1)),
        ("time_ms", Reply(Outcome.RETRYABLE_READ, evidence="\x00")),
        ("time_ms", Reply(Outcome.RETRYABLE_READ, evidence="\ud800")),
        ("time_ms", Reply(Outcome.RETRYABLE_READ, evidence="x" * 2_001)),
        ("time_ms", Reply(Outcome.RETRYABLE_READ, evidence=subject.key.secret)),
        ("submit", Reply(Outcome.REJECTED, code="30004")),
        ("submit", Reply(Outcome.RATE)),
        ("submit", Reply(Outcome.GATED)),
        ("test_order", Reply(Outcome.UNKNOWN)),
        ("order", Reply(Outcome.NOT_FOUND)),
        ("open_orders", Reply(Outcome.OK, [])),
        ("cancel", Reply(Outcome.REJECTED)),
        ("cancel_all_after", Reply(Outcome.OK)),
    ]
    assert [what for what in wrong if not oracle.faults(subject, *_asked(what, said))] == []
    fine: Reply[None] = Reply(Outcome.REJECTED, code="30004")
    assert oracle.faults(subject, "submit", Said(400, b'{"code":30004,"msg":""}'), fine) == []


def _asked(what: tuple[str, object], said: Said) -> tuple[str, Said, object]:
    return what[0], said, what[1]


def test_raw_numbers_are_written_as_they_stand() -> None:
    assert mutate._json({"a": "@raw:1e999999", "b": "@raw:{'a':1}", "c": "x"}) == b'{"a": 1e999999, "b": {"a":1}, "c": "x"}'


def test_the_work_is_shared_out_over_venues_and_exchanges() -> None:
    made = pieces(1, 30_003, 6)
    assert sum(piece.size for piece in made if not piece.who.startswith("to-")) == 30_003
    assert {(piece.who, piece.size) for piece in made if piece.who.startswith("to-")} == {(f"to-{venue}", 2) for venue in VENUES}


def test_one_case_can_be_run_again_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "2", "--case", "kraken:17"]) == 0
    assert "1 answers to the gateway" in capsys.readouterr().out
