"""Resources: iterations, evaluations and policies as messages under their names; imported suites."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "resources",
        sa.Column("name", sa.String(127), primary_key=True),
        sa.Column("collection", sa.String(31), nullable=False, index=True),
        sa.Column("request_id", sa.String(127), unique=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "suites",
        sa.Column("name", sa.String(127), primary_key=True),
        sa.Column("sites", sa.Text, nullable=False),
        sa.Column("tasks", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Forget everything."""
    op.drop_table("suites")
    op.drop_table("resources")
