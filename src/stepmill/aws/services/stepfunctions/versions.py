"""Versions and aliases of state machines on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.stepfunctions.arns import read_machine_arn, version_in
from stepmill.aws.services.stepfunctions.machines import next_token, page_size
from stepmill.aws.services.stepfunctions.refusals import NO_RESOURCE, VALIDATION, told
from stepmill.catalog.state_machine_records import Route
from stepmill.core.states_arns import StatesArn
from stepmill.platform import Platform


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return the operations on versions and aliases."""
    return {**_of_versions(platform), **_of_aliases(platform)}


def _of_versions(platform: Platform) -> dict[str, Handler]:
    machines = platform.state_machines

    def publish(call: Call) -> dict[str, Any]:
        given = call.parameters
        name = read_machine_arn(given["stateMachineArn"]).name
        with told():
            made = machines.publish(
                name, description=given.get("description") or "", revision=given.get("revisionId") or ""
            )
        return {"stateMachineVersionArn": made.arn, "creationDate": made.created_at}

    def list_(call: Call) -> dict[str, Any]:
        name = read_machine_arn(call.parameters["stateMachineArn"]).name
        with told(invalid="InvalidToken"):
            page = machines.versions(name, limit=page_size(call), after=call.parameters.get("nextToken"))
        listed = [
            {"stateMachineVersionArn": each.arn, "creationDate": each.created_at} for each in page.machines
        ]
        return {"stateMachineVersions": listed, **next_token(page.next_token)}

    def delete(call: Call) -> dict[str, Any]:
        arn = read_machine_arn(call.parameters["stateMachineVersionArn"])
        with told():
            machines.delete_version(arn.name, version_in(arn))
        return {}

    return {
        "PublishStateMachineVersion": publish,
        "ListStateMachineVersions": list_,
        "DeleteStateMachineVersion": delete,
    }


def _of_aliases(platform: Platform) -> dict[str, Handler]:
    aliases = platform.state_machine_aliases

    def create(call: Call) -> dict[str, Any]:
        given = call.parameters
        machine, routes = _routes(given["routingConfiguration"])
        with told(missing=NO_RESOURCE):
            made = aliases.create(machine, given["name"], routes, given.get("description") or "")
        return {"stateMachineAliasArn": made.arn, "creationDate": made.created_at}

    def update(call: Call) -> dict[str, Any]:
        given = call.parameters
        arn = _alias_arn(call)
        routing = given.get("routingConfiguration")
        if routing is None and "description" not in given:
            raise ApiError(VALIDATION, "Either the description or the routingConfiguration must be specified")
        machine, routes = _routes(routing) if routing is not None else (arn.name, None)
        if machine != arn.name:
            raise ApiError(VALIDATION, "The versions must be ones of the state machine that the alias is of.")
        with told(missing=NO_RESOURCE):
            made = aliases.update(arn.name, arn.rest, routes=routes, description=given.get("description"))
        return {"updateDate": made.modified_at}

    def describe(call: Call) -> dict[str, Any]:
        arn = _alias_arn(call)
        with told(missing=NO_RESOURCE):
            alias = aliases.get(arn.name, arn.rest)
        return {
            "stateMachineAliasArn": alias.arn,
            "name": alias.name,
            "description": alias.description,
            "routingConfiguration": [
                {
                    "stateMachineVersionArn": platform.state_machines.arns.machine(
                        alias.machine, str(route.version)
                    ),
                    "weight": route.weight,
                }
                for route in alias.routes
            ],
            "creationDate": alias.created_at,
            "updateDate": alias.modified_at,
        }

    def list_(call: Call) -> dict[str, Any]:
        arn = read_machine_arn(call.parameters["stateMachineArn"])
        version = version_in(arn) if arn.rest else 0
        with told(invalid="InvalidToken"):
            platform.state_machines.get(arn.name, version)
            page = aliases.page(
                arn.name, version=version, limit=page_size(call), after=call.parameters.get("nextToken")
            )
        listed = [
            {"stateMachineAliasArn": each.arn, "creationDate": each.created_at} for each in page.aliases
        ]
        return {"stateMachineAliases": listed, **next_token(page.next_token)}

    def delete(call: Call) -> dict[str, Any]:
        arn = _alias_arn(call)
        with told(missing=NO_RESOURCE):
            aliases.delete(arn.name, arn.rest)
        return {}

    return {
        "CreateStateMachineAlias": create,
        "UpdateStateMachineAlias": update,
        "DescribeStateMachineAlias": describe,
        "ListStateMachineAliases": list_,
        "DeleteStateMachineAlias": delete,
    }


def _alias_arn(call: Call) -> StatesArn:
    text = call.parameters["stateMachineAliasArn"]
    arn = read_machine_arn(text)
    if not arn.rest or arn.rest.isdecimal():
        raise ApiError("InvalidArn", f"Invalid Arn: 'The ARN {text[:256]} is not one of an alias.'")
    return arn


def _routes(given: Sequence[Mapping[str, Any]]) -> tuple[str, list[Route]]:
    """Return the machine whose versions are named, and how executions are shared out."""
    arns = [read_machine_arn(item["stateMachineVersionArn"]) for item in given]
    if len({arn.name for arn in arns}) > 1:
        raise ApiError(VALIDATION, "Routing configuration must contain versions of one state machine only.")
    routes = [Route(version_in(arn), int(item["weight"])) for arn, item in zip(arns, given, strict=True)]
    return arns[0].name, routes
