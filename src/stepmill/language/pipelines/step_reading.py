"""Reads steps: what all have, and what Condition and ForEach steps have inside."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from stepmill.core.json import Json, JsonObject
from stepmill.language.pipelines.codes import Code
from stepmill.language.pipelines.containers import ContainerReader
from stepmill.language.pipelines.declarations import cleaned_steps
from stepmill.language.pipelines.definition import Branch, Step, StepType
from stepmill.language.pipelines.draft import Draft
from stepmill.language.pipelines.expressions import is_expression
from stepmill.language.pipelines.places import Place, show
from stepmill.language.pipelines.shape_check import ShapeCheck
from stepmill.language.pipelines.step_keys import (
    read_cache,
    read_depends_on,
    read_outputs,
    read_property_files,
    read_retry_policies,
)
from stepmill.language.pipelines.step_types import COMMON_KEYS, STEP_KINDS

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_TYPED_KEYS = frozenset({*COMMON_KEYS, "CacheConfig", "RetryPolicies", "PropertyFiles"})
_CHECK_TYPES = {
    StepType.QUALITY_CHECK: ("DATA_QUALITY", "MODEL_QUALITY"),
    StepType.CLARIFY_CHECK: ("DATA_BIAS", "MODEL_BIAS", "MODEL_EXPLAINABILITY"),
}
_NOT_IN_BODY = (StepType.CONDITION, StepType.FAIL, StepType.FOR_EACH)


class StepReader:
    """Reads steps into a draft."""

    def __init__(self, draft: Draft, shapes: ShapeCheck) -> None:
        self._draft = draft
        self._shapes = shapes

    def read_steps(
        self, value: Json, place: Place, parent: str = "", branch: Branch | None = None
    ) -> tuple[str, ...]:
        """Read a list of steps; return the names of those that have one."""
        items = self._draft.expect_list(value, place)
        names = [self._step(item, place / index, parent, branch) for index, item in enumerate(items)]
        return tuple(name for name in names if name)

    def _step(self, value: Json, place: Place, parent: str, branch: Branch | None) -> str:
        draft = self._draft
        entry = draft.expect_object(value, place)
        if not isinstance(value, Mapping):
            return ""
        name = self._name(entry, place)
        is_new = bool(name) and name not in draft.places
        if is_new:
            draft.places[name] = place
        kind = self._type(entry, place)
        if kind is None:
            self._untyped(entry, name, place)
            return name
        if branch is Branch.BODY and kind in _NOT_IN_BODY:
            message = f"A {kind} step cannot stand in a ForEach body."
            draft.collector.add(Code.BAD_FOR_EACH, place / "Type", message, "Move it out.")
        step = self._typed(entry, name, kind, place, parent, branch)
        if is_new:
            draft.steps[name] = step
        return name

    def _name(self, entry: JsonObject, place: Place) -> str:
        draft = self._draft
        if not draft.keys({"Name": entry["Name"]} if "Name" in entry else {}, ("Name",), ("Name",), place):
            return ""
        name = draft.expect_text(entry["Name"], place / "Name")
        if not _NAME.match(name):
            if isinstance(entry["Name"], str):
                message = f"{show(name)} is not a name of 1 to 64 letters, digits, hyphens and underscores."
                draft.collector.add(Code.BAD_NAME, place / "Name", message)
            return ""
        if name in draft.places:
            message = f"There is another step {show(name)}, at {draft.places[name]}."
            draft.collector.add(Code.DUPLICATE_NAME, place / "Name", message)
        return name

    def _type(self, entry: JsonObject, place: Place) -> StepType | None:
        draft = self._draft
        if "Type" not in entry:
            draft.collector.add(Code.MISSING_KEY, place, "'Type' is missing.", "Add 'Type'.")
            return None
        value = entry["Type"]
        known = [str(kind) for kind in StepType]
        if not isinstance(value, str) or value not in known:
            mend = draft.collector.nearest(value, known) or f"There are {', '.join(known)}."
            message = f"There is no step of type {show(value)}."
            draft.collector.add(Code.UNKNOWN_STEP_TYPE, place / "Type", message, mend)
            return None
        kind = StepType(value)
        arguments = entry.get("Arguments")
        # The published schema writes Endpoint for both; the arguments tell which is meant.
        if kind is StepType.ENDPOINT and isinstance(arguments, Mapping) and "ProductionVariants" in arguments:
            return StepType.ENDPOINT_CONFIG
        if not STEP_KINDS[kind].documented:
            message = f"AWS does not document {kind} steps, so this one is not checked."
            draft.collector.add(Code.UNCHECKED_STEP_TYPE, place / "Type", message)
        return kind

    def _untyped(self, entry: JsonObject, name: str, place: Place) -> None:
        if "DependsOn" in entry:
            read_depends_on(self._draft, entry["DependsOn"], place / "DependsOn")
        if "Arguments" in entry:
            self._draft.expressions(name, entry["Arguments"], place / "Arguments")

    def _typed(
        self, entry: JsonObject, name: str, kind: StepType, place: Place, parent: str, branch: Branch | None
    ) -> Step:
        draft, traits = self._draft, STEP_KINDS[kind]
        allowed = (*COMMON_KEYS, *traits.keys)
        draft.keys(entry, allowed, traits.required_keys, place)
        since = len(draft.uses)
        extra = {key: value for key, value in entry.items() if key in allowed and key not in _TYPED_KEYS}
        self._extra(extra, name, kind, place)
        where = place / "Arguments"
        arguments = draft.expect_object(entry.get("Arguments", {}), where)
        if isinstance(entry.get("Arguments"), Mapping):
            self._shapes.check(traits.arguments, arguments, where)
        containers = ContainerReader(draft, name, arguments, where, self.read_steps)
        condition = containers.read_condition() if kind is StepType.CONDITION else None
        for_each = containers.read_for_each() if kind is StepType.FOR_EACH else None
        if not condition and not for_each:
            draft.expressions(name, arguments, where)
        step = Step(
            name=name,
            type=kind,
            arguments=arguments,
            path=str(place),
            parent=parent,
            branch=branch,
            references=draft.references(name, since) + _cleaned(kind, arguments),
            extra=extra,
            condition=condition,
            for_each=for_each,
        )
        given = {key: value for key, value in entry.items() if key in allowed and value is not None}
        return self._with_keys(step, given, place)

    def _with_keys(self, step: Step, given: JsonObject, place: Place) -> Step:
        draft = self._draft
        readers: Mapping[str, tuple[str, Callable[[Draft, Json, Place], object]]] = {
            "DependsOn": ("depends_on", read_depends_on),
            "DisplayName": ("display_name", Draft.expect_text),
            "Description": ("description", Draft.expect_text),
            "CacheConfig": ("cache", read_cache),
            "PropertyFiles": ("property_files", read_property_files),
            "OutputParameters": ("outputs", read_outputs),
            "RetryPolicies": (
                "retry_policies",
                lambda draft, value, where: read_retry_policies(draft, value, step.type, where),
            ),
        }
        changes: dict[str, Any] = {
            attribute: read(draft, given[key], place / key)
            for key, (attribute, read) in readers.items()
            if key in given
        }
        return replace(step, **changes) if changes else step

    def _extra(self, extra: JsonObject, name: str, kind: StepType, place: Place) -> None:
        """Check the keys that only some types have: texts or booleans, or expressions."""
        draft = self._draft
        for key, value in extra.items():
            if key == "OutputParameters":
                continue
            draft.expressions(name, value, place / key)
            if key == "CheckType":
                self._check_type(value, kind, place / key)
            elif not _is_scalar(value, may_be_absent=key not in ("FunctionArn", "SqsQueueUrl")):
                draft.wrong(value, "A text or an expression", place / key)

    def _check_type(self, value: Json, kind: StepType, place: Place) -> None:
        known = _CHECK_TYPES[kind]
        if not is_expression(value) and value not in known:
            mend = self._draft.collector.nearest(value, known) or f"There are {', '.join(known)}."
            message = f"{show(value)} is not a check that a {kind} step makes."
            self._draft.collector.add(Code.UNKNOWN_VALUE, place, message, mend)


def _is_scalar(value: Json, *, may_be_absent: bool) -> bool:
    if isinstance(value, str) or is_expression(value):
        return True
    return may_be_absent and (value is None or isinstance(value, bool))


def _cleaned(kind: StepType, arguments: JsonObject) -> tuple[str, ...]:
    """Return the steps whose outputs a Cleanup step deletes: it can only do so after them."""
    if kind is not StepType.CLEANUP:
        return ()
    return tuple(dict.fromkeys(name for _, name in cleaned_steps(arguments)))
