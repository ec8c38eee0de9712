"""Feature groups have an online store, and a journal on the way to files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the newest records, the journal, and what of it is being written."""
    with_expiry = sa.text("expires_at IS NOT NULL")
    op.create_table(
        "feature_records",
        sa.Column("group", sa.String(length=64), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("event_time", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("is_deleted", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("group", "identifier"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "feature_records_by_expiry",
        "feature_records",
        ["expires_at"],
        sqlite_where=with_expiry,
        postgresql_where=with_expiry,
    )
    op.create_table(
        "feature_journal",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("group", sa.String(length=64), nullable=False),
        sa.Column("event_time", sa.BigInteger(), nullable=False),
        sa.Column("invoked_at", sa.BigInteger(), nullable=False),
        sa.Column("is_deleted", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sqlite_autoincrement=True,
    )
    op.create_index("feature_journal_by_group", "feature_journal", ["group", "position"])
    op.create_table(
        "feature_claims",
        sa.Column("group", sa.String(length=64), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("group"),
        sqlite_with_rowid=False,
    )
