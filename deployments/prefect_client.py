"""The one client of Prefect's server: trigger a deployment, resume a suspended run, look at a run, mark one that died.

Prefect reads its settings when it is imported, so the server's address is put into the environment before that.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from deployments.prefect_local import announce_path, environment, healthy
from trader_core.model.errors import BadInput, GatehouseError, UnknownName
from trader_core.settings import Settings

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class PrefectAway(GatehouseError):
    """Prefect's server does not answer."""


def api_url(settings: Settings) -> str:
    """Return where the server is: PREFECT_API_URL, or the one that this home's stack announced; raises PrefectAway without any."""
    given = os.environ.get("PREFECT_API_URL", "")
    if given:
        return given
    try:
        return str(json.loads(announce_path(settings).read_text())["api_url"])
    except (OSError, ValueError, KeyError) as error:
        raise PrefectAway("a Prefect server of this home", "none is announced", "start it with `gatehouse up --prefect`") from error


@contextmanager
def client(settings: Settings) -> "Iterator[SyncPrefectClient]":
    """Yield a client of the server; raises PrefectAway when it does not answer."""
    url = api_url(settings)
    if not healthy(url):
        raise PrefectAway(f"the Prefect server at {url}", "no answer", "start it with `gatehouse up --prefect`; what was asked is kept")
    if "PREFECT_API_URL" not in os.environ:
        os.environ.update({k: v for k, v in environment(settings, url).items() if k.startswith("PREFECT_") or k == "DO_NOT_TRACK"})
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - a second, and it reads the environment

    with get_client(sync_client=True) as found:
        yield found


def trigger(settings: Settings, deployment: str, parameters: Mapping[str, Any], key: str = "", tags: tuple[str, ...] = ()) -> str:
    """Ask for a run of a deployment and return its id; the same key gives the same run. Raises PrefectAway or BadInput."""
    from httpx import HTTPError  # noqa: PLC0415 - comes with Prefect

    with client(settings) as found:
        from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError  # noqa: PLC0415

        try:
            deployed = found.read_deployment_by_name(deployment)
            run = found.create_flow_run_from_deployment(
                deployed.id, parameters=dict(parameters), idempotency_key=key or None, tags=list(tags)
            )
        except ObjectNotFound as error:
            raise UnknownName(f"a deployment {deployment}", "none of that name", "`prefect deploy --all`, or `gatehouse up`") from error
        except PrefectHTTPStatusError as error:
            raise BadInput(f"parameters that {deployment} takes", error.response.text[:300], "correct them") from error
        except HTTPError as error:
            raise PrefectAway(
                "Prefect's server", f"{type(error).__name__}", "look at `gatehouse status`; what was asked is kept"
            ) from error
        return str(run.id)


def state_of(settings: Settings, flow_run_id: str) -> str:
    """Return the type of a run's state, such as RUNNING or CRASHED; empty for a run that the server does not know."""
    with client(settings) as found:
        from prefect.exceptions import ObjectNotFound  # noqa: PLC0415

        try:
            run = found.read_flow_run(UUID(flow_run_id))
        except (ObjectNotFound, ValueError):
            return ""
        return str(run.state.type.value) if run.state else ""


def mark_crashed(settings: Settings, flow_run_id: str, why: str) -> bool:
    """Say of a run whose process is gone that it crashed, and return whether that was news; one that has ended stays as it is."""
    if state_of(settings, flow_run_id) in {"", *ENDED}:
        return False
    with client(settings) as found:
        from prefect.states import Crashed  # noqa: PLC0415

        found.set_flow_run_state(UUID(flow_run_id), Crashed(message=why), force=True)
    return True


def resume(settings: Settings, flow_run_id: str, values: Mapping[str, Any]) -> None:
    """Hand a suspended run its input and let it go on; raises BadInput when it does not wait for one."""
    with client(settings) as found:
        from prefect.exceptions import PrefectHTTPStatusError  # noqa: PLC0415

        if state_of(settings, flow_run_id) != "PAUSED":
            found_state = state_of(settings, flow_run_id) or "unknown to this server"
            raise BadInput(f"a run that waits: {flow_run_id}", f"it is {found_state}", "see the Prefect UI; an approval is given once")
        try:
            answer = found.resume_flow_run(UUID(flow_run_id), run_input=dict(values))
        except PrefectHTTPStatusError as error:
            raise BadInput("an input that the form takes", error.response.text[:300], "correct it") from error
        if answer.status.value != "ACCEPT":
            raise BadInput("a resume that the server accepts", f"{answer.status.value}: {answer.details}", "look at the run in the UI")


def drop_runs_before(settings: Settings, moment: datetime, limit: int = 200) -> int:
    """Delete ended runs that began before a moment, at most `limit` at a time, and return how many."""
    with client(settings) as found:
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterStartTime, FlowRunFilterState, FlowRunFilterStateType  # noqa: PLC0415 # fmt: skip
        from prefect.client.schemas.objects import StateType  # noqa: PLC0415

        chosen = FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType(name) for name in ENDED])),
            start_time=FlowRunFilterStartTime.model_validate({"before_": moment}),
        )
        runs = found.read_flow_runs(flow_run_filter=chosen, limit=limit)
        for run in runs:
            found.delete_flow_run(run.id)
        return len(runs)
