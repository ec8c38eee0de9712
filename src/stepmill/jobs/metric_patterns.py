"""Expressions of metrics in RE2: they take linear time, so that no thread is held up.

RE2 is imported when the first expression is compiled.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from stepmill.jobs.toolkit.scan_metrics import LONGEST_LINE, number_in


@lru_cache(maxsize=256)
def compiled(regex: str) -> Any:
    """Return an expression that can be searched for in linear time; ``None`` if it has no such form.

    What RE2 does not know are look-aheads, look-behinds and back references.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        # The log agent of SageMaker writes a tab as #011, and the built-in expressions expect that.
        return re2.compile(regex.replace("#011", "\t"), options)
    except re2.error:
        return None


def value_in(pattern: Any, line: str) -> float | None:
    """Return the finite number that the first group of an expression finds in a line.

    Args:
        pattern: As ``compiled`` gives it.
        line: Of the log.
    """
    # As the scanner gets its lines.
    return number_in(pattern.search(line[:LONGEST_LINE].replace("\r", " ").replace("\n", " ")))
