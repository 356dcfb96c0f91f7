"""Durable events a second, rows verified and archived a second, and ten thousand ways to tamper: `make journal`.

    python -m tests.journal [--commits 3000] [--rows 400000] [--edits 10000] [--seed 1]

On a cluster of its own with fsync on, and through the trader's role.
"""

import argparse
import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from sqlalchemy import Engine

from deployments.postgres import Place, Server
from tests.store import rows
from tests.store.test_audit import chain, tampered, whole
from trader_core.model.errors import ChainBroken
from trader_core.model.session import SessionStatus
from trader_core.store import archive, journal, lease, segments
from trader_core.store.database import TRADER, begin, ensure_migrated, open_engine
from trader_core.store.journal import Head, Record
from trader_core.store.sessions import create_session, set_status
from trader_core.trader.records import Kind, encode

BATCH = 2_000
AGAIN = 5


def body(random: Random, number: int) -> bytes:
    """Return a body as long as a usual one."""
    return encode(
        {"client_order_id": f"gh{random.getrandbits(80):020x}", "event": "ACK", "at_ms": 1_700_000_000_000 + number, "why": "x" * 40}
    )


def commits(engine: Engine, count: int, random: Random) -> dict[str, float]:
    """Append one record a transaction and return events a second and the slowest ones in ms."""
    with begin(engine) as db:
        epoch = lease.take(db, "paper", "bench", "code", 3_600_000, 0)
    end, times = Head(0, journal.genesis("single")), []
    for number in range(count):
        begun = time.perf_counter()
        with begin(engine) as db:
            end = journal.append(db, "single", "paper", end.seq, end.hash, epoch, [Record(Kind.MOVE, body(random, number))])
        times.append(time.perf_counter() - begun)
    times.sort()
    return {
        "events_per_s": round(count / sum(times)),
        "p50_ms": round(times[count // 2] * 1e3, 2),
        "p99_ms": round(times[count * 99 // 100] * 1e3, 2),
        "max_ms": round(times[-1] * 1e3, 2),
    }


def verified(engine: Engine, verifier: Engine, count: int, random: Random) -> dict[str, float]:
    """Verify a long chain and return rows a second: the first time, when the server has yet to mark its rows as committed, and later."""
    with begin(engine) as db:
        epoch = lease.take(db, "sandbox", "bench", "code", 3_600_000, 0)
    end = Head(0, journal.genesis("long"))
    for first in range(0, count, BATCH):
        records = [Record(Kind.MOVE, body(random, number)) for number in range(first, min(first + BATCH, count))]
        with begin(engine) as db:
            end = journal.append(db, "long", "sandbox", end.seq, end.hash, epoch, records)
    rates = [count / read(verifier, end) for _ in range(AGAIN + 1)]
    return {"rows": count, "first_per_s": round(rates[0]), "rows_per_s": round(median(rates[1:]))}


def read(verifier: Engine, end: Head) -> float:
    """Verify the long chain once and return the seconds that took."""
    begun = time.perf_counter()
    with begin(verifier) as db:
        found = journal.verify(db, "long")
    assert found == end, "the chain verifies to its head"
    return time.perf_counter() - begun


def archived(server: Server, folder: Path) -> dict[str, float]:
    """Archive that chain, verify it through its file, and return rows a second of each."""
    trader, verifier, operator = (open_engine(server.url(role), statement_timeout_s=600) for role in ("trader", "verify", "api"))
    with begin(trader) as db:
        create_session(db, rows.new_session("long", account="sandbox"), SessionStatus.FINISHED)
        set_status(db, "long", SessionStatus.FINISHED)
    begun = time.perf_counter()
    with begin(verifier) as db:
        [(chain_name, start, end)] = segments.due(db, datetime.now(UTC) + timedelta(days=1), "long")
        segment = archive.export(db, folder, chain_name, start, end, "bench")
    written = time.perf_counter()
    with begin(operator) as db:
        count = segments.remove(db, segment)
    removed = time.perf_counter()
    with begin(verifier) as db:
        assert archive.verify(db, folder, "long", folder).archived == count, "every record is recomputed from the file"
    read = time.perf_counter()
    for engine in (trader, verifier, operator):
        engine.dispose()
    return {
        "rows": count, "exported_per_s": round(count / (written - begun)), "removed_per_s": round(count / (removed - written)),
        "verified_per_s": round(count / (read - removed)), "file_bytes": (folder / segment.file).stat().st_size,
    }  # fmt: skip


def edited(count: int, dice: Random) -> dict[str, int]:
    """Tamper with a chain so often, one edit at a time, and return how many of them were seen."""
    lines = chain("s1", [dice.randbytes(40) for _ in range(60)])
    end, seen = Head(60, lines[-1].hash), 0
    for _ in range(count):
        try:
            whole(tampered(dice, lines), end)
        except ChainBroken:
            seen += 1
    return {"edits": count, "seen": seen}


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.journal", description=__doc__)
    parser.add_argument("--commits", type=int, default=3_000)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--edits", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    random = Random(asked.seed)
    with tempfile.TemporaryDirectory(prefix="gatehouse-") as home:
        Path(home).chmod(0o711)
        place = Place(Path(home) / "postgres", Path(home) / "secrets")
        with place.used():
            with place.locked():
                server = place.ensure()
            ensure_migrated(server.url("migrate"))
            trader, verifier = open_engine(server.url("trader"), limits=TRADER), open_engine(server.url("verify"))
            found: dict[str, dict[str, Any]] = {
                "durable": commits(trader, asked.commits, random), "verify": verified(trader, verifier, asked.rows, random),
                "archived": archived(server, Path(home)),
                "tampered": edited(asked.edits, random),
            }  # fmt: skip
            trader.dispose()
            verifier.dispose()
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return 0 if found["tampered"]["seen"] == asked.edits else 1


if __name__ == "__main__":
    raise SystemExit(main())
