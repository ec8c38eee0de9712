"""The feature store: groups of features, their newest records, and all records as files."""
