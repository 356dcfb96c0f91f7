"""Walk the road step by step, behind gates, approvals and permits."""

from alembic import op

revision = "0006"
down_revision = "0005"

SESSIONS = """
alter table trading_session drop constraint trading_session_mode_check;
alter table trading_session add constraint trading_session_mode_check check (mode in ('backtest', 'paper', 'dry_run', 'stage'));
alter table trading_session add column granted_ms bigint not null default 0;
alter table trading_session add column beside text not null default '';
"""

ROAD = """
create table road (
    road_id text primary key,
    account text not null,
    venue text not null,
    recipe text not null,
    config jsonb not null,
    config_digest text not null,
    rehearsal boolean not null,
    step text not null,
    status text not null check (status in ('walking', 'waiting', 'walked', 'no_go', 'not_enough_evidence', 'failed', 'cancelled')),
    operations text not null default '',
    edge text not null default '',
    report text not null default '',
    error text not null default '',
    started_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    finished_at timestamptz
);
create index road_started on road (started_at);
create unique index road_walking on road (account, recipe) where status in ('walking', 'waiting');

create table road_step (
    road_id text not null references road,
    step text not null,
    attempt integer not null check (attempt > 0),
    status text not null check (status in ('requested', 'running', 'waiting', 'done', 'failed')),
    flow_run_id text not null default '',
    result jsonb not null default '{}',
    error text not null default '',
    requested_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    primary key (road_id, step, attempt)
);

create table gate_result (
    gate_id text primary key,
    road_id text not null default '',
    step text not null,
    gate text not null,
    subject text not null,
    verdict text not null check (verdict in ('GO', 'NO_GO', 'NOT_ENOUGH_EVIDENCE')),
    findings jsonb not null,
    inputs jsonb not null,
    digest text not null,
    judged_ms bigint not null,
    expires_ms bigint not null,
    at timestamptz not null default now()
);
create index gate_result_subject on gate_result (subject, gate, judged_ms);

create table approval (
    approval_id text primary key,
    road_id text not null references road,
    stage text not null check (stage in ('EUR_1', 'EUR_10', 'EUR_100')),
    gate_id text not null references gate_result,
    status text not null check (status in ('requested', 'approved', 'refused')),
    flow_run_id text not null default '',
    approver text not null default '',
    reason text not null default '',
    requested_at timestamptz not null default now(),
    decided_at timestamptz,
    check (status = 'requested' or (approver <> '' and decided_at is not null))
);
create unique index approval_requested on approval (road_id) where status = 'requested';

create table stage_run (
    stage_run_id text primary key,
    road_id text not null default '',
    account text not null,
    stage text not null check (stage in ('EUR_1', 'EUR_10', 'EUR_100')),
    status text not null check (status in ('preflight', 'probing', 'trading', 'rolling_back', 'done', 'rolled_back', 'refused')),
    session_id text references trading_session,
    probe_session_id text references trading_session,
    loss_budget bigint not null,
    rules jsonb not null,
    flow_run_id text not null default '',
    cause text not null default '',
    result jsonb not null default '{}',
    started_at timestamptz not null default now(),
    finished_at timestamptz
);
create unique index stage_run_one on stage_run (account) where status in ('preflight', 'probing', 'trading', 'rolling_back');
create index stage_run_road on stage_run (road_id, started_at);

create table validation_run (
    validation_id text primary key,
    road_id text not null default '',
    recipe text not null,
    attempt integer not null check (attempt > 0),
    hours integer not null check (hours > 0),
    thresholds jsonb not null,
    thresholds_digest text not null,
    subject jsonb not null,
    status text not null check (status in ('registered', 'running', 'done', 'failed')),
    paper_session_id text references trading_session,
    dry_session_id text references trading_session,
    drills jsonb not null default '{}',
    verdict text not null default '',
    registered_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    unique (recipe, attempt)
);

create table validation_metric (
    validation_id text not null references validation_run,
    hour integer not null,
    symbol text not null default '',
    name text not null,
    value numeric not null,
    primary key (validation_id, hour, symbol, name)
);

create table nightly_backtest (
    plan_name text not null,
    session_id text not null references trading_session,
    plan_digest text not null,
    data_hash text not null,
    code_hash text not null,
    result_digest text not null,
    return_ppm bigint not null,
    drawdown_ppm bigint not null,
    trades bigint not null,
    from_ms bigint not null,
    to_ms bigint not null,
    alert text not null default '',
    at timestamptz not null default now(),
    primary key (plan_name, session_id)
);
create index nightly_backtest_plan on nightly_backtest (plan_name, at);
"""

