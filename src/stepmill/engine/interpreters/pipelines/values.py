"""Values: made text, found by a path, and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, read_json, write_json
from stepmill.core.spelling import did_you_mean
from stepmill.language.pipelines.conditions import Comparator
from stepmill.language.pipelines.paths import PathElements
from stepmill.language.pipelines.places import show

# Members that name the elements of a list in Describe documents: Outputs['train'] is the element
# whose OutputName is train. Source: the sagemaker SDK's properties, by botocore's shapes.
NAME_MEMBERS = (
    "OutputName",
    "InputName",
    "ChannelName",
    "MetricName",
    "VariantName",
    "ModelName",
    "Name",
    "Key",
)


def text_of(value: Json) -> str:
    """Return a value as text: strings as they are, everything else as JSON.

    Example:
        >>> [text_of(value) for value in ("a", 3, 0.5, True, None, [1, "b"])]
        ['a', '3', '0.5', 'true', 'null', '[1,"b"]']
    """
    return value if isinstance(value, str) else write_json(value)


def render_path(path: PathElements) -> str:
    """Return a path as the text that ``parse_path`` reads.

    Example:
        >>> render_path(("a", "b", 0, "c d"))
        "a.b[0]['c d']"
    """
    pieces = [_element(element) for element in path]
    return "".join(pieces).removeprefix(".")


def _element(element: str | int) -> str:
    if isinstance(element, int):
        return f"[{element}]"
    if element.isidentifier():
        return f".{element}"
    quote = '"' if "']" in element else "'"
    return f"[{quote}{element}{quote}]"


def find(document: Json, path: PathElements) -> Json:
    """Return the value at a path. A string selects an element of a list by its name member.

    Raises:
        InvalidInputError: If nothing is there; ``where`` is the part of the path that was found.

    Example:
        >>> find({"Outputs": [{"OutputName": "train", "Uri": "s3://b/t"}]}, ("Outputs", "train", "Uri"))
        's3://b/t'
    """
    value = document
    for position, element in enumerate(path):
        if isinstance(value, Mapping) and isinstance(element, str) and element in value:
            value = value[element]
        elif isinstance(value, Sequence) and not isinstance(value, str) and isinstance(element, int):
            if element >= len(value):
                raise _missing(path, position, f"the list there has {len(value)} elements")
            value = value[element]
        elif isinstance(value, Sequence) and not isinstance(value, str) and isinstance(element, str):
            value = _named(value, element, path, position)
        else:
            raise _missing(path, position, _what_is_there(value, element))
    return value


def _named(elements: Sequence[Json], name: str, path: PathElements, position: int) -> Json:
    for element in elements:
        if isinstance(element, Mapping) and any(element.get(member) == name for member in NAME_MEMBERS):
            # The output parameters of a Lambda or Callback step are pairs of a name and a value.
            return element["Value"] if set(element) == {"Name", "Value"} else element
    raise _missing(path, position, "no element of the list there has that name")


def _what_is_there(value: Json, element: str | int) -> str:
    if not isinstance(value, Mapping):
        return f"there is {show(value)}"
    known = [key for key in value if isinstance(key, str)]
    some = ", ".join(sorted(known)[:12]) or "nothing"
    return f"there is {some}. {did_you_mean(element, known)}".rstrip()


def _missing(path: PathElements, position: int, why: str) -> InvalidInputError:
    found = render_path(path[:position]) or "the document"
    return InvalidInputError(f"{show(path[position])} is not to be found in {found}: {why}", where=found)


def compare(comparator: Comparator, left: Json, right: Json) -> bool:
    """Compare two values.

    Numbers compare by value, whether whole or not. A text that reads as a number or as a truth
    value is one beside a value of that kind. Otherwise values of different kinds are unequal, and
    have no order. Texts are ordered by code points; nothing but numbers and texts has an order.

    Raises:
        InvalidInputError: If an order is asked for and there is none.

    Example:
        >>> compare(Comparator.EQUALS, 1, 1.0), compare(Comparator.LESS_THAN, "9", 10)
        (True, True)
    """
    left, right = _alike(left, right)
    same_kind = _kind(left) == _kind(right)
    match comparator:
        case Comparator.EQUALS:
            return same_kind and left == right
        case Comparator.NOT_EQUALS:
            return not (same_kind and left == right)
    if same_kind and isinstance(left, str) and isinstance(right, str):
        return _ordered(comparator, (left > right) - (left < right))
    if same_kind and _kind(left) == "number":
        assert isinstance(left, int | float)
        assert isinstance(right, int | float)
        return _ordered(comparator, (left > right) - (left < right))
    raise InvalidInputError(
        f"{show(left)} and {show(right)} have no order, so {comparator} cannot be decided.",
        mend="Compare two numbers, or two texts.",
    )


def _ordered(comparator: Comparator, sign: int) -> bool:
    match comparator:
        case Comparator.GREATER_THAN:
            return sign > 0
        case Comparator.GREATER_THAN_OR_EQUAL_TO:
            return sign >= 0
        case Comparator.LESS_THAN:
            return sign < 0
        case _:
            return sign <= 0


def _kind(value: Json) -> str:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    if value is None:
        return "null"
    return "object" if isinstance(value, Mapping) else "list"


def _alike(left: Json, right: Json) -> tuple[Json, Json]:
    if isinstance(left, str) and not isinstance(right, str):
        return _read_as(left, _kind(right)), right
    if isinstance(right, str) and not isinstance(left, str):
        return left, _read_as(right, _kind(left))
    return left, right


def _read_as(text: str, kind: str) -> Json:
    if kind not in ("number", "truth"):
        return text
    try:
        value = read_json(text.strip().lower() if kind == "truth" else text)
    except InvalidInputError:
        return text
    return value if _kind(value) == kind else text
