"""Trajectories: one row per ended attempt, at most one success per episode."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From nothing."""
    op.create_table(
        "trajectories",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("run", sa.String(127), nullable=False),
        sa.Column("episode", sa.String(255), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("suite", sa.Text, nullable=False),
        sa.Column("split", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("world", sa.Text, nullable=False),
        sa.Column("task_id", sa.Text, nullable=False),
        sa.Column("reward", sa.Float, nullable=False),
        sa.Column("stop_reason", sa.Text, nullable=False),
        sa.Column("num_steps", sa.Integer, nullable=False),
        sa.Column("create_time_us", sa.BigInteger, nullable=False),
        sa.Column("header", sa.LargeBinary, nullable=False),
        sa.Column("steps_blob", sa.String(64), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("trajectories_by_run", "trajectories", ["run", "seq"])
    succeeded = sa.text("state = 'SUCCEEDED'")
    op.create_index(
        "trajectories_one_success",
        "trajectories",
        ["episode"],
        unique=True,
        sqlite_where=succeeded,
        postgresql_where=succeeded,
    )


def downgrade() -> None:
    """To nothing."""
    op.drop_table("trajectories")
