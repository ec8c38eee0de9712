"""Values that an execution brings with it: its parameters, and what it knows of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject
from stepmill.sdk.names import check_name
from stepmill.sdk.values import Scalar, Value

ParameterType: TypeAlias = type[str | int | float | bool]


@dataclass(frozen=True, eq=False)
class Parameter(Value):
    """A parameter of the pipeline: a value that each execution may be given anew.

    Args:
        name: At most 64 letters, digits, ``-`` and ``_``.
        default: Used when an execution is given none; ``None``: every execution must be given one.
        type: ``str``, ``int``, ``float`` or ``bool``; by default that of ``default``, else ``str``.
        choices: Of a text: the only values allowed.
        description: For whoever starts an execution.

    Example:
        >>> Parameter("epochs", 10).document()
        {'Name': 'epochs', 'Type': 'Integer', 'DefaultValue': 10}
    """

    name: str
    default: Scalar | None = None
    type: ParameterType | None = None
    choices: Sequence[str] = ()
    description: str = ""

    def __post_init__(self) -> None:
        check_name(self.name, "parameter")
        where = f"parameter {self.name!r}"
        if self.python_type not in PARAMETER_TYPES:
            raise InvalidInputError(
                f"{self.python_type.__name__} is no type of a parameter.",
                where=where,
                mend="Give type=str, int, float or bool.",
            )
        if self.default is not None and not _is_a(self.python_type, self.default):
            raise InvalidInputError(
                f"The default {self.default!r} is not of type {self.python_type.__name__}.", where=where
            )
        if self.choices and (self.python_type is not str or self.default not in (None, *self.choices)):
            raise InvalidInputError(
                "Choices are texts, and the default is one of them.",
                where=where,
                mend="Mend the choices, or leave them out.",
            )

    @property
    def python_type(self) -> ParameterType:
        """The type that executions see: ``str``, ``int``, ``float`` or ``bool``."""
        if self.type is not None:
            return self.type
        return str if self.default is None else type(self.default)

    @property
    def is_text(self) -> bool:
        """Whether the parameter is a string."""
        return self.python_type is str

    def expression(self) -> JsonObject:
        """Return ``{"Get": "Parameters.<name>"}``."""
        return {"Get": f"Parameters.{self.name}"}

    def document(self) -> JsonObject:
        """Return the parameter's own entry in the definition."""
        document: dict[str, Json] = {"Name": self.name, "Type": PARAMETER_TYPES[self.python_type]}
        if self.default is not None:
            document["DefaultValue"] = float(self.default) if self.python_type is float else self.default
        if self.choices:
            document["EnumValues"] = list(self.choices)
        if self.description:
            document["Description"] = self.description
        return document


PARAMETER_TYPES: Mapping[ParameterType, str] = {
    str: "String",
    int: "Integer",
    float: "Float",
    bool: "Boolean",
}


def _is_a(kind: type, value: object) -> bool:
    return type(value) is kind or (kind is float and type(value) is int)


@dataclass(frozen=True, eq=False)
class ExecutionVariable(Value):
    """Something that every execution knows of itself; ``execution`` holds them all."""

    name: str

    @property
    def is_text(self) -> bool:
        """All of them are texts."""
        return True

    def expression(self) -> JsonObject:
        """Return ``{"Get": "Execution.<name>"}``."""
        return {"Get": f"Execution.{self.name}"}


@dataclass(frozen=True)
class _ExecutionVariables:
    """What an execution knows of itself, each a text; times in ISO 8601."""

    id: ExecutionVariable = ExecutionVariable("PipelineExecutionId")
    arn: ExecutionVariable = ExecutionVariable("PipelineExecutionArn")
    pipeline_name: ExecutionVariable = ExecutionVariable("PipelineName")
    pipeline_arn: ExecutionVariable = ExecutionVariable("PipelineArn")
    started_at: ExecutionVariable = ExecutionVariable("StartDateTime")
    now: ExecutionVariable = ExecutionVariable("CurrentDateTime")
    training_job_name: ExecutionVariable = ExecutionVariable("TrainingJobName")
    processing_job_name: ExecutionVariable = ExecutionVariable("ProcessingJobName")


execution = _ExecutionVariables()
