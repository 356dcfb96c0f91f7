"""What a session must find as it left it, before it goes on: its plan, and the account on the venue."""

from trader_core.model.errors import SessionHalted
from trader_core.model.plan import Plan
from trader_core.store import sessions
from trader_core.trader.state import State
from trader_core.venues.link import Link


def same_plan(session_id: str, plan: Plan, state: State) -> None:
    """Raise SessionHalted when the session's row has another plan than its journal began with: a plan is frozen at the opening."""
    if plan.digest() != state.plan.digest():
        found = f"{plan.digest()[:16]} in its row"
        raise SessionHalted(
            f"{session_id} under the plan {state.plan.digest()[:16]} that it opened with",
            found,
            "start a new session with the other plan",
        )


def same_account(row: sessions.SessionRow, state: State, link: Link) -> None:
    """Raise SessionHalted when the key is another account's: what the journal holds is not there, and may not be sold there."""
    if state.identity not in {"", link.identity}:
        found = "another account or another exchange behind the same name"
        raise SessionHalted(
            f"the account on {row.venue} that {row.session_id} began on", found, "bring that one back, or start a new session"
        )
