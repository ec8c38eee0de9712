"""What a target gets of an event: all of it, a part, something else, or a text made of its parts. Pure.

Source: EventBridge user guide, "Input transformation".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, read_json, write_json
from stepmill.language.states.jsonpath import (
    PathError,
    PathSyntaxError,
    compile_path,
)

MOST_PATHS = 100
LONGEST_TEMPLATE = 8192
_VARIABLE = re.compile(r"<([A-Za-z0-9_-]{1,256}|aws\.events\.[a-z.-]{1,60})>")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_EVENT, _EVENT_JSON = "aws.events.event", "aws.events.event.json"
_RESERVED = frozenset(
    {_EVENT, _EVENT_JSON, "aws.events.rule-arn", "aws.events.rule-name", "aws.events.event.ingestion-time"}
)


@dataclass(frozen=True)
class Input:
    """What a target gets. At most one of ``text``, ``path`` and ``template`` is given.

    Args:
        text: This JSON, whatever happened.
        path: What stands there in the event.
        template: A text with ``<name>`` in it.
        names: Name -> path, for the template.
    """

    text: str = ""
    path: str = ""
    template: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


def read_input(target: JsonObject) -> Input:
    """Return what a target gets.

    Raises:
        InvalidInputError: If EventBridge would refuse it.
    """
    given = [name for name in ("Input", "InputPath", "InputTransformer") if target.get(name)]
    if len(given) > 1:
        raise InvalidInputError(
            "Only one of Input, InputPath, or InputTransformer must be provided for target "
            f"{target.get('Id')}."
        )
    text, path = str(target.get("Input") or ""), str(target.get("InputPath") or "")
    if text:
        try:
            read_json(text)
        except InvalidInputError as error:
            raise InvalidInputError(f"JSON syntax error in input for target {target.get('Id')}") from error
    if path:
        _check_path(path, target)
    transformer = target.get("InputTransformer")
    if not isinstance(transformer, Mapping):
        return Input(text, path)
    template, names = str(transformer.get("InputTemplate") or ""), transformer.get("InputPathsMap") or {}
    paths = {name: str(one) for name, one in names.items()} if isinstance(names, Mapping) else {}
    if not template or len(template) > LONGEST_TEMPLATE or len(paths) > MOST_PATHS:
        raise InvalidInputError(
            f"InputTemplate for target {target.get('Id')} must have 1 to {LONGEST_TEMPLATE} characters, and "
            f"at most {MOST_PATHS} paths."
        )
    for name, one in paths.items():
        if not _NAME.fullmatch(name) or name.upper().startswith("AWS"):
            raise InvalidInputError(f"Invalid variable name {name[:80]} in InputPathsMap.")
        _check_path(one, target)
    unknown = set(_VARIABLE.findall(template)) - paths.keys() - _RESERVED
    if unknown:
        raise InvalidInputError(
            f"Invalid InputTemplate for target {target.get('Id')} : [No value for <{min(unknown)}>]."
        )
    return Input(template=template, names=paths)


def text_for(said: Input, event: JsonObject, rule_arn: str, rule_name: str) -> str:
    """Return what a target gets of an event, as text: JSON, unless a template makes another one.

    Args:
        said: What it wants.
        event: What happened.
        rule_arn: Of the rule that it fits.
        rule_name: Name of that.

    Example:
        >>> said = Input(template='"<who> is done"', names={"who": "$.detail.name"})
        >>> text_for(said, {"detail": {"name": "train"}}, "arn", "rule")
        '"train is done"'
    """
    if said.text:
        return said.text
    if said.path:
        return write_json(_read(said.path, event))
    if not said.template:
        return write_json(event)
    values: dict[str, Json] = {name: _read(path, event) for name, path in said.names.items()}
    values |= {
        _EVENT: {name: value for name, value in event.items() if name != "detail"},
        _EVENT_JSON: event,
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_name,
        "aws.events.event.ingestion-time": event.get("time"),
    }
    return _filled(said.template, values)


def _filled(template: str, values: Mapping[str, Json]) -> str:
    """Put values into a template: within quotation marks as text, else as JSON."""
    parts: list[str] = []
    is_quoted, position = False, 0
    for match in _VARIABLE.finditer(template):
        before = template[position : match.start()]
        is_quoted ^= _changes_quotes(before)
        parts += [before, _written(values[match[1]], is_quoted=is_quoted)]
        position = match.end()
    return "".join([*parts, template[position:]])


def _changes_quotes(text: str) -> bool:
    return len(re.findall(r'(?<!\\)(?:\\\\)*"', text)) % 2 == 1


def _written(value: Json, *, is_quoted: bool) -> str:
    if not is_quoted:
        return write_json(value)
    if value is None:
        return ""
    text = value if isinstance(value, str) else write_json(value)
    # As it stands in a JSON text, without the quotation marks around it.
    return write_json(text)[1:-1]


def _read(path: str, event: JsonObject) -> Json:
    try:
        found: Json = compile_path(path).read(event)
    except PathError:
        return None
    return found


def _check_path(path: str, target: JsonObject) -> None:
    try:
        compile_path(path)
    except PathSyntaxError as error:
        raise InvalidInputError(
            f"Invalid InputPath for target {target.get('Id')} : {path[:100]}.",
            mend='Write it like "$.detail".',
        ) from error
