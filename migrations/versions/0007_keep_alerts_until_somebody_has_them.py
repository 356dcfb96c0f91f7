"""Keep alerts in an outbox until somebody has them."""

from alembic import op

revision = "0007"
down_revision = "0006"

UP = """
create table outbox (
    alert_id bigint generated always as identity primary key,
    kind text not null,
    severity text not null check (severity in ('info', 'warning', 'critical')),
    dedup_key text not null,
    title text not null,
    body text not null,
    fields jsonb not null default '[]',
    state text not null default 'waiting' check (state in ('waiting', 'sent', 'suppressed', 'failed')),
    repeats integer not null default 1,
    tries integer not null default 0,
    next_try_ms bigint not null default 0,
    error text not null default '',
    created_ms bigint not null,
    created_at timestamptz not null default now(),
    sent_at timestamptz
);
create index outbox_waiting on outbox (next_try_ms, alert_id) where state = 'waiting';
create index outbox_dedup on outbox (dedup_key, created_ms);

grant insert, update on outbox to gatehouse_flow, gatehouse_trader, gatehouse_api;
"""

DOWN = """
drop table outbox;
"""


def upgrade() -> None:
    """Make the table."""
    op.execute(UP)


def downgrade() -> None:
    """Drop the table with every alert in it."""
    op.execute(DOWN)
