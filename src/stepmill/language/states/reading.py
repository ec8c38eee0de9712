"""Reads a state machine and its branches.

Source: Amazon States Language specification, "Structure of a State Machine", "States", "Transitions".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.core.json import Json, JsonObject
from stepmill.language.states.codes import Code
from stepmill.language.states.collector import Collector
from stepmill.language.states.definition import Branch, MapState, QueryLanguage, State, StateMachine
from stepmill.language.states.entry import Entry, expected
from stepmill.language.states.fields import BRANCH_FIELDS, MACHINE_FIELDS, PROCESSOR_FIELDS, STATE_FIELDS
from stepmill.language.states.flow import check_flow
from stepmill.language.states.handling import MOST_SECONDS
from stepmill.language.states.places import ROOT, Place
from stepmill.language.states.queries import Queries
from stepmill.language.states.state_reading import READERS

# Source: specification, "States".
LONGEST_NAME = 80


class MachineReader:
    """Reads one machine; findings go to the collector."""

    def __init__(self, queries: Queries, collector: Collector) -> None:
        self._queries = queries
        self._collector = collector
        self._language = QueryLanguage.JSON_PATH
        self._names: set[str] = set()
        self._labels: set[str] = set()

    def read(self, document: JsonObject) -> StateMachine:
        """Read the whole document into a machine, which is good only if nothing was found wrong."""
        entry = Entry(document, ROOT, QueryLanguage.JSON_PATH, self._queries, self._collector)
        entry.only(MACHINE_FIELDS)
        self._language = entry.language = entry.choice(
            "QueryLanguage", QueryLanguage, QueryLanguage.JSON_PATH
        )
        # The service takes 0; it stands for no limit.
        timeout_s = entry.whole("TimeoutSeconds", 0, 0, MOST_SECONDS) or None
        version = entry.text("Version", "1.0")
        if version != "1.0":
            entry.wrong("Version", "Value should be one of the following: [1.0]", 'Write "1.0".')
        branch = self._branch(entry)
        return StateMachine(
            start_at=branch.start_at,
            states=branch.states,
            comment=branch.comment,
            query_language=self._language,
            timeout_s=timeout_s,
            version=version,
        )

    def read_branch(self, entry: Entry) -> Branch:
        """Read a branch of a Parallel, or the processor of a Map."""
        entry.only(PROCESSOR_FIELDS if entry.place.key in ("ItemProcessor", "Iterator") else BRANCH_FIELDS)
        return self._branch(entry)

    def _branch(self, entry: Entry) -> Branch:
        entry.require("StartAt", "States")
        start_at = entry.text("StartAt")
        comment = entry.text("Comment")
        states: dict[str, State] = {}
        value = entry.fields.get("States", {})
        if not isinstance(value, Mapping):
            entry.expected("States", "Object")
            value = {}
        elif "States" in entry and not value:
            entry.wrong("States", "Value cannot be empty", "Add a state.")
        for name, below in value.items():
            state = self._state(name, below, entry.place / "States" / name)
            if state is not None:
                states[name] = state
        branch = Branch(start_at=start_at, states=states, comment=comment)
        if len(states) == len(value) and states:
            check_flow(branch, entry, self._collector)
        return branch

    def _state(self, name: str, value: Json, place: Place) -> State | None:
        self._name(name, place)
        if not isinstance(value, Mapping):
            expected(self._collector, place, "Object")
            return None
        entry = Entry(value, place, self._language, self._queries, self._collector)
        if not entry.require("Type"):
            return None
        kind = entry.text("Type")
        if kind not in STATE_FIELDS:
            words = ", ".join(STATE_FIELDS)
            entry.wrong("Type", f"Value should be one of the following: [{words}]", f"Write one of {words}.")
            return None
        entry.language = self._state_language(entry)
        self._allowed(entry, kind)
        entry.require(*STATE_FIELDS[kind].required)
        state = READERS[kind](entry, self._shared(entry, name, kind), self.read_branch)
        if isinstance(state, MapState) and state.label:
            self._label(state.label, entry)
        return state

    def _state_language(self, entry: Entry) -> QueryLanguage:
        language = entry.choice("QueryLanguage", QueryLanguage, self._language)
        if language is QueryLanguage.JSON_PATH and self._language is QueryLanguage.JSONATA:
            message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
            self._collector.schema(entry.place, message, "Remove it, and write the state in JSONata.")
        return language

    def _allowed(self, entry: Entry, kind: str) -> None:
        fields = STATE_FIELDS[kind]
        own = fields.of(entry.language)
        other = QueryLanguage.JSON_PATH if entry.uses_jsonata else QueryLanguage.JSONATA
        for name in entry.fields:
            if name in fields.common or name in own:
                continue
            if name in fields.of(other):
                entry.foreign(name)
            else:
                entry.unsupported(name)

    def _shared(self, entry: Entry, name: str, kind: str) -> dict[str, Any]:
        """Read what all states have."""
        fields = STATE_FIELDS[kind]
        shared: dict[str, Any] = {
            "name": name,
            "path": str(entry.place),
            "query_language": entry.language,
            "comment": entry.text("Comment"),
        }
        if "Next" in fields.common:
            shared["next"] = self._next(entry)
        if "Assign" in fields.common:
            shared["assign"] = entry.assign()
        if entry.uses_jsonata and "Output" in fields.jsonata:
            shared["output"] = entry.output()
        if not entry.uses_jsonata and "InputPath" in fields.json_path:
            shared["input_path"] = entry.path("InputPath")
            shared["output_path"] = entry.path("OutputPath")
        return shared

    def _next(self, entry: Entry) -> str | None:
        ends = entry.flag("End")
        following = entry.text("Next") if "Next" in entry else None
        if ends and following is not None:
            entry.exclusive("Next", "End")
        elif following is None and not ends:
            entry.one_of("Next", "End")
        return None if ends else following

    def _name(self, name: str, place: Place) -> None:
        if not name or len(name) > LONGEST_NAME:
            limit = f"exceeds the {LONGEST_NAME}-character limit allowed by the service"
            message = f"State name '{name[:200]}' {limit}" if name else "State name must not be empty"
            self._collector.add(Code.INVALID_STATE_NAME, place, message)
        elif name in self._names:
            self._collector.add(Code.DUPLICATE_STATE_NAME, place, f"Duplicate State name: {name}")
        self._names.add(name)

    def _label(self, label: str, entry: Entry) -> None:
        if label in self._labels:
            self._collector.add(
                Code.DUPLICATE_LABEL_NAME, entry.place / "Label", f"Duplicate Label name: {label}"
            )
        self._labels.add(label)
