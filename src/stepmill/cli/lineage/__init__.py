"""Lineage as people see it: as a tree, a graph, a page."""
