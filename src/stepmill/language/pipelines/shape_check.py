"""Holds a document against the shape of a request, with expressions as wildcards.

What AWS's own client would refuse is an error; what only AWS's service would refuse (patterns,
greatest lengths and counts) is a warning, because here it runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from stepmill.core.errors import NotFoundError
from stepmill.core.json import Json
from stepmill.core.patterns import matches
from stepmill.core.service_models import Shape
from stepmill.language.pipelines.arguments import (
    Anything,
    Arguments,
    Elsewhere,
    Fields,
    ListOf,
    Request,
    ServiceModels,
    ShapeSource,
    Text,
)
from stepmill.language.pipelines.codes import Code
from stepmill.language.pipelines.collector import Collector
from stepmill.language.pipelines.definition import Parameter, ParameterType
from stepmill.language.pipelines.expressions import is_expression
from stepmill.language.pipelines.places import Place, show

# A text that does not match may take some milliseconds to tell, so those are counted.
_MOST_MISMATCHES = 200
_S3_PATTERN = "s3)://"
_ADDRESS = re.compile(r"(?:s3|https)://[^/]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_NUMBERS = ("integer", "long", "float", "double")


class ShapeCheck:
    """Checks arguments of steps; findings go to the collector."""

    def __init__(self, models: ServiceModels, collector: Collector) -> None:
        self._models = models
        self._collector = collector
        self._mismatches = 0
        self.parameters: Mapping[str, Parameter] = {}

    def check(self, arguments: Arguments, value: Json, place: Place) -> None:
        """Check a value against what arguments must look like. A null stands for nothing given."""
        if is_expression(value):
            return
        match arguments:
            case Request():
                self._request(arguments, value, place)
            case Fields():
                self._fields(arguments, value, place)
            case ListOf(element, minimum):
                if not isinstance(value, list):
                    self._wrong(value, "a list", place)
                    return
                self._least(len(value), minimum, "element", place)
                for index, item in enumerate(value):
                    self.check(element, item, place / index)
            case Text(choices):
                if self._is(str, value, "a text", place) and choices:
                    self._choice(value, choices, place)
            case Anything():
                self._is(Mapping, value, "an object", place)
            case Elsewhere():
                pass

    def _request(self, request: Request, value: Json, place: Place) -> None:
        try:
            models = self._models(request.service)
            shape = models.request(request.operation) if request.operation else models.shape(request.shape)
        except NotFoundError:
            return  # the installed botocore is older than this operation: nothing to check against
        required = tuple(name for name in shape.required if name not in request.optional)
        self._shape(models, replace(shape, required=required), value, place)

    def _fields(self, fields: Fields, value: Json, place: Place) -> None:
        if not isinstance(value, Mapping):
            self._wrong(value, "an object", place)
            return
        self._members(value, fields.members, fields.required, place)
        for key, below in value.items():
            if key in fields.members and below is not None:
                self.check(fields.members[key], below, place / key)

    def _shape(self, models: ShapeSource, shape: Shape, value: Json, place: Place) -> None:
        if is_expression(value):
            self._parameter(shape, value, place)
            return
        match shape.kind:
            case "structure":
                if isinstance(value, Mapping):
                    self._members(value, shape.members, shape.required, place)
                    for key, below in value.items():
                        if key in shape.members and below is not None:
                            self._shape(models, models.shape(shape.members[key]), below, place / key)
                    return
            case "map":
                if isinstance(value, Mapping):
                    self._sizes(shape, len(value), "entry", place)
                    self._map(models, shape, value, place)
                    return
            case "list":
                if isinstance(value, list | tuple):
                    self._sizes(shape, len(value), "element", place)
                    element = models.shape(shape.element)
                    for index, item in enumerate(value):
                        self._shape(models, element, item, place / index)
                    return
            case _:
                self._scalar(shape, value, place)
                return
        self._wrong(value, {"structure": "an object", "map": "an object"}.get(shape.kind, "a list"), place)

    def _parameter(self, shape: Shape, value: Json, place: Place) -> None:
        """Warn of a text where a number is needed, and the like; as a text any parameter will do."""
        text = value.get("Get") if isinstance(value, Mapping) else None
        name = (
            text.removeprefix("Parameters.")
            if isinstance(text, str) and text.startswith("Parameters.")
            else ""
        )
        parameter = self.parameters.get(name)
        wanted = _TAKEN.get(shape.kind)
        if parameter and wanted and parameter.type not in wanted:
            needed = _SCALARS[shape.kind][0].capitalize()
            message = f"{needed} is needed here; parameter {show(name)} is of type {parameter.type}."
            self._collector.add(Code.PARAMETER_TYPE, place, message, f"Make it {wanted[0]}.")

    def _map(self, models: ShapeSource, shape: Shape, value: Mapping[str, Json], place: Place) -> None:
        keys, values = models.shape(shape.key), models.shape(shape.element)
        for key, below in value.items():
            if keys.maximum is not None and len(key) > keys.maximum:
                message = f"AWS takes keys of at most {keys.maximum:g} characters."
                self._collector.add(Code.AWS_LIMIT, place / key, message)
            self._shape(models, values, below, place / key)

    def _scalar(self, shape: Shape, value: Json, place: Place) -> None:
        check = _SCALARS.get(shape.kind)
        if check is None:
            return
        wanted, fits = check
        if not fits(value):
            self._wrong(value, wanted, place)
        elif isinstance(value, str) and shape.kind == "string":
            self._text(shape, value, place)
        elif shape.kind in _NUMBERS and isinstance(value, int | float):
            self._number(shape, value, place)

    def _text(self, shape: Shape, value: str, place: Place) -> None:
        if shape.enum:
            if shape.name.endswith("InstanceType") and value not in shape.enum:
                mend = self._collector.nearest(value, shape.enum)
                message = f"{show(value)} is not an instance type that AWS's list has."
                self._collector.add(Code.AWS_VALUE, place, message, mend)
            elif not shape.name.endswith("InstanceType"):
                self._choice(value, shape.enum, place)
            return
        self._sizes(shape, len(value), "character", place)
        if not shape.pattern or not value:
            return
        if _S3_PATTERN in shape.pattern:
            self._address(value, place)
        elif self._mismatches < _MOST_MISMATCHES and not matches(shape.pattern, value):
            self._mismatches += 1
            message = f"AWS would refuse {show(value)}: it does not match {shape.pattern[:200]}."
            self._collector.add(Code.AWS_PATTERN, place, message)

    def _address(self, value: str, place: Place) -> None:
        if _ADDRESS.match(value):
            return
        if _SCHEME.match(value) and not value.startswith("file://"):
            message = f"AWS would refuse {show(value)}: it takes s3:// addresses here."
            self._collector.add(Code.AWS_PATTERN, place, message)
        else:
            message = f"{show(value)} is a path on this machine; AWS would refuse it."
            self._collector.add(Code.LOCAL_PATH, place, message)

    def _number(self, shape: Shape, value: float, place: Place) -> None:
        if shape.minimum is not None and value < shape.minimum:
            message = f"{show(value)} is less than {shape.minimum:g}, the least allowed."
            self._collector.add(Code.OUT_OF_RANGE, place, message)
        if shape.maximum is not None and value > shape.maximum:
            message = f"{show(value)} is more than {shape.maximum:g}, the most that AWS allows."
            self._collector.add(Code.AWS_LIMIT, place, message)

    def _sizes(self, shape: Shape, size: int, unit: str, place: Place) -> None:
        self._least(size, int(shape.minimum or 0), unit, place)
        if shape.maximum is not None and size > shape.maximum:
            message = f"There are {_count(size, unit)}; AWS allows {shape.maximum:g}."
            self._collector.add(Code.AWS_LIMIT, place, message)

    def _least(self, size: int, minimum: int, unit: str, place: Place) -> None:
        if size < minimum:
            message = f"There must be at least {_count(minimum, unit)}; there are {size}."
            self._collector.add(Code.OUT_OF_RANGE, place, message)

    def _members(
        self,
        value: Mapping[str, Json],
        members: Mapping[str, object],
        required: tuple[str, ...],
        place: Place,
    ) -> None:
        for key in value:
            if key not in members:
                mend = self._collector.nearest(key, list(members)) or _listed(members)
                self._collector.add(Code.UNKNOWN_KEY, place / key, f"There is no {show(key)} here.", mend)
        for key in required:
            if value.get(key) is None:
                self._collector.add(Code.MISSING_KEY, place, f"{show(key)} is missing.", f"Add {show(key)}.")

    def _choice(self, value: Json, choices: tuple[str, ...], place: Place) -> None:
        if value not in choices:
            mend = self._collector.nearest(value, choices) or _listed(choices)
            self._collector.add(Code.UNKNOWN_VALUE, place, f"{show(value)} is not allowed here.", mend)

    def _is(self, kind: type, value: Json, wanted: str, place: Place) -> bool:
        if isinstance(value, kind):
            return True
        self._wrong(value, wanted, place)
        return False

    def _wrong(self, value: Json, wanted: str, place: Place) -> None:
        mend = ""
        if wanted == "a text" and isinstance(value, int | float):
            mend = f'Put it in quotes: "{show(value)}".'
        message = f"{wanted.capitalize()} is needed here, not {show(value)}."
        self._collector.add(Code.WRONG_TYPE, place, message, mend)


def _count(number: int, unit: str) -> str:
    plural = {"entry": "entries"}.get(unit, f"{unit}s")
    return f"{number} {unit if number == 1 else plural}"


def _listed(names: Mapping[str, object] | tuple[str, ...]) -> str:
    shown = list(names)[:12]
    return f"There are {', '.join(shown)}{', ...' if len(names) > len(shown) else ''}." if shown else ""


def _is_whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


_TAKEN: Mapping[str, tuple[ParameterType, ...]] = {
    "integer": (ParameterType.INTEGER,),
    "long": (ParameterType.INTEGER,),
    "float": (ParameterType.FLOAT, ParameterType.INTEGER),
    "double": (ParameterType.FLOAT, ParameterType.INTEGER),
    "boolean": (ParameterType.BOOLEAN,),
}
_SCALARS: Mapping[str, tuple[str, Callable[[Json], bool]]] = {
    "string": ("a text", _is_text),
    "integer": ("a whole number", _is_whole),
    "long": ("a whole number", _is_whole),
    "float": ("a number", _is_number),
    "double": ("a number", _is_number),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "timestamp": ("a time", lambda value: _is_text(value) or _is_number(value)),
    "blob": ("a text", _is_text),
}
