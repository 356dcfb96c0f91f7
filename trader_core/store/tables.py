"""The tables as SQLAlchemy Core sees them; the migrations make them, and a test compares the two.

Prices, quantities and money are integers (model/money.py), times end in `_ms` or are called `ts` and count epoch ms; columns
called `at` or `*_at` are for people only.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP  # fmt: skip

METADATA = MetaData()

PENDING = ("INTENT", "SENDING", "UNKNOWN", "QUARANTINED", "OPEN", "PARTIAL", "CANCELING")
"""Order states that are not terminal, as the partial index knows them."""


def big(*names: str) -> list[Column[int]]:
    """Return bigints that are never null."""
    return [Column(name, BigInteger, nullable=False) for name in names]


def words(*names: str) -> list[Column[str]]:
    """Return texts that are never null."""
    return [Column(name, Text, nullable=False) for name in names]


def moment(name: str = "at") -> Column[Any]:
    """Return a time for people, now by default."""
    return Column(name, TIMESTAMP(timezone=True), nullable=False, server_default=func.now())


def _session() -> Column[str]:
    return Column("session_id", Text, ForeignKey("trading_session.session_id"), nullable=False)


def _signal() -> list[Column[Any]]:
    return [Column("session_id", Text, nullable=False), Column("signal_id", BigInteger, nullable=False)]


def _to_signal(name: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["session_id", "signal_id"], ["signal.session_id", "signal.signal_id"], name=name)


INSTRUMENT = Table(
    "instrument", METADATA,
    Column("instrument_id", Integer, Identity(always=True), primary_key=True),
    *words("venue", "symbol", "base", "quote"),
    Column("price_exp", SmallInteger, nullable=False),
    Column("qty_exp", SmallInteger, nullable=False),
    *big("tick", "lot", "qty_min", "notional_min"),
    Column("maker_ppm", Integer, nullable=False),
    Column("taker_ppm", Integer, nullable=False),
    Column("fee_in_base", Boolean, nullable=False),
    UniqueConstraint("venue", "symbol", name="instrument_venue_symbol_key"),
)  # fmt: skip

COLLECTION_SESSION = Table(
    "collection_session", METADATA,
    Column("collection_session_id", Text, primary_key=True),
    *words("venue"), Column("symbols", ARRAY(Text), nullable=False), *words("timeframe"),
    *big("from_ms", "to_ms", "rows", "inserted", "revised"), *words("content_hash", "source"), moment(),
)  # fmt: skip

CANDLE = Table(
    "candle", METADATA,
    Column("instrument_id", Integer, nullable=False), *words("timeframe"),
    *big("ts", "open", "high", "low", "close", "volume"),
    Column("revision", SmallInteger, nullable=False, server_default=text("0")), *words("collection_session_id"),
    PrimaryKeyConstraint("instrument_id", "timeframe", "ts"),
    postgresql_partition_by="RANGE (ts)",
)  # fmt: skip

CANDLE_REVISION = Table(
    "candle_revision", METADATA,
    Column("instrument_id", Integer, ForeignKey("instrument.instrument_id"), nullable=False), *words("timeframe"), *big("ts"),
    Column("revision", SmallInteger, nullable=False), *big("open", "high", "low", "close", "volume"),
    *words("collection_session_id", "revised_by"), moment(),
    PrimaryKeyConstraint("instrument_id", "timeframe", "ts", "revision"),
)  # fmt: skip

TRADING_SESSION = Table(
    "trading_session", METADATA,
    Column("session_id", Text, primary_key=True),
    *words("mode", "account", "venue", "stage", "status"),
    Column("plan", JSONB, nullable=False), *words("plan_digest"), Column("instruments", JSONB, nullable=False),
    *big("capital", "from_ms", "until_ms", "next_ms"), Column("granted_ms", BigInteger, nullable=False, server_default=text("0")),
    Column("beside", Text, nullable=False, server_default=""),
    Column("data_session", Text, ForeignKey("collection_session.collection_session_id")),
    *words("stop_policy"), Column("disclosures", JSONB, nullable=False),
    Column("error", Text, nullable=False, server_default=""), Column("result", JSONB),
    Column("state_digest", Text, nullable=False, server_default=""),
    moment("requested_at"), Column("started_at", TIMESTAMP(timezone=True)), Column("finished_at", TIMESTAMP(timezone=True)),
    Index("trading_session_account", "account", "status"), Index("trading_session_requested", "requested_at"),
)  # fmt: skip

SIGNAL = Table(
    "signal", METADATA,
    _session(), Column("signal_id", BigInteger, nullable=False), *big("ts"), *words("symbol", "cause"),
    Column("target_from", Integer, nullable=False), Column("target_to", Integer, nullable=False), *big("wanted", "close"),
    PrimaryKeyConstraint("session_id", "signal_id"),
)  # fmt: skip

REFUSAL = Table(
    "refusal", METADATA,
    *_signal(), *words("refusal"), Column("layer", SmallInteger, nullable=False), *big("verdicts"),
    PrimaryKeyConstraint("session_id", "signal_id"), _to_signal("refusal_signal_fkey"),
)  # fmt: skip

INTENT = Table(
    "intent", METADATA,
    Column("client_order_id", Text, primary_key=True), *_signal(), *words("decision_key", "symbol"),
    Column("side", SmallInteger, nullable=False), *big("qty", "limit_price", "reserve"), *words("cause"), *big("verdicts", "ts"),
    UniqueConstraint("session_id", "signal_id", name="intent_signal_key"), UniqueConstraint("decision_key", name="intent_decision_key"),
    _to_signal("intent_signal_fkey"),
)  # fmt: skip

ORDERS = Table(
    "orders", METADATA,
    Column("client_order_id", Text, ForeignKey("intent.client_order_id"), primary_key=True), _session(),
    *words("account", "symbol"), Column("side", SmallInteger, nullable=False), *big("qty"), *words("state"),
    Column("venue_order_id", Text, nullable=False, server_default=""),
    *(Column(name, BigInteger, nullable=False, server_default=text("0"))
      for name in ("sent_ms", "window_ms", "epoch", "filled", "released")),
    *big("updated_ms"),
    Index("orders_session", "session_id"),
    Index("orders_pending", "account", postgresql_where=text(f"state in {PENDING}")),
)  # fmt: skip

FILL = Table(
    "fill", METADATA,
    *words("account", "symbol", "trade_id"), *_signal(),
    Column("client_order_id", Text, ForeignKey("orders.client_order_id"), nullable=False),
    Column("side", SmallInteger, nullable=False), *big("qty", "price", "fee", "fee_base", "ts"),
    PrimaryKeyConstraint("account", "symbol", "trade_id"), _to_signal("fill_signal_fkey"),
    Index("fill_session", "session_id", "ts"), Index("fill_order", "client_order_id"),
)  # fmt: skip

POSITION_SNAPSHOT = Table(
    "position_snapshot", METADATA,
    _session(), *words("symbol"), *big("ts", "position", "cost", "close", "realised"),
    PrimaryKeyConstraint("session_id", "symbol", "ts"),
)  # fmt: skip

PNL_SNAPSHOT = Table(
    "pnl_snapshot", METADATA,
    _session(), *big("ts", "cash", "equity", "peak", "realised", "fees"), Column("positions", Integer, nullable=False),
    PrimaryKeyConstraint("session_id", "ts"),
)  # fmt: skip

SESSION_STATISTIC = Table(
    "session_statistic", METADATA,
    _session(), *words("name"), Column("value", Numeric, nullable=False), PrimaryKeyConstraint("session_id", "name"),
)  # fmt: skip

STREAM_HEALTH = Table(
    "stream_health", METADATA,
    _session(), *words("stream"), *big("age_ms", "lag_ms", "messages", "gaps", "reconnects", "revisions"),
    Column("why", Text, nullable=False, server_default=""), moment(), PrimaryKeyConstraint("session_id", "stream"),
)  # fmt: skip

LEASE = Table(
    "lease", METADATA,
    Column("account", Text, primary_key=True), *big("epoch"), *words("holder", "code_hash"), *big("expires_ms"), moment(),
)  # fmt: skip

JOURNAL_HEAD = Table(
    "journal_head", METADATA,
    Column("session_id", Text, primary_key=True), *big("seq"), Column("hash", LargeBinary, nullable=False),
)  # fmt: skip

JOURNAL = Table(
    "journal", METADATA,
    Column("session_id", Text, ForeignKey("journal_head.session_id"), nullable=False), *big("seq", "epoch"), moment(),
    *words("kind"), *(Column(name, LargeBinary, nullable=False) for name in ("body", "prev", "hash")),
    PrimaryKeyConstraint("session_id", "seq"), UniqueConstraint("session_id", "prev", name="journal_session_prev_key"),
)  # fmt: skip

JOURNAL_SEGMENT = Table(
    "journal_segment", METADATA,
    *words("session_id"), *big("from_seq", "to_seq"),
    Column("hash", LargeBinary, nullable=False), *words("file"), Column("sha256", LargeBinary, nullable=False), *words("actor"), moment(),
    PrimaryKeyConstraint("session_id", "from_seq"),
)  # fmt: skip

OPERATOR_COMMAND = Table(
    "operator_command", METADATA,
    Column("command_id", BigInteger, Identity(always=True), primary_key=True), *words("account"),
    Column("session_id", Text, ForeignKey("trading_session.session_id")), *words("command"), Column("args", JSONB, nullable=False),
    *words("actor", "reason"), moment("requested_at"),
    Column("taken_at", TIMESTAMP(timezone=True)), Column("done_at", TIMESTAMP(timezone=True)),
    Column("outcome", Text, nullable=False, server_default=""),
    Index("operator_command_pending", "account", "command_id", postgresql_where=text("done_at is null")),
)  # fmt: skip

SWITCH = Table(
    "switch", METADATA,
    Column("name", Text, primary_key=True), Column("is_on", Boolean, nullable=False), *words("reason", "actor"), moment(),
)  # fmt: skip
