"""The OutputParameters of Lambda and Callback steps: what was declared, and values held against it. Pure.

Source: API reference, OutputParameter; ``LambdaOutput`` and ``CallbackOutput`` of the ``sagemaker`` SDK.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, write_json

_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_LONGEST_SHOWN = 60


class OutputType(StrEnum):
    """Type of an output parameter."""

    STRING = "String"
    INTEGER = "Integer"
    FLOAT = "Float"
    BOOLEAN = "Boolean"


@dataclass(frozen=True)
class OutputParameter:
    """A value that a step promises.

    Args:
        name: By which later steps refer to it.
        type: What it is.
    """

    name: str
    type: OutputType


def read_declared(value: Json) -> tuple[OutputParameter, ...]:
    """Read ``[{"OutputName": ..., "OutputType": ...}]``; nothing declared is fine.

    Raises:
        InvalidInputError: If it is not such a list.
    """
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidInputError("OutputParameters is a list.", where="OutputParameters")
    return tuple(_declared(one, f"OutputParameters[{index}]") for index, one in enumerate(value))


def convert_all(
    declared: Sequence[OutputParameter], given: Mapping[str, Json], *, exact: bool
) -> dict[str, Json]:
    """Return the declared parameters with their values.

    Args:
        declared: What must be there.
        given: Name -> value; texts are read by the declared type.
        exact: Whether what was not declared is refused, rather than passed over.

    Raises:
        InvalidInputError: If one is missing, unknown, or not of its type. Names all of them.
    """
    names = [parameter.name for parameter in declared]
    wrong = [f"{parameter.name!r} is missing" for parameter in declared if parameter.name not in given]
    if exact:
        wrong += [f"{name!r} was not declared" for name in given if name not in names]
    values: dict[str, Json] = {}
    for parameter in declared:
        if parameter.name in given:
            try:
                values[parameter.name] = convert(given[parameter.name], parameter.type)
            except ValueError:
                shown = write_json(given[parameter.name])[:_LONGEST_SHOWN]
                wrong.append(f"{parameter.name!r} is {shown}, which is no {parameter.type}")
    if wrong:
        promised = ", ".join(f"{parameter.name} ({parameter.type})" for parameter in declared) or "none"
        raise InvalidInputError(
            f"The output parameters are not as declared: {'; '.join(wrong)}.",
            where="OutputParameters",
            mend=f"Declared: {promised}.",
        )
    return values


def convert(value: Json, wanted: OutputType) -> Json:
    """Return a value as its declared type: texts are read, and nested values become JSON text.

    Raises:
        ValueError: If it is not of that type.

    Example:
        >>> convert("3", OutputType.INTEGER), convert({"a": 1}, OutputType.STRING)
        (3, '{"a":1}')
    """
    match wanted:
        case OutputType.STRING:
            return value if isinstance(value, str) else write_json(value)
        case OutputType.BOOLEAN:
            return _boolean(value)
        case OutputType.INTEGER:
            return _integer(value)
        case OutputType.FLOAT:
            return _float(value)


def as_wire_list(values: JsonObject) -> list[JsonObject]:
    """Return values in the form of step metadata: ``[{"Name": ..., "Value": text}]``."""
    return [{"Name": name, "Value": convert(value, OutputType.STRING)} for name, value in values.items()]


def _declared(one: Json, where: str) -> OutputParameter:
    name = one.get("OutputName") if isinstance(one, Mapping) else None
    kind = one.get("OutputType", OutputType.STRING) if isinstance(one, Mapping) else None
    if not isinstance(name, str) or kind not in list(OutputType):
        raise InvalidInputError(
            "This declares no output parameter.",
            where=where,
            mend=f'Write {{"OutputName": "...", "OutputType": one of {", ".join(OutputType)}}}.',
        )
    return OutputParameter(name, OutputType(str(kind)))


def _boolean(value: Json) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError(value)


def _integer(value: Json) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    raise ValueError(value)


def _float(value: Json) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and _FLOAT.fullmatch(value.strip()):
        return float(value)
    raise ValueError(value)
