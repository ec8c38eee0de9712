"""What all List operations share: filters, order and pages, from a request to a store and back.

Tokens are opaque to clients, and checked: each carries the digest of the operation and of the filters
that it was made for, so that it continues that listing and no other.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from stepmill.aws.service import Call
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import digest
from stepmill.storage.records import Page, RecordStore, Selection, SortBy

T = TypeVar("T")

# API reference: most List operations answer ten summaries where the request does not say how many.
PAGE_SIZE = 10
# The most that a page may have, where the model allows more.
LARGEST_PAGE = 100
# Enough of a digest to tell listings apart.
_MARK = 16

BY_NAME_OR_CREATION: Mapping[str, SortBy] = {"CreationTime": SortBy.CREATED, "Name": SortBy.NAME}

# Not part of what a listing is of: the next page may be of another size.
_OF_THE_PAGE = frozenset({"NextToken", "MaxResults"})


@dataclass(frozen=True)
class Listing:
    """What a List request asks for.

    Args:
        selection: Of the records, ready for a store.
        mark: Tells this listing from others, in tokens.
    """

    selection: Selection
    mark: str

    def within(self, *, parent: str | None = None, status: str | None = None) -> Listing:
        """Return the listing of those that belong to a parent, or stand so."""
        kept = self.selection
        chosen = replace(
            kept,
            parent=kept.parent if parent is None else parent,
            status=kept.status if status is None else status,
        )
        return replace(self, selection=chosen)

    def of_parents(self) -> Listing:
        """Return the listing of those that belong to any parent."""
        return replace(self, selection=replace(self.selection, has_parent=True))

    def page(self, store: RecordStore, kind: str) -> Page:
        """Return the page of the records of a kind that is asked for."""
        return self.selection.page(store, kind)

    def answer(self, member: str, items: Iterable[T], next_token: str | None) -> dict[str, Any]:
        """Return the answer: summaries under their member's name, and the token of the next page.

        Args:
            member: ``TrainingJobSummaries``.
            items: The summaries.
            next_token: As the store gave it.
        """
        answer: dict[str, Any] = {member: list(items)}
        if next_token is not None:
            answer["NextToken"] = wrap_token(self.mark, next_token)
        return answer


def read_listing(
    call: Call,
    *,
    sort: Mapping[str, SortBy] = BY_NAME_OR_CREATION,
    descending: bool = True,
    page_size: int = PAGE_SIZE,
) -> Listing:
    """Read the members that List operations share. What else filters is the operation's own.

    ``NameContains``, ``CreationTimeAfter``, ``CreationTimeBefore`` (also ``CreatedAfter``,
    ``CreatedBefore``), ``LastModifiedTimeAfter``, ``LastModifiedTimeBefore``, ``StatusEquals``,
    ``SortBy``, ``SortOrder``, ``MaxResults``, ``NextToken``.

    Args:
        call: The call.
        sort: What ``SortBy`` may say -> by what is sorted; the first is taken where it says nothing.
        descending: Whether the greatest comes first where ``SortOrder`` says nothing.
        page_size: How many are answered where ``MaxResults`` says nothing.

    Raises:
        InvalidInputError: If the token is not of this listing, or the order is not offered.
    """
    given = call.parameters
    mark = listing_mark(call)
    order = given.get("SortOrder")
    selection = Selection(
        status=given.get("StatusEquals"),
        name_contains=given.get("NameContains") or "",
        created_after=_moment(given, "CreationTimeAfter", "CreatedAfter"),
        created_before=_moment(given, "CreationTimeBefore", "CreatedBefore"),
        modified_after=_moment(given, "LastModifiedTimeAfter"),
        modified_before=_moment(given, "LastModifiedTimeBefore"),
        sort_by=_sort_by(given.get("SortBy"), sort),
        descending=descending if order is None else order == "Descending",
        limit=page_size_of(call, default=page_size),
        after=read_token(mark, given.get("NextToken")),
    )
    return Listing(selection, mark)


def page_size_of(call: Call, *, default: int = PAGE_SIZE) -> int:
    """Return how many summaries a page of a listing has."""
    return min(int(call.parameters.get("MaxResults") or default), LARGEST_PAGE)


def listing_mark(call: Call) -> str:
    """Return what tells a listing from others: of another operation, or with other filters."""
    filters = {name: value for name, value in call.parameters.items() if name not in _OF_THE_PAGE}
    return digest([call.operation, filters])[:_MARK]


def wrap_token(mark: str, token: str) -> str:
    """Return the token that a client gets for the one of a store."""
    return base64.urlsafe_b64encode(msgspec.json.encode((mark, token))).decode()


def read_token(mark: str, token: str | None) -> str | None:
    """Return the store's token out of a client's; ``None`` for the first page.

    Raises:
        InvalidInputError: If it is none, or one of another listing.
    """
    if not token:
        return None
    try:
        document = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        made_for, inner = msgspec.json.decode(document, type=tuple[str, str])
    except (binascii.Error, UnicodeError, msgspec.DecodeError) as error:
        raise _refused(token) from error
    if made_for != mark:
        raise _refused(token)
    return inner


def listed_in_memory(
    call: Call,
    items: Sequence[T],
    *,
    key: Callable[[T], str],
    page_size: int = PAGE_SIZE,
) -> tuple[Sequence[T], str | None]:
    """Return the page of a short list that a call asks for, and the client's token of the next one.

    Args:
        call: The call.
        items: All of them, in the order in which they are listed.
        key: Names an item: the next page begins behind the last one that was answered.
        page_size: How many are answered where ``MaxResults`` says nothing.

    Raises:
        InvalidInputError: If the token is not of this listing, or its item has gone.
    """
    mark = listing_mark(call)
    behind = read_token(mark, call.parameters.get("NextToken"))
    start = 0
    if behind is not None:
        start = next((place for place, item in enumerate(items, 1) if key(item) == behind), -1)
        if start < 0:
            raise _refused(str(call.parameters["NextToken"]))
    end = start + page_size_of(call, default=page_size)
    page = items[start:end]
    return page, wrap_token(mark, key(page[-1])) if end < len(items) else None


def _moment(given: Mapping[str, Any], *members: str) -> datetime | None:
    return next((given[member] for member in members if given.get(member) is not None), None)


def _sort_by(given: str | None, sort: Mapping[str, SortBy]) -> SortBy:
    if given is None:
        return next(iter(sort.values()))
    if given not in sort:
        raise InvalidInputError(
            f"This listing cannot be sorted by {given!r}.", where="SortBy", mend=f"Use {' or '.join(sort)}."
        )
    return sort[given]


def _refused(token: str) -> InvalidInputError:
    return InvalidInputError(
        f"Invalid NextToken: {token[:100]!r} is not of this listing.",
        where="NextToken",
        mend="Give the token of the page before, and otherwise the same parameters as for that page.",
    )
