from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.tags import LONGEST_KEY, LONGEST_VALUE, MOST_TAGS, Tags, read_tags, write_tags
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json
from support.keeping import keeping

ARN = "arn:aws:sagemaker:us-west-2:123456789012:model/churn"
OTHER = "arn:aws:sagemaker:us-west-2:123456789012:model/other"


@pytest.fixture
def tags(tmp_path: Path) -> Iterator[Tags]:
    with keeping(tmp_path) as kept:
        yield Tags(kept.records)


class TestKeeping:
    def test_what_was_never_tagged_has_no_tags(self, tags: Tags) -> None:
        assert tags.of(ARN) == {}
        assert tags.page(ARN) == ([], None)

    def test_added_tags_join_those_that_are_there_and_replace_values(self, tags: Tags) -> None:
        assert tags.add(ARN, {"team": "a", "stage": "dev"}) == {"stage": "dev", "team": "a"}
        assert tags.add(ARN, {"team": "b", "cost": ""}) == {"cost": "", "stage": "dev", "team": "b"}
        assert tags.add(ARN, {}) == tags.of(ARN) == {"cost": "", "stage": "dev", "team": "b"}
        assert tags.of(OTHER) == {}

    def test_set_leaves_no_others(self, tags: Tags) -> None:
        tags.add(ARN, {"a": "1"})
        tags.set(ARN, {"b": "2"})
        assert tags.of(ARN) == {"b": "2"}
        tags.clear(ARN)
        assert tags.of(ARN) == {}

    def test_only_named_keys_are_removed(self, tags: Tags) -> None:
        tags.add(ARN, {"a": "1", "b": "2", "c": "3"})
        tags.remove(ARN, ["a", "c", "never there"])
        assert tags.of(ARN) == {"b": "2"}
        tags.remove(OTHER, ["a"])
        assert tags.of(OTHER) == {}

    def test_fifty_tags_are_the_most_also_in_two_calls(self, tags: Tags) -> None:
        tags.add(ARN, {f"k{n}": "" for n in range(MOST_TAGS)})
        tags.add(ARN, {"k0": "another value"})
        with pytest.raises(InvalidInputError, match="at most 50 tags, these would be 51"):
            tags.add(ARN, {"one more": ""})
        assert len(tags.of(ARN)) == MOST_TAGS
        assert tags.of(ARN)["k0"] == "another value"

    def test_no_tag_is_lost_among_threads(self, tags: Tags) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: tags.add(ARN, {f"k{n:02}": str(n)}), range(24)))
        assert tags.of(ARN) == {f"k{n:02}": str(n) for n in range(24)}


class TestPages:
    def test_pages_put_together_are_all_tags_by_key(self, tags: Tags) -> None:
        tags.add(ARN, {"c": "3", "a": "1", "b": "2"})
        first, token = tags.page(ARN, limit=2)
        assert first == [("a", "1"), ("b", "2")]
        assert tags.page(ARN, limit=2, after=token) == ([("c", "3")], None)
        assert tags.page(ARN, limit=3) == ([*first, ("c", "3")], None)

    def test_a_page_goes_on_where_the_last_one_ended_though_its_tag_has_gone(self, tags: Tags) -> None:
        tags.add(ARN, {"a": "1", "b": "2", "c": "3"})
        _, token = tags.page(ARN, limit=2)
        tags.remove(ARN, ["b"])
        assert tags.page(ARN, limit=2, after=token) == ([("c", "3")], None)

    @pytest.mark.parametrize("token", ["", "ä", "x", "_w==", "\ud800"])
    def test_what_is_no_token_is_refused(self, tags: Tags, token: str) -> None:
        with pytest.raises(InvalidInputError, match="no token"):
            tags.page(ARN, after=token)

    def test_an_empty_page_is_refused(self, tags: Tags) -> None:
        with pytest.raises(InvalidInputError, match="page of 0"):
            tags.page(ARN, limit=0)


class TestReading:
    def test_nothing_given_is_no_tags(self) -> None:
        assert read_tags(None) == read_tags([]) == {}

    def test_the_longest_texts_are_taken(self) -> None:
        key, value = "ä" * LONGEST_KEY, "x y_.:/=+-@"[:11] + "1" * (LONGEST_VALUE - 11)
        assert read_tags([{"Key": key, "Value": value}]) == {key: value}

    @pytest.mark.parametrize(
        ("tags", "where", "what"),
        [
            ("text", "Tags", "are a list"),
            ({"Key": "a", "Value": "b"}, "Tags", "are a list"),
            (["a"], "Tags[0].Key", "cannot be part"),
            ([{"Key": "a"}], "Tags[0].Value", "cannot be part"),
            ([{"Key": "", "Value": ""}], "Tags[0].Key", "cannot be part"),
            ([{"Key": 7, "Value": ""}], "Tags[0].Key", "cannot be part"),
            ([{"Key": "k" * 129, "Value": ""}], "Tags[0].Key", "cannot be part"),
            ([{"Key": "k", "Value": "v" * 257}], "Tags[0].Value", "cannot be part"),
            ([{"Key": "k", "Value": "a\nb"}], "Tags[0].Value", "character '\\\\n'"),
            ([{"Key": "k*", "Value": ""}], "Tags[0].Key", "character '\\*'"),
            ([{"Key": "ok", "Value": ""}, {"Key": "aws:mine", "Value": ""}], "Tags[1].Key", "reserved"),
            ([{"Key": "AWS:mine", "Value": ""}], "Tags[0].Key", "reserved"),
            ([{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}], "Tags[1].Key", "twice"),
            ([{"Key": f"k{n}", "Value": ""} for n in range(51)], "Tags", "at most 50"),
        ],
    )
    def test_what_aws_would_refuse_is_refused(self, tags: Json, where: str, what: str) -> None:
        with pytest.raises(InvalidInputError, match=what) as caught:
            read_tags(tags)
        assert caught.value.where == where
        assert caught.value.mend

    @given(
        st.dictionaries(
            st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20),
            st.text(st.characters(categories=["L", "N", "Z"]), max_size=20),
            max_size=MOST_TAGS,
        )
    )
    def test_tags_written_are_read_again(self, tags: dict[str, str]) -> None:
        assert read_tags(write_tags(tags)) == tags
        assert read_tags(write_tags(tags.items())) == tags
