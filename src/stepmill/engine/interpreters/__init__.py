"""Interpreters of the two languages. Pure: they touch no clock, disk, network, thread or chance."""
