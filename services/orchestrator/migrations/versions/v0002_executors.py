"""Executors and when they were last heard of; who works on a resource."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    op.create_table(
        "executors",
        sa.Column("id", sa.String(127), primary_key=True),
        sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
    )
    op.add_column("resources", sa.Column("holder", sa.String(63), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget them."""
    op.drop_column("resources", "holder")
    op.drop_table("executors")
