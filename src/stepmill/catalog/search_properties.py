"""Properties that searches name: ``TrainingJobName``, ``HyperParameters.lr``, ``Tags.team``. Pure.

A document is searched through its view, in which what is a list of names and values in answers (tags,
metrics, parameters) is looked up by name.

Source: SageMaker API reference, Filter and SearchRecord.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, objects_of
from stepmill.core.service_models import Shape
from stepmill.core.spelling import did_you_mean


class PropertyKind(Enum):
    """How values of a property are compared."""

    TEXT = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    MOMENT = auto()
    # Named by users: text that may well be a number.
    LOOSE = auto()
    # Has properties of its own; it can only be there, or contain a text somewhere.
    GROUP = auto()


@dataclass(frozen=True)
class Property:
    """A property that a search names.

    Args:
        name: As it was named.
        kind: How its values are compared.
        whole: Whether a decimal is cut to an integer where it is compared with one.
    """

    name: str
    kind: PropertyKind
    whole: bool = False

    def values(self, view: JsonObject) -> list[Json]:
        """Return its values in the view of a document: none, one, or those of all elements of a list."""
        return list(_values(view, self.name.split(".")))


Shapes: TypeAlias = Callable[[str], Shape]

_KINDS = {
    "boolean": PropertyKind.BOOLEAN,
    "double": PropertyKind.NUMBER,
    "float": PropertyKind.NUMBER,
    "integer": PropertyKind.NUMBER,
    "long": PropertyKind.NUMBER,
    "timestamp": PropertyKind.MOMENT,
}
# Groups whose members users name. In the models they are lists, or not there.
_NAMED = ("Metrics", "Tags")
# Of features their parameters, too; and all of them together have a name of their own.
_FEATURE, _PARAMETERS, _ALL_PARAMETERS = "FeatureMetadata", "Parameters", "AllParameters"
_CUT_TO_INTEGERS = "hyperparameters"


def property_of(name: str, resource: str, shapes: Shapes) -> Property:
    """Return the property that a search names.

    Args:
        name: ``InputDataConfig.ChannelName``; the case of members does not matter.
        resource: Name of the resource's shape: ``TrainingJob``.
        shapes: Gives shapes by name.

    Raises:
        InvalidInputError: If the resource has no such property.
    """
    first, *rest = name.split(".")
    if any(first.lower() == named.lower() for named in _NAMED):
        return Property(name, PropertyKind.LOOSE if rest else PropertyKind.GROUP)
    if resource == _FEATURE and first.lower() in (_PARAMETERS.lower(), _ALL_PARAMETERS.lower()):
        return Property(name, PropertyKind.LOOSE if rest else PropertyKind.GROUP)
    kind = _kind(shapes(resource), [first, *rest], shapes)
    if kind is None:
        raise InvalidInputError(
            f"Unknown property name: {name!r} is no property of a {resource}.",
            where="SearchExpression",
            mend=did_you_mean(first, shapes(resource).members, "Name a member of what Describe answers."),
        )
    return Property(name, kind, whole=first.lower() == _CUT_TO_INTEGERS)


def _kind(shape: Shape, path: Sequence[str], shapes: Shapes) -> PropertyKind | None:
    if shape.kind == "list":
        return _kind(shapes(shape.element), path, shapes)
    if not path:
        return _KINDS.get(
            shape.kind, PropertyKind.GROUP if shape.members or shape.element else PropertyKind.TEXT
        )
    if shape.kind == "map":
        return PropertyKind.LOOSE
    for member, target in shape.members.items():
        if member.lower() == path[0].lower():
            return _kind(shapes(target), path[1:], shapes)
    return None


def _values(value: Json, path: Sequence[str]) -> Iterator[Json]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        for one in value:
            yield from _values(one, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping):
        # Names that users gave may have dots in them: then a key stands for several parts.
        for length in range(1, len(path) + 1):
            wanted = ".".join(path[:length])
            key = wanted if wanted in value else _alike(wanted, value)
            if key is not None:
                yield from _values(value[key], path[length:])


def _alike(wanted: str, value: Mapping[str, Json]) -> str | None:
    lowered = wanted.lower()
    return next((key for key in value if key.lower() == lowered), None)


def texts_in(value: Json) -> Iterator[str]:
    """Yield every text within a value, names of members too."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield key
            yield from texts_in(one)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for one in value:
            yield from texts_in(one)
    elif value is not None:
        yield str(value)


def view_of(document: JsonObject) -> JsonObject:
    """Return the view that a document is searched through.

    Example:
        >>> view_of({"Tags": [{"Key": "team", "Value": "churn"}]})["Tags"]
        {'team': 'churn'}
    """
    view: dict[str, Json] = dict(document)
    view["Tags"] = {str(tag["Key"]): tag["Value"] for tag in objects_of(document.get("Tags"))}
    view["Metrics"] = _metrics(document)
    if isinstance(document.get("TrialComponentName"), str):
        view["Parameters"] = _parameters(document.get("Parameters"))
    if isinstance(document.get("FeatureName"), str):
        pairs = {str(each["Key"]): each["Value"] for each in objects_of(document.get(_PARAMETERS))}
        view[_PARAMETERS] = view[_ALL_PARAMETERS] = pairs
    return view


def _metrics(document: JsonObject) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for metric in objects_of(document.get("FinalMetricDataList")):
        found[str(metric["MetricName"])] = metric["Value"]
    for metric in objects_of(document.get("Metrics")):
        name = str(metric["MetricName"])
        found |= {f"{name}.{key}": value for key, value in metric.items() if key != "MetricName"}
        if "Last" in metric:
            found[name] = metric["Last"]
    return found


def _parameters(parameters: Json) -> dict[str, Json]:
    if not isinstance(parameters, Mapping):
        return {}
    given: Mapping[str, Any] = parameters
    return {name: one.get("NumberValue", one.get("StringValue")) for name, one in given.items()}
