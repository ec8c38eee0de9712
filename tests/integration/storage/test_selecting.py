"""What is selected in memory is what the store selects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.storage.records import Record, Selection, SortBy
from stepmill.storage.selecting import page_among
from support.keeping import Keeping, keeping

KIND = "experiment-trial-component"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeping]:
    with keeping(tmp_path_factory.mktemp("kept")) as opened:
        fill(opened)
        yield opened


def fill(kept: Keeping) -> None:
    names = ["b-one", "A-two", "c", "a", "d-one", "e", "f-two"]
    for number, name in enumerate(names):
        # Some at the same moment, and with the same number.
        kept.clock.advance(timedelta(seconds=number % 3))
        parent = ("", "p", "q")[number % 3]
        kept.records.create(KIND, name, {}, parent=parent, number=number // 2, status="st"[number % 2])
    kept.clock.advance(timedelta(seconds=1))
    for name in ("c", "e"):
        kept.records.update(KIND, name, lambda old: replace(old, body={"changed": True}))


def everything(kept: Keeping) -> tuple[Record, ...]:
    return kept.records.list(KIND).records


def selections(kept: Keeping) -> st.SearchStrategy[Selection]:
    moments = st.none() | st.sampled_from(sorted({r.modified_at for r in everything(kept)}))
    return st.builds(
        Selection,
        parent=st.sampled_from([None, None, "", "p"]),
        has_parent=st.booleans(),
        status=st.sampled_from([None, None, "s", "x"]),
        name_contains=st.sampled_from(["", "", "a", "ONE", "-"]),
        created_after=moments, created_before=moments, modified_after=moments, modified_before=moments,
        sort_by=st.sampled_from(SortBy), descending=st.booleans(), limit=st.integers(1, 8),
    )  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.data())
def test_all_pages_are_those_of_the_store_and_tokens_fit_both(kept: Keeping, data: st.DataObject) -> None:
    selection = data.draw(selections(kept))
    while True:
        of_store = selection.page(kept.records, KIND)
        assert page_among(reversed(everything(kept)), selection) == of_store
        if of_store.next_token is None:
            break
        selection = replace(selection, after=of_store.next_token)


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 10_001}, {"after": "x"}, {"after": "W10="}])
def test_what_the_store_refuses_is_refused(kept: Keeping, wrong: dict[str, int]) -> None:
    selection = replace(Selection(), **wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError):
        selection.page(kept.records, KIND)
    with pytest.raises(InvalidInputError):
        page_among(everything(kept), selection)


def test_a_token_of_another_order_is_refused(kept: Keeping) -> None:
    token = page_among(everything(kept), Selection(limit=1)).next_token
    for other in ({"descending": True}, {"sort_by": SortBy.NAME}, {"sort_by": SortBy.MODIFIED}):
        with pytest.raises(InvalidInputError):
            page_among(everything(kept), replace(Selection(after=token), **other))  # type: ignore[arg-type]
