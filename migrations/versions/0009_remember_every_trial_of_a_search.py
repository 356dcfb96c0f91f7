"""Remember every trial of a search: the best of many has to be judged by how many there were."""

from alembic import op

revision = "0009"
down_revision = "0008"

TABLES = """
create table search_run (
    search_id text primary key,
    strategy text not null,
    venue text not null,
    method text not null,
    evaluations integer not null,
    config jsonb not null,
    data_hash text not null,
    code_hash text not null,
    started_at timestamptz not null default now()
);
create index search_run_strategy on search_run (strategy, started_at);

create table trial (
    search_id text not null references search_run,
    number integer not null,
    params jsonb not null,
    return_ppm bigint not null,
    drawdown_ppm bigint not null,
    trades bigint not null,
    fees bigint not null,
    equity bigint not null,
    digest text not null,
    at timestamptz not null default now(),
    primary key (search_id, number)
);
create trigger search_run_append_only before update or delete on search_run for each row execute function append_only();
create trigger trial_append_only before update or delete on trial for each row execute function append_only();
create trigger search_run_no_truncate before truncate on search_run for each statement execute function append_only();
create trigger trial_no_truncate before truncate on trial for each statement execute function append_only();
grant insert on search_run, trial to gatehouse_flow;
"""


def upgrade() -> None:
    """Keep searches and trials; nobody changes one."""
    op.execute(TABLES)


def downgrade() -> None:
    """Forget them."""
    op.execute("drop table trial, search_run")
