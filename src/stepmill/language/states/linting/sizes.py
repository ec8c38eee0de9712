"""Finds what may outgrow the 256 KiB that AWS passes from one state to the next.

Source: Step Functions developer guide, "Quotas": maximum input or output size, 262,144 bytes. Sizes
of answers are rough ones, of what the services send for an ordinary request.
"""

from __future__ import annotations

from collections.abc import Mapping

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, write_json
from stepmill.language.states.codes import Code
from stepmill.language.states.collector import Collector
from stepmill.language.states.definition import (
    ABSENT,
    MapState,
    PassState,
    ProcessorMode,
    State,
    StateMachine,
    TaskState,
    WorkState,
)
from stepmill.language.states.flow import is_terminal
from stepmill.language.states.linting.failures import all_branches
from stepmill.language.states.resources import parse_resource

MOST_BYTES = 262_144
# What one answer has, in bytes, when all of it is kept.
_ANSWERS: Mapping[str, int] = {
    "lambda:invoke": 1_500,
    "sagemaker:createTrainingJob.sync": 4_000,
    "sagemaker:createProcessingJob.sync": 3_000,
    "sagemaker:createTransformJob.sync": 2_500,
    "sagemaker:createHyperParameterTuningJob.sync": 6_000,
    "batch:submitJob.sync": 3_000,
    "ecs:runTask.sync": 6_000,
    "glue:startJobRun.sync": 1_500,
    "states:startExecution.sync": 2_000,
    "states:startExecution.sync:2": 2_000,
}
# Answers as large as what is stored.
_UNBOUNDED = frozenset(
    {
        "aws-sdk:s3:getObject",
        "aws-sdk:dynamodb:scan",
        "aws-sdk:dynamodb:query",
        "athena:getQueryResults",
        "aws-sdk:athena:getQueryResults",
        "aws-sdk:cloudwatchlogs:filterLogEvents",
        "aws-sdk:cloudwatchlogs:getLogEvents",
    }
)


def check_sizes(machine: StateMachine, collector: Collector) -> None:
    """Tell of states whose output may become too large."""
    for branch in all_branches(machine):
        for state in branch.states.values():
            if isinstance(state, TaskState) and _integration(state) in _UNBOUNDED and _keeps_all(state):
                message = "All that is read is passed on; it may have any size."
                collector.add(Code.PAYLOAD_MAY_OUTGROW, state.path, message)
            elif isinstance(state, MapState):
                _check_map(state, collector)
            elif isinstance(state, PassState):
                _check_literal(state, collector)


def _check_map(state: MapState, collector: Collector) -> None:
    """Look at what each iteration adds to the list of results."""
    if state.writer is not None or not _keeps_all(state):
        return
    last = max((_answer(each) for each in state.processor.states.values() if is_terminal(each)), default=0)
    if not last:
        return
    count = MOST_BYTES // last
    where = "" if state.mode is ProcessorMode.INLINE else " A ResultWriter puts them into S3."
    message = (
        f"Each iteration keeps a whole answer of some {last:,} bytes; about {count} of them have more than "
        "256 KiB together."
    )
    mend = f"Let the iteration keep what is needed, by ResultSelector or Output.{where}"
    collector.add(Code.PAYLOAD_MAY_OUTGROW, state.path, message, mend)


def _answer(state: State) -> int:
    if not isinstance(state, TaskState) or not _keeps_all(state):
        return 0
    return _ANSWERS.get(_integration(state), 0)


def _keeps_all(state: WorkState) -> bool:
    """Return whether the whole result of a state goes on."""
    if state.uses_jsonata:
        return state.output is ABSENT
    return state.result_path is not None and state.result_selector is ABSENT and state.output_path == "$"


def _integration(state: TaskState) -> str:
    try:
        return parse_resource(state.resource).integration
    except InvalidInputError:
        return ""


def _check_literal(state: PassState, collector: Collector) -> None:
    for field, value in (
        ("Result", state.result),
        ("Parameters", state.parameters),
        ("Output", state.output),
    ):
        if value is not ABSENT and _size(value) > MOST_BYTES:
            message = "The value itself has more than 256 KiB."
            collector.add(Code.PAYLOAD_MAY_OUTGROW, f"{state.path}/{field}", message)


def _size(value: Json) -> int:
    return len(write_json(value).encode())
