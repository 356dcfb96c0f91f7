"""The data-quality gate: stored candles are checked in a process of their own, and what cannot be said has not passed.

`check_data` is what flows and commands call; `python -m tasks.quality RUN` is the gate's process: it imports Great
Expectations, which costs seconds and memory that nothing else should pay.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks import reach
from tasks.quality_page import render
from trader_core.evidence import quality
from trader_core.evidence.quality import QualityFinding, Severity
from trader_core.evidence.verdict import Finding, Judgement, Verdict
from trader_core.model.bar import Bars, timeframe_ms
from trader_core.model.errors import GatehouseError, UnknownName
from trader_core.settings import Settings
from trader_core.store import quality as rows
from trader_core.store.candles import load_bars
from trader_core.store.database import Connection, begin
from trader_core.store.imports import Series, store_series
from trader_core.store.instruments import find_instrument
from trader_core.venues.link import connect

TIMEOUT_S = 180.0
PASSED, FAILED, ERROR = "passed", "failed", "error"


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What is to be checked: [from, to) in epoch ms; `now_ms` is the venue's time, by which a bar is stale or of the future."""

    quality_run_id: str
    purpose: str
    venue: str
    symbols: tuple[str, ...]
    timeframe: str
    from_ms: int
    to_ms: int
    now_ms: int
    collection_session_id: str | None = None
    road_id: str = ""


@dataclass(frozen=True, slots=True)
class QualityOutcome:
    """What a check said: passed, failed, or error when it could not say; `page` lies under the home folder."""

    quality_run_id: str
    status: str
    judgement: Judgement
    findings: tuple[QualityFinding, ...]
    page: str


def check_data(settings: Settings, request: CheckRequest, timeout_s: float = TIMEOUT_S, command: Sequence[str] = ()) -> QualityOutcome:
    """Check stored candles, keep every finding, block what fails, and return the outcome; a run of this id that has ended is found again.

    A gate that raises, hangs beyond `timeout_s` (it is killed) or dies says error: a NO_GO that blocks all its instruments.
    """
    with reach.engine(settings) as engine:
        with begin(engine) as db:
            row = rows.begin_run(
                db, request.quality_run_id, request.purpose, request.road_id, request.venue, request.symbols, request.timeframe,
                (request.from_ms, request.to_ms), request.collection_session_id,
            )  # fmt: skip
        if row.status == "running":
            why = _in_its_own_process(settings, request, timeout_s, command)
            with begin(engine) as db:
                if rows.load_run(db, request.quality_run_id).status == "running":
                    rows.finish_run(db, request.quality_run_id, ERROR, (), request.now_ms, error=why or "the gate ended without a word")
        with begin(engine) as db:
            return outcome(rows.load_run(db, request.quality_run_id), rows.load_findings(db, request.quality_run_id))


def outcome(row: rows.QualityRow, findings: Sequence[QualityFinding]) -> QualityOutcome:
    """Return a stored run as its outcome."""
    judged = quality.judge(findings)
    if row.status == ERROR:
        said = Finding("the check itself", row.error or "no word", "says passed or failed", holds=False, todo="read the error; check again")
        judged = Judgement("data quality", Verdict.NO_GO, (said, *judged.findings))
    return QualityOutcome(row.quality_run_id, row.status, judged, tuple(findings), row.page)


def _in_its_own_process(settings: Settings, request: CheckRequest, timeout_s: float, command: Sequence[str]) -> str:
    """Run the gate's process to its end, and return why it did not end well, or an empty text."""
    words = [*(command or [sys.executable, "-m", "tasks.quality"]), request.quality_run_id, str(request.now_ms)]
    environment = {**os.environ, "GATEHOUSE_HOME": str(settings.folder())}
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env=environment, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    try:
        said, _ = child.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        return f"the gate did not end within {timeout_s:g} s"
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        raise
    return "" if child.returncode == 0 else f"the gate ended with {child.returncode}: {said.strip()[-500:]}"


