"""Executions say which language they are of, and what they are part of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add ``language`` and ``parent``, and list by them."""
    op.add_column(
        "executions", sa.Column("language", sa.String(length=16), nullable=False, server_default="pipelines")
    )
    op.add_column("executions", sa.Column("parent", sa.String(length=256), nullable=False, server_default=""))
    op.drop_index("executions_by_pipeline", table_name="executions")
    op.create_index("executions_by_pipeline", "executions", ["language", "pipeline", "created_at"])
    op.create_index("executions_by_parent", "executions", ["parent", "created_at"])
    stopping = sa.text("stopping = 1")
    op.create_index(
        "tasks_stopping", "tasks", ["execution"], sqlite_where=stopping, postgresql_where=stopping
    )
