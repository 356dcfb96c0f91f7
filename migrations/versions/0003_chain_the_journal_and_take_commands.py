"""Chain the journal, fence its writers by a lease, and take the operators' commands."""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = """
create table lease (
    account text primary key,
    epoch bigint not null check (epoch > 0),
    holder text not null,
    code_hash text not null,
    expires_ms bigint not null,
    at timestamptz not null default now()
);

create table journal_head (
    session_id text primary key,
    seq bigint not null,
    hash bytea not null check (octet_length(hash) = 32)
);

create table journal (
    session_id text not null references journal_head,
    seq bigint not null check (seq > 0),
    epoch bigint not null,
    at timestamptz not null default now(),
    kind text not null,
    body bytea not null,
    prev bytea not null check (octet_length(prev) = 32),
    hash bytea not null check (octet_length(hash) = 32),
    primary key (session_id, seq),
    constraint journal_session_prev_key unique (session_id, prev)
);

create table operator_command (
    command_id bigint generated always as identity primary key,
    account text not null,
    session_id text references trading_session,
    command text not null,
    args jsonb not null,
    actor text not null,
    reason text not null,
    requested_at timestamptz not null default now(),
    taken_at timestamptz,
    done_at timestamptz,
    outcome text not null default ''
);
create index operator_command_pending on operator_command (account, command_id) where done_at is null;

create table switch (
    name text primary key check (name in ('kill', 'pause')),
    is_on boolean not null,
    reason text not null,
    actor text not null,
    at timestamptz not null default now()
);
"""

GUARDS = """
create function append_only() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception '% of % is refused: it is append-only', tg_op, tg_table_name using errcode = 'GH004';
end $$;
create trigger journal_append_only before update or delete on journal for each row execute function append_only();
create trigger journal_no_truncate before truncate on journal for each statement execute function append_only();
create trigger candle_revision_append_only before update or delete on candle_revision for each row execute function append_only();
create trigger candle_revision_no_truncate before truncate on candle_revision for each statement execute function append_only();

create function lease_only_grows() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if new.epoch < old.epoch then
        raise exception 'the epoch of % cannot fall from % to %', old.account, old.epoch, new.epoch using errcode = 'GH001';
    end if;
    return new;
end $$;
create trigger lease_only_grows before update on lease for each row execute function lease_only_grows();
"""

CHAIN = r"""
create function journal_genesis(session text) returns bytea
language sql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
    select sha256(convert_to('gatehouse.journal.v1', 'UTF8') || '\x00'::bytea || convert_to(session, 'UTF8'))
$$;

create function journal_hash(prev bytea, kind text, body bytea) returns bytea
language sql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
    select sha256(
        convert_to('gatehouse.journal.v1', 'UTF8') || '\x00'::bytea || prev
        || int4send(octet_length(convert_to(kind, 'UTF8'))) || convert_to(kind, 'UTF8')
        || int4send(octet_length(body)) || body)
$$;

create function journal_write(
    p_session text, p_expected_seq bigint, p_expected_head bytea, p_epoch bigint,
    p_kinds text[], p_bodies bytea[], p_hashes bytea[]
) returns bigint language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
    v_head journal_head;
    v_count integer := coalesce(array_length(p_kinds, 1), 0);
    v_bad bigint;
begin
    if v_count = 0 or array_length(p_bodies, 1) <> v_count or array_length(p_hashes, 1) <> v_count then
        raise exception 'kinds, bodies and hashes must be of one length above 0' using errcode = '22023';
    end if;
    select * into v_head from journal_head where session_id = p_session for update;
    if not found then
        insert into journal_head values (p_session, 0, journal_genesis(p_session)) on conflict do nothing;
        select * into v_head from journal_head where session_id = p_session for update;
    end if;
    if v_head.seq <> p_expected_seq or v_head.hash <> p_expected_head then
        raise exception 'the head of % is record %, the writer expected %', p_session, v_head.seq, p_expected_seq
            using errcode = 'GH002';
    end if;
    select min(n) into v_bad
      from (select n, kind, body, hash, lag(hash, 1, p_expected_head) over (order by n) as prev
              from unnest(p_kinds, p_bodies, p_hashes) with ordinality as r (kind, body, hash, n)) r
     where hash is distinct from journal_hash(prev, kind, body);
    if v_bad is not null then
        raise exception 'record % of % does not hash to what its writer says', p_expected_seq + v_bad, p_session
            using errcode = 'GH003';
    end if;
    insert into journal (session_id, seq, epoch, kind, body, prev, hash)
    select p_session, p_expected_seq + n, p_epoch, kind, body, lag(hash, 1, p_expected_head) over (order by n), hash
      from unnest(p_kinds, p_bodies, p_hashes) with ordinality as r (kind, body, hash, n);
    update journal_head set seq = p_expected_seq + v_count, hash = p_hashes[v_count] where session_id = p_session;
    return p_expected_seq + v_count;
end $$;

create function journal_append(
    p_session text, p_account text, p_expected_seq bigint, p_expected_head bytea, p_epoch bigint,
    p_kinds text[], p_bodies bytea[], p_hashes bytea[]
) returns bigint language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    v_epoch bigint;
begin
    -- Shared until the commit: whoever takes the lease waits for this record, and no later one can follow.
    select epoch into v_epoch from lease where account = p_account for share;
    if v_epoch is distinct from p_epoch then
        raise exception 'the lease of % is at epoch %, the writer at %', p_account, v_epoch, p_epoch using errcode = 'GH001';
    end if;
    return journal_write(p_session, p_expected_seq, p_expected_head, p_epoch, p_kinds, p_bodies, p_hashes);
end $$;

create function operators_append(
    p_expected_seq bigint, p_expected_head bytea, p_kinds text[], p_bodies bytea[], p_hashes bytea[]
) returns bigint language sql security definer set search_path = pg_catalog, public, pg_temp as $$
    select journal_write('operators', p_expected_seq, p_expected_head, 0, p_kinds, p_bodies, p_hashes)
$$;
"""

GRANTS = """
grant insert, update on lease to gatehouse_trader;
grant execute on function journal_append to gatehouse_trader;
grant execute on function operators_append to gatehouse_trader, gatehouse_api;
grant execute on function journal_hash, journal_genesis
    to gatehouse_trader, gatehouse_api, gatehouse_flow, gatehouse_verify;
grant insert on operator_command to gatehouse_api;
grant update on operator_command to gatehouse_trader;
grant insert, update on switch to gatehouse_api;
"""

DOWN = """
drop function operators_append, journal_append, journal_write, journal_hash, journal_genesis;
drop trigger candle_revision_no_truncate on candle_revision;
drop trigger candle_revision_append_only on candle_revision;
drop table switch, operator_command, journal, journal_head, lease;
drop function lease_only_grows, append_only;
"""


def upgrade() -> None:
    """Make the tables, their guards and the only ways to write them."""
    for part in (TABLES, GUARDS, CHAIN, GRANTS):
        op.execute(part)


def downgrade() -> None:
    """Drop the tables with everything in them."""
    op.execute(DOWN)
