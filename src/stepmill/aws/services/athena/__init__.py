"""Athena: queries over tables of the catalog of data."""
