"""What a function's signature says about the step that it becomes: parameters, inputs, outputs, result."""

from __future__ import annotations

import inspect
import types
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, write_json
from stepmill.sdk.function_source import place_of
from stepmill.sdk.names import check_name
from stepmill.sdk.parameters import Parameter
from stepmill.sdk.values import Value, render


class _OutputMark:
    """Tells an output apart from an input; both are paths to the function."""


Output: TypeAlias = Annotated[Path, _OutputMark()]
"""Annotates a parameter of a step function that is an output: the folder that it writes into."""


class Kind(StrEnum):
    """What a parameter of a function is."""

    STR = "str"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    JSON = "json"
    INPUT = "input"
    OUTPUT = "output"


_KINDS: Mapping[object, Kind] = {
    str: Kind.STR,
    int: Kind.INT,
    float: Kind.FLOAT,
    bool: Kind.BOOL,
    Path: Kind.INPUT,
    Any: Kind.JSON,
    object: Kind.JSON,
    dict: Kind.JSON,
    list: Kind.JSON,
}
_TAKES: Mapping[Kind, tuple[type, ...]] = {
    Kind.STR: (str,),
    Kind.INT: (int,),
    Kind.FLOAT: (float, int),
    Kind.BOOL: (bool,),
}


@dataclass(frozen=True)
class FunctionSignature:
    """What a function takes and gives.

    Args:
        kinds: Of its parameters, in their order.
        call: Its signature without outputs, to bind arguments with.
        result: Whether it returns something.
    """

    kinds: Mapping[str, Kind]
    call: inspect.Signature
    result: bool

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of its outputs."""
        return tuple(name for name, kind in self.kinds.items() if kind is Kind.OUTPUT)


def read_signature(function: types.FunctionType) -> FunctionSignature:
    """Return what a function takes and gives.

    Raises:
        InvalidInputError: If a parameter is of a kind or type that a step cannot be given.
    """
    where = place_of(function)
    signature = inspect.signature(function)
    kinds = {
        name: _kind_of(parameter, _hint(function, name, parameter.annotation, where), where)
        for name, parameter in signature.parameters.items()
    }
    called = [each for name, each in signature.parameters.items() if kinds[name] is not Kind.OUTPUT]
    returned = function.__annotations__.get("return", ...)
    return FunctionSignature(kinds, inspect.Signature(called), returned not in (None, "None"))


def _hint(function: types.FunctionType, name: str, annotation: object, where: str) -> object:
    if not isinstance(annotation, str):
        return annotation
    holder = types.SimpleNamespace(__annotations__={name: annotation})
    try:
        return get_type_hints(holder, globalns=function.__globals__, include_extras=True)[name]
    except (NameError, TypeError, AttributeError, SyntaxError) as error:
        raise InvalidInputError(
            f"The type of parameter {name!r} cannot be read: {error}.",
            where=where,
            mend="Import what it names outside of TYPE_CHECKING.",
        ) from error


def _kind_of(parameter: inspect.Parameter, hint: object, where: str) -> Kind:
    name = parameter.name
    if parameter.kind not in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY):
        raise InvalidInputError(
            f"Parameter {name!r} has no name of its own in a call.",
            where=where,
            mend="Use neither *, ** nor /.",
        )
    check_name(name, "parameter")
    if isinstance(parameter.default, Value):
        raise InvalidInputError(
            f"The default of {name!r} is a value of the pipeline.",
            where=where,
            mend="Hand it over where the step is made.",
        )
    kind = _kind_of_hint(hint, parameter.default)
    if kind is None:
        raise InvalidInputError(
            f"A step cannot be given a {hint!r} as {name!r}.",
            where=where,
            mend="Use str, int, float, bool, list, dict, Path for an input, or Output.",
        )
    if kind in (Kind.INPUT, Kind.OUTPUT) and parameter.default not in (inspect.Parameter.empty, None):
        raise InvalidInputError(
            f"{name!r} is a folder or file of the job and can have no default but None.", where=where
        )
    return kind


def _kind_of_hint(hint: object, default: object) -> Kind | None:
    if hint is inspect.Parameter.empty:
        return _KINDS.get(type(default), Kind.JSON)
    if get_origin(hint) is Annotated:
        inner, *marks = get_args(hint)
        is_output = any(isinstance(mark, _OutputMark) for mark in marks)
        return Kind.OUTPUT if is_output else _kind_of_hint(inner, default)
    if get_origin(hint) in (Union, types.UnionType):
        inner_hints = [each for each in get_args(hint) if each is not type(None)]
        return _kind_of_hint(inner_hints[0], default) if len(inner_hints) == 1 else Kind.JSON
    if get_origin(hint) is Literal:
        return Kind.STR if all(isinstance(each, str) for each in get_args(hint)) else Kind.JSON
    if get_origin(hint) in (list, dict, tuple):
        return Kind.JSON
    return _KINDS.get(hint) if isinstance(hint, Hashable) else None


def argument_text(kind: Kind, value: object, name: str, where: str) -> Json | Value:
    """Return how a value travels to a function's parameter.

    Raises:
        InvalidInputError: If the value is of another type.
    """
    if isinstance(value, Value):
        if (
            isinstance(value, Parameter)
            and kind in _TAKES
            and value.python_type not in _TAKES[kind]
            and kind != "str"
        ):
            raise _wrong_type(name, kind, f"the {value.python_type.__name__} parameter {value.name!r}", where)
        return value
    if kind is Kind.JSON:
        return write_json(render(value, f"{where}, {name}"))
    if type(value) not in _TAKES[kind]:
        raise _wrong_type(name, kind, repr(value), where)
    return write_json(value) if not isinstance(value, str) else value


def _wrong_type(name: str, kind: Kind, given: str, where: str) -> InvalidInputError:
    return InvalidInputError(f"{name!r} is of type {kind}, and was given {given}.", where=where)
