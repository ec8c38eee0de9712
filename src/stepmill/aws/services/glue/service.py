"""The service, as far as its catalog of data goes.

Source: Glue API reference, "Catalog API".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler, Service, joined
from stepmill.aws.services.glue import partitions
from stepmill.aws.services.glue.batches import done_each
from stepmill.aws.services.glue.paging import page_of
from stepmill.platform import Platform

# Members of a table that Glue gives, and does not take.
_GIVEN = ("DatabaseName", "CreateTime", "UpdateTime", "CreatedBy", "VersionId", "CatalogId")


def glue(platform: Platform) -> Service:
    """Return Glue over a platform."""
    return Service(
        "glue", joined((_of_databases(platform), _of_tables(platform), partitions.handlers(platform)))
    )


def _of_databases(platform: Platform) -> dict[str, Handler]:
    metastore, account = platform.sql.metastore, platform.settings.account

    def told(document: Mapping[str, Any]) -> dict[str, Any]:
        return {**document, "CatalogId": account}

    def create(call: Call) -> dict[str, Any]:
        metastore.create_database(call.parameters["DatabaseInput"])
        return {}

    def get(call: Call) -> dict[str, Any]:
        return {"Database": told(metastore.database(call.parameters["Name"]))}

    def list_(call: Call) -> dict[str, Any]:
        page, token = page_of(metastore.databases(), call.parameters)
        return {"DatabaseList": [told(one) for one in page], **token}

    def update(call: Call) -> dict[str, Any]:
        metastore.update_database(call.parameters["Name"], call.parameters["DatabaseInput"])
        return {}

    def delete(call: Call) -> dict[str, Any]:
        metastore.delete_database(call.parameters["Name"])
        return {}

    return {
        "CreateDatabase": create,
        "GetDatabase": get,
        "GetDatabases": list_,
        "UpdateDatabase": update,
        "DeleteDatabase": delete,
    }


def _of_tables(platform: Platform) -> dict[str, Handler]:
    metastore, account = platform.sql.metastore, platform.settings.account

    def told(document: Mapping[str, Any]) -> dict[str, Any]:
        return {"CatalogId": account, "VersionId": "0", **document}

    def create(call: Call) -> dict[str, Any]:
        metastore.create_table(call.parameters["DatabaseName"], call.parameters["TableInput"])
        return {}

    def get(call: Call) -> dict[str, Any]:
        given = call.parameters
        metastore.database(given["DatabaseName"])
        return {"Table": told(metastore.table(given["DatabaseName"], given["Name"]))}

    def list_(call: Call) -> dict[str, Any]:
        given = call.parameters
        database = given["DatabaseName"]
        metastore.database(database)
        names = _matching(metastore.table_names(database), str(given.get("Expression") or ""))
        page, token = page_of(names, given)
        found = (metastore.find_table(database, name) for name in page)
        return {"TableList": [told(one) for one in found if one is not None], **token}

    def update(call: Call) -> dict[str, Any]:
        given = cast(Mapping[str, Any], call.parameters["TableInput"])
        document = {name: value for name, value in given.items() if name not in _GIVEN}
        metastore.update_table(call.parameters["DatabaseName"], document)
        return {}

    def delete(call: Call) -> dict[str, Any]:
        metastore.delete_table(call.parameters["DatabaseName"], call.parameters["Name"])
        return {}

    def delete_many(call: Call) -> dict[str, Any]:
        database = call.parameters["DatabaseName"]
        return done_each(
            call.parameters["TablesToDelete"],
            lambda name: metastore.delete_table(database, name),
            lambda name: {"TableName": name},
        )

    return {
        "CreateTable": create,
        "GetTable": get,
        "GetTables": list_,
        "UpdateTable": update,
        "DeleteTable": delete,
        "BatchDeleteTable": delete_many,
    }


def _matching(names: Sequence[str], expression: str) -> Sequence[str]:
    """Return the names that match: with Java's expressions, or ``*`` alone for anything, as clients write."""
    if not expression or expression == "*":
        return names
    import re2

    pattern = expression if ".*" in expression else expression.replace("*", ".*")
    try:
        compiled = re2.compile(pattern)
    except re2.error as error:
        raise ApiError("InvalidInputException", f"{expression[:80]!r} is no expression") from error
    return [name for name in names if compiled.fullmatch(name)]
