"""Holds the arguments of tasks against the requests of the services that they call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import cast

from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.language.pipelines.arguments import Request, ServiceModels, ShapeSource
from stepmill.language.pipelines.codes import Code as ShapeCode
from stepmill.language.pipelines.collector import Collector as ShapeCollector
from stepmill.language.pipelines.collector import TooManyFindingsError as TooManyShapeFindingsError
from stepmill.language.pipelines.places import Place as ShapePlace
from stepmill.language.pipelines.shape_check import ShapeCheck
from stepmill.language.states.codes import Code
from stepmill.language.states.collector import Collector
from stepmill.language.states.definition import ABSENT, StateMachine, TaskState
from stepmill.language.states.linting.arguments import ANY_JSON, UpperCaseModel, document_of
from stepmill.language.states.linting.failures import all_branches
from stepmill.language.states.places import ROOT, Place
from stepmill.language.states.resources import Resource, ResourceKind, parse_resource

# Where the name in a Resource is not that of the service's model.
_OPTIMIZED = {"states": "stepfunctions"}
_SDK = {
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "sfn": "stepfunctions",
    "sagemakerruntime": "sagemaker-runtime",
    "sagemakerfeaturestoreruntime": "sagemaker-featurestore-runtime",
    "sagemakermetrics": "sagemaker-metrics",
}
# Optimised integrations whose arguments are the request of the operation of that name.
_PLAIN = frozenset({"batch", "dynamodb", "events", "glue", "lambda", "sagemaker", "sns", "sqs", "states"})
_CODES: Mapping[str, Code] = {
    ShapeCode.UNKNOWN_KEY: Code.UNKNOWN_ARGUMENT,
    ShapeCode.MISSING_KEY: Code.MISSING_ARGUMENT,
    ShapeCode.WRONG_TYPE: Code.WRONG_ARGUMENT,
    ShapeCode.UNKNOWN_VALUE: Code.WRONG_ARGUMENT,
    ShapeCode.OUT_OF_RANGE: Code.WRONG_ARGUMENT,
    ShapeCode.AWS_PATTERN: Code.WRONG_ARGUMENT,
    ShapeCode.AWS_LIMIT: Code.WRONG_ARGUMENT,
    ShapeCode.AWS_VALUE: Code.WRONG_ARGUMENT,
    ShapeCode.LOCAL_PATH: Code.WRONG_ARGUMENT,
}
_HYPERPARAMETERS = ("/HyperParameters/", "/StaticHyperParameters/")


def check_requests(machine: StateMachine, models: ServiceModels, collector: Collector) -> None:
    """Tell of arguments that a service's operation would not take."""
    for task, resource in _calls(machine):
        service, operation = _operation(resource)
        try:
            model = UpperCaseModel(models(service))
            model.request(operation)
        except NotFoundError:
            continue
        _check(task, resource, operation, model, collector)


def _calls(machine: StateMachine) -> Iterator[tuple[TaskState, Resource]]:
    for branch in all_branches(machine):
        for state in branch.states.values():
            if not isinstance(state, TaskState) or state.arguments is ABSENT:
                continue
            try:
                resource = parse_resource(state.resource)
            except InvalidInputError:
                continue
            if resource.kind is ResourceKind.SDK or (resource.is_integration and resource.service in _PLAIN):
                yield state, resource


def _operation(resource: Resource) -> tuple[str, str]:
    names = _SDK if resource.kind is ResourceKind.SDK else _OPTIMIZED
    operation = resource.action[:1].upper() + resource.action[1:]
    return names.get(resource.service, resource.service), operation


def _check(
    task: TaskState, resource: Resource, operation: str, model: UpperCaseModel, collector: Collector
) -> None:
    def models(_service: str, /) -> ShapeSource:
        return model

    free = ANY_JSON.get(f"{resource.resource_type}:{resource.action}", frozenset())
    shape = model.request(operation)
    document = document_of(
        task.arguments,  # type: ignore[arg-type]
        shape,
        model,
        free,
        uses_jsonata=task.uses_jsonata,
    )
    found = ShapeCollector()
    place = _place(task) / ("Arguments" if task.uses_jsonata else "Parameters")
    with suppress(TooManyShapeFindingsError):
        # A place of either language is a chain that becomes text; the check only lengthens it.
        ShapeCheck(models, found).check(Request(operation), document, cast(ShapePlace, place))
    for finding in found.findings():
        code = _CODES.get(finding.code)
        if code is Code.WRONG_ARGUMENT and any(part in finding.path for part in _HYPERPARAMETERS):
            collector.add(Code.HYPERPARAMETER_NOT_TEXT, finding.path, finding.message, finding.mend)
        elif code is not None:
            collector.add(code, finding.path, finding.message, finding.mend)


def _place(task: TaskState) -> Place:
    # The path of a state is text already; one key that is not split again.
    return ROOT / task.path.removeprefix("/")
