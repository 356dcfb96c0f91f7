"""${message}."""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}

UP = """
"""

DOWN = """
"""


def upgrade() -> None:
    """Say what is true afterwards."""
    op.execute(UP)


def downgrade() -> None:
    """Say what is lost."""
    op.execute(DOWN)
