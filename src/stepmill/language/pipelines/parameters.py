"""Values of parameters at the start of an execution: given as texts, as JSON, or by default.

Source: StartPipelineExecution, where every value is a text; the sagemaker SDK writes ``str(value)``
of Python, so a boolean comes as ``True`` or ``true``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite

from stepmill.core.errors import DefinitionError
from stepmill.core.json import Json
from stepmill.language.pipelines.codes import Code
from stepmill.language.pipelines.collector import Collector, TooManyFindingsError
from stepmill.language.pipelines.definition import Parameter, ParameterType, PipelineDefinition
from stepmill.language.pipelines.places import ROOT, Place, show

_INTEGER = re.compile(r"[+-]?\d{1,300}", re.ASCII)
_FLOAT = re.compile(
    r"[+-]?(?:\d{1,300}(?:\.\d{0,300})?|\.\d{1,300})(?:e[+-]?\d{1,4})?", re.ASCII | re.IGNORECASE
)
_BOOLEANS = {"true": True, "false": False}
_WANTED = {
    ParameterType.STRING: "a text",
    ParameterType.INTEGER: "a whole number",
    ParameterType.FLOAT: "a number",
    ParameterType.BOOLEAN: "true or false",
}


def bind_parameters(definition: PipelineDefinition, given: Mapping[str, object]) -> Mapping[str, Json]:
    """Return the value of every parameter of a definition, each of its declared type.

    Args:
        definition: Whose parameters.
        given: By name: texts, as on the wire, or JSON values.

    Raises:
        DefinitionError: If a name is unknown, a required value missing, or a value not of its type or
            not among the EnumValues. Carries all findings; paths are ``Parameters.<name>``.
    """
    collector = Collector()
    try:
        values = _bind(collector, definition.parameters, given)
    except TooManyFindingsError:
        raise DefinitionError(collector.findings(ended_early=True)) from None
    if collector.errors:
        raise DefinitionError(collector.findings())
    return values


def _bind(
    collector: Collector, parameters: Mapping[str, Parameter], given: Mapping[str, object]
) -> Mapping[str, Json]:
    place = ROOT / "Parameters"
    for name in given:
        if name not in parameters:
            mend = collector.nearest(name, parameters) or _known(parameters)
            collector.add(
                Code.UNKNOWN_PARAMETER, place / str(name), f"There is no parameter {show(name)}.", mend
            )
    values: dict[str, Json] = {}
    for name, parameter in parameters.items():
        if name in given:
            values[name] = _converted(collector, parameter, given[name], place / name)
        elif parameter.has_default:
            values[name] = parameter.default
        else:
            message = f"Parameter {show(name)} has no default and was not given a value."
            mend = f"Give {_WANTED[parameter.type]}."
            collector.add(Code.MISSING_PARAMETER, place / name, message, mend)
    return values


def _known(parameters: Mapping[str, Parameter]) -> str:
    shown = ", ".join(list(parameters)[:12])
    return f"There are {shown}." if shown else "The pipeline takes none."


def _converted(collector: Collector, parameter: Parameter, value: object, place: Place) -> Json:
    converted = _convert(value, parameter.type)
    if converted is None:
        message = f"Parameter {show(parameter.name)} takes {_WANTED[parameter.type]}, not {show(value)}."
        collector.add(Code.BAD_PARAMETER_VALUE, place, message, f"Give {_WANTED[parameter.type]}.")
    elif parameter.enum_values and converted not in parameter.enum_values:
        message = f"Parameter {show(parameter.name)} cannot be {show(converted)}."
        allowed = [each for each in parameter.enum_values if isinstance(each, str)]
        mend = collector.nearest(converted, allowed) or f"Choose one of {', '.join(map(show, allowed[:12]))}."
        collector.add(Code.BAD_PARAMETER_VALUE, place, message, mend)
    return converted


def _convert(value: object, kind: ParameterType) -> str | int | float | bool | None:
    """Return a value as its type, ``None`` if it cannot be that."""
    if kind is ParameterType.STRING:
        return _as_text(value)
    if isinstance(value, str):
        return _parse(value.strip(), kind)
    if kind is ParameterType.FLOAT and isinstance(value, int) and not isinstance(value, bool):
        return _parse(str(value), kind) if value.bit_length() < 1024 else None
    if isinstance(value, bool | int | float) and fits(value, kind):
        return value
    return None


def _as_text(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return None if isinstance(value, int) and value.bit_length() >= 1024 else str(value)
    return value if isinstance(value, str) and _is_unicode(value) else None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parse(text: str, kind: ParameterType) -> int | float | bool | None:
    if kind is ParameterType.BOOLEAN:
        return _BOOLEANS.get(text.lower())
    if kind is ParameterType.INTEGER:
        return int(text) if _INTEGER.fullmatch(text) else None
    number = float(text) if _FLOAT.fullmatch(text) else None
    return number if number is not None and isfinite(number) else None


def fits(value: Json, kind: ParameterType) -> bool:
    """Tell whether a JSON value is of a parameter's type; a whole number is a Float too.

    Example:
        >>> fits(3, ParameterType.FLOAT), fits(True, ParameterType.INTEGER), fits(3.0, ParameterType.INTEGER)
        (True, False, False)
    """
    if isinstance(value, bool):
        return kind is ParameterType.BOOLEAN
    match kind:
        case ParameterType.STRING:
            return isinstance(value, str)
        case ParameterType.INTEGER:
            return isinstance(value, int)
        case ParameterType.FLOAT:
            return isinstance(value, int) or (isinstance(value, float) and isfinite(value))
        case ParameterType.BOOLEAN:
            return False
