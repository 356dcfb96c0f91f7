"""Checkpoints: a fold that begins at one gives, bit for bit, what the fold from the first record gives."""

import random
from dataclasses import fields

import numpy as np
import pytest

from simulation.draw import draw
from simulation.world import World
from trader_core.model.errors import ChainBroken
from trader_core.trader import recovery
from trader_core.trader.records import Kind, Record, decode, encode
from trader_core.trader.recovery import DERIVED, checkpoint, fold, form, full_digest, restored
from trader_core.trader.state import State

SEEDS = (1, 4, 6, 8, 10, 14, 18, 20, 44, 53, 59, 79)


@pytest.fixture(scope="module")
def journals() -> list[list[Record]]:
    """Return the journals of random runs with faults, crashes and operators, their checkpoints taken out."""
    return [without_checkpoints(seed) for seed in SEEDS]


def without_checkpoints(seed: int) -> list[Record]:
    world = World(draw(seed, traders=1))
    assert world.run().violation is None
    return [record for record in world.journal.records() if record.kind is not Kind.CHECKPOINT]


def stored(record: Record) -> Record:
    """Return a record as it comes back from its bytes."""
    return decode(record.kind, encode(record.body))


@pytest.mark.parametrize("nth", range(len(SEEDS)))
def test_a_fold_from_any_checkpoint_equals_the_fold_from_the_beginning(journals: list[list[Record]], nth: int) -> None:
    journal = journals[nth]
    end = fold(journal)
    for cut in sorted({1, len(journal), *random.Random(nth).choices(range(1, len(journal)), k=12)}):
        there = stored(checkpoint(fold(journal[:cut])))
        equal(fold([there, *journal[cut:]]), end)
        equal(fold([*journal[:cut], there, *journal[cut:]]), end)


def equal(one: State, other: State) -> None:
    """Fail unless every field is equal, whatever a form or a digest says; what no journal holds aside."""
    assert full_digest(one) == full_digest(other)
    for field in fields(State):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if isinstance(left, np.ndarray):
            assert field.name == "scratch" or left.tobytes() == right.tobytes(), field.name
        else:
            assert field.name in {"watches", "unread", "exit_tried_ms"} or left == right, field.name
    for name in ("orders", "pending", "flags"):
        assert [*getattr(one, name)] == [*getattr(other, name)], "the order of their keys decides who is looked at first"
    assert all(one.orders[cid] is order for cid, order in one.pending.items()), "one order, however it is found"


def test_the_runs_hold_what_a_checkpoint_must_hold(journals: list[list[Record]]) -> None:
    kinds = {record.kind for journal in journals for record in journal}
    assert kinds >= {*Kind} - {Kind.CHECKPOINT, Kind.CLOSED, Kind.BLOCK, Kind.LETTER, Kind.LETTER_CLOSED, Kind.SPOOLED}
    assert sum(bool(fold(journal[:cut]).pending) for journal in journals for cut in range(1, len(journal), 9)) > 10


CHANGES = {
    "a position": lambda state: state.slots["position"].__setitem__(0, 1),
    "an engine's number": lambda state: state.account["losses_run"].__setitem__(0, 7),
    "the window of an order": lambda state: setattr(next(iter(state.orders.values())), "window_ms", 1),
    "the epoch of an order": lambda state: setattr(next(iter(state.orders.values())), "epoch", 99),
    "an order that is no longer looked for": lambda state: state.pending.clear(),
    "why a flag stands": lambda state: state.flags.__setitem__("start", "another reason"),
    "a trade that was seen": lambda state: state.seen.add("BTC/USDT 77"),
    "the account at the venue": lambda state: setattr(state, "identity", "another"),
    "the baseline": lambda state: setattr(state, "baseline", {"USDT": "0"}),
    "anomalies": lambda state: setattr(state, "anomalies", 99),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_differs_gives_another_digest_and_a_fold_that_passes_it_is_refused(change: object) -> None:
    rows = without_checkpoints(20)
    first = next(at for at, record in enumerate(rows) if record.kind is Kind.SENDING) + 1
    honest, other = fold(rows[:first]), fold(rows[:first])
    assert full_digest(honest) == full_digest(other)
    change(other)  # type: ignore[operator]
    assert full_digest(honest) != full_digest(other)
    with pytest.raises(ChainBroken, match="on replay"):
        fold([*rows[:first], stored(checkpoint(other)), *rows[first:]])


def test_a_checkpoint_whose_state_was_changed_does_not_fit() -> None:
    world = World(draw(22, traders=1))
    world.run()
    body = stored(checkpoint(world.processes[0].state)).body
    assert restored(body) is not None
    body["state"]["anomalies"] += 1
    assert restored(body) is None
    with pytest.raises(ChainBroken, match="begins with OPENED"):
        fold([Record(Kind.CHECKPOINT, body)])


def test_a_program_with_other_fields_folds_past_a_checkpoint_and_does_not_begin_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = without_checkpoints(6)
    old = stored(checkpoint(fold(rows[:30])))
    old.body["state"]["anomalies"] = 99
    monkeypatch.setattr(recovery, "FORM", "another")
    assert restored(old.body) is None
    equal(fold([*rows[:30], old, *rows[30:]]), fold(rows))


def test_a_run_writes_checkpoints_and_recovers_from_them() -> None:
    world = World(draw(20, traders=1))
    outcome = world.run()
    kinds = [record.kind for record in world.journal.records()]
    assert kinds.count(Kind.CHECKPOINT) >= 2
    assert outcome.crashes >= 1


def test_no_field_of_the_state_is_forgotten() -> None:
    world = World(draw(25, 4, 1))
    world.run()
    found = form(world.processes[0].state)
    named = {*found, *found["opening"], "next_slot_ms", *DERIVED}
    assert {field.name for field in fields(State)} <= named
