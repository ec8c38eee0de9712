"""Turns the arguments of a task into a document that can be held against the shapes of a service.

What is computed when the state runs becomes a wildcard. An integration names members with an upper-case
first letter whatever the service's model does, and as the Java SDK spells them: only case may differ.

Source: Step Functions developer guide, "Passing parameters to a service API": parameters are in PascalCase.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from stepmill.core.json import Json
from stepmill.core.service_models import Shape
from stepmill.language.pipelines.arguments import ShapeSource
from stepmill.language.states.jsonata.templates import is_expression

# What the check of shapes takes for an expression.
WILDCARD: Json = {"Get": "Steps.Any"}
# Members that take any JSON, which the integration turns into a text.
ANY_JSON: Mapping[str, frozenset[str]] = {
    "lambda:invoke": frozenset({"Payload", "ClientContext"}),
    "sns:publish": frozenset({"Message"}),
    "sqs:sendMessage": frozenset({"MessageBody"}),
    "states:startExecution": frozenset({"Input"}),
    "aws-sdk:sfn:startExecution": frozenset({"Input"}),
    "events:putEvents": frozenset({"Detail"}),
    "aws-sdk:lambda:invoke": frozenset({"Payload"}),
    "aws-sdk:sfn:sendTaskSuccess": frozenset({"Output"}),
}


class UpperCaseModel:
    """The shapes of a service, with member names as integrations write them. A ``ShapeSource``."""

    def __init__(self, model: ShapeSource) -> None:
        self._model = model

    def shape(self, name: str) -> Shape:
        """Return the shape of that name; NotFoundError if there is none."""
        return _upper_case(self._model.shape(name))

    def request(self, operation: str) -> Shape:
        """Return the shape of an operation's request; NotFoundError if there is none."""
        return _upper_case(self._model.request(operation))

    def answer(self, operation: str) -> Shape:
        """Return the shape of an operation's answer; NotFoundError if there is none."""
        return _upper_case(self._model.answer(operation))


def document_of(
    value: Json, shape: Shape | None, model: ShapeSource, free: frozenset[str], *, uses_jsonata: bool
) -> Json:
    """Return arguments with wildcards for what is computed, and member names as the shapes have them."""
    if _is_computed(value, uses_jsonata=uses_jsonata) or _is_taken(value, shape):
        return WILDCARD
    if isinstance(value, Mapping):
        found: dict[str, Json] = {}
        for key, below in value.items():
            is_dynamic = not uses_jsonata and key.endswith(".$")
            name = key[:-2] if is_dynamic else key
            inner: Shape | None = None
            if shape is not None and shape.kind == "structure":
                name = _spelled(name, shape)
                inner = model.shape(shape.members[name]) if name in shape.members else None
            elif shape is not None and shape.kind == "map":
                inner = model.shape(shape.element)
            if is_dynamic or name in free:
                found[name] = WILDCARD
            else:
                found[name] = document_of(below, inner, model, free, uses_jsonata=uses_jsonata)
        return found
    if isinstance(value, list):
        element = model.shape(shape.element) if shape is not None and shape.kind == "list" else None
        return [document_of(below, element, model, free, uses_jsonata=uses_jsonata) for below in value]
    return value


def _is_computed(value: Json, *, uses_jsonata: bool) -> bool:
    """Return whether a value is known only later: an expression, or a placeholder of a template."""
    return isinstance(value, str) and ("${" in value or (uses_jsonata and is_expression(value)))


def _is_taken(value: Json, shape: Shape | None) -> bool:
    """Return whether the service takes a value that its model has otherwise.

    It makes attributes of DynamoDB of plain texts and null, and truths of texts.
    """
    if shape is None:
        return False
    if shape.name == "AttributeValue" and (value is None or isinstance(value, str)):
        return True
    return shape.kind == "boolean" and value in ("true", "false")


def _spelled(name: str, shape: Shape) -> str:
    if name in shape.members:
        return name
    return next((member for member in shape.members if member.lower() == name.lower()), name)


def _upper_case(shape: Shape) -> Shape:
    return replace(
        shape,
        members={_first_up(name): below for name, below in shape.members.items()},
        required=tuple(map(_first_up, shape.required)),
    )


def _first_up(name: str) -> str:
    return name[:1].upper() + name[1:]
