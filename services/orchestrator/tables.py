"""The orchestrator's tables, as the newest migration leaves them."""

from __future__ import annotations

import sqlalchemy as sa

VERSION_TABLE = "orchestrator_schema_version"
metadata = sa.MetaData()

resources = sa.Table(
    "resources",
    metadata,
    # Sortable by age: the id in it begins with the time.
    sa.Column("name", sa.String(127), primary_key=True),
    sa.Column("collection", sa.String(31), nullable=False, index=True),
    sa.Column("request_id", sa.String(127), unique=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    # Token of the worker that may change it; see Registry.claim.
    sa.Column("holder", sa.String(63), nullable=False, server_default=""),
)

executors = sa.Table(
    "executors",
    metadata,
    sa.Column("id", sa.String(127), primary_key=True),
    # By the database's clock.
    sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
)

suites = sa.Table(
    "suites",
    metadata,
    sa.Column("name", sa.String(127), primary_key=True),
    sa.Column("sites", sa.Text, nullable=False),
    sa.Column("tasks", sa.Text, nullable=False),
)
