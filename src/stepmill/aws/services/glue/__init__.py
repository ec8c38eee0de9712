"""Glue, as far as its catalog of data goes: databases, tables, partitions."""
