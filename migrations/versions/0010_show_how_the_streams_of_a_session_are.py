"""Show how the streams of a session are."""

from alembic import op

revision = "0010"
down_revision = "0009"

UP = """
create table stream_health (
    session_id text not null references trading_session,
    stream text not null,
    age_ms bigint not null,
    lag_ms bigint not null,
    messages bigint not null,
    gaps bigint not null,
    reconnects bigint not null,
    revisions bigint not null,
    why text not null default '',
    at timestamptz not null default now(),
    primary key (session_id, stream)
);
grant insert, update on stream_health to gatehouse_trader;
"""

DOWN = """
drop table stream_health;
"""


def upgrade() -> None:
    """Make the table: one row a stream, replaced every few seconds."""
    op.execute(UP)


def downgrade() -> None:
    """Drop it."""
    op.execute(DOWN)
