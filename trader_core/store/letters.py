"""Dead letters as they stand in the journals."""

import json
from typing import Any

from sqlalchemy import Connection, text

from trader_core.store.database import translated

LETTERS = """
select j.session_id, s.account, j.kind, j.body
  from journal j join trading_session s using (session_id)
 where j.kind in ('LETTER', 'LETTER_CLOSED')
   and case when :session = '' then s.status in ('requested', 'running', 'stopping', 'halted') else j.session_id = :session end
 order by j.session_id, j.seq
"""


def open_letters(db: Connection, session_id: str = "") -> list[dict[str, Any]]:
    """Return the letters that are not closed, of one session or of all that have not ended: session, account, number, source, why, raw."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    with translated():
        rows = db.execute(text(LETTERS), {"session": session_id}).all()
    for row in rows:
        body = json.loads(bytes(row.body))
        key = (row.session_id, body["number"])
        if row.kind == "LETTER":
            found[key] = {"session_id": row.session_id, "account": row.account, **body}
        else:
            found.pop(key, None)
    return list(found.values())
