"""What programs of jobs do to the log of the process that runs them, undone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def log_restored() -> Iterator[None]:
    """Have the root logger be afterwards as it was: programs of jobs bind it to their standard output."""
    before = logging.root.handlers[:], logging.root.level
    try:
        yield
    finally:
        logging.root.handlers[:], logging.root.level = before
