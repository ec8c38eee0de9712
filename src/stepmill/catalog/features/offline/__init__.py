"""The offline store: every record of a group, as Parquet files in SageMaker's layout."""
