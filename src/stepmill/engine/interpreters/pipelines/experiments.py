"""Which experiment and trial an execution belongs to, by its definition."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stepmill.core.clock import as_text
from stepmill.core.json import Json, JsonObject
from stepmill.engine.interpreters.pipelines.values import text_of
from stepmill.language.pipelines.definition import PipelineDefinition
from stepmill.language.pipelines.expressions import (
    ExecutionVariable,
    Expression,
    GetExecutionVariable,
    GetParameter,
    Join,
    Literal,
)


@dataclass(frozen=True, slots=True)
class ExperimentNames:
    """An experiment and a trial in it."""

    experiment: str
    trial: str


@dataclass(frozen=True, slots=True)
class StartedWith:
    """What is known of an execution from its start on.

    Args:
        id: Of the execution.
        arn: Its ARN.
        pipeline: Name of its pipeline.
        pipeline_arn: That one's ARN.
        started_at: Aware, UTC.
        parameters: Name -> value.
    """

    id: str
    arn: str
    pipeline: str
    pipeline_arn: str
    started_at: datetime
    parameters: JsonObject


def experiment_names(definition: PipelineDefinition, started: StartedWith) -> ExperimentNames | None:
    """Return the names that a definition gives; ``None`` if it wants no experiment to be recorded.

    ``None`` also if they are made of what only a step knows.
    """
    if definition.experiment is None:
        return None
    experiment = _value(definition.experiment.experiment_name, started)
    trial = _value(definition.experiment.trial_name, started)
    if experiment is None or trial is None:
        return None
    return ExperimentNames(text_of(experiment), text_of(trial))


def _value(expression: Expression, started: StartedWith) -> Json:
    match expression:
        case Literal(value):
            return value
        case GetParameter(name):
            return started.parameters.get(name)
        case GetExecutionVariable(variable):
            return _variable(variable, started)
        case Join(separator, values):
            parts = [_value(each, started) for each in values]
            return None if None in parts else separator.join(map(text_of, parts))
        case _:
            return None


def _variable(variable: ExecutionVariable, started: StartedWith) -> str | None:
    match variable:
        case ExecutionVariable.START_DATE_TIME | ExecutionVariable.CURRENT_DATE_TIME:
            return as_text(started.started_at)
        case ExecutionVariable.PIPELINE_NAME:
            return started.pipeline
        case ExecutionVariable.PIPELINE_ARN:
            return started.pipeline_arn
        case ExecutionVariable.PIPELINE_EXECUTION_ID:
            return started.id
        case ExecutionVariable.PIPELINE_EXECUTION_ARN:
            return started.arn
    return None
