"""Simulating: a walk by hand, and what must not matter: cuts, buffers, the order of the list, the layout of the input."""

from typing import Any

import numpy as np
import pytest

from tests.builders import START_MS, STEP_MS, Desk, bars, instrument, money, plan, random_market, table, targets
from trader_core.engine import core, simulate
from trader_core.engine.kernel import COMPILED
from trader_core.engine.state import state_bytes
from trader_core.model.bar import BAR
from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument
from trader_core.model.plan import Plan

ROWS = 400 if COMPILED else 60
LIMITS = {"positions_max": 3, "drawdown_max_ppm": 300_000, "losses_max": 6, "band_ppm": 50_000, "exposure_max": money("800")}
COSTS = {"slippage_ppm": 500, "collar_ppm": 20_000, "exit_collar_ppm": 100_000, "participation_ppm": 100_000}
NAMES = ("A/U", "B/U", "C/U", "D/U")


def busy_plan(*names: str) -> Plan:
    return plan(*names, limits=LIMITS, costs=COSTS, stop_loss_ppm=30_000, take_profit_ppm=60_000)


def busy(names: tuple[str, ...] = NAMES) -> tuple[Plan, tuple[Instrument, ...]]:
    """Return a plan that trades often, and its instruments, which differ in their grids whatever their order."""
    lots = {"A/U": 1, "B/U": 10, "C/U": 100, "D/U": 3}
    return busy_plan(*names), tuple(instrument(name, lot=lots[name], fee_in_base=name == "B/U") for name in names)


def test_a_walk_by_hand() -> None:
    """Buy five coins at the open of 100, sell them at the open of 110: 500 + 0.5 out, 550 - 0.55 in."""
    result = simulate.run(plan(), [instrument()], bars("100 100 110 110 110"), targets("5000 5000 0 0 0"))
    assert result.decisions["qty"].tolist() == [50_000, -50_000]
    assert result.fills["ts"].tolist() == [START_MS + STEP_MS, START_MS + 3 * STEP_MS]
    assert result.fills["price"].tolist() == [10_000, 11_000]
    assert result.fills["fee"].tolist() == [money("0.5"), money("0.55")]
    assert result.fills["signal"].tolist() == [0, 1]
    assert result.equity.tolist() == [money(x) for x in ("1000", "999.5", "1049.5", "1048.95", "1048.95")]
    assert result.cash.tolist() == [money(x) for x in ("1000", "499.5", "499.5", "1048.95", "1048.95")]
    assert int(result.account["realised"][0]) == money("48.95")


def test_what_the_volume_does_not_carry_is_released() -> None:
    market = bars("100 100/100/100/100/300000 100")
    result = simulate.run(plan(costs={"participation_ppm": 100_000}), [instrument()], market, targets("5000 5000 5000"))
    (row,) = result.fills
    assert (row["qty"], row["released"], row["side"]) == (30_000, 20_000, 1)
    assert int(result.account["reserved"][0]) == 0


def test_an_order_waits_for_the_next_bar_that_exists() -> None:
    result = simulate.run(plan(), [instrument()], bars("100 - - 101 101"), targets("5000 5000 -1 5000 5000"))
    assert result.fills["ts"].tolist() == [START_MS + 3 * STEP_MS]


def test_the_loop_is_on_fill_on_release_and_on_bar_in_their_order() -> None:
    """The same fills, fed through the three functions from outside, give the same bytes and the same decisions."""
    chosen, instruments = busy()
    market, wanted = random_market(5, ROWS, len(instruments))
    result = simulate.run(chosen, instruments, market, wanted)
    desk = Desk(chosen, *instruments)
    rows, at = [], 0
    for t in range(ROWS):
        while at < len(result.fills) and result.fills["ts"][at] == result.ts[t]:
            book(desk, result.fills[at])
            at += 1
        rows.append(desk.slot(market[t].copy(), wanted[t].copy()))
    assert at == len(result.fills) > ROWS // 10
    assert np.concatenate(rows).tobytes() == result.decisions.tobytes()
    assert state_bytes(desk.account, desk.slots) == result.state


def book(desk: Desk, row: Any) -> None:
    i, side, qty, released = int(row["instrument"]), int(row["side"]), int(row["qty"]), int(row["released"])
    if qty:
        numbers = (int(row["price"]), int(row["fee"]), int(row["fee_base"]))
        assert core.on_fill(desk.account, desk.slots, desk.record, desk.grids, i, side, qty, *numbers, int(row["ts"])) == 0
    if released:
        core.on_release(desk.account, desk.slots, desk.record, desk.grids, i, side, released, 0)


def test_a_run_cut_anywhere_and_continued_is_the_same_run() -> None:
    chosen, instruments = busy()
    rows = 120 if COMPILED else 24
    market, wanted = random_market(6, rows, len(instruments))
    whole = simulate.run(chosen, instruments, market, wanted)
    assert len(whole.fills) > rows // 10
    for cut in range(1, rows):
        first = simulate.run(chosen, instruments, market[:cut], wanted[:cut])
        rest = simulate.run(chosen, instruments, market[cut:], wanted[cut:], state=(first.account, first.slots))
        assert rest.state == whole.state
        assert first.decisions.tobytes() + rest.decisions.tobytes() == whole.decisions.tobytes()
        assert first.fills.tobytes() + rest.fills.tobytes() == whole.fills.tobytes()
        assert first.equity.tolist() + rest.equity.tolist() == whole.equity.tolist()


