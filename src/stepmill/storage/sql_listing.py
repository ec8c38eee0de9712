"""Listings of executions: statements, and the tokens that name a place in them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import JSON, func, select, type_coerce

from stepmill.core.errors import InvalidInputError
from stepmill.storage.database import to_micros
from stepmill.storage.executions import PIPELINES, STATES, ExecutionOrder, StoredExecution
from stepmill.storage.tables import executions

# Most pages are small; a page of 100 executions is what AWS gives at most.
LARGEST_PAGE = 1000

# A version of 0 is left out of the document.
_VERSION: Any = func.coalesce(type_coerce(executions.c.body, JSON)["version"].as_integer(), 0)
# The same of a count of 0.
_REDRIVES: Any = func.coalesce(
    type_coerce(executions.c.body, JSON)[("machine", "redrive_count")].as_integer(), 0
)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which executions are listed; ``None``: all. ``ExecutionStore.find`` tells of the members."""

    language: str | None = None
    pipeline: str | None = None
    parent: str | None = None
    statuses: Collection[str] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    version: int | None = None
    is_redriven: bool | None = None
    version_arn: str | None = None
    alias_arn: str | None = None


def listing(
    filters: Filters, order: ExecutionOrder, *, ascending: bool, limit: int, after: str | None
) -> sqlalchemy.Select[Any]:
    """Return the statement of a page; it gives one row more than the limit if there is more.

    Raises:
        InvalidInputError: If the token is none of ours, or the limit not within 1 to ``LARGEST_PAGE``.
    """
    if not 1 <= limit <= LARGEST_PAGE:
        raise InvalidInputError(f"A page has 1 to {LARGEST_PAGE} entries, not {limit}.", where="limit")
    statement = _filtered(select(executions), filters)
    columns = _columns(order)
    if after is not None:
        key = sqlalchemy.tuple_(*columns)
        last = sqlalchemy.tuple_(*(sqlalchemy.literal(part) for part in _read_token(order, after)))
        statement = statement.where(key > last if ascending else key < last)
    ordered = columns if ascending else [column.desc() for column in columns]
    return statement.order_by(*ordered).limit(limit + 1)


def token_after(order: ExecutionOrder, execution: StoredExecution) -> str:
    """Return the token of the place behind an execution."""
    if order is ExecutionOrder.ID:
        return execution.id
    return f"{to_micros(execution.created_at)}-{execution.id}"


def newest_of_versions(pipeline: str) -> sqlalchemy.Select[Any]:
    """Return the statement of ``version`` and ``id`` of the newest execution of each version."""
    place = func.row_number().over(
        partition_by=_VERSION, order_by=(executions.c.created_at.desc(), executions.c.id.desc())
    )
    ranked = (
        select(executions.c.id, _VERSION.label("version"), place.label("place"))
        .where(executions.c.language == PIPELINES, executions.c.pipeline == pipeline)
        .subquery()
    )
    return select(ranked.c.version, ranked.c.id).where(ranked.c.place == 1)


def ended_express(ended_before: datetime, statuses: Collection[str]) -> sqlalchemy.Select[Any]:
    """Return the statement of the ids of ended express executions that belong to no Map Run."""
    is_express = type_coerce(executions.c.body, JSON)[("machine", "is_express")].as_boolean()
    return select(executions.c.id).where(
        executions.c.language == STATES,
        executions.c.status.in_(statuses),
        executions.c.modified_at < to_micros(ended_before),
        executions.c.parent == "",
        is_express,
    )


def _filtered(statement: sqlalchemy.Select[Any], filters: Filters) -> sqlalchemy.Select[Any]:
    created = executions.c.created_at
    if filters.language is not None:
        statement = statement.where(executions.c.language == filters.language)
    if filters.parent is not None:
        statement = statement.where(executions.c.parent == filters.parent)
    if filters.pipeline is not None:
        statement = statement.where(executions.c.pipeline == filters.pipeline)
    if filters.statuses is not None:
        statement = statement.where(executions.c.status.in_(filters.statuses))
    if filters.created_after is not None:
        statement = statement.where(created > to_micros(filters.created_after))
    if filters.created_before is not None:
        statement = statement.where(created < to_micros(filters.created_before))
    if filters.version is not None:
        statement = statement.where(filters.version == _VERSION)
    if filters.is_redriven is not None:
        statement = statement.where((_REDRIVES > 0) if filters.is_redriven else (_REDRIVES == 0))
    for member in ("version_arn", "alias_arn"):
        arn = getattr(filters, member)
        if arn is not None:
            found = type_coerce(executions.c.body, JSON)[("machine", member)].as_string()
            statement = statement.where(found == arn)
    return statement


def _columns(order: ExecutionOrder) -> list[sqlalchemy.Column[Any]]:
    if order is ExecutionOrder.ID:
        return [executions.c.id]
    return [executions.c.created_at, executions.c.id]


def _read_token(order: ExecutionOrder, token: str) -> tuple[int | str, ...]:
    created, _, identifier = token.rpartition("-")
    if order is ExecutionOrder.ID and not created and identifier.isalnum():
        return (identifier,)
    if order is ExecutionOrder.CREATED and identifier and _is_moment(created):
        return int(created), identifier
    raise InvalidInputError(
        "That is no token of this listing.", where="after", mend="Pass on the next_token of a page."
    )


def _is_moment(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20
