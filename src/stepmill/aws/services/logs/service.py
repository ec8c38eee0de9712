"""CloudWatch Logs over the logs of jobs and functions.

Source: CloudWatch Logs API reference; reference of operations, A5, for what the SDKs make of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Service
from stepmill.aws.services.logs.describing import LogDescriptions, group_of
from stepmill.aws.services.logs.patterns import read_pattern
from stepmill.compute.log_pages import LogEntry, LogPages
from stepmill.jobs.log_events import (
    MOST_EVENTS,
    EventBudget,
    EventKey,
    EventPage,
    Period,
    events_after,
    events_before,
    merged_events,
    milliseconds,
)
from stepmill.jobs.log_streams import LogStream, LogStreams
from stepmill.platform import Platform

# Where a page ended, and in which direction it was read.
_TOKEN = re.compile(r"(?P<direction>[fb])/(?P<place>[0-9]{20})")
_FILTER_TOKEN = re.compile(r"(?P<at>[0-9]{1,19})/(?P<place>[0-9]{1,19})/(?P<stream>.*)", re.DOTALL)
# After so many bytes a page of FilterLogEvents is given, however little matched; AWS does likewise.
_MOST_SCANNED_BYTES = 10 * 1024 * 1024
# Told to whoever holds waiting clients; no member of the answer on the wire.
_IS_COMPLETE = "isComplete"


def logs(platform: Platform) -> Service:
    """Return CloudWatch Logs over a platform."""
    streams, arns = platform.log_streams, platform.settings.arns
    descriptions = LogDescriptions(streams, arns)

    def get_log_events(call: Call) -> dict[str, Any]:
        stream = streams.stream(group_of(call.parameters, arns), call.parameters["logStreamName"])
        return _events(LogPages(stream.folder), call.parameters)

    def filter_log_events(call: Call) -> dict[str, Any]:
        return _filtered(streams, group_of(call.parameters, arns), call.parameters)

    return Service(
        "logs",
        {
            "DescribeLogGroups": descriptions.groups,
            "DescribeLogStreams": descriptions.streams,
            "FilterLogEvents": filter_log_events,
            "GetLogEvents": get_log_events,
        },
        {"GetLogEvents": _is_settled},
    )


def _is_settled(call: Call, answer: Mapping[str, Any]) -> bool:
    """Say whether there is nothing to wait for: events, or none to come, or none that were asked for."""
    if answer["events"] or answer[_IS_COMPLETE]:
        return True
    token = call.parameters.get("nextToken")
    return token.startswith("b/") if token else not call.parameters.get("startFromHead")


def _events(pages: LogPages, given: Mapping[str, Any]) -> dict[str, Any]:
    period, limit = _period(given), given.get("limit") or MOST_EVENTS
    token = given.get("nextToken")
    is_forwards, place = _read_token(token) if token else (bool(given.get("startFromHead")), None)
    page: EventPage = (events_after if is_forwards else events_before)(pages, period, limit, place)
    return {
        "events": [_event(entry) for entry in page.entries],
        "nextForwardToken": f"f/{page.end:020}",
        "nextBackwardToken": f"b/{page.start:020}",
        _IS_COMPLETE: page.is_complete,
    }


def _filtered(streams: LogStreams, group: str, given: Mapping[str, Any]) -> dict[str, Any]:
    matches = read_pattern(given.get("filterPattern") or "")
    chosen = _chosen_streams(streams, group, given)
    after = _read_filter_token(given.get("nextToken"))
    budget = EventBudget(given.get("limit") or MOST_EVENTS)
    events: list[dict[str, Any]] = []
    scanned = 0
    token = given.get("nextToken") or ""
    for stream, entry in merged_events(chosen, _period(given), after):
        does_match = matches(entry.text)
        if scanned > _MOST_SCANNED_BYTES or (does_match and not budget.take(entry)):
            return {"events": events, "searchedLogStreams": [], "nextToken": token}
        scanned += len(entry.text)
        if does_match:
            event_id = f"{sha256(stream.name.encode()).hexdigest()[:16]}{entry.start:020}"
            events.append({"logStreamName": stream.name, **_event(entry), "eventId": event_id})
        token = f"{milliseconds(entry)}/{entry.start}/{stream.name}"
    return {"events": events, "searchedLogStreams": []}


def _chosen_streams(streams: LogStreams, group: str, given: Mapping[str, Any]) -> list[LogStream]:
    names, prefix = given.get("logStreamNames"), given.get("logStreamNamePrefix")
    if names and prefix:
        raise ApiError("InvalidParameterException", "Give logStreamNames or logStreamNamePrefix, not both.")
    if names:
        return [streams.stream(group, name) for name in dict.fromkeys(names)]
    return streams.streams(group, prefix or "")


def _event(entry: LogEntry) -> dict[str, Any]:
    at = milliseconds(entry)
    return {"timestamp": at, "message": entry.text, "ingestionTime": at}


def _period(given: Mapping[str, Any]) -> Period:
    whole = Period()
    until = given.get("endTime")
    return Period(given.get("startTime") or 0, whole.until if until is None else until)


def _read_token(token: str) -> tuple[bool, int]:
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise _wrong_token()
    return match["direction"] == "f", int(match["place"])


def _read_filter_token(token: str | None) -> EventKey | None:
    if not token:
        return None
    match = _FILTER_TOKEN.fullmatch(token)
    if match is None:
        raise _wrong_token()
    return int(match["at"]), match["stream"], int(match["place"])


def _wrong_token() -> ApiError:
    return ApiError("InvalidParameterException", "The specified nextToken is invalid.", where="nextToken")
