"""Check data, keep every finding, and block what fails."""

from alembic import op

revision = "0005"
down_revision = "0004"

UP = """
create table quality_run (
    quality_run_id text primary key,
    purpose text not null,
    road_id text not null default '',
    venue text not null,
    symbols text[] not null,
    timeframe text not null,
    from_ms bigint not null,
    to_ms bigint not null,
    collection_session_id text references collection_session,
    rules jsonb not null,
    rules_digest text not null,
    status text not null check (status in ('running', 'passed', 'failed', 'error')),
    error text not null default '',
    page text not null default '',
    checked_ms bigint not null default 0,
    started_at timestamptz not null default now(),
    finished_at timestamptz
);
create index quality_run_series on quality_run (venue, timeframe, started_at);

create table quality_finding (
    quality_run_id text not null references quality_run,
    number integer not null,
    rule text not null,
    severity text not null check (severity in ('block', 'warn')),
    symbol text not null,
    holds boolean,
    measured text not null,
    allowed text not null,
    count bigint not null,
    first_ms bigint not null,
    last_ms bigint not null,
    blocks text[] not null,
    primary key (quality_run_id, number)
);

create table instrument_block (
    block_id bigint generated always as identity primary key,
    venue text not null,
    symbol text not null,
    quality_run_id text not null references quality_run,
    reason text not null,
    blocked_at timestamptz not null default now(),
    cleared_at timestamptz,
    cleared_by text not null default ''
);
create unique index instrument_block_standing on instrument_block (venue, symbol) where cleared_at is null;

create trigger quality_finding_append_only before update or delete on quality_finding for each row execute function append_only();

grant insert, update on quality_run, instrument_block to gatehouse_flow;
grant insert on quality_finding to gatehouse_flow;
"""

DOWN = """
drop table instrument_block, quality_finding, quality_run;
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(UP)


def downgrade() -> None:
    """Drop the tables with everything in them."""
    op.execute(DOWN)