PERMIT = """
create table permit (
    permit_id bigint generated always as identity primary key,
    account text not null,
    recipe text not null,
    level text not null check (level in ('DENIED', 'PAPER_ONLY', 'LIMITED', 'FULL')),
    stage text not null check (stage in ('PAPER', 'EUR_1', 'EUR_10', 'EUR_100')),
    source text not null check (source in ('gate', 'bypass', 'revocation')),
    road_id text not null default '',
    gate_id text references gate_result,
    approval_id text references approval,
    rehearsal boolean not null,
    expires_ms bigint not null,
    actor text not null,
    reason text not null,
    issued_at timestamptz not null default now()
);
create index permit_subject on permit (account, recipe, permit_id);

create function permit_is_earned() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
    v_gate gate_result;
    v_status text;
    v_stage text;
    v_road_id text;
    v_now_ms bigint := (extract(epoch from clock_timestamp()) * 1000)::bigint;
begin
    if new.level in ('DENIED', 'PAPER_ONLY') then
        return new;
    end if;
    if new.source = 'bypass' then
        if new.expires_ms > v_now_ms + 3660000 or length(trim(new.reason)) < 10 then
            raise exception 'a bypass needs a reason of 10 characters and ends within an hour' using errcode = 'GH005';
        end if;
        return new;
    end if;
    if new.source <> 'gate' or new.gate_id is null then
        raise exception 'a permit % needs the gate that it rests on', new.level using errcode = 'GH005';
    end if;
    select * into v_gate from gate_result where gate_id = new.gate_id;
    if v_gate.verdict is distinct from 'GO' or v_gate.expires_ms <= v_now_ms then
        raise exception 'gate % says %, or has expired', new.gate_id, v_gate.verdict using errcode = 'GH005';
    end if;
    select status, stage, road_id into v_status, v_stage, v_road_id from approval where approval_id = new.approval_id;
    if v_status is distinct from 'approved' and not new.rehearsal then
        raise exception 'a permit for money needs an approval, found %', coalesce(v_status, 'none') using errcode = 'GH005';
    end if;
    if v_status is not null and (v_stage <> new.stage or v_road_id <> new.road_id) then
        raise exception 'approval % is for % of %', new.approval_id, v_stage, v_road_id using errcode = 'GH005';
    end if;
    return new;
end $$;
create trigger permit_is_earned before insert on permit for each row execute function permit_is_earned();
create trigger permit_append_only before update or delete on permit for each row execute function append_only();
create trigger permit_no_truncate before truncate on permit for each statement execute function append_only();
create trigger gate_result_append_only before update or delete on gate_result for each row execute function append_only();
create trigger gate_result_no_truncate before truncate on gate_result for each statement execute function append_only();
"""

GRANTS = """
grant insert, update on road, road_step, stage_run, validation_run, validation_metric, approval to gatehouse_flow;
grant insert on gate_result to gatehouse_flow;
grant insert, update on nightly_backtest to gatehouse_flow;
grant insert on permit to gatehouse_flow, gatehouse_api;
grant update on approval to gatehouse_api;
grant insert on operator_command to gatehouse_flow;
grant insert, update on switch to gatehouse_flow;
grant execute on function operators_append to gatehouse_flow;
"""

DOWN = """
drop table permit;
drop function permit_is_earned;
drop table nightly_backtest, validation_metric, validation_run, stage_run, approval, gate_result, road_step, road;
revoke insert on operator_command from gatehouse_flow;
revoke insert, update on switch from gatehouse_flow;
revoke execute on function operators_append from gatehouse_flow;
alter table trading_session drop column beside;
alter table trading_session drop column granted_ms;
alter table trading_session drop constraint trading_session_mode_check;
alter table trading_session add constraint trading_session_mode_check check (mode in ('backtest', 'paper', 'stage')) not valid;
"""


def upgrade() -> None:
    """Make the tables and the guard of the permits."""
    for part in (SESSIONS, ROAD, PERMIT, GRANTS):
        op.execute(part)


def downgrade() -> None:
    """Drop the tables with everything in them; sessions keep their rows."""
    op.execute(DOWN)
