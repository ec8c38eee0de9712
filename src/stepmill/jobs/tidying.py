"""Removes what a job that has ended leaves in its folder and nobody needs any more."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from stepmill.compute.supervision.layout import clear_away
from stepmill.jobs.host_folders import host_folders
from stepmill.jobs.kinds import Workplace


def tidy_up(place: Workplace, *, keep: bool) -> None:
    """Remove what is not needed any more.

    Args:
        place: Where the job was done.
        keep: Whether what it wrote is kept, to be looked at: of a failed job.
    """
    hosts = [replace(place, folder=folder) for _, folder in host_folders(place.folder)]
    inputs = [each.inputs for each in hosts]
    written = [] if keep else [each.ml for each in hosts]
    for folder in (*inputs, place.collected, *written):
        # A job can nest folders deeper than Python's stack. What stays is left to `stepmill gc`.
        with suppress(OSError, RecursionError):
            clear_away(folder)
