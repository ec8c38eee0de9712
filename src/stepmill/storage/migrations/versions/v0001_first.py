"""The first tables, as they were when databases began to carry a version."""

from __future__ import annotations

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Do nothing: a database without a version is made in one go, at the newest version."""
