"""Operations on work groups.

Source: Athena API reference, CreateWorkGroup, GetWorkGroup, UpdateWorkGroup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from stepmill.aws.service import Call, Handler
from stepmill.aws.services.athena.executions import ENGINE
from stepmill.aws.services.athena.refusals import as_athena
from stepmill.catalog.sql.work_groups import PRIMARY
from stepmill.catalog.tags import Tags, read_tags
from stepmill.core.clock import as_text
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import JsonObject
from stepmill.platform import Platform
from stepmill.storage.records import Record

_UPDATES = {
    "EnforceWorkGroupConfiguration",
    "PublishCloudWatchMetricsEnabled",
    "BytesScannedCutoffPerQuery",
    "RequesterPaysEnabled",
    "EngineVersion",
}


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return the operations."""
    groups, tags, arns = platform.sql.work_groups, platform.tags, platform.settings.arns

    def arn(name: str) -> str:
        return f"arn:aws:athena:{arns.region}:{arns.account}:workgroup/{name}"

    def create(call: Call) -> dict[str, Any]:
        given = {name: value for name, value in call.parameters.items() if name not in ("Name", "Tags")}
        wanted = read_tags(call.parameters.get("Tags"))
        groups.create(call.parameters["Name"], given)
        if wanted:
            tags.set(arn(call.parameters["Name"]), wanted)
        return {}

    def get(call: Call) -> dict[str, Any]:
        return {"WorkGroup": _told(groups.get(call.parameters["WorkGroup"]))}

    def list_(_: Call) -> dict[str, Any]:
        wanted = ("Name", "State", "Description", "CreationTime")
        found = []
        for record in groups.all():
            whole = _told(record)
            one = {name: whole[name] for name in wanted if name in whole}
            found.append({**one, "EngineVersion": whole["Configuration"]["EngineVersion"]})
        return {"WorkGroups": found}

    def update(call: Call) -> dict[str, Any]:
        given = call.parameters
        groups.update(given["WorkGroup"], lambda body: _changed(body, given), str(given.get("State") or ""))
        return {}

    def delete(call: Call) -> dict[str, Any]:
        name = call.parameters["WorkGroup"]
        if (
            not call.parameters.get("RecursiveDeleteOption")
            and platform.sql.queries.executions.page(name, limit=1, after=None).records
        ):
            raise InvalidInputError(f"WorkGroup {name} is not empty")
        groups.delete(name)
        tags.clear(arn(name))
        return {}

    made = {
        "CreateWorkGroup": create,
        "GetWorkGroup": get,
        "ListWorkGroups": list_,
        "UpdateWorkGroup": update,
        "DeleteWorkGroup": delete,
        **_of_tags(platform.tags),
        "ListEngineVersions": _engines,
    }
    return {name: as_athena(handler) for name, handler in made.items()}


def _of_tags(tags: Tags) -> dict[str, Callable[[Call], dict[str, Any]]]:
    def tag(call: Call) -> dict[str, Any]:
        tags.add(call.parameters["ResourceARN"], read_tags(call.parameters.get("Tags")))
        return {}

    def untag(call: Call) -> dict[str, Any]:
        tags.remove(call.parameters["ResourceARN"], call.parameters["TagKeys"])
        return {}

    def list_tags(call: Call) -> dict[str, Any]:
        found = tags.of(call.parameters["ResourceARN"])
        return {"Tags": [{"Key": key, "Value": value} for key, value in found.items()]}

    return {"TagResource": tag, "UntagResource": untag, "ListTagsForResource": list_tags}


def _engines(_: Call) -> dict[str, Any]:
    effective = ENGINE["EffectiveEngineVersion"]
    return {
        "EngineVersions": [
            ENGINE,
            {"SelectedEngineVersion": effective, "EffectiveEngineVersion": effective},
        ]
    }


def _changed(body: JsonObject, given: Mapping[str, Any]) -> JsonObject:
    changed = dict(body)
    if "Description" in given:
        changed["Description"] = given["Description"]
    updates = cast(Mapping[str, Any], given.get("ConfigurationUpdates") or {})
    configuration = dict(cast(Mapping[str, Any], body.get("Configuration") or {}))
    configuration |= {name: updates[name] for name in _UPDATES & updates.keys()}
    results = dict(configuration.get("ResultConfiguration") or {})
    wanted = cast(Mapping[str, Any], updates.get("ResultConfigurationUpdates") or {})
    if wanted.get("RemoveOutputLocation"):
        results.pop("OutputLocation", None)
    if "OutputLocation" in wanted:
        results["OutputLocation"] = wanted["OutputLocation"]
    configuration["ResultConfiguration"] = results
    changed["Configuration"] = configuration
    return changed


def _told(record: Record | None) -> dict[str, Any]:
    body = {} if record is None else dict(record.body)
    configuration = dict(cast(Mapping[str, Any], body.get("Configuration") or {}))
    return {
        "Name": PRIMARY if record is None else record.name,
        "State": "ENABLED" if record is None else record.status,
        **({"Description": body["Description"]} if body.get("Description") else {}),
        **({} if record is None else {"CreationTime": as_text(record.created_at)}),
        "Configuration": {
            "ResultConfiguration": {},
            "EnforceWorkGroupConfiguration": record is not None,
            "PublishCloudWatchMetricsEnabled": False,
            "RequesterPaysEnabled": False,
            **configuration,
            "EngineVersion": ENGINE,
        },
    }
