"""Reads the top level of a definition: version, metadata, parameters, experiment, and the steps below."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from stepmill.core.json import Json, JsonObject
from stepmill.language.pipelines.codes import Code
from stepmill.language.pipelines.definition import (
    SCHEMA_VERSION,
    Branch,
    ExperimentConfig,
    Parameter,
    ParameterType,
    PipelineDefinition,
    Step,
)
from stepmill.language.pipelines.draft import Draft
from stepmill.language.pipelines.expressions import (
    Expression,
    GetExecutionVariable,
    GetParameter,
    Literal,
    leaves_of,
)
from stepmill.language.pipelines.parameters import fits
from stepmill.language.pipelines.places import ROOT, Place, show
from stepmill.language.pipelines.shape_check import ShapeCheck
from stepmill.language.pipelines.step_keys import choose
from stepmill.language.pipelines.step_reading import StepReader

_KEYS = ("Version", "Metadata", "Parameters", "PipelineExperimentConfig", "MlflowConfig", "Steps")
_PARAMETER_KEYS = ("Name", "Type", "DefaultValue", "EnumValues", "Description")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
# Source: JSON schema of the definition.
_LONGEST_METADATA = 1_024
_LONGEST_DEFAULT = 4_096
# Quotas of SageMaker Pipelines as commonly quoted; they differ by account, and AWS can raise them.
_MOST_STEPS = 50
_MOST_PARAMETERS = 200


def read_document(draft: Draft, shapes: ShapeCheck, document: JsonObject) -> PipelineDefinition:
    """Read a whole document into a definition, which is good only if nothing was found wrong."""
    draft.keys(document, _KEYS, ("Steps",), ROOT)
    version = document.get("Version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        message = f"Version is {show(version)}; only {SCHEMA_VERSION} exists."
        draft.collector.add(Code.UNKNOWN_VERSION, ROOT / "Version", message)
    metadata = _metadata(draft, document.get("Metadata"), ROOT / "Metadata")
    _parameters(draft, document.get("Parameters"), ROOT / "Parameters")
    shapes.parameters = draft.parameters
    if "PipelineExperimentConfig" in document:
        place = ROOT / "PipelineExperimentConfig"
        draft.experiment = _experiment(draft, document["PipelineExperimentConfig"], place)
    mlflow = _mlflow(draft, document.get("MlflowConfig"), ROOT / "MlflowConfig")
    if "Steps" in document:
        _steps(draft, shapes, document["Steps"], ROOT / "Steps")
    ordered = {name: draft.steps[name] for name in draft.places if name in draft.steps}
    return PipelineDefinition(
        steps=_without_strangers(ordered) if draft.collector.errors else ordered,
        parameters=draft.parameters,
        metadata=metadata,
        experiment=draft.experiment,
        mlflow=mlflow,
    )


def _without_strangers(steps: Mapping[str, Step]) -> Mapping[str, Step]:
    """Take steps out of containers that have no name, no type, or another's name, so that all links hold."""
    belong: set[tuple[str, Branch, str]] = set()
    for name, step in steps.items():
        if step.condition:
            belong.update((name, Branch.IF, child) for child in step.condition.if_steps)
            belong.update((name, Branch.ELSE, child) for child in step.condition.else_steps)
        if step.for_each:
            belong.update((name, Branch.BODY, child) for child in step.for_each.steps)
    return {
        name: step
        if step.branch is None or (step.parent, step.branch, name) in belong
        else replace(step, parent="", branch=None)
        for name, step in steps.items()
    }


def _steps(draft: Draft, shapes: ShapeCheck, value: Json, place: Place) -> None:
    StepReader(draft, shapes).read_steps(value, place)
    if isinstance(value, list) and not value:
        draft.collector.add(Code.OUT_OF_RANGE, place, "There is no step.", "Add at least one.")
    if len(draft.places) > _MOST_STEPS:
        message = f"There are {len(draft.places)} steps; AWS's usual quota is {_MOST_STEPS}."
        draft.collector.add(Code.AWS_LIMIT, place, message, "Ask AWS to raise it before running this there.")


def _metadata(draft: Draft, value: Json, place: Place) -> Mapping[str, str]:
    if value is None:
        return {}
    read = {
        key: draft.expect_text(text, place / key) for key, text in draft.expect_object(value, place).items()
    }
    for key, text in read.items():
        if len(text) > _LONGEST_METADATA:
            message = f"The text has {len(text)} characters; AWS allows {_LONGEST_METADATA}."
            draft.collector.add(Code.AWS_LIMIT, place / key, message)
    return read


