"""Keep instruments, candles with their revisions, and what each collection fetched."""

from alembic import op

revision = "0001"
down_revision = None

UP = """
create table instrument (
    instrument_id integer generated always as identity primary key,
    venue text not null,
    symbol text not null,
    base text not null,
    quote text not null,
    price_exp smallint not null check (price_exp >= 0),
    qty_exp smallint not null check (qty_exp >= 0),
    tick bigint not null check (tick >= 1),
    lot bigint not null check (lot >= 1),
    qty_min bigint not null check (qty_min >= 0),
    notional_min bigint not null check (notional_min >= 0),
    maker_ppm integer not null check (maker_ppm between 0 and 100000),
    taker_ppm integer not null check (taker_ppm between 0 and 100000),
    fee_in_base boolean not null,
    check (price_exp + qty_exp <= 12),
    constraint instrument_venue_symbol_key unique (venue, symbol)
);

create table collection_session (
    collection_session_id text primary key,
    venue text not null,
    symbols text[] not null,
    timeframe text not null,
    from_ms bigint not null,
    to_ms bigint not null,
    rows bigint not null check (rows >= 0),
    inserted bigint not null check (inserted >= 0),
    revised bigint not null check (revised >= 0),
    content_hash text not null,
    source text not null,
    at timestamptz not null default now(),
    check (from_ms <= to_ms)
);

-- No foreign keys here: half a million rows arrive at once, and load() has proven both ends before.
create table candle (
    instrument_id integer not null,
    timeframe text not null,
    ts bigint not null,
    open bigint not null,
    high bigint not null,
    low bigint not null,
    close bigint not null,
    volume bigint not null,
    revision smallint not null default 0,
    collection_session_id text not null,
    primary key (instrument_id, timeframe, ts)
) partition by range (ts);

create table candle_revision (
    instrument_id integer not null references instrument,
    timeframe text not null,
    ts bigint not null,
    revision smallint not null,
    open bigint not null,
    high bigint not null,
    low bigint not null,
    close bigint not null,
    volume bigint not null,
    collection_session_id text not null,
    revised_by text not null,
    at timestamptz not null default now(),
    primary key (instrument_id, timeframe, ts, revision)
);

create function candle_partitions(from_ms bigint, to_ms bigint) returns integer
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    year integer;
    made integer := 0;
begin
    if from_ms < 0 or to_ms < from_ms or to_ms >= 4102444800000 then
        raise exception 'candles from % to % lie outside the years 1970 to 2099', from_ms, to_ms using errcode = '22003';
    end if;
    for year in extract(year from to_timestamp(from_ms / 1000.0) at time zone 'UTC')::integer
             .. extract(year from to_timestamp(to_ms / 1000.0) at time zone 'UTC')::integer loop
        if to_regclass('public.candle_' || year) is null then
            perform pg_advisory_xact_lock(7741, year);  -- two imports may want the same year
            if to_regclass('public.candle_' || year) is null then
                execute format(
                    'create table public.%I partition of public.candle for values from (%s) to (%s)',
                    'candle_' || year,
                    (extract(epoch from make_timestamptz(year, 1, 1, 0, 0, 0, 'UTC')) * 1000)::bigint,
                    (extract(epoch from make_timestamptz(year + 1, 1, 1, 0, 0, 0, 'UTC')) * 1000)::bigint);
                made := made + 1;
            end if;
        end if;
    end loop;
    return made;
end $$;

grant insert, update on instrument to gatehouse_flow, gatehouse_trader;
grant insert on collection_session to gatehouse_flow, gatehouse_trader;
grant insert, update on candle to gatehouse_flow, gatehouse_trader;
grant insert on candle_revision to gatehouse_flow, gatehouse_trader;
grant execute on function candle_partitions to gatehouse_flow, gatehouse_trader;
"""

DOWN = """
drop function candle_partitions;
drop table candle_revision, candle, collection_session, instrument;
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(UP)


def downgrade() -> None:
    """Drop the tables with everything in them."""
    op.execute(DOWN)
