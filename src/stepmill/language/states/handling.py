"""Reads Retry and Catch.

Source: Amazon States Language specification, "Errors"; Step Functions developer guide, "Handling errors".
"""

from __future__ import annotations

from collections.abc import Sequence

from stepmill.language.states.definition import Catcher, Jitter, Retrier
from stepmill.language.states.entry import Entry, texts

ALL = "States.ALL"
MOST_SECONDS = 99_999_999
# Source: what the service takes: the seconds of 366 days.
LONGEST_DELAY_S = 31_622_400
_GREATEST = 1.7976931348623157e308


def read_retriers(state: Entry) -> tuple[Retrier, ...]:
    """Read the retriers of a state."""
    entries = state.entries("Retry")
    _check_last(entries)
    return tuple(_retrier(entry) for entry in entries)


def _retrier(entry: Entry) -> Retrier:
    entry.only(
        {
            "ErrorEquals",
            "IntervalSeconds",
            "MaxAttempts",
            "BackoffRate",
            "MaxDelaySeconds",
            "JitterStrategy",
            "Comment",
        }
    )
    entry.text("Comment")
    return Retrier(
        errors=_errors(entry),
        interval_s=entry.whole("IntervalSeconds", 1, 0, MOST_SECONDS),
        max_attempts=entry.whole("MaxAttempts", 3, 0, MOST_SECONDS),
        backoff_rate=entry.number("BackoffRate", 2.0, 1.0, _GREATEST),
        max_delay_s=entry.whole("MaxDelaySeconds", 1, 1, LONGEST_DELAY_S)
        if "MaxDelaySeconds" in entry
        else None,
        jitter=entry.choice("JitterStrategy", Jitter, Jitter.NONE),
    )


def read_catchers(state: Entry) -> tuple[Catcher, ...]:
    """Read the catchers of a state."""
    entries = state.entries("Catch")
    _check_last(entries)
    return tuple(_catcher(entry) for entry in entries)


def _catcher(entry: Entry) -> Catcher:
    own, foreign = ("Output", "ResultPath") if entry.uses_jsonata else ("ResultPath", "Output")
    entry.only({"ErrorEquals", "Next", "Comment", "Assign", own}, {foreign})
    entry.require("Next")
    entry.text("Comment")
    return Catcher(
        errors=_errors(entry),
        next=entry.text("Next"),
        result_path="$" if entry.uses_jsonata else entry.reference_path("ResultPath"),
        assign=entry.assign(),
        output=entry.output(),
    )


def _errors(entry: Entry) -> tuple[str, ...]:
    if not entry.require("ErrorEquals"):
        return ()
    value = entry.fields["ErrorEquals"]
    names = texts(value)
    if names is None:
        entry.expected("ErrorEquals", "Array of String")
        return ()
    if not names:
        entry.wrong("ErrorEquals", "Value cannot be empty", f'Write ["{ALL}"] to take every error.')
    if ALL in names and len(names) > 1:
        _misplaced(entry, names)
    return tuple(names)


def _check_last(entries: Sequence[Entry]) -> None:
    for entry in entries[:-1]:
        names = texts(entry.fields.get("ErrorEquals"))
        if names and ALL in names and len(names) == 1:
            _misplaced(entry, names)


def _misplaced(entry: Entry, names: Sequence[str]) -> None:
    message = f"{ALL} must appear alone and at end of list"
    mend = f'Write ["{ALL}"] in an element of its own, the last one.'
    entry.collector.schema(entry.place / "ErrorEquals" / names.index(ALL), message, mend)
