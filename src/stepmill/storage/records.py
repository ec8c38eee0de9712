"""Records: what SageMaker's API calls resources (jobs, models, pipelines, ...), all in one shape.

So that names, numbers, listing, sorting and paging are written once. What a record says beyond that
is a document that only its owner reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from stepmill.core.json import JsonObject

LONGEST_NAME = 512
LARGEST_PAGE = 10_000


class GroupName(NamedTuple):
    """A record that others are members of: a trial, of trial components.

    Args:
        kind: Of the record.
        name: Its name.
    """

    kind: str
    name: str


class SortBy(StrEnum):
    """What a listing is sorted by; equal ones are sorted by name."""

    CREATED = "created"
    MODIFIED = "modified"
    NAME = "name"
    NUMBER = "number"
    STATUS = "status"

    @property
    def is_text(self) -> bool:
        """Whether what is sorted by is a text, not a number."""
        return self in (self.NAME, self.STATUS)


@dataclass(frozen=True)
class Record:
    """One resource.

    Args:
        kind: What it is: ``training-job``, ``model``.
        name: Unique within its kind.
        parent: What it belongs to: a version's group; may be empty.
        number: Its number within its parent, from 1; 0 if it has none.
        status: How it stands; may be empty.
        created_at: Aware, UTC, in whole microseconds.
        modified_at: The same.
        revision: 1 when created, and one more with each change.
        body: All else.
    """

    kind: str
    name: str
    parent: str
    number: int
    status: str
    created_at: datetime
    modified_at: datetime
    revision: int
    body: JsonObject


@dataclass(frozen=True)
class Page:
    """A part of a listing.

    Args:
        records: In order.
        next_token: For ``after``, to get what follows; ``None`` at the end.
    """

    records: tuple[Record, ...]
    next_token: str | None = None


@dataclass(frozen=True)
class Selection:
    """Which records of a kind are asked for, in which order. ``RecordStore.list`` tells of the members."""

    parent: str | None = None
    has_parent: bool = False
    group: GroupName | None = None
    group_parent: GroupName | None = None
    status: str | None = None
    name_contains: str = ""
    name_prefix: str = ""
    created_after: datetime | None = None
    created_before: datetime | None = None
    modified_after: datetime | None = None
    modified_before: datetime | None = None
    sort_by: SortBy = SortBy.CREATED
    descending: bool = False
    limit: int = 100
    after: str | None = None

    def page(self, store: RecordStore, kind: str) -> Page:
        """Return the page that is asked for.

        Raises:
            InvalidInputError: If the token or the limit is not one.
        """
        return store.list(
            kind,
            parent=self.parent,
            has_parent=self.has_parent,
            group=self.group,
            group_parent=self.group_parent,
            status=self.status,
            name_contains=self.name_contains,
            name_prefix=self.name_prefix,
            created_after=self.created_after,
            created_before=self.created_before,
            modified_after=self.modified_after,
            modified_before=self.modified_before,
            sort_by=self.sort_by,
            descending=self.descending,
            limit=self.limit,
            after=self.after,
        )

    def all(self, store: RecordStore, kind: str) -> Iterator[Record]:
        """Yield all records that are asked for; ``limit`` says how many are read at once."""
        page = self.page(store, kind)
        yield from page.records
        while page.next_token is not None:
            page = replace(self, after=page.next_token).page(store, kind)
            yield from page.records


class RecordStore(Protocol):
    """Keeps records. Safe to share between threads; several processes may use the same one.

    Every change is on the disk when its method returns.
    """

    def transaction(self) -> AbstractContextManager[None]:
        """Make one of all changes that this thread makes in this ``with``: all of them are kept, or none.

        None is kept if an error leaves it; one inside another is part of that. It is for several records
        that belong together; keep it short, nobody else can write meanwhile.
        """
        ...

    def create(
        self, kind: str, name: str, body: JsonObject, *, parent: str = "", number: int = 0, status: str = ""
    ) -> Record:
        """Make a record.

        Raises:
            ConflictError: If there is one of that kind and name.
            InvalidInputError: If the name is empty or longer than ``LONGEST_NAME`` characters.
        """
        ...

    def create_numbered(
        self,
        kind: str,
        parent: str,
        name_for: Callable[[int], str],
        body_for: Callable[[int], JsonObject],
        status: str = "",
    ) -> Record:
        """Make the record with the next number of its parent, from 1. No number is ever given twice.

        The functions are called while the store is locked; they must be quick and not use it.

        Raises:
            ConflictError: If there is one of that kind and name.
        """
        ...

    def get(self, kind: str, name: str) -> Record:
        """Return a record.

        Raises:
            NotFoundError: If there is none.
        """
        ...

    def find(self, kind: str, name: str) -> Record | None:
        """Return a record, or ``None`` if there is none."""
        ...

    def update(self, kind: str, name: str, change: Callable[[Record], Record]) -> Record:
        """Replace a record by what ``change`` makes of it, with nobody else's change in between.

        Only ``parent``, ``number``, ``status`` and ``body`` can be changed. If ``change`` returns the
        very record that it was given, nothing is written. It is called while the store is locked; it must
        be quick and not use it.

        Raises:
            NotFoundError: If there is none.
        """
        ...

    def delete(self, kind: str, name: str) -> None:
        """Remove a record.

        Raises:
            NotFoundError: If there is none.
        """
        ...

    def find_all(self, kind: str, names: Sequence[str]) -> Sequence[Record]:
        """Return those of these records that there are, by name."""
        ...

    def join(self, kind: str, name: str, group: GroupName) -> bool:
        """Let a record be a member of a group, and return whether it was none. It may be in any number.

        It is not asked whether there are such a record and such a group, and neither is told when the other
        is deleted: that is the affair of whoever keeps both.
        """
        ...

    def leave(self, kind: str, name: str, group: GroupName) -> bool:
        """Let a record be no member of a group any more, and return whether it was one."""
        ...

    def groups(self, kind: str, names: Sequence[str]) -> Sequence[tuple[str, GroupName]]:
        """Return (name, group) for each group that these records are members of, in order."""
        ...

    def list(
        self,
        kind: str,
        *,
        parent: str | None = None,
        has_parent: bool = False,
        group: GroupName | None = None,
        group_parent: GroupName | None = None,
        status: str | None = None,
        name_contains: str = "",
        name_prefix: str = "",
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        modified_after: datetime | None = None,
        modified_before: datetime | None = None,
        sort_by: SortBy | str = SortBy.CREATED,
        descending: bool = False,
        limit: int = 100,
        after: str | None = None,
    ) -> Page:
        """Return a page of the records of one kind.

        Args:
            kind: Which kind.
            parent: Only those that belong to it; ``""``: only those that belong to none.
            has_parent: Only those that belong to any.
            group: Only the members of this group.
            group_parent: Only members of groups of this kind that belong to the parent of this name.
            status: Only those that stand so.
            name_contains: Only those whose name has it in it; the case of ASCII letters does not matter.
            name_prefix: Only those whose name begins so, likewise.
            created_after: Only those created later than this moment.
            created_before: Only those created earlier than this moment.
            modified_after: Only those last changed later than this moment.
            modified_before: Only those last changed earlier than this moment.
            sort_by: By what.
            descending: Whether the greatest comes first.
            limit: At most so many, 1 to ``LARGEST_PAGE``.
            after: A page's ``next_token``; the other arguments must be the same as for that page.

        Raises:
            InvalidInputError: If the token, the order or the limit is not one.
        """
        ...
