"""A session whose database is away: cancels go through the spool and never wait for the store's thread."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.core.test_lost import order
from trader_core.model.errors import ChainBroken, DatabaseAway, StoreError
from trader_core.trader import spool_file
from trader_core.trader.away import Away
from trader_core.trader.control import Control
from trader_core.trader.lost import FOREVER_MS
from trader_core.trader.patient import URGENT_MS, surely
from trader_core.trader.protocol import Protocol
from trader_core.trader.spool_file import Writer
from trader_core.trader.tracked import Order
from trader_core.venues.port import Outcome, Reply, VenueOrder, VenueOrderState


class Exchange:
    """An exchange that cancels what it is told to, and notes what the spool said at that moment."""

    def __init__(self, home: Path) -> None:
        self.home, self.cancels, self.spooled, self.looks = home, list[str](), list[int](), 0
        self.state = VenueOrderState.OPEN

    async def cancel(self, _symbol: str, client_order_id: str) -> Reply[VenueOrder]:
        found = spool_file.load(self.home, "s1")
        self.cancels.append(client_order_id)
        self.spooled.append(0 if found is None else len(found.lines))
        self.state = VenueOrderState.CANCELED
        return await self.order("", client_order_id)

    async def order(self, _symbol: str, client_order_id: str) -> Reply[VenueOrder]:
        self.looks += 1
        return Reply(Outcome.OK, VenueOrder(client_order_id, "7", self.state, 10, 0, 0))


class Memory:
    """As much of a state as is looked at."""

    session_id = "s1"

    def __init__(self, orders: Sequence[Order]) -> None:
        self.pending = {one.client_order_id: one for one in orders}
        self.flags: dict[str, str] = {}
        self.epoch = 1
        self.protocol = Protocol()


class Scene:
    """An order at an exchange, and a session that is away."""

    def __init__(self, home: Path, patience_ms: int = FOREVER_MS, size_max: int = 1 << 20) -> None:
        self.home, self.exchange, self.control, self.told = home, Exchange(home), Control(), list[str]()
        writer = Writer(home, "s1", 3, bytes(32), 1, size_max)
        state: Any = Memory([order("a")])
        venue: Any = self.exchange
        self.away = Away(state, venue, lambda: 1_000, self.control, writer, patience_ms, self.told.append)

    async def held(self, seconds: float, epoch: int = 0, **recovered: Any) -> Any:
        self.control.epoch = lambda: epoch
        waiting = recovered.get("by", never)
        try:
            return await asyncio.wait_for(self.away.hold(waiting), seconds)
        except TimeoutError:
            return None

    def said(self) -> list[str]:
        found = spool_file.load(self.home, "s1")
        return [] if found is None else [line.body["what"] for line in found.lines]


async def never(_epoch: int) -> None:
    await asyncio.Event().wait()


async def test_a_kill_cancels_through_the_spool_while_the_store_hangs(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.control.kill = "storm"
    await scene.held(0.4, epoch=1)
    assert scene.exchange.cancels == ["a"]
    assert scene.exchange.spooled == [2], "kill and cancel were on the disk before the cancel left"
    assert scene.said() == ["kill", "cancel", "answer"]
    assert scene.told == ["killed while the database is away: storm"]


async def test_without_a_reason_it_only_looks_and_writes_nothing(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    await scene.held(0.7)
    assert (scene.exchange.cancels, scene.said()) == ([], [])
    assert scene.exchange.looks == 1, "the venue's clock stands still: no second look is due"


async def test_a_stage_cancels_its_entries_after_its_patience(tmp_path: Path) -> None:
    scene = Scene(tmp_path, patience_ms=100)
    await scene.held(0.5)
    assert scene.exchange.cancels == ["a"]
    assert scene.said() == ["cancel", "answer"], "that is no kill"


async def test_a_spool_that_is_full_keeps_no_cancel_from_leaving(tmp_path: Path) -> None:
    scene = Scene(tmp_path, size_max=150)
    scene.control.kill = "storm"
    await scene.held(0.4)
    assert scene.exchange.cancels == ["a"]
    assert any("cannot be written" in text for text in scene.told)


async def test_it_is_tried_again_until_the_database_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trader_core.trader.away.RETRY_S", 0.01)
    scene, tries = Scene(tmp_path), list[int]()

    async def recovered(epoch: int) -> str:
        tries.append(epoch)
        if len(tries) < 3:
            raise DatabaseAway("an answer", "none", "wait")
        return "back"

    assert await scene.held(5, epoch=4, by=recovered) == "back"
    assert tries == [4, 4, 4]


async def test_what_else_goes_wrong_ends_the_watch(tmp_path: Path) -> None:
    async def recovered(_epoch: int) -> None:
        raise ChainBroken("a spool", "another", "look")

    with pytest.raises(ChainBroken):
        await Scene(tmp_path).held(5, epoch=1, by=recovered)


async def test_after_the_merge_nothing_is_written_and_nothing_leaves(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.away.over = True
    scene.control.kill = "storm"
    await scene.held(0.3)
    assert (scene.exchange.cancels, scene.said()) == ([], [])


async def test_a_commit_is_waited_for_as_long_as_it_takes_unless_a_kill_waits() -> None:
    async def commit() -> str:
        await asyncio.sleep(2 * URGENT_MS / 1_000)
        return "done"

    assert await surely(commit(), lambda: False) == "done"
    began = time.monotonic()
    with pytest.raises(DatabaseAway, match="while a kill waits"):
        await surely(commit(), lambda: True)
    assert time.monotonic() - began < 2 * URGENT_MS / 1_000


async def test_what_a_commit_raises_is_raised() -> None:
    async def commit() -> None:
        raise StoreError("a", "b", "c")

    with pytest.raises(StoreError):
        await surely(commit(), lambda: True)
