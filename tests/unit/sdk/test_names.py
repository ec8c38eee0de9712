from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.sdk.names import check_name, check_pipeline_name, nearest


@pytest.mark.parametrize("name", ["a", "A-b_9", "-", "_" * 64])
def test_names_that_definitions_allow(name: str) -> None:
    check_name(name, "step")


@pytest.mark.parametrize("name", ["", "a" * 65, "a b", "a.b", "a/b", "é", "a\n", None, 3])
def test_other_names_are_refused(name: object) -> None:
    with pytest.raises(InvalidInputError, match="1 to 64"):
        check_name(name, "step")


@pytest.mark.parametrize("name", ["a", "My-Pipeline9", "a--b", "a" * 256])
def test_names_of_pipelines(name: str) -> None:
    check_pipeline_name(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a_b", "a" * 257, "a" * 100_000 + "!", None])
def test_other_names_of_pipelines_are_refused(name: object) -> None:
    with pytest.raises(InvalidInputError, match="pipeline"):
        check_pipeline_name(name)


def test_the_nearest_name() -> None:
    assert nearest("trian", ["train", "test"]) == "Did you mean 'train'?"
    assert nearest("zzz", ["train", "test"]) == "There are: 'test', 'train'."
    assert nearest("zzz", []) == "There are none."


@given(st.text())
def test_a_name_is_taken_or_refused_and_nothing_else(name: str) -> None:
    try:
        check_name(name, "step")
    except InvalidInputError:
        return
    assert 1 <= len(name) <= 64
    assert name.isascii()
