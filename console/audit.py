"""`gatehouse audit`: verify the journals, search them, follow one order, and export them."""

import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console import options, reach, show
from trader_core.model.errors import BadInput, ChainBroken

if TYPE_CHECKING:
    from trader_core.store.database import Connection

audit_app = typer.Typer(no_args_is_help=True, help="The audit trail: verify, search, follow and export it.")
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object.")]
Session = Annotated[str, typer.Option("--session", help="A session's id, or `operators`; empty: every chain.")]
BODY_SHOWN = 90


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(audit_app, name="audit")


@audit_app.command("verify")
def verify(
    *,
    session: Session = "",
    file: Annotated[Path | None, typer.Option("--file", help="Verify an export instead of the database; needs none.")] = None,
    archive: Annotated[Path | None, typer.Option("--archive", help="The folder that has the archived files; empty: without them.")] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute every hash, and see that each chain runs through its anchors. Ends with 1 where a record does not fit."""
    begun = time.perf_counter()
    if file is not None:
        heads = import_module("trader_core.store.audit_files").verify(file)
        lines = [{"chain": name, "records": head.seq, "head": head.hash.hex()[:16]} for name, head in heads.items()]
        _verified(lines, [], begun, as_json)
        return
    with reach.database(options.settings()) as server, reach.connection(server, "verify") as db:
        lines, missing, broken = _recomputed(db, session, archive)
    _verified(lines, missing, begun, as_json)
    for error in broken:
        show.failure(error)
    if broken:
        raise typer.Exit(show.EXIT_OTHER)


def _recomputed(db: "Connection", session: str, folder: Path | None) -> tuple[list[dict[str, Any]], list[str], list[ChainBroken]]:
    """Return a line for each chain, the archived files that were not at hand, and what does not fit."""
    archive, anchors, segments = (import_module(f"trader_core.store.{name}") for name in ("archive", "anchors", "segments"))
    home, found, missing, broken = options.settings().folder(), list[dict[str, Any]](), list[str](), list[ChainBroken]()
    for name in sorted({session} if session else {*segments.chains(db), *anchors.names(home)}):
        try:
            one = archive.verify(db, home, name, folder)
            missing += one.missing
            found.append(
                {"chain": name, "records": one.head.seq, "head": one.head.hash.hex()[:16], "anchors": one.anchors, "archived": one.archived}
            )
            if name == segments.OPERATORS and not session:
                archive.agree(db, one)
        except ChainBroken as error:
            broken.append(error)
            found.append({"chain": name, "records": "BROKEN", "head": error.expected, "anchors": error.found, "archived": ""})
    return found, missing, broken


def _verified(found: list[dict[str, Any]], missing: list[str], begun: float, as_json: bool) -> None:  # noqa: FBT001 - an option that is passed on
    rows, took_s = sum(one["records"] for one in found if isinstance(one["records"], int)), time.perf_counter() - begun
    if as_json:
        show.answer({"chains": found, "records": rows, "files_not_verified": missing, "seconds": round(took_s, 3)}, as_json=True)
        return
    show.rows("", list(found[0]) if found else [], [list(one.values()) for one in found])
    show.out().print(f"{len(found)} chains, {rows} records, {took_s:.2f} s")
    for name in missing:
        show.out().print(f"not at hand, and so not verified: {name}; `--archive FOLDER` says where it is", markup=False)


@audit_app.command("query")
def query(
    *,
    session: Session = "",
    kind: Annotated[str, typer.Option(help="INTENT, SENDING, MOVE, FILL, FLAG, OPERATOR …")] = "",
    from_: Annotated[str, typer.Option("--from", help="Written at or after: 2026-01-31 or 2026-01-31T12:00, UTC.")] = "",
    to: Annotated[str, typer.Option("--to", help="Written before.")] = "",
    order: Annotated[str, typer.Option(help="A client order id.")] = "",
    text: Annotated[str, typer.Option(help="A text that the record holds.")] = "",
    after: Annotated[str, typer.Option(help="Go on behind SESSION:NUMBER, as the page before ended.")] = "",
    limit: Annotated[int, typer.Option(help="Records on a page, 1 to 1000.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Search the records of all journals, page by page."""
    options.between("--limit", limit, 1, 1_000)
    audit = import_module("trader_core.store.audit")
    asked = audit.Asked(session, kind.upper(), _moment("--from", from_), _moment("--to", to), order, text, _after(after))
    with reach.database(options.settings()) as server, reach.connection(server, "verify") as db:
        found = audit.query(db, asked, limit)
        files = [one.file for one in import_module("trader_core.store.segments").of(db, session)]
    following = f"{found[-1].chain}:{found[-1].seq}" if len(found) == limit else ""
    if as_json:
        lines = [{**one._asdict(), "at": one.at.isoformat()} for one in found]
        show.answer({"records": lines, "after": following, "archived": files}, as_json=True)
        return
    show.rows(
        "" if found else "No record fits",
        ["chain", "number", "written", "kind", "record"],
        [[one.chain, one.seq, f"{one.at:%Y-%m-%d %H:%M:%S}", one.kind, _short(one.body)] for one in found],
    )
    if following:
        show.out().print(f"more: --after {following}")
    if files:
        show.out().print(f"older records of {session} lie in {', '.join(files)}", markup=False)


@audit_app.command("trail")
def trail(
    *,
    order: Annotated[str, typer.Option(help="The client id of an order.")] = "",
    session: Annotated[str, typer.Option("--session", help="With --signal: the session's id.")] = "",
    signal: Annotated[int, typer.Option(help="The number of a signal in its session.")] = -1,
    as_json: AsJson = False,
) -> None:
    """Show the whole way of an order: signal, intent, order, fills and every record; or why a signal did not trade."""
    audit = import_module("trader_core.store.audit")
    if bool(order) == bool(session and signal >= 0):
        raise BadInput("--order, or --session and --signal", "both or neither", "name one order or one signal")
    with reach.database(options.settings()) as server, reach.connection(server, "verify") as db:
        session_id, signal_id = audit.signal_of(db, order) if order else (session, signal)
        found = audit.trail(db, session_id, signal_id)
    if as_json:
        show.answer(found, as_json=True)
        return
    for name in ("signal", "refusal", "intent", "order"):
        if found[name]:
            show.answer(found[name], as_json=False, title=f"\n{name}")
    if found["fills"]:
        columns = ["trade_id", "ts", "side", "qty", "price", "fee", "fee_base"]
        show.rows("\nfills", columns, [[fill[name] for name in columns] for fill in found["fills"]])
    if found["records"]:
        lines = [[one["seq"], f"{one['at']:%H:%M:%S}", one["kind"], _short(one["body"])] for one in found["records"]]
        show.rows("\nrecords", ["number", "written", "kind", "record"], lines)


@audit_app.command("export")
def export(
    *,
    out: Annotated[Path, typer.Option("--out", help="The file to write: NAME.parquet, NAME.jsonl or NAME.csv.")],
    session: Session = "",
    form: Annotated[str, typer.Option("--format", help="parquet, json or csv; empty: as the file is called.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write whole chains to a file, in bounded memory; `audit verify --file` verifies it without a database."""
    files, audit = (import_module(f"trader_core.store.{name}") for name in ("audit_files", "audit"))
    chosen = files.format_of(out, form)
    with reach.database(options.settings()) as server, reach.connection(server, "verify") as db:
        names = _chains(audit, db, session)
        with show.working("Writing"):
            heads = files.write(out, chosen, (line for name in names for line in audit.lines(db, name)))
    show.answer(
        {"file": str(out), "chains": len(heads), "records": sum(head.seq for head in heads.values()), "heads": f"{out}{files.HEADS}"},
        as_json=as_json,
    )


def _chains(audit: Any, db: "Connection", session: str) -> list[str]:
    known: list[str] = audit.chains(db)
    if session and session not in known:
        raise BadInput("a session with a journal, or `operators`", repr(session)[:60], "`gatehouse session list` names sessions")
    return [session] if session else known


def _moment(option: str, said: str) -> datetime | None:
    if not said:
        return None
    return datetime.fromtimestamp(options.time_ms(said, option) / 1_000, UTC)


def _after(said: str) -> tuple[str, int]:
    chain, colon, number = said.rpartition(":")
    if not said:
        return "", 0
    if not colon or not number.isdigit():
        raise BadInput("--after SESSION:NUMBER", repr(said)[:60], "copy it from the end of the page before")
    return chain, int(number)


def _short(body: str) -> str:
    return body if len(body) <= BODY_SHOWN else body[: BODY_SHOWN - 1] + "…"
