"""Archive closed journals only as verified segments: nothing leaves the journal but what a segment's row covers."""

from alembic import op

revision = "0011"
down_revision = "0010"

TABLES = """
create table journal_segment (
    session_id text not null, -- no foreign key: its lock on the head would make operators' words wait for the removal
    from_seq bigint not null check (from_seq > 0),
    to_seq bigint not null,
    hash bytea not null check (octet_length(hash) = 32),
    file text not null check (file <> ''),
    sha256 bytea not null check (octet_length(sha256) = 32),
    actor text not null check (actor <> ''),
    at timestamptz not null default now(),
    primary key (session_id, from_seq),
    constraint journal_segment_not_empty check (to_seq >= from_seq)
);
create trigger journal_segment_append_only before update or delete on journal_segment
    for each row execute function append_only();
create trigger journal_segment_no_truncate before truncate on journal_segment for each statement execute function append_only();
"""

GUARDS = """
create function journal_segment_is_true() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
    v_head journal_head;
    v_begin bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended('gatehouse.archive ' || new.session_id, 0));
    select * into v_head from journal_head where session_id = new.session_id;
    select coalesce(max(to_seq), 0) + 1 into v_begin from journal_segment where session_id = new.session_id;
    if new.from_seq <> v_begin then
        raise exception 'the next segment of % begins at record %, not %', new.session_id, v_begin, new.from_seq using errcode = 'GH006';
    end if;
    if not exists (select from journal where session_id = new.session_id and seq = new.to_seq and hash = new.hash)
       or (select count(*) from journal where session_id = new.session_id and seq between new.from_seq and new.to_seq)
          <> new.to_seq - new.from_seq + 1 then
        raise exception 'records % to % of % are not those that end in that hash', new.from_seq, new.to_seq, new.session_id
            using errcode = 'GH006';
    end if;
    if new.session_id <> 'operators' and (new.to_seq <> v_head.seq or not exists (
        select from trading_session where session_id = new.session_id and status in ('finished', 'failed'))) then
        raise exception '% has not ended, or this is not all of it', new.session_id using errcode = 'GH006';
    end if;
    return new;
end $$;
create trigger journal_segment_is_true before insert on journal_segment for each row execute function journal_segment_is_true();

-- At the commit, so that the operators' chain is locked for that moment only: a kill does not wait for a million rows to go.
create function journal_segment_is_told() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
    v_said journal;
begin
    select j.* into v_said from journal j join journal_head h using (session_id, seq) where session_id = 'operators';
    if v_said.kind is distinct from 'ARCHIVED' or not convert_from(v_said.body, 'UTF8')::jsonb @> jsonb_build_object(
        'session_id', new.session_id, 'from_seq', new.from_seq, 'to_seq', new.to_seq, 'hash', encode(new.hash, 'hex'),
        'file', new.file, 'sha256', encode(new.sha256, 'hex'), 'actor', new.actor) then
        raise exception 'the last record of the operators does not say that % goes into %', new.session_id, new.file
            using errcode = 'GH006';
    end if;
    return null;
end $$;
create constraint trigger journal_segment_is_told after insert on journal_segment deferrable initially deferred
    for each row execute function journal_segment_is_told();

create function journal_append_only() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'DELETE' and exists (
        select from journal_segment where session_id = old.session_id and old.seq between from_seq and to_seq) then
        return old;
    end if;
    raise exception '% of % is refused: it is append-only', tg_op, tg_table_name using errcode = 'GH004';
end $$;
drop trigger journal_append_only on journal;
create trigger journal_append_only before update or delete on journal for each row execute function journal_append_only();
"""

ARCHIVE = """
create function journal_archive(
    p_session text, p_from bigint, p_to bigint, p_hash bytea, p_file text, p_sha256 bytea, p_actor text
) returns bigint language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    v_gone bigint;
begin
    insert into journal_segment (session_id, from_seq, to_seq, hash, file, sha256, actor)
    values (p_session, p_from, p_to, p_hash, p_file, p_sha256, p_actor);
    delete from journal where session_id = p_session and seq between p_from and p_to;
    get diagnostics v_gone = row_count;
    return v_gone;
end $$;
grant execute on function journal_archive to gatehouse_api;
"""

DOWN = """
drop function journal_archive;
drop trigger journal_append_only on journal;
create trigger journal_append_only before update or delete on journal for each row execute function append_only();
drop function journal_append_only;
drop table journal_segment;
drop function journal_segment_is_told, journal_segment_is_true;
"""


def upgrade() -> None:
    """Make the table of segments, its checks, and the one function that removes what a segment covers."""
    for part in (TABLES, GUARDS, ARCHIVE):
        op.execute(part)


def downgrade() -> None:
    """Forget the segments: chains whose beginning was archived no longer verify. Keep the archive's files."""
    op.execute(DOWN)
