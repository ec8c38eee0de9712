"""Calls of several entries at once: each succeeds or fails on its own.

Source: SQS API reference, SendMessageBatch, DeleteMessageBatch, ChangeMessageVisibilityBatch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stepmill.aws.errors import ApiError, code_of, text_of
from stepmill.core.errors import StepmillError, StorageError

MOST_ENTRIES = 10

_ID = re.compile(r"[a-zA-Z0-9_-]{1,80}")


def each_of(
    entries: Sequence[Mapping[str, Any]], act: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> dict[str, Any]:
    """Do something for each entry, and return the answer that says how it went.

    Args:
        entries: Of the call.
        act: Does it for one, and returns what is answered beside its id.

    Raises:
        ApiError: If the entries as a whole cannot be taken. Nothing was done.
        StorageError: If the store fails.
    """
    _check(entries)
    successful: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for entry in entries:
        try:
            successful.append({"Id": entry["Id"], **act(entry)})
        except StorageError:
            raise
        except StepmillError as error:
            failed.append(
                {
                    "Id": entry["Id"],
                    "SenderFault": True,
                    "Code": code_of("sqs", error).code,
                    "Message": text_of(error),
                }
            )
    return {"Successful": successful, "Failed": failed}


def _check(entries: Sequence[Mapping[str, Any]]) -> None:
    if not entries:
        raise ApiError("EmptyBatchRequest", "There are no entries in the request.")
    if len(entries) > MOST_ENTRIES:
        raise ApiError(
            "TooManyEntriesInBatchRequest",
            f"A request has at most {MOST_ENTRIES} entries, not {len(entries)}.",
        )
    seen: set[str] = set()
    for entry in entries:
        name = str(entry["Id"])
        if not _ID.fullmatch(name):
            raise ApiError(
                "InvalidBatchEntryId",
                f"{name[:80]!r} cannot be the id of an entry.",
                mend="Use 1 to 80 letters, digits, hyphens and underscores.",
            )
        if name in seen:
            raise ApiError("BatchEntryIdsNotDistinct", f"The id {name!r} is repeated.")
        seen.add(name)
