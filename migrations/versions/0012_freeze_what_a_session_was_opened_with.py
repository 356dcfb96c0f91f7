"""Freeze what a session was opened with: its plan, its account and its venue."""

from alembic import op

revision = "0012"
down_revision = "0011"

UP = """
create function opened_with_stays() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if (new.session_id, new.mode, new.account, new.venue, new.stage, new.plan_digest, new.capital) is distinct from
       (old.session_id, old.mode, old.account, old.venue, old.stage, old.plan_digest, old.capital)
       or new.plan is distinct from old.plan then
        raise exception 'another plan, account, venue, stage or capital for %', old.session_id using errcode = 'GH007';
    end if;
    return new;
end $$;
create trigger trading_session_frozen before update on trading_session for each row execute function opened_with_stays();
"""

DOWN = """
drop trigger trading_session_frozen on trading_session;
drop function opened_with_stays;
"""


def upgrade() -> None:
    """Make the trigger."""
    op.execute(UP)


def downgrade() -> None:
    """Drop it."""
    op.execute(DOWN)
