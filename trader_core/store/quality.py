"""Data-quality runs as stored: what was checked by which rules, every finding, and the instruments that stand blocked."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, update
from sqlalchemy.dialects.postgresql import insert

from trader_core.evidence import quality
from trader_core.evidence.quality import QualityFinding, Severity
from trader_core.model.errors import BadInput, UnknownName
from trader_core.store.blocks import standing_blocks
from trader_core.store.road_tables import INSTRUMENT_BLOCK, QUALITY_FINDING, QUALITY_RUN


@dataclass(frozen=True, slots=True)
class QualityRow:
    """One run; `status` is running, passed, failed, or error for one that could not say."""

    quality_run_id: str
    purpose: str
    road_id: str
    venue: str
    symbols: tuple[str, ...]
    timeframe: str
    from_ms: int
    to_ms: int
    status: str
    error: str
    page: str
    checked_ms: int


def begin_run(
    db: Connection, quality_run_id: str, purpose: str, road_id: str, venue: str, symbols: Sequence[str], timeframe: str,
    interval: tuple[int, int], collection: str | None,
) -> QualityRow:  # fmt: skip
    """Store a run that begins, or find it again, with the rules that it goes by."""
    values = {
        "quality_run_id": quality_run_id, "purpose": purpose, "road_id": road_id, "venue": venue, "symbols": list(symbols),
        "timeframe": timeframe, "from_ms": interval[0], "to_ms": interval[1], "collection_session_id": collection, "status": "running",
        "rules": [asdict(rule) for rule in quality.RULES.values()], "rules_digest": quality.digest(),
    }  # fmt: skip
    db.execute(insert(QUALITY_RUN).values(values).on_conflict_do_nothing(index_elements=["quality_run_id"]))
    return load_run(db, quality_run_id)


def finish_run(
    db: Connection, quality_run_id: str, status: str, findings: Sequence[QualityFinding], now_ms: int, *, error: str = "", page: str = ""
) -> None:
    """Store a run's end with all its findings, and set or clear the blocks of its instruments; one that has ended stays as it is."""
    table = QUALITY_RUN.c
    changes = {"status": status, "error": error[:1000], "page": page, "checked_ms": now_ms, "finished_at": func.now()}
    statement = update(QUALITY_RUN).where(table.quality_run_id == quality_run_id, table.status == "running").values(**changes)
    if db.execute(statement).rowcount == 0:
        return
    for number, one in enumerate(findings, 1):
        values = asdict(one) | {"quality_run_id": quality_run_id, "number": number, "blocks": list(one.blocks)}
        db.execute(insert(QUALITY_FINDING).values(values))
    row = load_run(db, quality_run_id)
    stops = quality.blocked(findings) if status != "error" else dict.fromkeys(row.symbols, f"the check could not say: {error}"[:300])
    for symbol in row.symbols:
        if symbol in stops:
            block(db, row.venue, symbol, quality_run_id, stops[symbol])
        elif status != "error" and _covers(db, row, symbol):
            unblock(db, row.venue, symbol, f"passed in {quality_run_id}")


def _covers(db: Connection, row: QualityRow, symbol: str) -> bool:
    """Tell whether a run looked at all that an instrument is blocked for: same timeframe, and the bars found bad then.

    A finding of the suite names no bar: the table's rules ask the same and do. Where none does, and for a run that could not say,
    all that it should have looked at counts.
    """
    table = INSTRUMENT_BLOCK.c
    where = (table.venue == row.venue, table.symbol == symbol, table.cleared_at.is_(None))
    number = db.execute(select(table.quality_run_id).where(*where)).scalar_one_or_none()
    if number is None:
        return False
    before = load_run(db, number)
    bad = [one for one in load_findings(db, number) if symbol in one.blocks and not one.holds and one.severity is Severity.BLOCK]
    placed = [one for one in bad if one.first_ms]
    first = min((one.first_ms for one in placed), default=before.from_ms)
    last = max((one.last_ms for one in placed), default=before.to_ms - 1)
    return before.timeframe == row.timeframe and row.from_ms <= first and last < row.to_ms


def block(db: Connection, venue: str, symbol: str, quality_run_id: str, reason: str) -> None:
    """Leave an instrument blocked: nothing new is opened on it; one that stands already keeps its first reason."""
    values = {"venue": venue, "symbol": symbol, "quality_run_id": quality_run_id, "reason": reason}
    where = INSTRUMENT_BLOCK.c.cleared_at.is_(None)
    db.execute(insert(INSTRUMENT_BLOCK).values(values).on_conflict_do_nothing(index_elements=["venue", "symbol"], index_where=where))


def unblock(db: Connection, venue: str, symbol: str, by: str) -> bool:
    """Clear an instrument's standing block, and say whether there was one: who cleared it stays."""
    table = INSTRUMENT_BLOCK.c
    statement = update(INSTRUMENT_BLOCK).where(table.venue == venue, table.symbol == symbol, table.cleared_at.is_(None))
    return db.execute(statement.values(cleared_at=func.now(), cleared_by=by[:300])).rowcount > 0


def require_unblocked(db: Connection, venue: str, symbol: str) -> str:
    """Return the reason of a standing block; raises BadInput without one."""
    reason = standing_blocks(db, venue).get(symbol)
    if reason is None:
        raise BadInput(f"a block of {symbol} on {venue}", "none stands", "`gatehouse blocks` lists those that do")
    return reason


def list_blocks(db: Connection) -> list[dict[str, Any]]:
    """Return every standing block, by venue and symbol."""
    table = INSTRUMENT_BLOCK.c
    query = select(table.venue, table.symbol, table.reason, table.quality_run_id, table.blocked_at).where(table.cleared_at.is_(None))
    return [dict(row) for row in db.execute(query.order_by(table.venue, table.symbol)).mappings()]


def load_run(db: Connection, quality_run_id: str) -> QualityRow:
    """Return one run; raises UnknownName."""
    row = db.execute(select(QUALITY_RUN).where(QUALITY_RUN.c.quality_run_id == quality_run_id)).mappings().one_or_none()
    if row is None:
        raise UnknownName("the id of a quality run", repr(quality_run_id)[:80], "`gatehouse check` makes one")
    return QualityRow(**{name: row[name] for name in QualityRow.__slots__ if name != "symbols"}, symbols=tuple(row["symbols"]))


def load_findings(db: Connection, quality_run_id: str) -> list[QualityFinding]:
    """Return a run's findings in their order."""
    query = select(QUALITY_FINDING).where(QUALITY_FINDING.c.quality_run_id == quality_run_id).order_by(QUALITY_FINDING.c.number)
    return [_found(row) for row in db.execute(query).mappings()]


def _found(row: RowMapping) -> QualityFinding:
    parts: dict[str, Any] = {name: row[name] for name in QualityFinding.__slots__}
    return QualityFinding(**(parts | {"severity": Severity(row["severity"]), "holds": bool(row["holds"]), "blocks": tuple(row["blocks"])}))
