"""Expressions: the objects ``Get``, ``Std:Join`` and ``Std:JsonGet`` that stand for a later value.

An expression is an object with exactly one of these keys, at any depth. The arguments of a step are
kept as they came; whoever needs a value parses the objects that it meets with ``parse_expression``.

Source: sagemaker SDK 2 and 3, ``workflow/{functions,properties,parameters,execution_variables}.py``
and ``for_each_step.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias, TypeVar

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject
from stepmill.core.spelling import did_you_mean
from stepmill.language.pipelines.paths import PathElements, parse_path
from stepmill.language.pipelines.places import Place, show

_Kind = TypeVar("_Kind", bound=StrEnum)
_END_OF_NAME = re.compile(r"[.\[]")
_PROPERTY_FILES = ".PropertyFiles."
GET, JOIN, JSON_GET = "Get", "Std:Join", "Std:JsonGet"


class ExecutionVariable(StrEnum):
    """What can be asked of the execution: ``{"Get": "Execution.PipelineName"}``."""

    START_DATE_TIME = "StartDateTime"
    CURRENT_DATE_TIME = "CurrentDateTime"
    PIPELINE_NAME = "PipelineName"
    PIPELINE_ARN = "PipelineArn"
    PIPELINE_EXECUTION_ID = "PipelineExecutionId"
    PIPELINE_EXECUTION_ARN = "PipelineExecutionArn"
    TRAINING_JOB_NAME = "TrainingJobName"
    PROCESSING_JOB_NAME = "ProcessingJobName"


class ExperimentMember(StrEnum):
    """What can be asked of the experiment: ``{"Get": "PipelineExperimentConfig.TrialName"}``."""

    EXPERIMENT_NAME = "ExperimentName"
    TRIAL_NAME = "TrialName"


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands for itself."""

    value: Json


@dataclass(frozen=True, slots=True)
class GetParameter:
    """A parameter of the pipeline; it keeps its type."""

    name: str


@dataclass(frozen=True, slots=True)
class GetExecutionVariable:
    """A fact about the execution."""

    variable: ExecutionVariable


@dataclass(frozen=True, slots=True)
class GetExperiment:
    """The experiment or trial in use."""

    member: ExperimentMember


@dataclass(frozen=True, slots=True)
class GetStepProperty:
    """A property of another step: ``path`` leads into the document that describes its result."""

    step: str
    path: PathElements


@dataclass(frozen=True, slots=True)
class GetCurrentItem:
    """In a ForEach body: the item of this iteration, or a value inside it."""

    path: PathElements


@dataclass(frozen=True, slots=True)
class GetIterationOutput:
    """As a ForEach selector's field: a property of a body step, compared across iterations."""

    step: str
    path: PathElements


@dataclass(frozen=True, slots=True)
class Join:
    """Values made text, with the separator between them."""

    separator: str
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class ReadPropertyFile:
    """A value in the JSON file that a step writes and declares as a property file."""

    step: str
    property_file: str
    path: PathElements


@dataclass(frozen=True, slots=True)
class ReadObject:
    """A value in any JSON object of the store."""

    uri: Expression
    path: PathElements


Expression: TypeAlias = (
    Literal
    | GetParameter
    | GetExecutionVariable
    | GetExperiment
    | GetStepProperty
    | GetCurrentItem
    | GetIterationOutput
    | Join
    | ReadPropertyFile
    | ReadObject
)


def is_expression(value: object) -> bool:
    """Tell whether a value is written as an expression, well-formed or not.

    Example:
        >>> is_expression({"Get": "Parameters.A"}), is_expression({"Get": "a", "Put": "b"})
        (True, False)
    """
    # Objects that were read from JSON are dicts; asking for a Mapping would cost five times as much.
    if not isinstance(value, dict):
        return False
    return (len(value) == 1 and GET in value) or JOIN in value or JSON_GET in value


def parse_expression(value: Json) -> Expression:
    """Return the expression that a value is written as; a ``Literal`` if it is none.

    Raises:
        InvalidInputError: If it is written as an expression, but a wrong one.

    Example:
        >>> parse_expression({"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"})
        GetStepProperty(step='Train', path=('ModelArtifacts', 'S3ModelArtifacts'))
    """
    if not isinstance(value, dict) or not is_expression(value):
        return Literal(value)
    if len(value) > 1:
        keys = ", ".join(show(key) for key in list(value)[:5])
        raise InvalidInputError(
            f"An expression is an object of one key, not of {keys}.", mend="Take one out."
        )
    if GET in value:
        return parse_get(value[GET])
    return _parse_join(value[JOIN]) if JOIN in value else _parse_json_get(value[JSON_GET])


def expressions_in(value: Json, place: Place) -> Iterator[tuple[Place, JsonObject]]:
    """Find the outermost objects in a document that are written as expressions, with their places."""
    waiting: list[tuple[Place, Json]] = [(place, value)]
    while waiting:
        where, item = waiting.pop()
        if isinstance(item, dict):
            if is_expression(item):
                yield where, item
            else:
                waiting.extend((where / key, below) for key, below in reversed([*item.items()]))
        elif isinstance(item, list | tuple):
            waiting.extend((where / index, item[index]) for index in range(len(item) - 1, -1, -1))


