"""Values that steps leave: members of their jobs' descriptions, values in their reports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import JsonObject
from stepmill.sdk.values import Producer, Value

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, eq=False)
class Property(Value):
    """A member of what AWS's Describe operation says of a step's job.

    ``step.properties`` is the root; members follow by their names, elements by index or name:
    ``train.properties.FinalMetricDataList["rmse"].Value``.

    Args:
        step: Whose.
        path: With its leading dot, as in a definition.
        text: Whether it is known to be a text.
    """

    step: Producer
    path: str = ""
    text: bool = False

    @property
    def is_text(self) -> bool:
        """Whether it is known to be a text."""
        return self.text

    def __getattr__(self, member: str) -> Property:
        if not member[:1].isupper():
            raise AttributeError(f"Members of AWS's documents begin with a capital; there is no {member!r}.")
        return Property(self.step, f"{self.path}.{member}")

    def __getitem__(self, key: str | int) -> Property:
        return Property(self.step, self.path + path_element(key))

    def __repr__(self) -> str:
        return f"<{self.step.name}{self.path}>"

    def expression(self) -> JsonObject:
        """Return ``{"Get": "Steps.<step>.<path>"}``."""
        return {"Get": f"Steps.{self.step.name}{self.path}"}


@dataclass(frozen=True, eq=False)
class Report:
    """A JSON file that a step leaves in one of its outputs (AWS: a property file).

    ``report["metrics"]["mse"]`` is a value in it, ``report.uri`` the address of the file.

    Args:
        step: Whose.
        output: Name of the output.
        path: Of the file, within the output.
        name: Of the property file, in the definition.
        uri: Its address.
    """

    step: Producer
    output: str
    path: str
    name: str
    uri: Value

    def __getitem__(self, key: str | int) -> JsonValue:
        return JsonValue(self)[key]

    def __iter__(self) -> NoReturn:
        raise TypeError("A report is read when the pipeline runs. Name the value: report['mse'].")


@dataclass(frozen=True, eq=False)
class JsonValue(Value):
    """A value in a report; ``value["key"]`` and ``value[0]`` go further in.

    Args:
        report: The file.
        path: Keys and indexes, from the outside in.
    """

    report: Report
    path: tuple[str | int, ...] = ()

    def __getitem__(self, key: str | int) -> JsonValue:
        path_element(key)
        return JsonValue(self.report, (*self.path, key))

    def __repr__(self) -> str:
        return f"<{self.report.step.name} {self.report.path}: {json_path(self.path)}>"

    def expression(self) -> JsonObject:
        """Return the ``Std:JsonGet``."""
        file = f"Steps.{self.report.step.name}.PropertyFiles.{self.report.name}"
        return {"Std:JsonGet": {"PropertyFile": {"Get": file}, "Path": json_path(self.path)}}


@dataclass(frozen=True, eq=False)
class CurrentItem(Value):
    """The item that an iteration of a ForEachStep is for; members of an object by ``item["key"]``.

    Args:
        path: As in a definition.
    """

    path: str = ""

    def __getitem__(self, key: str | int) -> CurrentItem:
        return CurrentItem(self.path + path_element(key))

    def expression(self) -> JsonObject:
        """Return ``{"Get": "ForEach.CurrentItem..."}``."""
        return {"Get": f"ForEach.CurrentItem{self.path}"}


current_item = CurrentItem()


def path_element(key: str | int) -> str:
    """Return ``[3]`` or ``['key']``.

    Raises:
        InvalidInputError: If the key cannot be written in a path.
    """
    if isinstance(key, bool) or not isinstance(key, (str, int)):
        raise InvalidInputError(f"{key!r} is neither a key nor an index.", where="a path")
    if isinstance(key, int):
        if key < 0:
            raise InvalidInputError(
                f"The index {key} counts from the end.", where="a path", mend="Count from 0."
            )
        return f"[{key}]"
    if not key or "'" in key or "\\" in key or "]" in key:
        raise InvalidInputError(
            f"The key {key!r} cannot be written in a path.",
            where="a path",
            mend="Write the value under a plainer key.",
        )
    return f"['{key}']"


def json_path(keys: Iterable[str | int]) -> str:
    """Return the path of a value in a JSON document.

    Example:
        >>> json_path(["metrics", "r2", 0, "by day"])
        "metrics.r2[0]['by day']"
    """
    text = ""
    for key in keys:
        plain = isinstance(key, str) and _PLAIN_KEY.fullmatch(key)
        text += f".{key}" if plain else path_element(key)
    return text.removeprefix(".")
