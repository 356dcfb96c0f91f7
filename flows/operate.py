"""The flow `operate`: an operator's word, from the UI or from `prefect deployment run`."""

from enum import StrEnum
from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.common import HOOKS, described
from tasks import declared_road as road


class Action(StrEnum):
    """What may be said."""

    KILL = "kill"
    PAUSE = "pause"
    RESUME = "resume"
    REDUCE = "reduce"
    CANCEL_ALL = "cancel-all"
    CLOSE_ALL = "close-all"


ActionName = Annotated[
    Action, Field(description="kill: no new order, positions are kept without protection; pause: only exits; close-all: sell all.")
]
AccountName = Annotated[str, Field(description="One account (paper, sandbox, ...); empty: all.", max_length=40)]
SessionId = Annotated[str, Field(description="One session; empty: all of the account.", max_length=80)]
Why = Annotated[str, Field(description="Why; recorded for ever.", min_length=3, max_length=500)]
Who = Annotated[str, Field(description="Who says it.", min_length=2, max_length=100)]


@flow(name="operate", flow_run_name="operate-{action}", persist_result=False, **HOOKS)
@described
def operate(action: ActionName, reason: Why, actor: Who, account: AccountName = "", session_id: SessionId = "") -> dict[str, str]:
    """Say an operator's word: it is recorded first, then has its effect, and each trader's answer is returned.

    `gatehouse kill` is faster, and works with Prefect away: this form is for those who look at the UI anyway.
    """
    return road.say(action.value, account, session_id, reason, actor)
