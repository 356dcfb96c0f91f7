"""`gatehouse audit archive`: closed journals into files, proven there, and out of the database."""

from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console import audit, options, reach, show, words
from trader_core.model.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from deployments.postgres import Server


def register(_app: typer.Typer) -> None:
    """Add this command to `gatehouse audit`."""
    audit.audit_app.command("archive")(archive)


def archive(
    *,
    before: Annotated[str, typer.Option("--before", help="Sessions that ended before: 2026-01-31 or 2026-01-31T12:00, UTC.")],
    out: Annotated[Path, typer.Option("--out", help="The folder that keeps the files; made if need be.")],
    session: Annotated[str, typer.Option("--session", help="Only this session, or `operators`; empty: all that are due.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Move closed journals, and the operators' old records, to Parquet files; each is read back before its rows are removed."""
    moment = datetime.fromtimestamp(options.time_ms(before, "--before") / 1_000, UTC)
    if moment > datetime.now(UTC):
        raise BadInput("--before in the past", before, "what is written from now on stays in the database")
    settings, found = options.settings(), list[dict[str, Any]]()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput("a folder that can be made", str(error), "choose another one") from error
    segments = import_module("trader_core.store.segments")
    with reach.database(settings) as server:
        with reach.connection(server, "verify") as db:
            if session and session not in segments.chains(db):
                raise UnknownName("a session with a journal, or `operators`", repr(session)[:60], "`gatehouse session list` names sessions")
            due = segments.due(db, moment, session)
        with show.working("Archiving"):
            found += [_archived(server, settings.folder(), out, one) for one in due]
    if as_json:
        show.answer({"folder": str(out), "segments": found}, as_json=True)
        return
    title = f"In {out}" if found else "Nothing to archive: no session ended before that and is still in the database"
    show.rows(title, list(found[0]) if found else [], [list(one.values()) for one in found])


def _archived(server: "Server", home: Path, folder: Path, due: tuple[str, Any, Any]) -> dict[str, Any]:
    """Verify a chain, write its segment and read it back, and only then remove the records."""
    archive, segments = (import_module(f"trader_core.store.{name}") for name in ("archive", "segments"))
    chain, begin, end = due
    with reach.connection(server, "verify") as db:
        archive.verify(db, home, chain)
        segment = archive.export(db, folder, chain, begin, end, words.actor())
    with reach.connection(server, "api") as db:
        removed = segments.remove(db, segment)
    return {"chain": chain, "from": segment.first, "to": segment.last, "removed": removed, "file": segment.file,
            "sha256": segment.sha256.hex()}  # fmt: skip
