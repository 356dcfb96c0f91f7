"""Keep sessions, and per session every signal, refusal, intent, order, fill, snapshot and statistic."""

from alembic import op

revision = "0002"
down_revision = "0001"

UP = """
create table trading_session (
    session_id text primary key,
    mode text not null check (mode in ('backtest', 'paper', 'stage')),
    account text not null,
    venue text not null,
    stage text not null check (stage in ('PAPER', 'EUR_1', 'EUR_10', 'EUR_100')),
    status text not null check (status in ('requested', 'running', 'stopping', 'finished', 'halted', 'failed')),
    plan jsonb not null,
    plan_digest text not null,
    instruments jsonb not null,
    capital bigint not null check (capital > 0),
    from_ms bigint not null,
    until_ms bigint not null,
    next_ms bigint not null,
    data_session text references collection_session,
    stop_policy text not null check (stop_policy in ('keep', 'flatten')),
    disclosures jsonb not null,
    error text not null default '',
    result jsonb,
    state_digest text not null default '',
    requested_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    check (from_ms <= until_ms and from_ms <= next_ms)
);
create index trading_session_account on trading_session (account, status);
create index trading_session_requested on trading_session (requested_at);

create table signal (
    session_id text not null references trading_session,
    signal_id bigint not null,
    ts bigint not null,
    symbol text not null,
    cause text not null check (cause in ('TARGET', 'PROTECT', 'OPERATOR')),
    target_from integer not null,
    target_to integer not null,
    wanted bigint not null,
    close bigint not null,
    primary key (session_id, signal_id)
);

create table refusal (
    session_id text not null,
    signal_id bigint not null,
    refusal text not null check (refusal <> 'NONE'),
    layer smallint not null,
    verdicts bigint not null,
    primary key (session_id, signal_id),
    constraint refusal_signal_fkey foreign key (session_id, signal_id) references signal
);

create table intent (
    client_order_id text primary key,
    session_id text not null,
    signal_id bigint not null,
    decision_key text not null,
    symbol text not null,
    side smallint not null check (side in (-1, 1)),
    qty bigint not null check (qty > 0),
    limit_price bigint not null,
    reserve bigint not null,
    cause text not null check (cause in ('TARGET', 'PROTECT', 'OPERATOR')),
    verdicts bigint not null,
    ts bigint not null,
    constraint intent_signal_key unique (session_id, signal_id),
    constraint intent_decision_key unique (decision_key),
    constraint intent_signal_fkey foreign key (session_id, signal_id) references signal
);

create table orders (
    client_order_id text primary key references intent,
    session_id text not null references trading_session,
    account text not null,
    symbol text not null,
    side smallint not null check (side in (-1, 1)),
    qty bigint not null check (qty > 0),
    state text not null,
    venue_order_id text not null default '',
    sent_ms bigint not null default 0,
    window_ms bigint not null default 0,
    epoch bigint not null default 0,
    filled bigint not null default 0 check (filled >= 0),
    released bigint not null default 0 check (released >= 0),
    updated_ms bigint not null
);
create index orders_session on orders (session_id);
create index orders_pending on orders (account)
    where state in ('INTENT', 'SENDING', 'UNKNOWN', 'QUARANTINED', 'OPEN', 'PARTIAL', 'CANCELING');

create table fill (
    account text not null,
    symbol text not null,
    trade_id text not null,
    session_id text not null,
    signal_id bigint not null,
    client_order_id text not null references orders,
    side smallint not null check (side in (-1, 1)),
    qty bigint not null check (qty > 0),
    price bigint not null check (price > 0),
    fee bigint not null,
    fee_base bigint not null,
    ts bigint not null,
    primary key (account, symbol, trade_id),
    constraint fill_signal_fkey foreign key (session_id, signal_id) references signal
);
create index fill_session on fill (session_id, ts);
create index fill_order on fill (client_order_id);

create table position_snapshot (
    session_id text not null references trading_session,
    symbol text not null,
    ts bigint not null,
    position bigint not null check (position >= 0),
    cost bigint not null,
    close bigint not null,
    realised bigint not null,
    primary key (session_id, symbol, ts)
);

create table pnl_snapshot (
    session_id text not null references trading_session,
    ts bigint not null,
    cash bigint not null,
    equity bigint not null,
    peak bigint not null,
    realised bigint not null,
    fees bigint not null,
    positions integer not null,
    primary key (session_id, ts)
);

create table session_statistic (
    session_id text not null references trading_session,
    name text not null,
    value numeric not null,
    primary key (session_id, name)
);

grant insert, update on trading_session, orders, session_statistic to gatehouse_flow, gatehouse_trader;
grant insert on signal, refusal, intent, fill to gatehouse_flow, gatehouse_trader;
grant insert, update on position_snapshot, pnl_snapshot to gatehouse_flow, gatehouse_trader;
"""

DOWN = """
drop table session_statistic, pnl_snapshot, position_snapshot, fill, orders, intent, refusal, signal, trading_session;
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(UP)


def downgrade() -> None:
    """Drop the tables with everything in them."""
    op.execute(DOWN)
