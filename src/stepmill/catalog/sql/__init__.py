"""SQL over what is kept: the dialect of Athena, the tables that it may ask, and who runs it."""
