from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.aws.service import Call, Caller
from stepmill.aws.services.sagemaker.listing import (
    LARGEST_PAGE,
    listed_in_memory,
    read_listing,
    read_token,
    wrap_token,
)
from stepmill.aws.wire import Request
from stepmill.core.errors import InvalidInputError
from stepmill.storage.records import Selection, SortBy
from support.keeping import Keeping, keeping

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def a_call(operation: str = "ListModels", **parameters: Any) -> Call:
    return Call(operation, parameters, Caller("AKIA", "default"), Request("POST", "/"))


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        for name in ("alpha", "beta", "gamma", "delta", "alphabet"):
            opened.clock.advance(timedelta(seconds=1))
            opened.records.create("model", name, {})
        yield opened


def listed(kept: Keeping, **parameters: Any) -> tuple[list[str], str | None]:
    listing = read_listing(a_call(**parameters))
    page = listing.page(kept.records, "model")
    answer = listing.answer("Models", (record.name for record in page.records), page.next_token)
    return answer["Models"], answer.get("NextToken")


class TestReading:
    def test_a_request_that_says_nothing_asks_for_the_newest_ten(self) -> None:
        assert read_listing(a_call()).selection == Selection(descending=True, limit=10)

    def test_every_member_is_read(self) -> None:
        given = read_listing(
            a_call(
                NameContains="x", CreationTimeAfter=MOMENT, CreationTimeBefore=MOMENT + timedelta(1),
                LastModifiedTimeAfter=MOMENT + timedelta(2), LastModifiedTimeBefore=MOMENT + timedelta(3),
                StatusEquals="Failed", SortBy="Name", SortOrder="Ascending", MaxResults=7,
            )
        ).selection  # fmt: skip
        assert given == Selection(
            status="Failed",
            name_contains="x",
            created_after=MOMENT,
            created_before=MOMENT + timedelta(1),
            modified_after=MOMENT + timedelta(2),
            modified_before=MOMENT + timedelta(3),
            sort_by=SortBy.NAME,
            descending=False,
            limit=7,
        )

    def test_experiments_name_their_moments_otherwise(self) -> None:
        given = read_listing(a_call(CreatedAfter=MOMENT, CreatedBefore=MOMENT + timedelta(1))).selection
        assert (given.created_after, given.created_before) == (MOMENT, MOMENT + timedelta(1))

    def test_the_operation_chooses_what_holds_where_nothing_is_said(self) -> None:
        sort = {"CreatedTime": SortBy.NUMBER, "Name": SortBy.NAME}
        chosen = read_listing(a_call(), sort=sort, descending=False, page_size=50).selection
        assert chosen == Selection(sort_by=SortBy.NUMBER, limit=50)
        assert read_listing(a_call(SortOrder="Descending"), descending=False).selection.descending

    def test_no_page_is_larger_than_the_largest(self) -> None:
        assert read_listing(a_call(MaxResults=10**9)).selection.limit == LARGEST_PAGE

    def test_an_order_that_is_not_offered_is_refused_with_those_that_are(self) -> None:
        with pytest.raises(InvalidInputError, match="'Status'") as caught:
            read_listing(a_call(SortBy="Status"))
        assert caught.value.mend == "Use CreationTime or Name."

    def test_a_listing_within_a_parent_keeps_all_else(self) -> None:
        listing = read_listing(a_call(NameContains="x", StatusEquals="Failed"))
        within = listing.within(parent="p")
        assert within.selection == Selection(
            parent="p", status="Failed", name_contains="x", descending=True, limit=10
        )
        assert listing.within(status="Ready").selection.status == "Ready"
        assert within.mark == listing.mark


class TestPages:
    def test_pages_put_together_are_the_listing(self, kept: Keeping) -> None:
        first, token = listed(kept, MaxResults=2)
        second, token = listed(kept, MaxResults=2, NextToken=token)
        third, end = listed(kept, MaxResults=1, NextToken=token)
        assert [*first, *second, *third] == ["alphabet", "delta", "gamma", "beta", "alpha"]
        assert end is None

    def test_a_filter_holds_on_the_next_page(self, kept: Keeping) -> None:
        first, token = listed(kept, NameContains="ALPHA", MaxResults=1)
        assert (first, listed(kept, NameContains="ALPHA", MaxResults=9, NextToken=token)) == (
            ["alphabet"],
            (["alpha"], None),
        )

    @pytest.mark.parametrize(
        "other",
        [{"NameContains": "beta"}, {"SortOrder": "Ascending"}, {"operation": "ListEndpoints"}, {}],
    )
    def test_a_token_continues_no_other_listing(self, kept: Keeping, other: dict[str, Any]) -> None:
        _, token = listed(kept, NameContains="alpha", MaxResults=1)
        with pytest.raises(InvalidInputError, match="Invalid NextToken"):
            listed(kept, **other, NextToken=token)

    @pytest.mark.parametrize("token", ["x", "ä", "W10=", "bm90IGpzb24=", "\ud800", "A" * 9000])
    def test_what_is_no_token_is_refused(self, token: str) -> None:
        with pytest.raises(InvalidInputError, match="Invalid NextToken") as caught:
            read_listing(a_call(NextToken=token))
        assert caught.value.where == "NextToken"

    def test_a_forged_place_is_refused_by_the_store(self, kept: Keeping) -> None:
        listing = read_listing(a_call())
        with pytest.raises(InvalidInputError):
            listed(kept, NextToken=wrap_token(listing.mark, "forged"))

    @given(st.text(), st.text())
    def test_a_token_gives_the_store_its_own_back(self, mark: str, inner: str) -> None:
        assert read_token(mark, wrap_token(mark, inner)) == inner
        with pytest.raises(InvalidInputError):
            read_token(mark + "x", wrap_token(mark, inner))


class TestInMemory:
    @given(st.lists(st.integers(0, 200), unique=True, max_size=40), st.integers(1, 12))
    def test_pages_put_together_are_the_list(self, items: list[int], size: int) -> None:
        gathered: list[int] = []
        token: str | None = None
        while True:
            page, token = listed_in_memory(a_call(MaxResults=size, NextToken=token), items, key=str)
            gathered += page
            if token is None:
                break
            assert len(page) == size
        assert gathered == items

    def test_a_page_behind_what_has_gone_is_refused(self) -> None:
        _, token = listed_in_memory(a_call(MaxResults=1), ["a", "b"], key=str)
        with pytest.raises(InvalidInputError, match="Invalid NextToken"):
            listed_in_memory(a_call(NextToken=token), ["b"], key=str)
