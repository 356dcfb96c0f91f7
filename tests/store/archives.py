"""Sessions that have ended, and their archive."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.conftest import Database
from tests.store import rows
from tests.store.test_journal import filled
from trader_core.model.session import SessionStatus
from trader_core.store import archive, journal, segments
from trader_core.store.database import begin
from trader_core.store.journal import Head, Record
from trader_core.store.segments import Segment
from trader_core.store.sessions import create_session, set_status

LATER = datetime.now(UTC) + timedelta(days=1)


def ended(database: Database, name: str, status: SessionStatus = SessionStatus.FINISHED) -> Head:
    """Leave behind a session of that name with four records that is over, and return its head."""
    with begin(database.engine("trader")) as db:
        create_session(db, rows.new_session(name))
    end = filled(database, name)
    with begin(database.engine("trader")) as db:
        set_status(db, name, status)
    return end


def say(database: Database, *words: str) -> Head:
    """Append records to the operators' chain and return its head."""
    with begin(database.engine("api")) as db:
        return journal.append_operators(db, [Record("PERMIT", word.encode()) for word in words])


def exported(database: Database, folder: Path, chain: str = "") -> list[Segment]:
    """Write the files of all that is due, and remove nothing."""
    with begin(database.engine("verify")) as db:
        return [archive.export(db, folder, name, start, end, "me") for name, start, end in segments.due(db, LATER, chain)]


def archived(database: Database, folder: Path, chain: str = "") -> list[Segment]:
    """Archive all that is due, and return the segments."""
    found = exported(database, folder, chain)
    for segment in found:
        with begin(database.engine("api")) as db:
            assert segments.remove(db, segment) == segment.last - segment.first + 1
    return found


def whole(database: Database, home: Path, chain: str, folder: Path | None = None) -> archive.Whole:
    """Return what verifying a chain from its first record to its head finds."""
    with begin(database.engine("verify")) as db:
        return archive.verify(db, home, chain, folder)
