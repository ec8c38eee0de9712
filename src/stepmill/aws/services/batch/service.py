"""The service: definitions, queues, environments and tags here, jobs beside.

Source: Batch API reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler, Service
from stepmill.aws.services.batch import jobs
from stepmill.aws.services.batch.paging import page_of
from stepmill.catalog.tags import read_tags, write_tags
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import JsonObject
from stepmill.jobs.batch.names import name_of
from stepmill.jobs.batch.queues import ENABLED, ENVIRONMENT, QUEUE, Shelf
from stepmill.jobs.batch.services import definition_document
from stepmill.platform import Platform

_KINDS = {QUEUE: "jobQueue", ENVIRONMENT: "computeEnvironment"}


def batch(platform: Platform) -> Service:
    """Return Batch over a platform."""
    return Service(
        "batch",
        {
            **_of_definitions(platform),
            **_of_shelves(platform, QUEUE),
            **_of_shelves(platform, ENVIRONMENT),
            **_of_tags(platform),
            **jobs.handlers(platform),
        },
        waits={"DescribeJobs": jobs.have_ended},
    )


def _of_definitions(platform: Platform) -> dict[str, Handler]:
    definitions, tags = platform.batch.definitions, platform.tags

    def register(call: Call) -> dict[str, Any]:
        given = tags_of(call.parameters)
        made = definitions.register(call.parameters)
        arn = definitions.arn(made)
        tags.set(arn, given)
        return {
            "jobDefinitionName": made.name,
            "jobDefinitionArn": arn,
            "revision": made.revision,
        }

    def describe(call: Call) -> dict[str, Any]:
        given = call.parameters
        if wanted := given.get("jobDefinitions"):
            found = []
            for reference in wanted:
                try:
                    found.append(definitions.get(str(reference)))
                except NotFoundError:
                    continue
        else:
            name = name_of(str(given.get("jobDefinitionName") or ""), "job-definition")
            found = list(definitions.all(name, str(given.get("status") or "")))
        page, token = page_of(found, given)
        told = [
            {**definition_document(definitions, one), "tags": tags.of(definitions.arn(one))} for one in page
        ]
        return {"jobDefinitions": told, **token}

    def deregister(call: Call) -> dict[str, Any]:
        definitions.deregister(str(call.parameters["jobDefinition"]))
        return {}

    return {
        "RegisterJobDefinition": register,
        "DescribeJobDefinitions": describe,
        "DeregisterJobDefinition": deregister,
    }


def _of_shelves(platform: Platform, kind: str) -> dict[str, Handler]:
    """Return the operations on queues, or on environments."""
    queues, tags, member = platform.batch.queues, platform.tags, _KINDS[kind]
    word = member[0].upper() + member[1:]

    def named(shelf: Shelf) -> dict[str, Any]:
        return {f"{member}Name": shelf.name, f"{member}Arn": queues.arn(kind, shelf.name)}

    def create(call: Call) -> dict[str, Any]:
        given = tags_of(call.parameters)
        document: JsonObject = {
            "state": ENABLED,
            **{name: value for name, value in call.parameters.items() if name != "tags"},
        }
        made = queues.create(kind, str(call.parameters[f"{member}Name"]), document)
        tags.set(queues.arn(kind, made.name), given)
        return named(made)

    def describe(call: Call) -> dict[str, Any]:
        wanted = call.parameters.get(f"{member}s")
        found = [queues.find(kind, str(one)) for one in wanted] if wanted else list(queues.all(kind))
        page, token = page_of([shelf for shelf in found if shelf is not None], call.parameters)
        return {f"{member}s": [told(shelf) for shelf in page], **token}

    def told(shelf: Shelf) -> dict[str, Any]:
        more = (
            {"containerOrchestrationType": "ECS", "ecsClusterArn": ""}
            if kind == ENVIRONMENT
            else {"jobQueueType": "ECS"}
        )
        arn = queues.arn(kind, shelf.name)
        health = {"status": "VALID", "statusReason": f"{word} Healthy"}
        return {**more, **shelf.document, **named(shelf), **health, "tags": tags.of(arn)}

    def update(call: Call) -> dict[str, Any]:
        changes = {name: value for name, value in call.parameters.items() if name != member}
        return named(queues.update(kind, str(call.parameters[member]), changes))

    def delete(call: Call) -> dict[str, Any]:
        gone = queues.delete(kind, str(call.parameters[member]))
        if gone is not None:
            tags.clear(queues.arn(kind, gone.name))
            if kind == QUEUE:
                platform.batch.end_all(gone.name, "The job queue was deleted.")
        return {}

    return {
        f"Create{word}": create,
        f"Describe{word}s": describe,
        f"Update{word}": update,
        f"Delete{word}": delete,
    }


def _of_tags(platform: Platform) -> dict[str, Handler]:
    kept, things = platform.tags, platform.batch
    exists: Mapping[str, Callable[[str], object]] = {
        QUEUE: lambda arn: things.queues.find(QUEUE, arn),
        ENVIRONMENT: lambda arn: things.queues.find(ENVIRONMENT, arn),
        "job-definition": things.definitions.get,
        "job": lambda arn: things.jobs.find(name_of(arn, "job")),
    }

    def checked(call: Call) -> str:
        """Return the ARN of something that is here."""
        arn = str(call.parameters["resourceArn"])
        for kind, find in exists.items():
            name = name_of(arn, kind) if arn.startswith("arn:") else ""
            own = platform.settings.arns.batch(kind, name)
            if name and arn == own and find(arn):
                return own
        raise ApiError("ClientException", f"{arn[:200]} does not exist.", where="resourceArn", status=404)

    def tag(call: Call) -> dict[str, Any]:
        kept.add(checked(call), tags_of(call.parameters))
        return {}

    def untag(call: Call) -> dict[str, Any]:
        kept.remove(checked(call), call.parameters["tagKeys"])
        return {}

    def list_(call: Call) -> dict[str, Any]:
        return {"tags": kept.of(checked(call))}

    return {"TagResource": tag, "UntagResource": untag, "ListTagsForResource": list_}


def tags_of(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags that a call says.

    Raises:
        InvalidInputError: If AWS would not take them.
    """
    try:
        return read_tags(write_tags(given.get("tags") or {}), where="tags")
    except InvalidInputError as error:
        what = f"Error executing request, Exception : {error.what}"
        raise InvalidInputError(what, where=error.where, mend=error.mend) from error
