"""Entries of PutEvents: checked, and made events. Pure.

Source: EventBridge API reference, PutEvents; user guide, "Event structure", "Calculating event entry sizes".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from stepmill.core.arns import Arns
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, read_json

LARGEST_REQUEST_BYTES = 262_144
_TIME_BYTES = 14
_OWN = "aws."


@dataclass(frozen=True)
class Refused:
    """An entry that is not taken.

    Args:
        code: ``InvalidArgument``, ``MalformedDetail``.
        message: Why.
    """

    code: str
    message: str


def size_of(entry: JsonObject) -> int:
    """Return how many bytes an entry counts.

    Example:
        >>> size_of({"Source": "app", "DetailType": "Done", "Detail": "{}"})
        9
    """
    texts = [entry.get(name) for name in ("Source", "DetailType", "Detail")]
    size = sum(len(str(text).encode()) for text in (*texts, *_resources(entry)) if text is not None)
    return size + (_TIME_BYTES if entry.get("Time") else 0)


def check_entry(entry: JsonObject) -> Refused | None:
    """Return why an entry is not taken; ``None``: it is."""
    for member in ("Source", "DetailType", "Detail"):
        if not entry.get(member):
            return Refused(
                "InvalidArgument",
                f"Parameter {member} is not valid. Reason: {member} is a required argument.",
            )
    if str(entry["Source"]).startswith(_OWN):
        return Refused("NotAuthorizedForSourceException", "Not authorized for the source.")
    try:
        detail = read_json(str(entry["Detail"]))
    except InvalidInputError:
        detail = None
    return None if isinstance(detail, Mapping) else Refused("MalformedDetail", "Detail is malformed.")


def event_of(entry: JsonObject, identifier: str, now: datetime, arns: Arns) -> JsonObject:
    """Return the event that an entry stands for, which was taken.

    Args:
        entry: Of PutEvents.
        identifier: Of the event.
        now: When it came.
        arns: Tells region and account.
    """
    said = entry.get("Time")
    return new_event(
        identifier,
        source=str(entry["Source"]),
        kind=str(entry["DetailType"]),
        at=said if isinstance(said, datetime) else now,
        resources=_resources(entry),
        detail=read_json(str(entry["Detail"])),
        arns=arns,
    )


def new_event(
    identifier: str,
    *,
    source: str,
    kind: str,
    at: datetime,
    resources: Sequence[str],
    detail: Json,
    arns: Arns,
) -> JsonObject:
    """Return an event in EventBridge's form.

    Args:
        identifier: Unique.
        source: ``aws.events``.
        kind: ``detail-type``.
        at: When it happened. Aware.
        resources: ARNs of what it is about.
        detail: What happened.
        arns: Tells region and account.
    """
    return {
        "version": "0",
        "id": identifier,
        "detail-type": kind,
        "source": source,
        "account": arns.account,
        "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "region": arns.region,
        "resources": list(resources),
        "detail": detail,
    }


def _resources(entry: JsonObject) -> list[str]:
    given = entry.get("Resources")
    return [str(one) for one in given] if isinstance(given, Sequence) and not isinstance(given, str) else []
