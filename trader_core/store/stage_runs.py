"""Stage runs: one at a time per account, from preflight to an end that says why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, update
from sqlalchemy.dialects.postgresql import insert

from trader_core.model.errors import BadInput, UnknownName
from trader_core.model.stage import StageName
from trader_core.store.database import translated
from trader_core.store.road_tables import STAGE_RUN

GOING = ("preflight", "probing", "trading", "rolling_back")
ENDED = ("done", "rolled_back", "refused")


@dataclass(frozen=True, slots=True)
class StageRunRow:
    """One stage run; `loss_budget` in account units of the settlement currency."""

    stage_run_id: str
    road_id: str
    account: str
    stage: StageName
    status: str
    session_id: str | None
    probe_session_id: str | None
    loss_budget: int
    rules: dict[str, Any]
    flow_run_id: str
    cause: str
    result: dict[str, Any]
    started_at: datetime
    finished_at: datetime | None


def begin(
    db: Connection, stage_run_id: str, road_id: str, account: str, stage: StageName, loss_budget: int, rules: Mapping[str, Any],
    flow_run_id: str,
) -> StageRunRow:  # fmt: skip
    """Store a stage run, or find it again; raises BadInput while another stage trades the account."""
    query = select(STAGE_RUN.c.stage_run_id, STAGE_RUN.c.stage).where(STAGE_RUN.c.account == account, STAGE_RUN.c.status.in_(GOING))
    other = db.execute(query.where(STAGE_RUN.c.stage_run_id != stage_run_id)).first()
    if other is not None:
        found = f"{other.stage_run_id} of {other.stage}"
        raise BadInput(f"no other stage on the account {account}", f"{found} goes on", "wait for its end: one stage at a time")
    values = {
        "stage_run_id": stage_run_id, "road_id": road_id, "account": account, "stage": stage, "status": "preflight",
        "loss_budget": loss_budget, "rules": dict(rules),
    }  # fmt: skip
    with translated():
        db.execute(insert(STAGE_RUN).values(values).on_conflict_do_nothing(index_elements=["stage_run_id"]))
    change(db, stage_run_id, flow_run_id=flow_run_id)
    return load(db, stage_run_id)


def change(db: Connection, stage_run_id: str, **values: Any) -> None:
    """Store what became of a stage run that goes on; an ended one stays as it is."""
    if values.get("status") in ENDED:
        values["finished_at"] = func.now()
    db.execute(update(STAGE_RUN).where(STAGE_RUN.c.stage_run_id == stage_run_id, STAGE_RUN.c.status.in_(GOING)).values(**values))


def load(db: Connection, stage_run_id: str) -> StageRunRow:
    """Return one stage run; raises UnknownName."""
    row = db.execute(select(STAGE_RUN).where(STAGE_RUN.c.stage_run_id == stage_run_id)).mappings().one_or_none()
    if row is None:
        raise UnknownName("the id of a stage run", repr(stage_run_id)[:80], "`gatehouse road status` names them")
    return _row(row)


def going(db: Connection) -> list[StageRunRow]:
    """Return the stage runs that have not ended, oldest first."""
    return [
        _row(row) for row in db.execute(select(STAGE_RUN).where(STAGE_RUN.c.status.in_(GOING)).order_by(STAGE_RUN.c.started_at)).mappings()
    ]


def of_road(db: Connection, road_id: str) -> list[StageRunRow]:
    """Return a road's stage runs, oldest first."""
    query = select(STAGE_RUN).where(STAGE_RUN.c.road_id == road_id).order_by(STAGE_RUN.c.started_at)
    return [_row(row) for row in db.execute(query).mappings()]


def by_flow_run(db: Connection, flow_run_id: str) -> list[StageRunRow]:
    """Return the stage runs that a flow run was the last to take."""
    return [_row(row) for row in db.execute(select(STAGE_RUN).where(STAGE_RUN.c.flow_run_id == flow_run_id)).mappings()]


def _row(row: RowMapping) -> StageRunRow:
    return StageRunRow(**(dict(row) | {"stage": StageName(row["stage"])}))