def leaves_of(expression: Expression) -> Iterator[Expression]:
    """Return an expression's parts that are no joins, itself if it is none; also a read object's URI."""
    match expression:
        case Join(_, values):
            for value in values:
                yield from leaves_of(value)
        case ReadObject(uri, _):
            yield expression
            yield from leaves_of(uri)
        case _:
            yield expression


def parse_get(text: Json) -> Expression:
    """Return what the text of a ``Get`` asks for.

    Raises:
        InvalidInputError: If it asks for nothing that can be had.
    """
    if not isinstance(text, str):
        raise InvalidInputError(f"The value of Get is a text, not {show(text)}.")
    namespace, _, rest = text.partition(".")
    match namespace:
        case "Parameters" if rest:
            return GetParameter(rest)
        case "Execution" if rest:
            return GetExecutionVariable(_member(ExecutionVariable, rest, "Execution has"))
        case "PipelineExperimentConfig" if rest:
            return GetExperiment(_member(ExperimentMember, rest, "PipelineExperimentConfig has"))
        case "Steps" if rest:
            return GetStepProperty(*_name_and_path(text, rest))
        case "IterationOutput" if rest:
            return GetIterationOutput(*_name_and_path(text, rest))
        case "ForEach" if rest:
            name, path = _name_and_path(text, rest)
            if name == "CurrentItem":
                return GetCurrentItem(path)
    raise InvalidInputError(f"Nothing is called {show(text)}.", mend=_mend_namespace(namespace))


def _mend_namespace(namespace: str) -> str:
    known = ("Parameters", "Execution", "Steps", "ForEach", "IterationOutput", "PipelineExperimentConfig")
    if namespace in known:
        return "Write what is wanted of it: Parameters.<name>, Steps.<step>.<property>, ForEach.CurrentItem."
    return did_you_mean(namespace, known) or f"A Get begins with one of {', '.join(known)}."


def _member(kind: type[_Kind], name: str, has: str) -> _Kind:
    try:
        return kind(name)
    except ValueError:
        known = [str(member) for member in kind]
        mend = did_you_mean(name, known) or f"There are {', '.join(known)}."
        raise InvalidInputError(f"{has} no {show(name)}.", mend=mend) from None


def _name_and_path(text: str, rest: str) -> tuple[str, PathElements]:
    end = _END_OF_NAME.search(rest)
    cut = end.start() if end else len(rest)
    if not cut:
        raise InvalidInputError(f"A name is missing in {show(text)}.")
    return rest[:cut], parse_path(rest[cut:])


def _parse_join(body: Json) -> Join:
    if not isinstance(body, Mapping):
        raise InvalidInputError(f"Std:Join takes an object with On and Values, not {show(body)}.")
    _only_keys(body, ("On", "Values"), JOIN)
    separator = body.get("On", "")
    values = body.get("Values")
    if not isinstance(separator, str):
        raise InvalidInputError(f"On, the separator of Std:Join, is a text, not {show(separator)}.")
    if not isinstance(values, list | tuple):
        raise InvalidInputError("Std:Join needs Values, a list.")
    return Join(separator, tuple(_scalar(value) for value in values))


def _scalar(value: Json) -> Expression:
    expression = parse_expression(value)
    if isinstance(expression, Literal) and isinstance(value, Mapping | list | tuple):
        raise InvalidInputError(
            f"Std:Join joins texts, numbers and expressions, not {show(value)}.",
            mend="Write the JSON text of it.",
        )
    return expression


def _parse_json_get(body: Json) -> Expression:
    if not isinstance(body, Mapping):
        raise InvalidInputError(f"Std:JsonGet takes an object, not {show(body)}.")
    _only_keys(body, ("PropertyFile", "S3Uri", "Path"), JSON_GET)
    text = body.get("Path")
    if not isinstance(text, str):
        raise InvalidInputError("Std:JsonGet needs Path, a text.", mend="As in 'metrics.accuracy.value'.")
    path = parse_path(text)
    if ("PropertyFile" in body) == ("S3Uri" in body):
        raise InvalidInputError("Std:JsonGet needs exactly one of PropertyFile and S3Uri.")
    if "PropertyFile" in body:
        return ReadPropertyFile(*_property_file(body["PropertyFile"]), path)
    uri = parse_expression(body["S3Uri"])
    if isinstance(uri, Literal) and not isinstance(uri.value, str):
        raise InvalidInputError(f"S3Uri is a text or an expression, not {show(uri.value)}.")
    return ReadObject(uri, path)


def _property_file(value: Json) -> tuple[str, str]:
    text = value.get(GET) if isinstance(value, Mapping) and is_expression(value) else None
    if isinstance(text, str) and text.startswith("Steps."):
        step, found, name = text.removeprefix("Steps.").partition(_PROPERTY_FILES)
        if step and found and name and not _END_OF_NAME.search(step):
            return step, name
    raise InvalidInputError(
        "PropertyFile names a step and one of its property files.",
        mend='Write {"Get": "Steps.<step>.PropertyFiles.<name>"}.',
    )


def _only_keys(body: JsonObject, known: tuple[str, ...], owner: str) -> None:
    for key in body:
        if key not in known:
            mend = did_you_mean(key, known) or f"It takes {', '.join(known)}."
            raise InvalidInputError(f"{owner} has no key {show(key)}.", mend=mend)
