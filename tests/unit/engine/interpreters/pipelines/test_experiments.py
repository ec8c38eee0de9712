"""Which experiment and trial an execution belongs to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stepmill.engine.interpreters.pipelines.experiments import (
    ExperimentNames,
    StartedWith,
    experiment_names,
)
from stepmill.language.pipelines.definition import ExperimentConfig, PipelineDefinition
from stepmill.language.pipelines.expressions import (
    ExecutionVariable,
    Expression,
    GetExecutionVariable,
    GetParameter,
    GetStepProperty,
    Join,
    Literal,
)

STARTED = StartedWith(
    "abc", "arn:execution", "Churn", "arn:pipeline", datetime(2026, 1, 2, tzinfo=UTC), {"Team": "sea", "N": 3}
)


def names(experiment: Expression, trial: Expression) -> ExperimentNames | None:
    return experiment_names(PipelineDefinition({}, experiment=ExperimentConfig(experiment, trial)), STARTED)


def test_by_default_pipeline_and_execution() -> None:
    assert experiment_names(PipelineDefinition({}), STARTED) == ExperimentNames("Churn", "abc")


def test_none_if_none_is_wanted() -> None:
    assert experiment_names(PipelineDefinition({}, experiment=None), STARTED) is None


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (Literal("x"), "x"),
        (GetParameter("Team"), "sea"),
        (GetParameter("N"), "3"),
        (GetExecutionVariable(ExecutionVariable.PIPELINE_ARN), "arn:pipeline"),
        (GetExecutionVariable(ExecutionVariable.PIPELINE_EXECUTION_ARN), "arn:execution"),
        (GetExecutionVariable(ExecutionVariable.START_DATE_TIME), "2026-01-02T00:00:00Z"),
        (Join("-", (GetParameter("Team"), Literal(7))), "sea-7"),
    ],
)
def test_names_are_made_of_what_the_start_knows(expression: Expression, text: str) -> None:
    assert names(expression, Literal("t")) == ExperimentNames(text, "t")


@pytest.mark.parametrize(
    "expression",
    [
        GetParameter("Other"),
        GetStepProperty("A", ("Arn",)),
        GetExecutionVariable(ExecutionVariable.TRAINING_JOB_NAME),
        Join("-", (Literal("a"), GetStepProperty("A", ("Arn",)))),
    ],
)
def test_what_only_a_step_knows_is_no_name(expression: Expression) -> None:
    assert names(expression, Literal("t")) is None
    assert names(Literal("e"), expression) is None
