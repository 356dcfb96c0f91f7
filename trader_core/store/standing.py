"""How sessions under way stand: their last recovery, what came in and what became of it, and what on the account is not theirs."""

import json
from typing import Any

from sqlalchemy import Connection, text

from trader_core.store import journal, sessions
from trader_core.store.database import translated

UNDER_WAY = "select session_id from trading_session where status in ('running', 'stopping') and from_ms > 0 order by session_id"


def standings(db: Connection) -> list[dict[str, Any]]:
    """Return, of each session under way: recovered_ms (0: not yet), proven, messages, not_ours (texts), recovery and external (bodies)."""
    with translated():
        ids = [str(row.session_id) for row in db.execute(text(UNDER_WAY))]
    return [_standing(db, session_id) for session_id in ids]


def _standing(db: Connection, session_id: str) -> dict[str, Any]:
    opened, recovery, external = (_last(db, session_id, kind) for kind in ("OPENED", "RECOVERED", "EXTERNAL"))
    return {
        "session_id": session_id,
        "recovered_ms": recovery.get("at_ms", 0),
        "proven": ", ".join(row[0] for row in recovery.get("proven", ())) or "nothing to prove",
        "messages": messages(db, session_id),
        "not_ours": _not_ours(opened, external),
        "recovery": recovery,
        "external": external,
    }


def _last(db: Connection, session_id: str, kind: str) -> dict[str, Any]:
    """Return the body of the last record of a kind, or an empty one."""
    found = next(journal.of_kind(db, session_id, kind), None)
    return {} if found is None else dict(json.loads(found[2]))


def messages(db: Connection, session_id: str) -> str:
    """Return what came in and what became of it, as "trades 12: 10 applied, 2 known; ..."; empty before the first count is stored."""
    values = {name.removeprefix("messages_"): int(n) for name, n in sessions.load_statistics(db, session_id).items() if "messages_" in name}
    parts = list[str]()
    for what in ("trades", "answers", "words"):
        fates = {name.removeprefix(f"{what}_"): n for name, n in values.items() if name.startswith(f"{what}_") and n}
        received = fates.pop("received", 0)
        if received:
            parts.append(f"{what} {received}: " + ", ".join(f"{n} {fate}" for fate, n in fates.items()))
    return "; ".join(parts)


def _not_ours(opened: dict[str, Any], external: dict[str, Any]) -> str:
    """Return the orders of others, and what lay on the account before the session, in words; empty for nothing."""
    bases = {instrument["base"] for instrument in opened.get("instruments", ())}
    before = [f"{amount} {base} from before" for base, amount in opened.get("baseline", {}).items() if base in bases and float(amount)]
    orders = [f"order {row[1]} on {row[0]}" for row in external.get("orders", ())]
    return ", ".join([*orders, *before])
