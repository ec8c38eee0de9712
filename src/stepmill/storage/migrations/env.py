"""Alembic's entry: runs the migrations on the connection that the caller holds."""

from alembic import context

from stepmill.storage.tables import metadata

# Only Alembic sets ``config``: whoever merely imports this (a doctest run) runs nothing.
if hasattr(context, "config"):
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
    context.run_migrations()
