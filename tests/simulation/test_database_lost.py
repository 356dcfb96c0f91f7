"""The database is lost behind an order that rests, and a kill comes: the simulated trader cancels by its spool, and merges that once."""

from dataclasses import replace

import pytest

from simulation.checker import Checker, Violation
from simulation.draw import draw
from simulation.faults import CRASHES, LOSSES, Fault, Strike
from simulation.journal import SESSION
from simulation.market import START_MS
from simulation.plans import DATABASE_GONE, RunPlan, Word, parse
from simulation.world import World
from trader_core.model.command import Command
from trader_core.trader import spool
from trader_core.trader.records import Kind, Record
from trader_core.venues.port import VenueOrderState

GONE_MS, KILLED_MS = 60_000, 3_000


def plan(command: Command = Command.KILL, delay_ms: int = KILLED_MS, *more: Word) -> RunPlan:
    """Return a run whose first order fills to three tenths and rests; the database goes behind it, and somebody speaks 3 s later."""
    faults = (Strike(Fault.RESTING, 1, 3), Strike(Fault.LOST_BEHIND_ORDER, 1, GONE_MS))
    choices = replace(draw(4).choices, symbols=1, resting=False)
    return RunPlan(4, 8, choices=choices, faults=faults, commands=(Word(command, stir=DATABASE_GONE, nth=1, delay_ms=delay_ms), *more))


def ran(plan: RunPlan) -> World:
    world = World(plan)
    outcome = world.run()
    assert outcome.violation is None
    return world


def said(world: World) -> list[tuple[str, int]]:
    """Return what the journal has of the spool, with the ms since the database was lost."""
    lines = [record.body["said"] for record in world.journal.records() if record.kind is Kind.SPOOLED]
    return [(line["what"], line["at_ms"] - START_MS - lost_ms(world)) for line in lines]


def lost_ms(world: World) -> int:
    return world.venue.placed[0].request.sent_ms - START_MS


def test_a_kill_cancels_within_a_second_while_the_database_is_away_and_the_journal_has_it_when_it_is_back() -> None:
    world = ran(plan())
    lines = said(world)
    assert [what for what, _ in lines] == ["kill", "cancel", "answer"]
    assert all(KILLED_MS - 1_000 < at_ms < KILLED_MS + 1_500 for _, at_ms in lines), lines
    assert [order.state for order in world.venue.placed] == [VenueOrderState.CANCELED]
    assert "kill" in world.processes[0].state.flags
    assert world.processes[0].home.load() is None


@pytest.mark.parametrize("command", [Command.CANCEL_ALL, Command.CLOSE_ALL])
def test_a_word_that_waits_cancels_too_and_is_obeyed_once_when_the_database_is_back(command: Command) -> None:
    world = ran(plan(command))
    assert [what for what, _ in said(world)] == ["cancel", "answer"]
    words = [record.body["command"] for record in world.journal.records() if record.kind is Kind.OPERATOR]
    assert words == [command]


def test_a_resume_changes_nothing_while_the_database_is_away() -> None:
    world = ran(plan(Command.KILL, KILLED_MS, Word(Command.RESUME, at_ms=lost_ms(ran(plan())) + 10_000)))
    assert world.words[str(Command.RESUME)] == 0
    assert "kill" in world.processes[0].state.flags


def test_without_a_reason_an_entry_stays_for_a_minute_and_then_goes() -> None:
    world = ran(replace(plan(), commands=(), faults=(Strike(Fault.RESTING, 1, 3), Strike(Fault.LOST_BEHIND_ORDER, 1, 2 * GONE_MS))))
    lines = said(world)
    assert [what for what, _ in lines] == ["cancel", "answer"]
    assert GONE_MS < lines[0][1] < GONE_MS + 2_500


def test_a_process_may_die_at_every_position_and_the_spool_is_merged_once_all_the_same() -> None:
    points, spooled = ran(plan()).points, 0
    for point in range(1, points + 1):
        world = ran(plan().dying_at(point, down_ms=5_000))
        lines = [what for what, _ in said(world)]
        assert lines == ["kill", "cancel", "answer"][: len(lines)]
        spooled += bool(lines) and world.crashes > 1
    assert spooled > 20


@pytest.mark.parametrize("kind", sorted(LOSSES))
def test_a_database_that_is_lost_until_the_calm_is_survived(kind: Fault) -> None:
    ran(replace(draw(4, 20, traders=1).without(*CRASHES, *LOSSES), faults=(Strike(kind, 5, 4_000_000),)))


def test_a_loss_and_its_word_come_back_from_a_plans_text() -> None:
    assert parse(plan().text()) == plan()


def test_of_a_torn_append_whole_lines_count_and_what_comes_next_follows_them() -> None:
    world = World(plan())
    home, place = world.processes[0].home, (1, world.journal.head, 1)
    home.append(place, [{"what": "kill", "at_ms": 1}, {"what": "cancel", "at_ms": 1}])
    for number in range(20):
        home.append(place, [{"what": "answer", "number": number}] * 3, torn=True)
    home.append(place, [{"what": "last"}])
    found = home.load()
    assert found is not None
    assert found.session_id == SESSION
    assert [line.body["what"] for line in found.lines[:2]] == ["kill", "cancel"]
    assert found.lines[-1].body == {"what": "last"}
    assert spool.read(home.data, "here") == found
    with pytest.raises(Violation, match="I27"):
        home.remove()


def checker_with(lines: list[dict[str, str]]) -> Checker:
    checker = World(plan()).checker
    checker.spools.written("file", lines, 1)
    return checker


def record(number: int, body: dict[str, str]) -> Record:
    return Record(Kind.SPOOLED, {"spool": "file", "number": number, "hash": "", "said": body})


def test_the_checker_sees_a_line_that_is_missing_twice_there_or_another_one() -> None:
    lines = [{"what": "cancel", "client_order_id": cid} for cid in ("a", "b")]
    for wrong in ([(2, 1)], [(1, 0), (1, 0)], [(1, 0), (2, 0)], [(1, 0), (2, 1), (3, 0)]):
        checker = checker_with(lines)
        with pytest.raises(Violation, match="I27"):
            checker.spools.committed([record(number, lines[body]) for number, body in wrong])
    checker = checker_with(lines)
    checker.spools.committed([record(1, lines[0])])
    with pytest.raises(Violation, match="I27"):
        checker.spools.removed("file")
    checker.spools.committed([record(2, lines[1])])
    checker.spools.removed("file")
