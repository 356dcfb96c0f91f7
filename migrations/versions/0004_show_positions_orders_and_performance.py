"""Show open positions, unresolved orders, what became of each signal, and how sessions did."""

from alembic import op

revision = "0004"
down_revision = "0003"

UP = """
create view open_position as
select s.session_id, s.mode, s.account, s.venue, p.symbol, p.ts, p.position, p.cost, p.close, p.realised
  from trading_session s
 cross join lateral (
        select distinct on (symbol) symbol, ts, position, cost, close, realised
          from position_snapshot
         where session_id = s.session_id
         order by symbol, ts desc) p
 where p.position > 0;

create function session_pnl(p_session text, out realised bigint, out unrealised bigint, out fees bigint, out equity bigint)
language sql stable set search_path = pg_catalog, public, pg_temp as $$
    select coalesce(p.realised, 0), coalesce(p.equity - s.capital - p.realised, 0), coalesce(p.fees, 0), coalesce(p.equity, s.capital)
      from trading_session s
      left join lateral (
            select * from pnl_snapshot where session_id = s.session_id order by ts desc limit 1) p on true
     where s.session_id = p_session
$$;

create view session_performance as
select s.session_id, s.mode, s.account, s.venue, s.stage, s.status, s.capital, pnl.realised, pnl.unrealised, pnl.fees, pnl.equity,
       (pnl.equity - s.capital)::numeric / s.capital as net_return,
       (select max((peak - equity)::numeric / peak) from pnl_snapshot p where p.session_id = s.session_id and peak > 0) as drawdown,
       (select count(*) from signal x where x.session_id = s.session_id) as signals,
       (select count(*) from refusal x where x.session_id = s.session_id) as refusals,
       (select count(*) from intent x where x.session_id = s.session_id) as intents,
       (select count(*) from fill x where x.session_id = s.session_id) as fills,
       s.from_ms, s.next_ms, s.until_ms
  from trading_session s
 cross join lateral session_pnl(s.session_id) pnl;

create view unresolved_order as
select * from orders where state in ('SENDING', 'UNKNOWN', 'QUARANTINED', 'CANCELING');

create view signal_outcome as
select s.session_id, s.signal_id, s.ts, s.symbol, s.cause, s.target_from, s.target_to, s.wanted,
       case when i.signal_id is not null and r.signal_id is not null then 'both'
            when i.signal_id is not null then 'intent'
            when r.signal_id is not null then 'refusal'
            else 'missing' end as outcome,
       r.refusal, i.client_order_id
  from signal s
  left join intent i using (session_id, signal_id)
  left join refusal r using (session_id, signal_id);

create view paper_orders as
select o.*, s.plan_digest from orders o join trading_session s using (session_id) where s.mode = 'paper';
create view paper_fills as
select f.* from fill f join trading_session s using (session_id) where s.mode = 'paper';
create view paper_positions as
select p.* from position_snapshot p join trading_session s using (session_id) where s.mode = 'paper';
create view paper_pnl_snapshots as
select p.* from pnl_snapshot p join trading_session s using (session_id) where s.mode = 'paper';
create view paper_trading_stats as
select t.* from session_statistic t join trading_session s using (session_id) where s.mode = 'paper';

grant execute on function session_pnl to gatehouse_trader, gatehouse_flow, gatehouse_api, gatehouse_verify;
"""

DOWN = """
drop view paper_trading_stats, paper_pnl_snapshots, paper_positions, paper_fills, paper_orders;
drop view signal_outcome, unresolved_order, session_performance;
drop function session_pnl;
drop view open_position;
"""


def upgrade() -> None:
    """Make the views and the function."""
    op.execute(UP)


def downgrade() -> None:
    """Drop the views and the function; no data is lost."""
    op.execute(DOWN)
