"""How Athena keeps the text of a view in Glue's document of it.

Source: Trino, Hive connector: ``/* Presto View: <base64 of JSON> */``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, cast

import msgspec

from stepmill.catalog.sql.faults import QueryError
from stepmill.catalog.sql.tables import View
from stepmill.core.json import JsonObject

_BEFORE, _AFTER = "/* Presto View: ", " */"


def view_document(name: str, text: str, database: str, columns: Sequence[tuple[str, str]]) -> JsonObject:
    """Return Glue's TableInput of a view.

    Args:
        name: Of the view.
        text: The query.
        database: In which the query's tables are looked up.
        columns: Of the result: names and Hive types.
    """
    inner = {
        "originalSql": text.strip(),
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": column, "type": kind} for column, kind in columns],
    }
    encoded = base64.b64encode(msgspec.json.encode(inner)).decode()
    return {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [{"Name": column.lower(), "Type": kind} for column, kind in columns],
            "Location": "",
            "SerdeInfo": {},
        },
        "ViewOriginalText": f"{_BEFORE}{encoded}{_AFTER}",
        "ViewExpandedText": "/* Presto View */",
    }


def read_view(document: JsonObject) -> View:
    """Return the view of a document.

    Raises:
        QueryError: If it holds none that can be read.
    """
    text = str(document.get("ViewOriginalText") or "")
    try:
        if not text.startswith(_BEFORE) or not text.endswith(_AFTER):
            raise ValueError(text[:40])
        inner = cast(dict[str, Any], msgspec.json.decode(base64.b64decode(text[len(_BEFORE) : -len(_AFTER)])))
        return View(str(inner["originalSql"]), str(inner.get("schema") or document["DatabaseName"]))
    except (ValueError, KeyError, TypeError, binascii.Error, msgspec.MsgspecError) as error:
        raise QueryError(
            "INVALID_VIEW", f"Invalid view JSON: the text of the view {document.get('Name')} cannot be read"
        ) from error
