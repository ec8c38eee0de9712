"""From the text of a definition to a JSON object: no name twice, nothing that is not JSON, not too large.

Source: API reference, CreateStateMachine: a definition has at most 1,048,576 bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, read_json
from stepmill.language.states.codes import Code
from stepmill.language.states.collector import Collector
from stepmill.language.states.json_faults import json_fault
from stepmill.language.states.places import ROOT

MOST_BYTES = 1_048_576


def load(text: str | bytes, collector: Collector) -> JsonObject | None:
    """Return the definition as a JSON object; ``None``, with a finding, if it is none."""
    encoded = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if not encoded.strip():
        collector.add(Code.MISSING_DESCRIPTION, None, "The definition is empty.")
        return None
    if len(encoded) > MOST_BYTES:
        message = f"The definition has {len(encoded)} bytes; at most {MOST_BYTES} are allowed."
        collector.add(Code.SCHEMA_VALIDATION_FAILED, None, message, "Start another state machine from it.")
        return None
    try:
        value = read_json(text)
    except InvalidInputError as error:
        shown = text if isinstance(text, str) else text.decode("utf-8", "replace")
        collector.add(Code.INVALID_JSON_DESCRIPTION, None, json_fault(shown), error.what)
        return None
    if value is None:
        collector.add(Code.MISSING_DESCRIPTION, None, "The definition is null.")
        return None
    if not isinstance(value, Mapping):
        collector.schema(ROOT, "Expected value of type Object", "A state machine is a JSON object.")
        return None
    _find_duplicates(text, collector)
    return None if collector.errors else value


def _find_duplicates(text: str | bytes, collector: Collector) -> None:
    """Read the text once more, because a reader of JSON keeps the last of equal names in silence."""
    found: list[str] = []

    def pairs_hook(pairs: list[tuple[str, Json]]) -> None:
        if len(pairs) != len(dict(pairs)):
            times = Counter(name for name, _ in pairs)
            found.extend(name for name, count in times.items() if count > 1)

    # Numbers are not looked at: an integer of thousands of digits costs time, and CPython refuses it.
    json.loads(text, object_pairs_hook=pairs_hook, parse_int=len, parse_float=len)
    for name in dict.fromkeys(found):
        collector.add(
            Code.INVALID_JSON_DESCRIPTION,
            None,
            f"Duplicate field '{name[:200]}'",
            "Rename or remove one of them.",
        )