def _experiment(draft: Draft, value: Json, place: Place) -> ExperimentConfig | None:
    if value is None:
        return None
    entry = draft.expect_object(value, place)
    keys = ("ExperimentName", "TrialName")
    if not isinstance(value, Mapping) or not draft.keys(entry, keys, keys, place):
        return draft.experiment
    return ExperimentConfig(*(_text_or_expression(draft, entry[key], place / key) for key in keys))


def _text_or_expression(draft: Draft, value: Json, place: Place) -> Expression:
    expression = draft.expression("", value, place)
    if isinstance(expression, Literal) and expression.value is not None and not isinstance(value, str):
        draft.wrong(value, "A text or an expression", place)
    for leaf in leaves_of(expression):
        if not isinstance(leaf, Literal | GetParameter | GetExecutionVariable):
            message = "Before any step runs, only parameters and facts about the execution are known."
            draft.collector.add(Code.NOT_HERE, place, message)
    return expression


def _mlflow(draft: Draft, value: Json, place: Place) -> JsonObject | None:
    if value is None:
        return None
    entry = draft.expect_object(value, place)
    draft.keys(entry, ("MlflowResourceArn", "MlflowExperimentName"), (), place)
    for key, below in entry.items():
        _text_or_expression(draft, below, place / key)
    return entry


def _parameters(draft: Draft, value: Json, place: Place) -> None:
    if value is None:
        return
    for index, item in enumerate(draft.expect_list(value, place)):
        parameter = _parameter(draft, item, place / index)
        if parameter and parameter.name in draft.parameters:
            message = f"There is another parameter {show(parameter.name)}."
            draft.collector.add(Code.DUPLICATE_NAME, place / index / "Name", message)
        elif parameter:
            draft.parameters[parameter.name] = parameter
            draft.parameter_places[parameter.name] = place / index
    if len(draft.parameters) > _MOST_PARAMETERS:
        message = f"There are {len(draft.parameters)} parameters; AWS's usual quota is {_MOST_PARAMETERS}."
        draft.collector.add(Code.AWS_LIMIT, place, message, "Ask AWS to raise it before running this there.")


def _parameter(draft: Draft, value: Json, place: Place) -> Parameter | None:
    entry = draft.expect_object(value, place)
    if not isinstance(value, Mapping) or not draft.keys(entry, _PARAMETER_KEYS, ("Name",), place):
        return None
    name = draft.expect_text(entry["Name"], place / "Name")
    if isinstance(entry["Name"], str) and not _NAME.match(name):
        message = f"{show(name)} is not a name of 1 to 64 letters, digits, hyphens and underscores."
        draft.collector.add(Code.BAD_NAME, place / "Name", message)
    kind = choose(draft, ParameterType, entry.get("Type", ParameterType.STRING), place / "Type")
    kind_known = kind or ParameterType.STRING
    enum_values = _enum_values(draft, entry.get("EnumValues"), kind, place / "EnumValues")
    default = entry.get("DefaultValue")
    if default is not None and kind:
        _check_default(draft, default, kind, enum_values, place / "DefaultValue")
    description = entry.get("Description")
    return Parameter(
        name,
        kind_known,
        has_default=default is not None,
        default=default,
        enum_values=enum_values,
        description="" if description is None else draft.expect_text(description, place / "Description"),
    )


def _enum_values(draft: Draft, value: Json, kind: ParameterType | None, place: Place) -> tuple[Json, ...]:
    if value is None:
        return ()
    values = draft.expect_list(value, place)
    if kind not in (None, ParameterType.STRING):
        draft.collector.add(Code.BAD_DEFAULT, place, "EnumValues are for parameters of type String only.")
        return ()
    for index, item in enumerate(values):
        draft.expect_text(item, place / index)
    return tuple(values)


def _check_default(
    draft: Draft, default: Json, kind: ParameterType, enum_values: tuple[Json, ...], place: Place
) -> None:
    if not fits(default, kind):
        message = f"The default is {show(default)}, but the type is {kind}."
        draft.collector.add(Code.BAD_DEFAULT, place, message)
    elif enum_values and default not in enum_values:
        message = f"The default {show(default)} is not among the EnumValues."
        draft.collector.add(Code.BAD_DEFAULT, place, message)
    elif isinstance(default, str) and len(default) > _LONGEST_DEFAULT:
        message = f"The default has {len(default)} characters; AWS allows {_LONGEST_DEFAULT}."
        draft.collector.add(Code.AWS_LIMIT, place, message)
