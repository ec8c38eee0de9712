"""State machines on the wire.

Source: Step Functions API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.stepfunctions.arns import read_machine_arn, version_in
from stepmill.aws.services.stepfunctions.configurations import checked_configurations
from stepmill.aws.services.stepfunctions.definitions import check_definition
from stepmill.aws.services.stepfunctions.refusals import NO_MACHINE, VALIDATION, told
from stepmill.aws.services.stepfunctions.tags import read_tags
from stepmill.catalog.state_machine_records import MachineContent, MachineType, StateMachine
from stepmill.core.json import Json
from stepmill.core.states_arns import StatesArn
from stepmill.platform import Platform

LARGEST_PAGE = 1000
_DEFAULT_PAGE = 100
_NEEDED = (
    "Either the definition, the role ARN, the LoggingConfiguration, the TracingConfiguration or the "
    "EncryptionConfiguration must be specified"
)


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return the operations on machines."""
    machines, tags = platform.state_machines, platform.tags

    def create(call: Call) -> dict[str, Any]:
        given = call.parameters
        publishes = _publishes(given)
        type_ = MachineType(given.get("type") or MachineType.STANDARD)
        new_tags = read_tags(given.get("tags"))
        check_definition(platform, given["definition"], type_)
        content = MachineContent(
            given["definition"], given["roleArn"], type_, **checked_configurations(given)
        )
        with told(conflict="StateMachineAlreadyExists"):
            made = machines.create(given["name"], content)
            tags.add(made.arn, new_tags)
        answer: dict[str, Any] = {"stateMachineArn": made.arn, "creationDate": made.created_at}
        if publishes:
            version = machines.publish(made.name, description=given.get("versionDescription") or "")
            answer["stateMachineVersionArn"] = version.arn
        return answer

    def update(call: Call) -> dict[str, Any]:
        given = call.parameters
        name = _unqualified(given["stateMachineArn"])
        publishes = _publishes(given)
        with told():
            old = machines.get(name)
        said = checked_configurations(given)
        changes: dict[str, Json] = {member: value for member, value in said.items() if value is not None}
        if "roleArn" in given:
            changes["role"] = given["roleArn"]
        if "definition" in given:
            check_definition(platform, given["definition"], old.content.type)
            changes["definition"] = given["definition"]
        if not changes:
            raise ApiError("MissingRequiredParameter", _NEEDED)
        with told():
            changed = machines.update(name, changes)
            answer: dict[str, Any] = {"updateDate": changed.modified_at}
            if publishes:
                version = machines.publish(name, description=given.get("versionDescription") or "")
                answer |= {"revisionId": changed.revision, "stateMachineVersionArn": version.arn}
        return answer

    def describe(call: Call) -> dict[str, Any]:
        arn = read_machine_arn(call.parameters["stateMachineArn"])
        with_definition = call.parameters.get("includedData") != "METADATA_ONLY"
        return _described(machine_of(platform, arn), with_definition=with_definition)

    def list_(call: Call) -> dict[str, Any]:
        with told(invalid="InvalidToken"):
            page = machines.page(limit=page_size(call), after=call.parameters.get("nextToken"))
        listed = [
            {
                "stateMachineArn": each.arn,
                "name": each.name,
                "type": each.content.type.value,
                "creationDate": each.created_at,
            }
            for each in page.machines
        ]
        return {"stateMachines": listed, **next_token(page.next_token)}

    def delete(call: Call) -> None:
        name = _unqualified(call.parameters["stateMachineArn"])
        if machines.delete(name):
            tags.clear(machines.arns.machine(name))

    return {
        "CreateStateMachine": create,
        "UpdateStateMachine": update,
        "DescribeStateMachine": describe,
        "ListStateMachines": list_,
        "DeleteStateMachine": delete,
    }


def machine_of(platform: Platform, arn: StatesArn) -> StateMachine:
    """Return what an ARN names: a machine as it is now, a version, or what an alias leads to first.

    Raises:
        ApiError: If there is none.
    """
    machines = platform.state_machines
    with told(missing=NO_MACHINE):
        if not arn.rest:
            return machines.get(arn.name)
        if arn.rest.isdecimal():
            return machines.get(arn.name, version_in(arn))
        alias = platform.state_machine_aliases.get(arn.name, arn.rest)
        return machines.get(arn.name, alias.routes[0].version)


def page_size(call: Call) -> int:
    """Return how many things a page of a list has; 0 and nothing stand for a hundred."""
    return min(int(call.parameters.get("maxResults") or _DEFAULT_PAGE), LARGEST_PAGE)


def next_token(token: str | None) -> dict[str, str]:
    """Return the member of an answer that says how to go on, if there is more."""
    return {"nextToken": token} if token else {}


def _publishes(given: Mapping[str, Any]) -> bool:
    publishes = bool(given.get("publish"))
    if given.get("versionDescription") and not publishes:
        raise ApiError(VALIDATION, "Version description can only be set when publish is true")
    return publishes


def _unqualified(text: str) -> str:
    """Return the name in the ARN of a machine that is to be changed."""
    arn = read_machine_arn(text)
    if arn.rest or arn.label:
        raise ApiError(
            VALIDATION, f"The ARN {text[:256]!r} names a version or an alias. Name the state machine itself."
        )
    return arn.name


def _described(machine: StateMachine, *, with_definition: bool) -> dict[str, Any]:
    content = machine.content
    answer: dict[str, Any] = {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "status": "ACTIVE",
        "definition": content.definition if with_definition else "",
        "roleArn": content.role,
        "type": content.type.value,
        "creationDate": machine.created_at,
        "loggingConfiguration": content.logging or {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": content.tracing or {"enabled": False},
        "encryptionConfiguration": content.encryption or {"type": "AWS_OWNED_KEY"},
    }
    if machine.description:
        answer["description"] = machine.description
    if machine.revision != "INITIAL":
        answer["revisionId"] = machine.revision
    return answer
