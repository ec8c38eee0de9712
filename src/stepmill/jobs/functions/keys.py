"""The cache keys of Lambda steps: the code that runs, its configuration, and the event."""

from __future__ import annotations

from stepmill.core.tasks import Task
from stepmill.jobs.cache_keys import CacheKey, Leaf, leaves_of, make_key
from stepmill.jobs.functions.function import parse_reference
from stepmill.jobs.functions.versions import FunctionVersions


class FunctionKeys:
    """Makes the keys of calls.

    Args:
        versions: Tells which code would run.
    """

    def __init__(self, versions: FunctionVersions) -> None:
        self._versions = versions

    def __call__(self, task: Task) -> CacheKey:
        """Make the key of a call.

        Raises:
            StepmillError: If there is no such function.
        """
        name, qualifier = parse_reference(task.extra.get("FunctionArn"))
        function = self._versions.get(name, qualifier if self._versions.has(name, qualifier) else "")
        leaves: dict[str, Leaf] = {
            "Function.name": function.name,
            "Function.code": function.code_sha256,
            "Function.handler": function.handler,
        }
        leaves.update(leaves_of(dict(function.environment), "Environment"))
        leaves.update(leaves_of(task.payload, "Arguments"))
        leaves.update(leaves_of(task.extra.get("OutputParameters"), "OutputParameters"))
        return make_key(task.resource, leaves)
