"""Which fields a state of each type may have, in which query language.

Source: Amazon States Language specification, table of state types and fields; Step Functions developer guide,
pages of the states.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from stepmill.language.states.definition import QueryLanguage


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields of a type of state.

    Args:
        common: Allowed in both languages.
        json_path: Allowed in JSONPath only.
        jsonata: Allowed in JSONata only.
        required: Those that must be there.
    """

    common: frozenset[str]
    json_path: frozenset[str] = frozenset()
    jsonata: frozenset[str] = frozenset()
    required: tuple[str, ...] = ()

    def of(self, language: QueryLanguage) -> frozenset[str]:
        """Return what is allowed in a language only."""
        return self.jsonata if language is QueryLanguage.JSONATA else self.json_path

    def has(self, name: str) -> bool:
        """Return whether a field is allowed in one language at least."""
        return name in self.common or name in self.json_path or name in self.jsonata


def _fields(common: str = "", json_path: str = "", jsonata: str = "", required: str = "") -> Fields:
    return Fields(
        frozenset(f"Type Comment QueryLanguage {common}".split()),
        frozenset(json_path.split()),
        frozenset(jsonata.split()),
        tuple(required.split()),
    )


_AROUND = "InputPath OutputPath"
_WORK = f"{_AROUND} Parameters ResultSelector ResultPath"
MACHINE_FIELDS = frozenset(["StartAt", "States", "Comment", "QueryLanguage", "TimeoutSeconds", "Version"])
BRANCH_FIELDS = frozenset(["StartAt", "States", "Comment"])
PROCESSOR_FIELDS = BRANCH_FIELDS | {"ProcessorConfig"}

STATE_FIELDS: Mapping[str, Fields] = MappingProxyType(
    {
        "Pass": _fields("Next End Assign", f"{_AROUND} Parameters Result ResultPath", "Output"),
        "Task": _fields(
            "Next End Assign Resource Credentials TimeoutSeconds HeartbeatSeconds Retry Catch",
            f"{_WORK} TimeoutSecondsPath HeartbeatSecondsPath",
            "Arguments Output",
            required="Resource",
        ),
        "Choice": _fields("Choices Default Assign", _AROUND, "Output", required="Choices"),
        "Wait": _fields(
            "Next End Assign Seconds Timestamp", f"{_AROUND} SecondsPath TimestampPath", "Output"
        ),
        "Succeed": _fields("", _AROUND, "Output"),
        "Fail": _fields("Error Cause", "ErrorPath CausePath"),
        "Parallel": _fields(
            "Next End Assign Branches Retry Catch", _WORK, "Arguments Output", required="Branches"
        ),
        "Map": _fields(
            "Next End Assign ItemProcessor Iterator ItemReader ItemSelector ItemBatcher ResultWriter Label "
            "MaxConcurrency ToleratedFailureCount ToleratedFailurePercentage Retry Catch",
            f"{_WORK} ItemsPath MaxConcurrencyPath ToleratedFailureCountPath ToleratedFailurePercentagePath",
            "Items Output",
        ),
    }
)
