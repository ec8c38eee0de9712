"""What the result of a check step depends on.

Source: developer guide, "Caching pipeline steps", default cache key attributes of the QualityCheck step. In
the place of the previous baseline's address stands what lies there.
"""

from __future__ import annotations

from stepmill.core.tasks import Task
from stepmill.jobs.cache_keys import CacheKey
from stepmill.jobs.checks.clarify_keys import ClarifyKeys
from stepmill.jobs.checks.step import CheckHandler

_ATTRIBUTES = (
    "CheckType",
    "SkipCheck",
    "RegisterNewBaseline",
    "ModelPackageGroupName",
    "SuppliedBaselineConstraints",
    "SuppliedBaselineStatistics",
    # Not in AWS's table; but a step that passed for it would fail without.
    "FailOnViolation",
)


class CheckKeys:
    """Makes the keys of check steps.

    Args:
        keys: Makes those of their jobs.
        handler: Knows what a check's job is.
    """

    def __init__(self, keys: ClarifyKeys, handler: CheckHandler) -> None:
        self._keys = keys
        self._handler = handler

    def __call__(self, task: Task) -> CacheKey:
        """Make the key of a task.

        Raises:
            StepmillError: If an input or the baseline is not there, or the request cannot be read.
        """
        given = {name: task.extra.get(name) for name in _ATTRIBUTES}
        return self._keys.processing(self._handler.prepared(task), given)
