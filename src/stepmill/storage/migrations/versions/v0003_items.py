"""Items of DynamoDB's tables, and the entries of their indexes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables ``table_items`` and ``table_entries``."""
    op.create_table(
        "table_items",
        sa.Column("table", sa.String(length=64), nullable=False),
        sa.Column("partition", sa.LargeBinary(), nullable=False),
        sa.Column("place", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("table", "partition", "place"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "table_entries",
        sa.Column("index", sa.String(length=512), nullable=False),
        sa.Column("partition", sa.LargeBinary(), nullable=False),
        sa.Column("place", sa.LargeBinary(), nullable=False),
        sa.Column("item_partition", sa.LargeBinary(), nullable=False),
        sa.Column("item_place", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("index", "partition", "place", "item_partition", "item_place"),
        sqlite_with_rowid=False,
    )
