"""The door for MLflow's clients: its tracking REST API over the catalog. It only translates."""
