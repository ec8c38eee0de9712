"""Members of groups, and measured series: what runs of experiments are made of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables ``members``, ``series`` and ``series_points``."""
    op.create_table(
        "members",
        sa.Column("group_kind", sa.String(length=64), nullable=False),
        sa.Column("group_name", sa.String(length=512), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=512), nullable=False),
        sa.PrimaryKeyConstraint("group_kind", "group_name", "kind", "name"),
        sqlite_with_rowid=False,
    )
    op.create_index("members_by_name", "members", ["kind", "name"])
    op.create_table(
        "series",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("owner", sa.String(length=512), nullable=False),
        sa.Column("name", sa.String(length=512), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.Float(), nullable=True),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("top", sa.Float(), nullable=True),
        sa.Column("top_at", sa.BigInteger(), nullable=False),
        sa.Column("top_step", sa.BigInteger(), nullable=True),
        sa.Column("least", sa.Float(), nullable=True),
        sa.Column("greatest", sa.Float(), nullable=True),
        sa.Column("mean", sa.Float(), nullable=True),
        sa.Column("squares", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("series_by_owner", "series", ["owner", "name"], unique=True)
    op.create_index("series_by_value", "series", ["name", "last"])
    op.create_table(
        "series_points",
        sa.Column("series", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("points", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("series", "number"),
        sqlite_with_rowid=False,
    )
