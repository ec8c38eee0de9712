"""Pure: from the text of a statement, as Athena takes it, to what is to be done and SQL for DuckDB."""
