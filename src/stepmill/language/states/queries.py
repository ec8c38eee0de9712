"""Checks what is written in the query languages: paths, templates, expressions, names of variables.

Source: Amazon States Language specification, "Paths", "Payload Template", "JSONata expressions", "Variables".
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping

from stepmill.core.json import Json, JsonObject
from stepmill.language.states.codes import Code
from stepmill.language.states.collector import Collector
from stepmill.language.states.definition import ProcessorMode, QueryLanguage
from stepmill.language.states.jsonata.checking import check_expression, references_of
from stepmill.language.states.jsonata.templates import expression_text, is_expression
from stepmill.language.states.path_checks import check_path, check_path_or_intrinsic, check_reference_path
from stepmill.language.states.places import Place
from stepmill.language.states.resources import Pattern, Resource, ResourceKind

# Source: specification, "Variables": 80 characters; names start as Unicode's identifiers do.
LONGEST_NAME = 80
_NAME = re.compile(r"[^\W\d]\w*\Z")
_FUNCTION = "States."
_A_CALL = "a valid intrinsic function call"
_NO_PATH = "Value must be a valid JSONPath."


class Queries:
    """Checks texts of the query languages; findings go to the collector."""

    def __init__(
        self, collector: Collector, *, services: Container[str] | None = None, is_express: bool = False
    ) -> None:
        self._collector = collector
        self._services = services
        self._is_express = is_express

    def resource(self, resource: Resource, place: Place) -> None:
        """Check that an integration is offered, and fits the type of the machine."""
        if self._is_express and (
            resource.kind is ResourceKind.ACTIVITY or resource.pattern is not Pattern.REQUEST_RESPONSE
        ):
            pattern = resource.suffix.removesuffix(":2")
            is_activity = resource.kind is ResourceKind.ACTIVITY
            what = "Activity ARN" if is_activity else f"'{pattern}' service integration"
            message = f"Express state machine does not support {what}"
            self._collector.schema(place, message, "Make it a STANDARD state machine.")
        elif (
            self._services is not None
            and resource.is_integration
            and resource.integration not in self._services
        ):
            message = f"The resource provided {resource.arn} is not offered here."
            mend = "docs/reference/integrations.md lists what is offered."
            self._collector.schema(place, message, mend)

    def mode(self, mode: ProcessorMode, place: Place) -> None:
        """Check that a Map may run its iterations where it wants to."""
        if self._is_express and mode is ProcessorMode.DISTRIBUTED:
            message = (
                "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines"
            )
            self._collector.schema(place, message, "Make it a STANDARD state machine.")

    def static_result(self, value: Json, place: Place) -> None:
        """Warn of a Pass state's Result in which paths stand."""
        waiting = [value]
        while waiting:
            item = waiting.pop()
            if isinstance(item, list):
                waiting.extend(item)
            elif isinstance(item, Mapping):
                waiting.extend(item.values())
                if any(key.endswith(".$") for key in item):
                    message = "The Result of a Pass state is static; paths in it are not evaluated."
                    self._collector.add(Code.PASS_RESULT_IS_STATIC, place, message)
                    return

    def path(self, text: str, place: Place, *, functions: bool = False) -> None:
        """Check a path, or where ``functions`` are allowed, an intrinsic function."""
        if functions and text.startswith(_FUNCTION):
            if not _is_call(text):
                self._collector.schema(place, f"Value must be {_A_CALL}.", "Mend the function's call.")
        elif not _is_path(text):
            self._collector.schema(place, _NO_PATH, "A path starts with $, $$ or $name.")

    def reference_path(self, text: str, place: Place) -> None:
        """Check a path where a value can be put."""
        if check_reference_path(text) is not None:
            message = "Value is not a Reference Path"
            self._collector.schema(place, message, "Use names and indexes only: $.a['b'][0].")

    def template(self, value: Json, place: Place) -> None:
        """Check a payload template: what stands under a key that ends in ``.$`` is a path or a function.

        AWS points at the template, not at the key in it.
        """
        waiting = [value]
        while waiting:
            item = waiting.pop()
            if isinstance(item, Mapping):
                for key, below in item.items():
                    if key.endswith(".$"):
                        self._dynamic(key, below, place)
                    else:
                        waiting.append(below)
                        self._looks_dynamic(key, below, place)
                self._twice(item, place)
            elif isinstance(item, list):
                waiting.extend(item)

    def _dynamic(self, key: str, value: Json, place: Place) -> None:
        if isinstance(value, str) and (_is_path(value) or check_path_or_intrinsic(value) is None):
            return
        message = f"The value for the field '{key[:200]}' must be a valid JSONPath or {_A_CALL}"
        self._collector.schema(place, message, "Let the key not end in '.$' if a fixed value is meant.")

    def _looks_dynamic(self, key: str, value: Json, place: Place) -> None:
        if isinstance(value, str) and (value.startswith(("$.", "$$.")) or _is_call(value)):
            message = f"The field '{key[:200]}' looks like a path or a function, but its name lacks '.$'"
            self._collector.add(Code.NO_DOLLAR, place, message)

    def _twice(self, item: JsonObject, place: Place) -> None:
        for key in item:
            if key.endswith(".$") and key[:-2] in item:
                message = f"The field '{key[:200]}' and '{key[:-2][:200]}' cannot both be given"
                self._collector.schema(place, message, "Keep one of them.")

    def expression(self, text: str, place: Place) -> None:
        """Check a JSONata expression in ``{% %}`` that stands for a number, a truth or a list."""
        if not is_expression(text):
            message = "JSONata string must start with {% and end with %}"
            self._collector.schema(place, message, "Write {% expression %}.")
            return
        inner = expression_text(text)
        problem = check_expression(inner)
        if problem is not None:
            self._collector.add(Code(problem.code), place, problem.message)
        elif "errorOutput" in inner and _reads_error(inner) and "Catch" not in place.keys:
            message = "Field '$states.errorOutput' does not exist."
            mend = "Only the Output and Assign of a catcher can read it."
            self._collector.add(Code.UNSUPPORTED_JSONATA_EXPRESSION, place, message, mend)

    def expressions(self, value: Json, place: Place) -> None:
        """Check all JSONata expressions in a value."""
        waiting: list[tuple[Json, Place]] = [(value, place)]
        while waiting:
            item, where = waiting.pop()
            if isinstance(item, Mapping):
                waiting.extend((below, where / key) for key, below in item.items())
            elif isinstance(item, list):
                waiting.extend((below, where / index) for index, below in enumerate(item))
            elif isinstance(item, str) and (item.startswith("{%") or item.endswith("%}")):
                self.expression(item, where)

    def variables(self, assigned: JsonObject, place: Place, language: QueryLanguage) -> None:
        """Check names of variables."""
        for key in assigned:
            is_dynamic = language is QueryLanguage.JSON_PATH and key.endswith(".$")
            name = key[:-2] if is_dynamic else key
            if name == "states":
                message = "Cannot assign to reserved variable '$states'."
                self._collector.add(Code.RESERVED_VARIABLE_NAME, place / key, message)
            elif len(name) > LONGEST_NAME or not _NAME.match(name):
                why = "is too long" if len(name) > LONGEST_NAME else "contains invalid characters"
                message = f"Invalid variable name '{name[:200]}': the variable name {why}."
                self._collector.add(Code.INVALID_VARIABLE_NAME, place / key, message)


def _reads_error(expression: str) -> bool:
    return "errorOutput" in references_of(expression).members


def _is_call(text: str) -> bool:
    return text.startswith(_FUNCTION) and check_path_or_intrinsic(text) is None


def _is_path(text: str) -> bool:
    # The service takes filters that compare with a bare word, and finds nothing by them.
    return check_path(text) is None or (text.startswith("$") and "?(" in text)
