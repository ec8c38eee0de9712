"""Operations on rules, their targets, and tags.

Source: EventBridge API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.events.paging import page_of
from stepmill.catalog.tags import read_tags, write_tags
from stepmill.core.errors import NotFoundError
from stepmill.events.rules import DEFAULT_BUS, Rule, bus_of
from stepmill.platform import Platform

_NOT_KEPT = frozenset({"Tags", "EventBusName"})


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    return {**_of_rules(platform), **_of_targets(platform), **_of_tags(platform)}


def _of_rules(platform: Platform) -> dict[str, Handler]:
    events, buses, tags = platform.events, platform.events.buses, platform.tags

    def put(call: Call) -> dict[str, Any]:
        given = call.parameters
        said = read_tags(given.get("Tags"))
        document = {name: value for name, value in given.items() if name not in _NOT_KEPT}
        rule = events.put_rule(bus_of(given.get("EventBusName")), document)
        arn = buses.rule_arn(rule)
        if said and not tags.of(arn):
            tags.set(arn, said)
        return {"RuleArn": arn}

    def delete(call: Call) -> None:
        bus, name = _rule_in(call, "Name")
        if events.delete_rule(bus, name):
            tags.clear(platform.settings.arns.event("rule", name if bus == DEFAULT_BUS else f"{bus}/{name}"))

    def describe(call: Call) -> dict[str, Any]:
        return {**told(buses.rule(*_rule_in(call, "Name"))), "CreatedBy": platform.settings.account}

    def enable(call: Call) -> None:
        events.enable(*_rule_in(call, "Name"), is_enabled=call.operation == "EnableRule")

    def list_(call: Call) -> dict[str, Any]:
        bus = buses.get(bus_of(call.parameters.get("EventBusName"))).name
        found = list(buses.rules(bus, str(call.parameters.get("NamePrefix") or "")))
        page, token = page_of(found, call.parameters)
        return {"Rules": [told(rule) for rule in page], **token}

    def list_by_target(call: Call) -> dict[str, Any]:
        bus, arn = buses.get(bus_of(call.parameters.get("EventBusName"))).name, call.parameters["TargetArn"]
        found = [
            rule.name
            for rule in buses.rules(bus)
            if any(target["Arn"] == arn for target in rule.targets.values())
        ]
        page, token = page_of(found, call.parameters)
        return {"RuleNames": list(page), **token}

    def told(rule: Rule) -> dict[str, Any]:
        return {
            "State": "ENABLED",
            **rule.document,
            "Arn": buses.rule_arn(rule),
            "EventBusName": rule.bus,
        }

    return {
        "PutRule": put,
        "DeleteRule": delete,
        "DescribeRule": describe,
        "EnableRule": enable,
        "DisableRule": enable,
        "ListRules": list_,
        "ListRuleNamesByTarget": list_by_target,
    }


def _of_targets(platform: Platform) -> dict[str, Handler]:
    events, buses = platform.events, platform.events.buses

    def put(call: Call) -> dict[str, Any]:
        events.put_targets(*_rule_in(call, "Rule"), call.parameters["Targets"])
        return {"FailedEntryCount": 0, "FailedEntries": []}

    def remove(call: Call) -> dict[str, Any]:
        ids = [str(one) for one in call.parameters["Ids"]]
        missing = buses.remove_targets(*_rule_in(call, "Rule"), ids)
        failed = [
            {
                "TargetId": one,
                "ErrorCode": "ResourceNotFoundException",
                "ErrorMessage": f"Rule does not have a target {one}.",
            }
            for one in missing
        ]
        return {"FailedEntryCount": len(failed), "FailedEntries": failed}

    def list_(call: Call) -> dict[str, Any]:
        rule = buses.rule(*_rule_in(call, "Rule"))
        page, token = page_of(list(rule.targets.values()), call.parameters)
        return {"Targets": list(page), **token}

    return {"PutTargets": put, "RemoveTargets": remove, "ListTargetsByRule": list_}


def _of_tags(platform: Platform) -> dict[str, Handler]:
    buses, tags = platform.events.buses, platform.tags

    def checked(call: Call) -> str:
        """Return the ARN of a rule or a bus that is here."""
        arn = str(call.parameters["ResourceARN"])
        resource = arn.partition("event-bus/")[2]
        try:
            if resource and arn == buses.bus_arn(resource):
                return buses.bus_arn(buses.get(resource).name)
            bus, _, name = arn.partition(":rule/")[2].rpartition("/")
            rule = buses.rule_arn(buses.rule(bus or DEFAULT_BUS, name))
        except NotFoundError:
            rule = ""
        if rule != arn:
            raise ApiError("ResourceNotFoundException", f"{arn[:200]} does not exist.", where="ResourceARN")
        return arn

    def tag(call: Call) -> dict[str, Any]:
        tags.add(checked(call), read_tags(call.parameters["Tags"]))
        return {}

    def untag(call: Call) -> dict[str, Any]:
        tags.remove(checked(call), call.parameters["TagKeys"])
        return {}

    def list_(call: Call) -> dict[str, Any]:
        return {"Tags": write_tags(tags.of(checked(call)))}

    return {"TagResource": tag, "UntagResource": untag, "ListTagsForResource": list_}


def _rule_in(call: Call, member: str) -> tuple[str, str]:
    """Return bus and name of the rule that a call is about."""
    return bus_of(call.parameters.get("EventBusName")), str(call.parameters[member])
