"""Stepmill runs machine-learning pipelines anywhere."""
