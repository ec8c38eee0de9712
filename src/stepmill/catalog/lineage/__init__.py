"""Lineage: which data and code made a model, and what came of this data."""
