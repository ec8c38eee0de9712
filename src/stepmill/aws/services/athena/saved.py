"""Operations on named queries and prepared statements.

Source: Athena API reference, CreateNamedQuery, CreatePreparedStatement.
"""

from __future__ import annotations

import uuid
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.athena.refusals import as_athena
from stepmill.catalog.sql.work_groups import PRIMARY, NamedQueries
from stepmill.core.clock import as_text
from stepmill.core.errors import NotFoundError
from stepmill.platform import Platform
from stepmill.storage.records import Record

_LARGEST_PAGE = 50


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return the operations."""
    return {**_of_named(platform), **_of_prepared(platform)}


def _of_named(platform: Platform) -> dict[str, Handler]:
    kept = NamedQueries(platform.records, "named-query", "NamedQuery")

    def create(call: Call) -> dict[str, Any]:
        group = str(call.parameters.get("WorkGroup") or PRIMARY)
        platform.sql.work_groups.get(group)
        given = {name: value for name, value in call.parameters.items() if name != "ClientRequestToken"}
        token = call.parameters.get("ClientRequestToken")
        id_ = str(uuid.uuid5(uuid.NAMESPACE_OID, str(token)) if token else uuid.uuid4())
        document = {**given, "WorkGroup": group, "NamedQueryId": id_}
        try:
            if kept.get(id_).body == document:
                return {"NamedQueryId": id_}
        except NotFoundError:
            kept.create(id_, document, group)
        return {"NamedQueryId": id_}

    def get(call: Call) -> dict[str, Any]:
        return {"NamedQuery": dict(kept.get(call.parameters["NamedQueryId"]).body)}

    def batch(call: Call) -> dict[str, Any]:
        found, missing = [], []
        for id_ in call.parameters["NamedQueryIds"]:
            try:
                found.append(dict(kept.get(id_).body))
            except NotFoundError as error:
                missing.append({"NamedQueryId": id_, "ErrorMessage": error.what})
        return {"NamedQueries": found, "UnprocessedNamedQueryIds": missing}

    def list_(call: Call) -> dict[str, Any]:
        given = call.parameters
        group = str(given.get("WorkGroup") or PRIMARY)
        page = kept.page(group, int(given.get("MaxResults") or _LARGEST_PAGE), given.get("NextToken"))
        token = {"NextToken": page.next_token} if page.next_token else {}
        return {"NamedQueryIds": [record.name for record in page.records], **token}

    def update(call: Call) -> dict[str, Any]:
        given = call.parameters
        changed = {name: given[name] for name in ("Name", "Description", "QueryString") if name in given}
        kept.update(given["NamedQueryId"], changed)
        return {}

    def delete(call: Call) -> dict[str, Any]:
        kept.delete(call.parameters["NamedQueryId"])
        return {}

    made = {
        "CreateNamedQuery": create,
        "GetNamedQuery": get,
        "BatchGetNamedQuery": batch,
        "ListNamedQueries": list_,
        "UpdateNamedQuery": update,
        "DeleteNamedQuery": delete,
    }
    return {name: as_athena(handler) for name, handler in made.items()}


def _of_prepared(platform: Platform) -> dict[str, Handler]:
    kept = NamedQueries(platform.records, "prepared-statement", "PreparedStatement")

    def key(call: Call) -> str:
        return f"{call.parameters['WorkGroup']}/{call.parameters['StatementName']}"

    def told(record: Record) -> dict[str, Any]:
        return {**record.body, "LastModifiedTime": as_text(record.modified_at)}

    def create(call: Call) -> dict[str, Any]:
        given = call.parameters
        platform.sql.work_groups.get(given["WorkGroup"])
        document = {
            "StatementName": given["StatementName"],
            "QueryStatement": given["QueryStatement"],
            "WorkGroupName": given["WorkGroup"],
            **({"Description": given["Description"]} if given.get("Description") else {}),
        }
        kept.create(key(call), document, given["WorkGroup"])
        return {}

    def get(call: Call) -> dict[str, Any]:
        try:
            return {"PreparedStatement": told(kept.get(key(call)))}
        except NotFoundError as error:
            raise ApiError("ResourceNotFoundException", error.what) from error

    def list_(call: Call) -> dict[str, Any]:
        given = call.parameters
        page = kept.page(
            given["WorkGroup"], int(given.get("MaxResults") or _LARGEST_PAGE), given.get("NextToken")
        )
        token = {"NextToken": page.next_token} if page.next_token else {}
        found = [
            {
                "StatementName": record.body["StatementName"],
                "LastModifiedTime": as_text(record.modified_at),
            }
            for record in page.records
        ]
        return {"PreparedStatements": found, **token}

    def update(call: Call) -> dict[str, Any]:
        given = call.parameters
        changed = {name: given[name] for name in ("QueryStatement", "Description") if name in given}
        kept.update(key(call), changed)
        return {}

    def delete(call: Call) -> dict[str, Any]:
        kept.delete(key(call))
        return {}

    made = {
        "CreatePreparedStatement": create,
        "GetPreparedStatement": get,
        "ListPreparedStatements": list_,
        "UpdatePreparedStatement": update,
        "DeletePreparedStatement": delete,
    }
    return {name: as_athena(handler) for name, handler in made.items()}
