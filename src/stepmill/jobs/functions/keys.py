"""The cache keys of Lambda steps: the code that runs, its configuration, and the event."""

from __future__ import annotations

from stepmill.core.tasks import Task
from stepmill.jobs.cache_keys import CacheKey, Leaf, leaves_of, make_key
from stepmill.jobs.functions.registry import FunctionRegistry


class FunctionKeys:
    """Makes the keys of calls.

    Args:
        functions: Tells which code would run.
    """

    def __init__(self, functions: FunctionRegistry) -> None:
        self._functions = functions

    def __call__(self, task: Task) -> CacheKey:
        """Make the key of a call.

        Raises:
            StepmillError: If there is no such function.
        """
        function = self._functions.get(str(task.extra.get("FunctionArn")))
        leaves: dict[str, Leaf] = {
            "Function.name": function.name,
            "Function.code": function.code_sha256,
            "Function.handler": function.handler,
        }
        leaves.update(leaves_of(dict(function.environment), "Environment"))
        leaves.update(leaves_of(task.payload, "Arguments"))
        leaves.update(leaves_of(task.extra.get("OutputParameters"), "OutputParameters"))
        return make_key(task.resource, leaves)
