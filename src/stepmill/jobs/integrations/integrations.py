"""Who does the tasks of which resource, and which resources are offered at all."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from stepmill.catalog.activities import Activities
from stepmill.core.api_calls import ApiCalls
from stepmill.core.clock import Clock
from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.json import Json
from stepmill.core.tasks import TaskHandler
from stepmill.jobs.integrations.activities import ActivityTask
from stepmill.jobs.integrations.calls import NO_OBJECT, CallTools, OptimizedCall, SdkCall, operation_of
from stepmill.jobs.integrations.functions import Functions, FunctionTask
from stepmill.jobs.integrations.jobs import JOB_ACTIONS, JobMakers, JobTask
from stepmill.jobs.integrations.journal import Journal
from stepmill.jobs.integrations.services import ELSEWHERE, OPTIMIZED, SDK
from stepmill.jobs.integrations.waiting import WAITED, WaitedCall
from stepmill.jobs.integrations.watching import Watching
from stepmill.language.states.resources import Pattern, Resource, ResourceKind, parse_resource
from stepmill.storage.records import RecordStore

PAGE = "docs/reference/integrations.md"
_OF_INTEGRATIONS = "arn:aws"
# Different resources in one home are few; a hostile definition must not fill the memory.
_MOST_KEPT = 1000
_SUFFIXES = {
    Pattern.REQUEST_RESPONSE: ("",),
    Pattern.SYNC: (".sync", ".sync:2"),
    Pattern.WAIT_FOR_TASK_TOKEN: (".waitForTaskToken",),
}


class Integrations:
    """Finds who does the tasks of a resource. A lookup for the engine; safe to share between threads.

    Args:
        calls: Calls services.
        records: Where is kept what must not be begun twice.
        clock: Tells the time.
        functions: The functions.
        makers: Who does jobs.
        activities: Work that workers outside fetch.
    """

    def __init__(
        self,
        calls: ApiCalls,
        records: RecordStore,
        clock: Clock,
        *,
        functions: Functions,
        makers: JobMakers,
        activities: Activities,
    ) -> None:
        self._calls = calls
        self._tools = CallTools(calls, Journal(records), clock)
        self._functions = functions
        self._makers = makers
        self._activities = activities
        self._watching = Watching()
        self._lock = threading.Lock()
        self._handlers: dict[str, TaskHandler] = {}
        self._names: frozenset[str] | None = None

    def close(self) -> None:
        """Look after nothing more. What was begun goes on."""
        self._watching.close()

    def get(self, resource: str, /) -> TaskHandler | None:
        """Return who does the tasks of a resource; ``None`` if it is none, or not offered."""
        with self._lock:
            if resource not in self._handlers:
                try:
                    found = parse_resource(resource)
                    self.check(found)
                except (InvalidInputError, UnsupportedError):
                    return None
                if len(self._handlers) >= _MOST_KEPT:
                    return self._make(found)
                self._handlers[resource] = self._make(found)
            return self._handlers[resource]

    def check(self, resource: Resource) -> None:
        """Check that the tasks of a resource can be done here.

        Raises:
            UnsupportedError: If they cannot. Says what is not offered, by name.
        """
        match resource.kind:
            case ResourceKind.LAMBDA | ResourceKind.ACTIVITY:
                return
            case ResourceKind.OPTIMIZED:
                self._check_optimized(resource)
            case ResourceKind.SDK:
                self._check_sdk(resource)

    def problems(self, resource: str, parameters: Json) -> Sequence[str]:
        """Return what keeps parameters from being those of a resource, in Step Functions' words.

        Nothing is said of functions, of activities, and of what is not offered.
        """
        if not resource.startswith(_OF_INTEGRATIONS):
            return ()
        try:
            found = parse_resource(resource)
        except InvalidInputError:
            return ()
        service, operation = _service_of(found), operation_of(found)
        if not service or operation not in self._calls.operations(service):
            return ()
        if not isinstance(parameters, Mapping):
            return (NO_OBJECT,)
        return self._calls.problems(service, operation, parameters)

    def offered(self) -> Mapping[str, frozenset[Pattern]]:
        """Return what is offered: ``sqs:sendMessage``, ``aws-sdk:s3:getObject`` -> by which patterns."""
        found: dict[str, frozenset[Pattern]] = {}
        for name, service in OPTIMIZED.items():
            operations = self._calls.operations(service.service)
            for action, patterns in service.actions.items():
                if action[:1].upper() + action[1:] in operations:
                    found[f"{name}:{action}"] = patterns
        either = frozenset({Pattern.REQUEST_RESPONSE, Pattern.WAIT_FOR_TASK_TOKEN})
        for name, sdk in SDK.items():
            for operation in sorted(self._calls.operations(sdk.service)):
                found[f"aws-sdk:{name}:{operation[:1].lower()}{operation[1:]}"] = either
        return found

    def names(self) -> frozenset[str]:
        """Return what is offered as Task states write it: ``sqs:sendMessage.waitForTaskToken``."""
        with self._lock:
            if self._names is None:
                self._names = frozenset(
                    name + suffix
                    for name, patterns in self.offered().items()
                    for pattern in patterns
                    for suffix in _SUFFIXES[pattern]
                    if suffix != ".sync:2" or name.startswith("states:")
                )
            return self._names

    # ---- inside --------------------------------------------------------------------------------

    def _check_optimized(self, resource: Resource) -> None:
        service = OPTIMIZED.get(resource.service)
        if service is None:
            known = "is not offered here" if resource.service in ELSEWHERE else "is none of Step Functions"
            raise _unsupported(resource, f"The integration with {resource.service!r} {known}.")
        patterns = service.actions.get(resource.action)
        if patterns is None:
            raise _unsupported(
                resource,
                f"Step Functions has no integration {resource.service}:{resource.action[:80]}.",
                f"It has {', '.join(sorted(service.actions))}.",
            )
        if resource.pattern not in patterns or (
            resource.suffix == ".sync:2" and resource.service != "states"
        ):
            pattern = resource.suffix or "without a suffix"
            raise _unsupported(resource, f"{resource.service}:{resource.action} has no pattern {pattern}.")
        if operation_of(resource) not in self._calls.operations(service.service):
            raise _unsupported(resource, f"{resource.service}:{resource.action} is not offered here yet.")

    def _check_sdk(self, resource: Resource) -> None:
        service = SDK.get(resource.service)
        if service is None:
            raise _unsupported(resource, f"aws-sdk:{resource.service[:80]} is not offered here.")
        if operation_of(resource) not in self._calls.operations(service.service):
            raise _unsupported(
                resource, f"aws-sdk:{resource.service}:{resource.action[:80]} is not offered here."
            )

    def _make(self, resource: Resource) -> TaskHandler:
        tools = self._tools
        match resource.kind:
            case ResourceKind.ACTIVITY:
                return ActivityTask(self._activities, resource.arn)
            case ResourceKind.LAMBDA:
                return FunctionTask(tools, self._functions, resource)
            case ResourceKind.SDK:
                return SdkCall(tools, SDK[resource.service], resource)
        service = OPTIMIZED[resource.service]
        if service.service == "lambda":
            return FunctionTask(tools, self._functions, resource)
        if resource.pattern is not Pattern.SYNC:
            return OptimizedCall(tools, service, resource)
        if resource.service == "sagemaker" and resource.action in JOB_ACTIONS:
            return JobTask(tools, self._makers, resource.action)
        assert (service.service, operation_of(resource)) in WAITED
        return WaitedCall(tools, self._watching, service, resource)


def _service_of(resource: Resource) -> str:
    """Return the service of an integration as botocore names it; empty for what is none."""
    if resource.kind is ResourceKind.OPTIMIZED and resource.service in OPTIMIZED:
        return OPTIMIZED[resource.service].service
    if resource.kind is ResourceKind.SDK and resource.service in SDK:
        return SDK[resource.service].service
    return ""


def _unsupported(resource: Resource, what: str, mend: str = "") -> UnsupportedError:
    return UnsupportedError(
        what, where=resource.arn[:200], mend=" ".join(filter(None, (mend, f"{PAGE} lists what is offered.")))
    )
