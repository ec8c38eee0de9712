"""SageMaker pipeline definitions, schema version 2020-12-01: read, check, explain."""
