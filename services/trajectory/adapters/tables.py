"""The tables as they are now; the migrations lead to exactly these (a test compares them)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, Text, text

VERSION_TABLE = "trajectory_schema_version"
metadata = MetaData()
_Sequence = BigInteger().with_variant(Integer, "sqlite")
_SUCCEEDED = text("state = 'SUCCEEDED'")

trajectories = Table(
    "trajectories",
    metadata,
    Column("seq", _Sequence, primary_key=True, autoincrement=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("run", String(127), nullable=False),
    Column("episode", String(255), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("policy", Text, nullable=False),
    Column("suite", Text, nullable=False),
    Column("split", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("world", Text, nullable=False),
    Column("task_id", Text, nullable=False),
    Column("reward", Float, nullable=False),
    Column("stop_reason", Text, nullable=False),
    Column("num_steps", Integer, nullable=False),
    Column("create_time_us", BigInteger, nullable=False),
    Column("header", LargeBinary, nullable=False),
    Column("steps_blob", String(64), nullable=False),
    Index("trajectories_by_run", "run", "seq"),
    Index(
        "trajectories_one_success",
        "episode",
        unique=True,
        sqlite_where=_SUCCEEDED,
        postgresql_where=_SUCCEEDED,
    ),
    sqlite_autoincrement=True,
)

datasets = Table(
    "datasets",
    metadata,
    Column("seq", _Sequence, primary_key=True, autoincrement=True),
    Column("name", String(127), nullable=False, unique=True),
    Column("blob", String(127), nullable=False),
    Column("create_time_us", BigInteger, nullable=False),
    Column("header", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
