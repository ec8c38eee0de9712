"""Checks of data and models: the programs that do them, and the steps that judge what they found."""
