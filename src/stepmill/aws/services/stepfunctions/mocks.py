"""What a mock of TestState must look like: the answer of the operation that it stands for.

Source: developer guide, "Testing state machines with TestState", "Field validation mode".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stepmill.aws.errors import ApiError
from stepmill.core.errors import NotFoundError
from stepmill.core.json import Json
from stepmill.core.service_documents import RawShape, ServiceDocument, service_document
from stepmill.jobs.integrations.calls import operation_of
from stepmill.jobs.integrations.services import OPTIMIZED, SDK
from stepmill.language.states.resources import Pattern, Resource, ResourceKind

_NOT_AT_ALL, _PRESENT = "NONE", "PRESENT"
_MOST_TOLD = 10
_WHOLE = ("integer", "long")
_TYPES = {"structure": (dict, "an object"), "map": (dict, "an object"), "list": (list, "an array"),
          "string": (str, "a string"), "boolean": (bool, "a boolean")}  # fmt: skip


def check_mock(resource: Resource, result: Json, mode: str) -> None:
    """Check a mocked result against the answer of the operation that a resource names.

    Only calls that are over with their answer are checked: what a job comes to, or who has a token says,
    no model of a service tells.

    Args:
        resource: Of the Task.
        result: The mock.
        mode: ``STRICT``: what is required must be there; ``PRESENT``: only what is there is checked;
            ``NONE``: nothing is.

    Raises:
        ApiError: If it does not fit.
    """
    if mode == _NOT_AT_ALL or resource.pattern is not Pattern.REQUEST_RESPONSE:
        return
    if resource.kind is ResourceKind.OPTIMIZED and resource.service in OPTIMIZED:
        service = OPTIMIZED[resource.service].service
    elif resource.kind is ResourceKind.SDK and resource.service in SDK:
        service = SDK[resource.service].service
    else:
        return
    try:
        document = service_document(service)
        output = document.operations[operation_of(resource)].output
    except (NotFoundError, KeyError):
        return
    if output is None:
        return
    problems = list(_problems(document, document.shape(output.shape), result, "", mode == _PRESENT))
    if problems:
        raise ApiError(
            "ValidationException", f"Mock result schema validation error: {'; '.join(problems[:_MOST_TOLD])}"
        )


def _problems(
    document: ServiceDocument, shape: RawShape, value: Json, path: str, is_lenient: bool
) -> Iterator[str]:
    where = f"'{path}'" if path else "the result"
    if shape.type in _TYPES:
        type_, shown = _TYPES[shape.type]
        if not isinstance(value, type_):
            yield f"{where} must be {shown}"
            return
    if shape.type == "structure" and isinstance(value, Mapping):
        yield from _of_members(document, shape, value, path, is_lenient)
    elif shape.type in ("list", "map"):
        of_each = shape.member or shape.value
        for key, item in _parts(value):
            if of_each is not None:
                yield from _problems(document, document.shape(of_each.shape), item, path + key, is_lenient)
    elif shape.type == "string" and shape.enum and value not in shape.enum:
        yield f"{where} must be one of [{', '.join(shape.enum)}]"
    elif shape.type in ("integer", "long", "float", "double"):
        yield from _of_number(shape, value, where)


def _parts(value: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(value, Mapping):
        yield from ((f".{key}", item) for key, item in value.items())
    elif isinstance(value, list):
        yield from ((f"[{index}]", item) for index, item in enumerate(value))


def _of_members(
    document: ServiceDocument, shape: RawShape, value: Mapping[str, Json], path: str, is_lenient: bool
) -> Iterator[str]:
    members = {name[:1].upper() + name[1:]: name for name in shape.members}
    dot = f"{path}." if path else ""
    if not is_lenient:
        for name in shape.required:
            shown = name[:1].upper() + name[1:]
            if shown not in value:
                yield f"Required field '{dot}{shown}' is missing"
    for key, item in value.items():
        if key in members:
            inner = document.shape(shape.members[members[key]].shape)
            yield from _problems(document, inner, item, f"{dot}{key}", is_lenient)


def _of_number(shape: RawShape, value: Json, where: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int if shape.type in _WHOLE else int | float):
        yield f"{where} must be a number"
        return
    if shape.min is not None and value < shape.min:
        yield f"{where} must not be less than {shape.min}"
    if shape.max is not None and value > shape.max:
        yield f"{where} must not be greater than {shape.max}"