def gate(quality_run_id: str, now_ms: int) -> str:
    """Check what a stored run asks for, in this process, store findings, page and blocks, and return its status."""
    from tasks import quality_suite  # noqa: PLC0415 - the library costs seconds and memory

    settings = Settings()
    with reach.engine(settings) as engine:
        with begin(engine) as db:
            row = rows.load_run(db, quality_run_id)
            series = {symbol: _bars(db, row, symbol) for symbol in row.symbols}
        step_ms = timeframe_ms(row.timeframe)
        slots = max((min(row.to_ms, now_ms) - row.from_ms) // step_ms, 1)
        context, found = quality_suite.context(), list[QualityFinding]()
        for symbol, bars in series.items():
            found += quality.check(symbol, bars, (row.from_ms, row.to_ms), step_ms, now_ms)
            if len(bars):
                found += quality_suite.broken(symbol, quality_suite.frame_of(bars, step_ms, now_ms), slots, context)
        status = FAILED if quality.blocked(found) else PASSED
        page = _page(settings, row, found, status)
        with begin(engine) as db:
            rows.finish_run(db, quality_run_id, status, found, now_ms, page=page)
    return status


def _bars(db: Connection, row: rows.QualityRow, symbol: str) -> Bars:
    try:
        instrument_id, _ = find_instrument(db, row.venue, symbol)
    except UnknownName:
        instrument_id = -1  # nothing was ever stored of it: it has no bars
    return load_bars(db, instrument_id, row.timeframe, row.from_ms, row.to_ms)


def _page(settings: Settings, row: rows.QualityRow, findings: Sequence[QualityFinding], status: str) -> str:
    folder = settings.folder() / "reports" / "quality"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{row.quality_run_id}.html"
    path.write_text(render(row, findings, status))
    return str(path.relative_to(settings.folder()))


@dataclass(frozen=True, slots=True)
class Repaired:
    """What fetching again changed; the former values of revised candles stay in candle_revision."""

    refetched: int
    inserted: int
    revised: int
    collection_session_id: str


def repair(settings: Settings, quality_run_id: str) -> Repaired:
    """Fetch the bars of a failed run again where its findings point, and store them as a collection that names the run.

    A span that the venue gives as before stays a finding of the next check. Raises VenueUnavailable or UnknownName.
    """
    with reach.transaction(settings) as db:
        row = rows.load_run(db, quality_run_id)
        bad = [one for one in rows.load_findings(db, quality_run_id) if not one.holds and one.severity is Severity.BLOCK]
    symbols = tuple(sorted({one.symbol for one in bad}))
    if not symbols:
        return Repaired(0, 0, 0, "")
    step_ms = timeframe_ms(row.timeframe)
    first = min((one.first_ms for one in bad if one.first_ms), default=row.from_ms)
    last = max((one.last_ms for one in bad if one.last_ms), default=row.to_ms - step_ms)
    interval = max(first - first % step_ms, row.from_ms), min(last - last % step_ms + step_ms, row.to_ms)
    series = asyncio.run(_refetched(settings, row, symbols, interval))
    with reach.transaction(settings) as db:
        collection, _, inserted, revised = store_series(db, row.timeframe, series, f"repair of {quality_run_id} from {row.venue}")
    return Repaired(sum(len(one.bars) for one in series), inserted, revised, collection.collection_session_id)


async def _refetched(settings: Settings, row: rows.QualityRow, symbols: tuple[str, ...], interval: tuple[int, int]) -> list[Series]:
    from tasks.collecting import instruments_of  # noqa: PLC0415 - only a repair needs it

    link = await connect(row.venue, settings.folder(), symbols, row.timeframe, None, private=False)
    try:
        instruments = await instruments_of(link, symbols)
        bars = await link.feed.history(*interval)
        return [Series(one, bars[bars["close"][:, index] > 0, index]) for index, one in enumerate(instruments)]
    finally:
        await link.close()


def main() -> int:
    """Return 0 when the gate said passed or failed, 1 with one line when it could not."""
    try:
        gate(sys.argv[1], int(sys.argv[2]))
    except GatehouseError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


def new_id() -> str:
    """Return the id of a check that begins now."""
    return f"q-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.urandom(3).hex()}"


if __name__ == "__main__":
    sys.exit(main())
