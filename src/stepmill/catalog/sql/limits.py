"""What one query may use."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True)
class Limits:
    """What one query may use.

    Args:
        time: After which it is ended. Athena's own limit is half an hour.
        memory_bytes: Of DuckDB; what does not fit goes to the disk, four times as much at most.
        at_once: So many queries run at once; others wait.
        threads: Of each.
    """

    time: timedelta = timedelta(minutes=30)
    memory_bytes: int = 2 * 1024**3
    at_once: int = 4
    threads: int = field(default_factory=lambda: max(os.cpu_count() or 1, 1))
