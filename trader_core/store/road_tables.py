"""The tables of the road as SQLAlchemy Core sees them: data quality, gates, permits, approvals, stages, validations, alerts."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

from trader_core.store.tables import METADATA, big, moment, words

EMPTY, NONE = text("'{}'"), text("'[]'")


def _when(*names: str) -> list[Column[Any]]:
    return [Column(name, TIMESTAMP(timezone=True)) for name in names]


def _blank(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False, server_default="") for name in names]


def _number() -> Column[int]:
    return Column("number", Integer, nullable=False)


def _session(name: str) -> Column[str]:
    return Column(name, Text, ForeignKey("trading_session.session_id"))


QUALITY_RUN = Table(
    "quality_run", METADATA,
    Column("quality_run_id", Text, primary_key=True), *words("purpose"), *_blank("road_id"), *words("venue"),
    Column("symbols", ARRAY(Text), nullable=False), *words("timeframe"), *big("from_ms", "to_ms"),
    Column("collection_session_id", Text, ForeignKey("collection_session.collection_session_id")),
    Column("rules", JSONB, nullable=False), *words("rules_digest", "status"), *_blank("error", "page"),
    Column("checked_ms", BigInteger, nullable=False, server_default=text("0")), moment("started_at"), *_when("finished_at"),
    Index("quality_run_series", "venue", "timeframe", "started_at"),
)  # fmt: skip

QUALITY_FINDING = Table(
    "quality_finding", METADATA,
    Column("quality_run_id", Text, ForeignKey("quality_run.quality_run_id"), nullable=False), _number(),
    *words("rule", "severity", "symbol"), Column("holds", Boolean), *words("measured", "allowed"), *big("count", "first_ms", "last_ms"),
    Column("blocks", ARRAY(Text), nullable=False), PrimaryKeyConstraint("quality_run_id", "number"),
)  # fmt: skip

INSTRUMENT_BLOCK = Table(
    "instrument_block", METADATA,
    Column("block_id", BigInteger, Identity(always=True), primary_key=True), *words("venue", "symbol"),
    Column("quality_run_id", Text, ForeignKey("quality_run.quality_run_id"), nullable=False), *words("reason"),
    moment("blocked_at"), *_when("cleared_at"), *_blank("cleared_by"),
    Index("instrument_block_standing", "venue", "symbol", unique=True, postgresql_where=text("cleared_at is null")),
)  # fmt: skip

ROAD = Table(
    "road", METADATA,
    Column("road_id", Text, primary_key=True), *words("account", "venue", "recipe"), Column("config", JSONB, nullable=False),
    *words("config_digest"), Column("rehearsal", Boolean, nullable=False), *words("step", "status"),
    *_blank("operations", "edge", "report", "error"), moment("started_at"), moment("updated_at"), *_when("finished_at"),
    Index("road_started", "started_at"),
    Index("road_walking", "account", "recipe", unique=True, postgresql_where=text("status in ('walking', 'waiting')")),
)  # fmt: skip

ROAD_STEP = Table(
    "road_step", METADATA,
    Column("road_id", Text, ForeignKey("road.road_id"), nullable=False), *words("step"), Column("attempt", Integer, nullable=False),
    *words("status"), *_blank("flow_run_id"), Column("result", JSONB, nullable=False, server_default=EMPTY), *_blank("error"),
    moment("requested_at"), *_when("started_at", "finished_at"), PrimaryKeyConstraint("road_id", "step", "attempt"),
)  # fmt: skip

GATE_RESULT = Table(
    "gate_result", METADATA,
    Column("gate_id", Text, primary_key=True), *_blank("road_id"), *words("step", "gate", "subject", "verdict"),
    Column("findings", JSONB, nullable=False), Column("inputs", JSONB, nullable=False), *words("digest"),
    *big("judged_ms", "expires_ms"), moment(), Index("gate_result_subject", "subject", "gate", "judged_ms"),
)  # fmt: skip

APPROVAL = Table(
    "approval", METADATA,
    Column("approval_id", Text, primary_key=True), Column("road_id", Text, ForeignKey("road.road_id"), nullable=False), *words("stage"),
    Column("gate_id", Text, ForeignKey("gate_result.gate_id"), nullable=False), *words("status"),
    *_blank("flow_run_id", "approver", "reason"), moment("requested_at"), *_when("decided_at"),
    Index("approval_requested", "road_id", unique=True, postgresql_where=text("status = 'requested'")),
)  # fmt: skip

STAGE_RUN = Table(
    "stage_run", METADATA,
    Column("stage_run_id", Text, primary_key=True), *_blank("road_id"), *words("account", "stage", "status"),
    _session("session_id"), _session("probe_session_id"), *big("loss_budget"), Column("rules", JSONB, nullable=False),
    *_blank("flow_run_id", "cause"), Column("result", JSONB, nullable=False, server_default=EMPTY),
    moment("started_at"), *_when("finished_at"),
    Index("stage_run_one", "account", unique=True,
          postgresql_where=text("status in ('preflight', 'probing', 'trading', 'rolling_back')")),
    Index("stage_run_road", "road_id", "started_at"),
)  # fmt: skip

VALIDATION_RUN = Table(
    "validation_run", METADATA,
    Column("validation_id", Text, primary_key=True), *_blank("road_id"), *words("recipe"),
    Column("attempt", Integer, nullable=False), Column("hours", Integer, nullable=False), Column("thresholds", JSONB, nullable=False),
    *words("thresholds_digest"), Column("subject", JSONB, nullable=False), *words("status"), _session("paper_session_id"),
    _session("dry_session_id"),
    Column("drills", JSONB, nullable=False, server_default=EMPTY), *_blank("verdict"), moment("registered_at"),
    *_when("started_at", "finished_at"), UniqueConstraint("recipe", "attempt", name="validation_run_recipe_attempt_key"),
)  # fmt: skip

VALIDATION_METRIC = Table(
    "validation_metric", METADATA,
    Column("validation_id", Text, ForeignKey("validation_run.validation_id"), nullable=False), Column("hour", Integer, nullable=False),
    *_blank("symbol"), *words("name"), Column("value", Numeric, nullable=False),
    PrimaryKeyConstraint("validation_id", "hour", "symbol", "name"),
)  # fmt: skip

NIGHTLY_BACKTEST = Table(
    "nightly_backtest", METADATA,
    *words("plan_name"), Column("session_id", Text, ForeignKey("trading_session.session_id"), nullable=False),
    *words("plan_digest", "data_hash", "code_hash", "result_digest"), *big("return_ppm", "drawdown_ppm", "trades", "from_ms", "to_ms"),
    *_blank("alert"), moment(), PrimaryKeyConstraint("plan_name", "session_id"), Index("nightly_backtest_plan", "plan_name", "at"),
)  # fmt: skip

PERMIT = Table(
    "permit", METADATA,
    Column("permit_id", BigInteger, Identity(always=True), primary_key=True), *words("account", "recipe", "level", "stage", "source"),
    *_blank("road_id"), Column("gate_id", Text, ForeignKey("gate_result.gate_id")),
    Column("approval_id", Text, ForeignKey("approval.approval_id")), Column("rehearsal", Boolean, nullable=False),
    *big("expires_ms"), *words("actor", "reason"), moment("issued_at"), Index("permit_subject", "account", "recipe", "permit_id"),
)  # fmt: skip

OUTBOX = Table(
    "outbox", METADATA,
    Column("alert_id", BigInteger, Identity(always=True), primary_key=True), *words("kind", "severity", "dedup_key", "title", "body"),
    Column("fields", JSONB, nullable=False, server_default=NONE), Column("state", Text, nullable=False, server_default="waiting"),
    Column("repeats", Integer, nullable=False, server_default=text("1")),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("next_try_ms", BigInteger, nullable=False, server_default=text("0")), *_blank("error"), *big("created_ms"),
    moment("created_at"), *_when("sent_at"),
    Index("outbox_waiting", "next_try_ms", "alert_id", postgresql_where=text("state = 'waiting'")),
    Index("outbox_dedup", "dedup_key", "created_ms"),
)  # fmt: skip

SEARCH_RUN = Table(
    "search_run", METADATA,
    Column("search_id", Text, primary_key=True), *words("strategy", "venue", "method"), Column("evaluations", Integer, nullable=False),
    Column("config", JSONB, nullable=False), *words("data_hash", "code_hash"), moment("started_at"),
    Index("search_run_strategy", "strategy", "started_at"),
)  # fmt: skip

TRIAL = Table(
    "trial", METADATA,
    Column("search_id", Text, ForeignKey("search_run.search_id"), nullable=False), _number(), Column("params", JSONB, nullable=False),
    *big("return_ppm", "drawdown_ppm", "trades", "fees", "equity"), *words("digest"), moment(),
    PrimaryKeyConstraint("search_id", "number"),
)  # fmt: skip