def test_a_continued_run_leaves_the_state_that_it_was_given() -> None:
    market, wanted = random_market(6, 20, 1)
    first = simulate.run(plan(), [instrument()], market[:10], wanted[:10])
    simulate.run(plan(), [instrument()], market[10:], wanted[10:], state=(first.account, first.slots))
    assert state_bytes(first.account, first.slots) == first.state


def test_buffers_of_the_smallest_size_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, instruments = busy()
    market, wanted = random_market(7, ROWS, len(instruments))
    whole = simulate.run(chosen, instruments, market, wanted)
    monkeypatch.setattr(simulate, "ROWS", 0)
    assert simulate.run(chosen, instruments, market, wanted).digest == whole.digest


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_the_list_decides_nothing(seed: int) -> None:
    """Signals, account and every slot are the same bytes; only the index of an instrument moves with its place."""
    chosen, instruments = busy()
    market, wanted = random_market(seed, ROWS, len(instruments))
    straight = simulate.run(chosen, instruments, market, wanted)
    order = [2, 0, 3, 1]
    moved_plan, moved = busy(tuple(NAMES[i] for i in order))
    other = simulate.run(moved_plan, moved, market[:, order], wanted[:, order])
    assert other.account.tobytes() == straight.account.tobytes()
    assert other.slots.tobytes() == straight.slots[order].tobytes()
    for rows, there in ((straight.decisions, other.decisions), (straight.fills, other.fills)):
        there["instrument"] = np.array(order)[there["instrument"]]
        assert there.tobytes() == rows.tobytes()


def test_the_layout_of_the_input_changes_nothing() -> None:
    chosen, instruments = busy()
    market, wanted = random_market(8, 40, len(instruments))
    expected = simulate.run(chosen, instruments, market, wanted).digest
    frozen = market.copy()
    frozen.setflags(write=False)
    assert simulate.run(chosen, instruments, frozen, np.asfortranarray(wanted)).digest == expected
    assert simulate.run(chosen, list(instruments), np.repeat(market, 2, axis=0)[::2], wanted.astype(np.int32)).digest == expected
    assert frozen.tobytes() == market.tobytes()


def test_slots_without_any_bar_need_no_time() -> None:
    for start_ms in (START_MS, STEP_MS):
        market = table(bars("- - 100 - 101", start_ms=start_ms))
        market["ts"][[0, 1, 3]] = 0
        result = simulate.run(plan(), [instrument()], market, targets("0 0 0 0 0"))
        assert result.ts.tolist() == [start_ms + at * STEP_MS for at in range(5)]


def test_bars_off_the_grid_are_refused() -> None:
    market = bars("100 100 100")
    market["ts"][2] += 1
    with pytest.raises(DataFault, match="slot 2"):
        simulate.run(plan(), [instrument()], market, targets("0 0 0"))


def test_bars_that_go_back_in_time_are_refused() -> None:
    market = bars("100 100 100")[::-1]
    with pytest.raises(DataFault, match="one grid"):
        simulate.run(plan(), [instrument()], market, targets("0 0 0"))
    first = simulate.run(plan(), [instrument()], bars("100 100"), targets("0 0"))
    with pytest.raises(DataFault, match="after slot 1700006460000"):
        simulate.run(plan(), [instrument()], bars("100 100"), targets("0 0"), state=(first.account, first.slots))


def test_a_price_beyond_its_door_ends_the_run() -> None:
    with pytest.raises(DataFault, match="BTC/USDT with open 10000, high 1000100") as refused:
        simulate.run(plan(), [instrument()], bars("100 10001 100/100/100/100"), targets("0 0 0"))
    assert str(START_MS + STEP_MS) in str(refused.value)


def test_a_fill_that_would_leave_a_door_is_not_booked_and_ends_the_run() -> None:
    first = simulate.run(plan(), [instrument()], bars("100"), targets("5000"))
    first.account["cash"] = -(10**17)
    with pytest.raises(DataFault, match="fills inside every door"):
        simulate.run(
            plan(), [instrument()], bars("100 100", start_ms=START_MS + STEP_MS), targets("5000 5000"), state=(first.account, first.slots)
        )


@pytest.mark.parametrize("rows", [np.zeros(0, BAR), np.zeros(3, BAR)])
def test_an_empty_interval_is_refused(rows: Any) -> None:
    with pytest.raises(DataFault, match="empty interval"):
        simulate.run(plan(), [instrument()], rows, np.zeros(len(rows), np.int64))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataFault, match=r"shape \[T, 1\]"):
        simulate.run(plan(), [instrument()], table(bars("1"), bars("1")), targets("0", "0"))
    with pytest.raises(DataFault, match="targets of shape"):
        simulate.run(plan(), [instrument()], bars("1 1"), targets("0"))
