"""The last day in a few numbers: for the daily summary."""

from typing import NamedTuple

from sqlalchemy import Connection, text

SESSIONS = """
select mode, count(*) as sessions, count(*) filter (where status = 'running') as running, sum(equity - capital) as earned
  from session_performance where mode <> 'backtest'
   and session_id in (select session_id from trading_session where coalesce(finished_at, now()) > now() - interval '1 day')
 group by mode order by mode
"""
REFUSALS = """
select r.refusal, count(*) as count from refusal r join trading_session s using (session_id)
 where s.mode <> 'backtest' and coalesce(s.finished_at, now()) > now() - interval '1 day' group by 1 order by 2 desc, 1 limit 5
"""
GATES = "select verdict, count(*) as count from gate_result where at > now() - interval '1 day' group by 1 order by 1"


class ModeDay(NamedTuple):
    """One mode's sessions of the last day; `earned` in account units."""

    mode: str
    sessions: int
    running: int
    earned: int


def sessions_of_day(db: Connection) -> list[ModeDay]:
    """Return the sessions of the last day by mode, backtests left out."""
    return [ModeDay(row.mode, row.sessions, row.running, int(row.earned or 0)) for row in db.execute(text(SESSIONS))]


def refusals_of_day(db: Connection) -> list[tuple[str, int]]:
    """Return the most frequent refusals of the last day with their counts."""
    return [(str(row.refusal), int(row[1])) for row in db.execute(text(REFUSALS))]


def gates_of_day(db: Connection) -> list[tuple[str, int]]:
    """Return the verdicts of the last day with their counts."""
    return [(str(row.verdict), int(row[1])) for row in db.execute(text(GATES))]
