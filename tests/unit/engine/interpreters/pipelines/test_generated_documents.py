"""Documents of all shapes that the language allows, read and run to their end."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stepmill.core.json import Json
from stepmill.core.service_models import service_model
from stepmill.core.tasks import TaskFailed, TaskSucceeded
from stepmill.engine.interpreters.pipelines.listing import step_entries, step_views
from stepmill.engine.interpreters.pipelines.plan import READ_JSON, Plan
from stepmill.language.pipelines.checking import read
from stepmill.language.pipelines.conditions import operands_of
from stepmill.language.pipelines.definition import PipelineDefinition, Step
from stepmill.language.pipelines.expressions import (
    Expression,
    GetIterationOutput,
    GetStepProperty,
    ReadPropertyFile,
    expressions_in,
    leaves_of,
    parse_expression,
)
from stepmill.language.pipelines.places import ROOT
from stepmill.testing import pipeline_documents
from support.interpreting import Execution


def leaves(step: Step) -> list[Expression]:
    found = [parse_expression(each) for _, each in expressions_in([step.arguments, step.extra], ROOT)]
    for condition in step.condition.conditions if step.condition else ():
        found.extend(operands_of(condition))
    if step.for_each and step.for_each.selector:
        found.append(step.for_each.selector.field)
    return [leaf for each in found for leaf in leaves_of(each)]


def outputs_for(definition: PipelineDefinition) -> dict[str, Json]:
    """Return for each step a document in which every property that others read is there."""
    wanted: dict[str, dict[Any, Any]] = {name: {} for name in definition.steps}

    def add(step: str, path: tuple[str | int, ...], value: Json) -> None:
        place = wanted[step]
        for element in path[:-1]:
            place = place.setdefault(element, {})
        if path:
            place[path[-1]] = value

    for step in definition.steps.values():
        for leaf in leaves(step):
            match leaf:
                case GetStepProperty(name, ("IterationOutputs", _, str(body), *rest)):
                    add(body, tuple(rest), 1)
                case GetStepProperty(name, path) | GetIterationOutput(name, path):
                    add(name, path, '["a","b"]')
                case ReadPropertyFile(name, file):
                    (found,) = [f for f in definition.steps[name].property_files if f.name == file]
                    path = ("ProcessingOutputConfig", "Outputs", found.output_name, "S3Output", "S3Uri")
                    add(name, path, "s3://b/k")
    return {name: listed(document) for name, document in wanted.items()}


def listed(document: Any) -> Json:
    """Turn objects with positions for keys into lists."""
    if not isinstance(document, dict):
        return document  # type: ignore[no-any-return]
    if document and all(isinstance(key, int) for key in document):
        return [listed(document.get(index, {})) for index in range(max(document) + 1)]
    return {str(key): listed(value) for key, value in document.items()}


@given(pipeline_documents(), st.integers(0, 2**32), st.sampled_from([0.0, 0.2]))
@settings(deadline=None)
def test_every_document_runs_to_an_end(document: Any, seed: int, bad_luck: float) -> None:
    definition = read(document, service_model)
    run = Execution(Plan.of(definition)).start({p.name: p.default for p in definition.parameters.values()})
    outputs, chance = outputs_for(definition), Random(seed)
    while run.tasks or run.timers:
        if not run.tasks:
            run.fire()
            continue
        task = run.tasks.pop(chance.choice(list(run.tasks)))
        if chance.random() < bad_luck:
            run.post(TaskFailed(task.id, chance.choice(["AlgorithmError", "Step.THROTTLING"])))
        elif task.resource == READ_JSON:
            reads: Any = task.payload
            run.post(TaskSucceeded(task.id, {"values": [0.5 for _ in reads["reads"]]}))
        else:
            name = task.step if task.step in outputs else task.step.rpartition("-")[0]
            run.post(TaskSucceeded(task.id, outputs[name]))
    assert run.status.is_final
    assert len(step_entries(run.plan, run.frames)) <= len(step_views(run.plan, run.frames))
    if not bad_luck:
        reasons = [str(entry.get("FailureReason", "")) for entry in run.entries]
        assert not [reason for reason in reasons if "has no value" in reason and "has not run" not in reason]
