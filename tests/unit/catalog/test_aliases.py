"""Names for versions of a pipeline."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.aliases import MOST_ALIASES, aliases_of, moved_aliases
from stepmill.core.errors import ConflictError, InvalidInputError

_names = st.sampled_from([f"a{n}" for n in range(15)])


def test_an_alias_is_given_kept_and_taken() -> None:
    given_one = moved_aliases({"trial": 2}, 1, add=["prod"])
    assert given_one == {"trial": 2, "prod": 1}
    assert moved_aliases(given_one, 1, add=["prod"]) == given_one
    assert moved_aliases(given_one, 1, remove=["prod"]) == {"trial": 2}


def test_an_alias_moves_only_after_it_was_taken() -> None:
    with pytest.raises(ConflictError, match="names version 1"):
        moved_aliases({"prod": 1}, 2, add=["prod"])
    assert moved_aliases(moved_aliases({"prod": 1}, 1, remove=["prod"]), 2, add=["prod"]) == {"prod": 2}


@pytest.mark.parametrize("alias", ["", "12", "a b", "a/b", "é", "a" * 129])
def test_what_can_be_no_alias_is_refused(alias: str) -> None:
    with pytest.raises(InvalidInputError, match="cannot be an alias"):
        moved_aliases({}, 1, add=[alias])


@pytest.mark.parametrize("alias", ["1a", "v1.2", "a-b_c", "-", "a" * 128])
def test_what_can_be_one_is_taken(alias: str) -> None:
    assert moved_aliases({}, 1, add=[alias]) == {alias: 1}


@pytest.mark.parametrize("aliases", [{}, {"prod": 2}])
def test_what_does_not_name_the_version_cannot_be_taken_from_it(aliases: dict[str, int]) -> None:
    with pytest.raises(InvalidInputError, match="does not name version 1"):
        moved_aliases(aliases, 1, remove=["prod"])


def test_one_alias_in_both_lists_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="added and removed"):
        moved_aliases({"prod": 1}, 1, add=["prod"], remove=["prod"])


def test_a_version_has_at_most_ten() -> None:
    ten = {f"a{n}": 1 for n in range(MOST_ALIASES)}
    with pytest.raises(InvalidInputError, match="at most 10"):
        moved_aliases(ten, 1, add=["more"])
    assert len(moved_aliases(ten, 1, add=["more"], remove=["a0"])) == MOST_ALIASES
    assert len(moved_aliases(ten, 2, add=["more"])) == MOST_ALIASES + 1


@given(
    st.dictionaries(_names, st.integers(1, 3), max_size=12),
    st.integers(1, 3),
    st.sets(_names),
    st.sets(_names),
)
def test_other_versions_keep_theirs(
    before: dict[str, int], version: int, add: set[str], remove: set[str]
) -> None:
    try:
        after = moved_aliases(before, version, add=add, remove=remove)
    except (InvalidInputError, ConflictError):
        return
    assert {a: v for a, v in after.items() if v != version} == {
        a: v for a, v in before.items() if v != version
    }
    assert set(aliases_of(after, version)) == set(aliases_of(before, version)) - remove | add
