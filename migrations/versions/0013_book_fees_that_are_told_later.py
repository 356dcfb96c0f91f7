"""Let a fee that is told later be a row of its own: without a quantity, beside the fill that it belongs to."""

from alembic import op

revision = "0013"
down_revision = "0012"

UP = """
alter table fill drop constraint fill_qty_check;
alter table fill add constraint fill_qty_check check (qty > 0 or (qty = 0 and trade_id like '% fee'));
"""

DOWN = """
alter table fill drop constraint fill_qty_check;
alter table fill add constraint fill_qty_check check (qty > 0) not valid;
"""


def upgrade() -> None:
    """Widen the check."""
    op.execute(UP)


def downgrade() -> None:
    """Narrow it for rows to come: those that stand are never deleted."""
    op.execute(DOWN)
