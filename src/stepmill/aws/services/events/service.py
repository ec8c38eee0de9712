"""The service: events, patterns and buses here, rules and targets beside.

Source: EventBridge API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler, Service
from stepmill.aws.services.events import rules
from stepmill.aws.services.events.paging import page_of
from stepmill.catalog.tags import read_tags
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import read_json
from stepmill.events.buses import Bus
from stepmill.events.entries import Refused
from stepmill.events.rules import bus_of, read_event_pattern
from stepmill.platform import Platform

MOST_ENTRIES = 10
_NEEDED = ("id", "detail-type", "source", "account", "time", "region", "resources")


def events(platform: Platform) -> Service:
    """Return EventBridge over a platform."""
    return Service("events", {**_of_events(platform), **_of_buses(platform), **rules.handlers(platform)})


def _of_events(platform: Platform) -> dict[str, Handler]:
    def put(call: Call) -> dict[str, Any]:
        entries = call.parameters["Entries"]
        if not 1 <= len(entries) <= MOST_ENTRIES:
            raise InvalidInputError(f"A request has 1 to {MOST_ENTRIES} entries.", where="Entries")
        answers = platform.events.put(entries)
        told = [
            {"ErrorCode": one.code, "ErrorMessage": one.message}
            if isinstance(one, Refused)
            else {"EventId": one}
            for one in answers
        ]
        return {"FailedEntryCount": sum(isinstance(one, Refused) for one in answers), "Entries": told}

    def test(call: Call) -> dict[str, Any]:
        pattern = read_event_pattern(str(call.parameters["EventPattern"]))
        try:
            event = read_json(str(call.parameters["Event"]))
        except InvalidInputError as error:
            raise ApiError("ValidationException", "Parameter Event is not valid JSON.") from error
        missing = [name for name in _NEEDED if not isinstance(event, Mapping) or name not in event]
        if not isinstance(event, Mapping) or missing:
            raise ApiError("ValidationException", f"Parameter Event is not valid. It has no {missing[0]}.")
        return {"Result": pattern.matches(event)}

    return {"PutEvents": put, "TestEventPattern": test}


def _of_buses(platform: Platform) -> dict[str, Handler]:
    buses, tags = platform.events.buses, platform.tags

    def create(call: Call) -> dict[str, Any]:
        given = call.parameters
        if given.get("EventSourceName"):
            raise ApiError("ValidationException", "Partner event sources are not offered.")
        said = read_tags(given.get("Tags"))
        kept = {name: value for name, value in given.items() if name not in ("Name", "Tags")}
        made = buses.create(str(given["Name"]), kept)
        tags.set(buses.bus_arn(made.name), said)
        return {"EventBusArn": buses.bus_arn(made.name), **kept}

    def delete(call: Call) -> None:
        name = bus_of(call.parameters["Name"])
        buses.delete(name)
        tags.clear(buses.bus_arn(name))

    def describe(call: Call) -> dict[str, Any]:
        return told(buses.get(bus_of(call.parameters.get("Name"))))

    def list_(call: Call) -> dict[str, Any]:
        found = list(buses.all(str(call.parameters.get("NamePrefix") or "")))
        page, token = page_of(found, call.parameters)
        return {"EventBuses": [told(bus) for bus in page], **token}

    def told(bus: Bus) -> dict[str, Any]:
        answer: dict[str, Any] = {**bus.document, "Name": bus.name, "Arn": buses.bus_arn(bus.name)}
        return {**answer, "CreationTime": bus.created_at} if bus.created_at else answer

    return {
        "CreateEventBus": create,
        "DeleteEventBus": delete,
        "DescribeEventBus": describe,
        "ListEventBuses": list_,
    }
