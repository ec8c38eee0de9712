"""Operations that show the catalog of data.

Source: Athena API reference, GetDataCatalog, ListDatabases, GetTableMetadata.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.athena.refusals import as_athena
from stepmill.catalog.sql.tables import CATALOG
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.platform import Platform

_NAME = "AwsDataCatalog"
_LARGEST_PAGE = 50


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return the operations."""
    metastore = platform.sql.metastore

    def get_catalog(call: Call) -> dict[str, Any]:
        _check_catalog(call.parameters["Name"])
        return {"DataCatalog": {"Name": _NAME, "Type": "GLUE", "Parameters": {}, "Status": "CREATE_COMPLETE"}}

    def list_catalogs(_: Call) -> dict[str, Any]:
        return {"DataCatalogsSummary": [{"CatalogName": _NAME, "Type": "GLUE", "Status": "CREATE_COMPLETE"}]}

    def get_database(call: Call) -> dict[str, Any]:
        _check_catalog(call.parameters["CatalogName"])
        name = call.parameters["DatabaseName"]
        try:
            return {"Database": database(metastore.database(name))}
        except NotFoundError as error:
            raise _not_found(f"Database {name} not found.") from error

    def list_databases(call: Call) -> dict[str, Any]:
        _check_catalog(call.parameters["CatalogName"])
        page, token = _page(metastore.databases(), call.parameters)
        return {"DatabaseList": [database(one) for one in page], **token}

    def get_table(call: Call) -> dict[str, Any]:
        given = call.parameters
        _check_catalog(given["CatalogName"])
        try:
            return {"TableMetadata": table(metastore.table(given["DatabaseName"], given["TableName"]))}
        except NotFoundError as error:
            raise _not_found(error.what) from error

    def list_tables(call: Call) -> dict[str, Any]:
        given = call.parameters
        _check_catalog(given["CatalogName"])
        name = given["DatabaseName"]
        if not metastore.has_database(name):
            raise _not_found(f"Database {name} not found.")
        pattern = str(given.get("Expression") or "")
        names = [one for one in metastore.table_names(name) if _matches(one, pattern)]
        page, token = _page(names, given)
        found = [one for one in (metastore.find_table(name, each) for each in page) if one is not None]
        return {"TableMetadataList": [table(one) for one in found], **token}

    def database(document: Mapping[str, Any]) -> dict[str, Any]:
        return {name: document[name] for name in ("Name", "Description", "Parameters") if name in document}

    made = {
        "GetDataCatalog": get_catalog,
        "ListDataCatalogs": list_catalogs,
        "GetDatabase": get_database,
        "ListDatabases": list_databases,
        "GetTableMetadata": get_table,
        "ListTableMetadata": list_tables,
    }
    return {name: as_athena(handler) for name, handler in made.items()}


def table(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table as Athena tells it."""
    storage = cast(Mapping[str, Any], document.get("StorageDescriptor") or {})
    serde = cast(Mapping[str, Any], storage.get("SerdeInfo") or {})
    parameters = {
        **cast(Mapping[str, Any], document.get("Parameters") or {}),
        "inputformat": storage.get("InputFormat") or "",
        "outputformat": storage.get("OutputFormat") or "",
        "location": storage.get("Location") or "",
        "serde.serialization.lib": serde.get("SerializationLibrary") or "",
    }
    return {
        "Name": document["Name"],
        **({"CreateTime": document["CreateTime"]} if "CreateTime" in document else {}),
        "TableType": document.get("TableType") or "",
        "Columns": list(storage.get("Columns") or ()),
        "PartitionKeys": list(document.get("PartitionKeys") or ()),
        "Parameters": {str(key): str(value) for key, value in parameters.items()},
    }


def _check_catalog(name: str) -> None:
    if name.lower() != CATALOG:
        raise InvalidInputError(f"Catalog {name} was not found")


def _not_found(what: str) -> ApiError:
    return ApiError("MetadataException", f"EntityNotFoundException: {what}")


def _matches(name: str, pattern: str) -> bool:
    """Athena takes Java's expressions; those that mean something else in RE2 are few."""
    if not pattern:
        return True
    import re2

    try:
        return re2.fullmatch(pattern, name) is not None
    except re2.error as error:
        raise InvalidInputError(f"{re.escape(pattern)[:80]} is no expression", where="Expression") from error


def _page(found: Sequence[Any], given: Mapping[str, Any]) -> tuple[Sequence[Any], dict[str, str]]:
    token = str(given.get("NextToken") or "0")
    if not (token.isascii() and token.isdecimal() and len(token) < 10):
        raise InvalidInputError("Invalid next token", where="NextToken")
    begin = int(token)
    end = begin + int(given.get("MaxResults") or _LARGEST_PAGE)
    return found[begin:end], {"NextToken": str(end)} if end < len(found) else {}
