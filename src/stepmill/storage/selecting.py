"""Selections from records that are in memory already: the same answer as a store's, place tokens too."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.storage.database import to_micros
from stepmill.storage.paging import decode_place, encode_place
from stepmill.storage.records import LARGEST_PAGE, Page, Record, Selection, SortBy

_Value: TypeAlias = int | str

_VALUES: dict[SortBy, Callable[[Record], _Value]] = {
    SortBy.CREATED: lambda record: to_micros(record.created_at),
    SortBy.MODIFIED: lambda record: to_micros(record.modified_at),
    SortBy.NAME: lambda record: record.name,
    SortBy.NUMBER: lambda record: record.number,
    SortBy.STATUS: lambda record: record.status,
}


def page_among(records: Iterable[Record], selection: Selection) -> Page:
    """Return the page that a selection asks for, of these records.

    Args:
        records: All that there are, in any order.
        selection: What is asked for.

    Raises:
        InvalidInputError: If the token or the limit is not one.
    """
    if not 1 <= selection.limit <= LARGEST_PAGE:
        raise InvalidInputError(
            f"A page of {selection.limit} is not possible.", mend=f"Ask for 1 to {LARGEST_PAGE}."
        )
    value_of = _VALUES[selection.sort_by]
    label = f"{selection.sort_by}{'-' if selection.descending else '+'}"

    def place_of(record: Record) -> tuple[_Value, str]:
        return value_of(record), record.name

    chosen = [record for record in records if _is_chosen(record, selection)]
    if selection.after is not None:
        place = decode_place(selection.after, label, text=selection.sort_by.is_text)
        chosen = [record for record in chosen if _is_behind(place_of(record), place, selection.descending)]
    chosen.sort(key=place_of, reverse=selection.descending)
    page = tuple(chosen[: selection.limit])
    more = len(chosen) > selection.limit
    return Page(page, encode_place(label, *place_of(page[-1])) if more else None)


def _is_chosen(record: Record, selection: Selection) -> bool:
    return (
        selection.parent in (None, record.parent)
        and (bool(record.parent) or not selection.has_parent)
        and selection.status in (None, record.status)
        and selection.name_contains.lower() in record.name.lower()
        and _is_within(record.created_at, selection.created_after, selection.created_before)
        and _is_within(record.modified_at, selection.modified_after, selection.modified_before)
    )


def _is_within(moment: datetime, after: datetime | None, before: datetime | None) -> bool:
    return (after is None or moment > after) and (before is None or moment < before)


def _is_behind(here: tuple[_Value, str], place: tuple[_Value, str], descending: bool) -> bool:
    # Values of one order are of one type: decode_place has checked the token's.
    return here < place if descending else here > place
