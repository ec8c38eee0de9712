"""The machine that jobs share: what instance types promise, what there is, and whose turn it is."""
