"""DescribeLogGroups and DescribeLogStreams.

Source: CloudWatch Logs API reference: at most 50 a page; no ``nextToken`` unless there is more, since the
SDKs' loops do not end as long as there is one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import msgspec

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call
from stepmill.compute.log_pages import LogPages
from stepmill.core.arns import Arns
from stepmill.jobs.log_events import milliseconds
from stepmill.jobs.log_streams import LogGroup, LogStream, LogStreams

T = TypeVar("T")
_Key: TypeAlias = tuple[int, str]

_MOST = 50
_WRONG = "InvalidParameterException"
_ENDLESS = 1 << 62


@dataclass(frozen=True)
class _Dated:
    """A stream, and when its first and its last event came in; ``None``: it has none."""

    stream: LogStream
    first: int | None
    last: int | None


class LogDescriptions:
    """Describes groups and streams.

    Args:
        streams: Finds them.
        arns: Of this installation.
    """

    def __init__(self, streams: LogStreams, arns: Arns) -> None:
        self._streams = streams
        self._arns = arns

    def groups(self, call: Call) -> dict[str, Any]:
        """Answer DescribeLogGroups."""
        given = call.parameters
        prefix, pattern = given.get("logGroupNamePrefix"), given.get("logGroupNamePattern")
        if prefix and pattern:
            raise ApiError(_WRONG, "Give logGroupNamePrefix or logGroupNamePattern, not both.")
        wanted = {_name_in(each) for each in given.get("logGroupIdentifiers") or ()}
        found = [
            group
            for group in self._streams.groups(prefix or "")
            if (pattern or "") in group.name
            and (not wanted or group.name in wanted)
            and given.get("logGroupClass", "STANDARD") == "STANDARD"
        ]
        page, token = _page(given, found, lambda group: (0, group.name))
        return _answer("logGroups", [self._group(group) for group in page], token)

    def streams(self, call: Call) -> dict[str, Any]:
        """Answer DescribeLogStreams."""
        given = call.parameters
        prefix = given.get("logStreamNamePrefix") or ""
        by_time = given.get("orderBy") == "LastEventTime"
        if by_time and prefix:
            raise ApiError(_WRONG, "Cannot order by LastEventTime with a logStreamNamePrefix.")
        group = group_of(given, self._arns)
        found = self._streams.streams(group, prefix)
        if by_time:
            dated = [_dated(stream) for stream in found]
            page, token = _page(given, dated, lambda each: (each.last or 0, each.stream.name))
        else:
            chosen, token = _page(given, found, lambda stream: (0, stream.name))
            page = [_dated(stream) for stream in chosen]
        return _answer("logStreams", [self._stream(group, each) for each in page], token)

    def _group(self, group: LogGroup) -> dict[str, Any]:
        arn = self._arns.log_group(group.name)
        return {
            "logGroupName": group.name,
            "creationTime": int(group.created_at.timestamp() * 1000),
            "metricFilterCount": 0,
            "arn": f"{arn}:*",
            "logGroupArn": arn,
            "logGroupClass": "STANDARD",
        }

    def _stream(self, group: str, dated: _Dated) -> dict[str, Any]:
        stream = dated.stream
        times = {"firstEventTimestamp": dated.first, "lastEventTimestamp": dated.last}
        return {
            "logStreamName": stream.name,
            "creationTime": int(stream.created_at.timestamp() * 1000),
            **{name: at for name, at in times.items() if at is not None},
            **({} if dated.last is None else {"lastIngestionTime": dated.last}),
            "arn": f"{self._arns.log_group(group)}:log-stream:{stream.name}",
            "storedBytes": 0,
        }


def group_of(given: Mapping[str, Any], arns: Arns) -> str:
    """Return the name of the group that a call is about: it says the name, or the name or ARN as identifier.

    Raises:
        ApiError: If it says none of them, or both.
    """
    name, identifier = given.get("logGroupName"), given.get("logGroupIdentifier")
    if bool(name) == bool(identifier):
        raise ApiError(_WRONG, "Give either logGroupName or logGroupIdentifier.")
    if identifier and identifier.startswith("arn:"):
        group = _name_in(identifier)
        if identifier.removesuffix(":*") != arns.log_group(group):
            raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")
        return group
    return str(name or identifier)


def _name_in(identifier: str) -> str:
    return identifier.partition(":log-group:")[2].removesuffix(":*") or identifier


def _dated(stream: LogStream) -> _Dated:
    pages = LogPages(stream.folder)
    first, last = next(pages.forwards(0), None), next(pages.backwards(_ENDLESS), None)
    return _Dated(stream, milliseconds(first) if first else None, milliseconds(last) if last else None)


def _answer(member: str, items: list[dict[str, Any]], token: str | None) -> dict[str, Any]:
    return {member: items, **({"nextToken": token} if token else {})}


def _page(
    given: Mapping[str, Any], items: Sequence[T], key: Callable[[T], _Key]
) -> tuple[list[T], str | None]:
    """Return the page of a listing that a call asks for, and the token of the next one."""
    is_descending = bool(given.get("descending"))
    ordered = sorted(items, key=key, reverse=is_descending)
    if token := given.get("nextToken"):
        behind = _read_token(token)
        ordered = [each for each in ordered if (key(each) < behind if is_descending else key(each) > behind)]
    limit = given.get("limit") or _MOST
    page = ordered[:limit]
    if len(ordered) <= limit:
        return page, None
    return page, base64.urlsafe_b64encode(msgspec.json.encode(key(page[-1]))).decode()


def _read_token(token: str) -> _Key:
    try:
        document = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        behind: _Key = msgspec.json.decode(document, type=tuple[int, str])
    except (binascii.Error, UnicodeError, msgspec.DecodeError) as error:
        raise ApiError(_WRONG, "The specified nextToken is invalid.", where="nextToken") from error
    return behind
