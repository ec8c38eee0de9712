"""What came of what: entities, edges between them, and what has been recorded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables ``lineage_entities``, ``lineage_edges`` and ``lineage_marks``."""
    op.create_table(
        "lineage_entities",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("arn", sa.String(length=256), nullable=False, unique=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("type", sa.String(length=256), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("source_uri", sa.String(length=2048), nullable=False),
        sa.Column("place", sa.String(length=2048), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    for name, columns in (
        ("lineage_by_creation", ["kind", "created_at", "id"]),
        ("lineage_by_name", ["kind", "name", "id"]),
        ("lineage_by_type", ["kind", "type", "created_at", "id"]),
        ("lineage_by_source", ["source_uri", "kind", "created_at", "id"]),
        ("lineage_by_place", ["place", "created_at", "id"]),
        ("lineage_by_digest", ["digest", "created_at", "id"]),
    ):
        op.create_index(name, "lineage_entities", columns)
    op.create_table(
        "lineage_edges",
        sa.Column("source", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("destination", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "destination"),
        sqlite_with_rowid=False,
    )
    op.create_index("lineage_edges_back", "lineage_edges", ["destination", "source"])
    op.create_index("lineage_edges_by_creation", "lineage_edges", ["created_at", "source", "destination"])
    op.create_table(
        "lineage_marks",
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=512), nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name"),
        sqlite_with_rowid=False,
    )
