"""Definitions under a name, in versions."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from stepmill.catalog.pipeline_records import PIPELINE_KIND, VERSION_KIND, PipelineAbout
from stepmill.catalog.pipelines import Pipelines
from stepmill.core.arns import Arns
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.storage.database import Database
from stepmill.storage.records import Selection, SortBy
from stepmill.storage.sql_records import SqlRecordStore
from stepmill.testing.clock import FakeClock

SECOND = timedelta(seconds=1)
ROLE = "arn:aws:iam::123456789012:role/r"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def records(tmp_path: Path, clock: FakeClock) -> Iterator[SqlRecordStore]:
    database = Database.open_sqlite(tmp_path / "stepmill.db")
    yield SqlRecordStore(database, clock)
    database.close()


@pytest.fixture
def pipelines(records: SqlRecordStore) -> Pipelines:
    return Pipelines(records, Arns("us-west-2", "123456789012"))


def test_a_new_pipeline_has_version_one(pipelines: Pipelines) -> None:
    made = pipelines.put("Abalone", "{}")
    assert (made.name, made.version, made.is_new) == ("Abalone", 1, True)
    assert made.arn == "arn:aws:sagemaker:us-west-2:123456789012:pipeline/abalone"


def test_the_same_text_makes_no_version_and_another_makes_the_next(pipelines: Pipelines) -> None:
    pipelines.put("Abalone", "{}")
    again = pipelines.put("Abalone", "{}")
    assert (again.version, again.is_new) == (1, False)
    changed = pipelines.put("Abalone", "[]")
    assert (changed.version, changed.is_new) == (2, True)
    assert pipelines.get("Abalone").definition == "[]"
    assert pipelines.get("Abalone", 1).definition == "{}"


def test_names_are_one_whatever_their_case(pipelines: Pipelines) -> None:
    pipelines.put("Abalone", "{}")
    assert pipelines.put("ABALONE", "[]").version == 2
    assert pipelines.names() == ["Abalone"]


@pytest.mark.parametrize("name", ["", "-a", "a-", "a_b", "a/b", "..", "a" * 257, "a b", "é"])
def test_a_name_that_sagemaker_refuses_is_refused(pipelines: Pipelines, name: str) -> None:
    with pytest.raises(InvalidInputError, match="no name for a pipeline"):
        pipelines.put(name, "{}")
    assert pipelines.names() == []


def test_what_is_not_there_is_said_with_the_nearest_name(pipelines: Pipelines) -> None:
    pipelines.put("Abalone", "{}")
    with pytest.raises(NotFoundError, match="Did you mean 'Abalone'"):
        pipelines.get("Abalon")
    with pytest.raises(NotFoundError, match="no version 2"):
        pipelines.get("Abalone", 2)


def test_writers_at_once_never_share_a_version(pipelines: Pipelines) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda n: pipelines.put("Abalone", str(n)), range(24)))
    assert sorted(version.version for version in made) == list(range(1, 25))
    for version in made:
        assert pipelines.get("Abalone", version.version).definition == version.definition


class TestCreate:
    def test_a_pipeline_says_what_was_said_of_it(self, pipelines: Pipelines, clock: FakeClock) -> None:
        about = PipelineAbout("Shells", "Counts rings.", ROLE, 3)
        made = pipelines.create("Abalone", "{}", about, aliases=["prod"], by="ada")
        assert made == pipelines.describe("abalone")
        assert (made.name, made.version, made.about, made.aliases) == ("Abalone", 1, about, {"prod": 1})
        assert (made.created_at, made.modified_at) == (clock.now(), clock.now())
        assert (made.created_by, made.modified_by, made.is_deleting) == ("ada", "ada", False)
        version = pipelines.get("Abalone")
        assert (version.version, version.definition, version.aliases) == (1, "{}", ("prod",))

    @pytest.mark.parametrize("name", ["Abalone", "ABALONE"])
    def test_a_name_is_taken_once(self, pipelines: Pipelines, name: str) -> None:
        pipelines.create("Abalone", "{}")
        with pytest.raises(ConflictError, match="already exists"):
            pipelines.create(name, "[]")
        assert pipelines.get("Abalone").definition == "{}"

    def test_the_same_token_makes_it_once(self, pipelines: Pipelines) -> None:
        about = PipelineAbout(role=ROLE)
        made = pipelines.create("Abalone", "{}", about, token="t")
        assert pipelines.create("Abalone", "{}", about, token="t") == made
        for text, said, token in (("[]", about, "t"), ("{}", PipelineAbout(), "t"), ("{}", about, "u")):
            with pytest.raises(ConflictError, match="already exists"):
                pipelines.create("Abalone", text, said, token=token)

    def test_without_a_token_it_is_never_the_same(self, pipelines: Pipelines) -> None:
        pipelines.create("Abalone", "{}")
        with pytest.raises(ConflictError):
            pipelines.create("Abalone", "{}")

    def test_nothing_is_left_of_what_is_refused(self, pipelines: Pipelines, records: SqlRecordStore) -> None:
        with pytest.raises(InvalidInputError):
            pipelines.create("Abalone", "{}", aliases=["1"])
        with pytest.raises(InvalidInputError):
            pipelines.create("a_b", "{}")
        assert records.list(PIPELINE_KIND).records == records.list(VERSION_KIND).records == ()


class TestUpdate:
    def test_only_another_definition_is_another_version(self, pipelines: Pipelines, clock: FakeClock) -> None:
        pipelines.create("Abalone", "{}", PipelineAbout("Shells", "Old.", ROLE, 3), by="ada")
        born = clock.now()
        clock.advance(SECOND)
        changed = pipelines.update("abalone", about=PipelineAbout(description="New."), by="bob")
        assert changed.about == PipelineAbout("Shells", "New.", ROLE, 3)
        assert (changed.version, changed.created_by, changed.modified_by) == (1, "ada", "bob")
        assert (changed.created_at, changed.modified_at) == (born, born + SECOND)
        assert pipelines.update("Abalone", "{}").version == 1
        assert pipelines.update("Abalone", "[]").version == 2
        assert pipelines.update("Abalone", "{}").version == 3
        assert [pipelines.get("Abalone", n).definition for n in (1, 2, 3)] == ["{}", "[]", "{}"]
        assert pipelines.describe("Abalone").about.description == "New."

    def test_a_description_can_be_emptied(self, pipelines: Pipelines) -> None:
        pipelines.create("Abalone", "{}", PipelineAbout(description="Old."))
        assert pipelines.update("Abalone", about=PipelineAbout(description="")).about.description == ""

    def test_aliases_name_the_new_version(self, pipelines: Pipelines) -> None:
        pipelines.create("Abalone", "{}", aliases=["one"])
        assert pipelines.update("Abalone", "[]", aliases=["two"]).aliases == {"one": 1, "two": 2}
        assert pipelines.get("Abalone", alias="one").version == 1
        assert pipelines.get("Abalone", alias="two").definition == "[]"
        with pytest.raises(InvalidInputError, match="only with a new version"):
            pipelines.update("Abalone", "[]", aliases=["three"])
        with pytest.raises(ConflictError, match="names version 1"):
            pipelines.update("Abalone", "null", aliases=["one"])
        assert pipelines.describe("Abalone").version == 2

    def test_what_is_not_there_is_not_changed(self, pipelines: Pipelines) -> None:
        with pytest.raises(NotFoundError):
            pipelines.update("Abalone", "{}")
        with pytest.raises(NotFoundError):
            pipelines.update_version("Abalone", 1)
        pipelines.create("Abalone", "{}")
        with pytest.raises(NotFoundError, match="no version 2"):
            pipelines.update_version("Abalone", 2, add=["prod"])
        with pytest.raises(NotFoundError, match="alias 'prod'"):
            pipelines.get("Abalone", alias="prod")

    def test_a_version_has_texts_and_aliases_of_its_own(self, pipelines: Pipelines) -> None:
        pipelines.create("Abalone", "{}", aliases=["old"])
        pipelines.update("Abalone", "[]")
        made = pipelines.update_version(
            "Abalone", 1, display_name="First", description="The first.", add=["prod"], remove=["old"]
        )
        assert made == pipelines.get("Abalone", 1) == pipelines.get("Abalone", alias="prod")
        assert (made.display_name, made.description, made.aliases) == ("First", "The first.", ("prod",))
        again = pipelines.update_version("Abalone", 1, description="")
        assert (again.display_name, again.description, again.aliases) == ("First", "", ("prod",))
        assert pipelines.get("Abalone").display_name == ""


class TestDelete:
    def test_all_of_it_goes_and_it_can_be_made_again(
        self, pipelines: Pipelines, records: SqlRecordStore
    ) -> None:
        pipelines.create("Abalone", "{}", token="t")
        pipelines.create("Abalone-2", "{}")
        pipelines.update("Abalone", "[]", aliases=["prod"])
        pipelines.delete("ABALONE")
        assert pipelines.names() == ["Abalone-2"]
        assert [record.name for record in records.list(VERSION_KIND).records] == ["abalone-2/1"]
        for ask in (pipelines.describe, pipelines.get, pipelines.delete):
            with pytest.raises(NotFoundError):
                ask("Abalone")
        again = pipelines.create("ABALONE", "null", token="t")
        assert (again.name, again.version, again.aliases) == ("ABALONE", 1, {})

    def test_its_token_is_remembered(self, pipelines: Pipelines) -> None:
        pipelines.create("Abalone", "{}")
        assert not pipelines.deleted_by("Abalone", "t")
        pipelines.delete("Abalone", token="t")
        assert pipelines.deleted_by("abalone", "t")
        assert not pipelines.deleted_by("Abalone", "u")
        pipelines.create("Abalone", "{}")
        pipelines.delete("Abalone")
        assert not pipelines.deleted_by("Abalone", "t")
        assert not pipelines.deleted_by("Abalone", "")

    def test_while_it_is_being_deleted_it_does_not_change(self, pipelines: Pipelines) -> None:
        pipelines.create("Abalone", "{}")
        assert pipelines.begin_deletion("abalone").is_deleting
        for change in (
            lambda: pipelines.put("Abalone", "[]"),
            lambda: pipelines.update("Abalone", "[]"),
            lambda: pipelines.update_version("Abalone", 1, add=["prod"]),
        ):
            with pytest.raises(ConflictError, match="being deleted"):
                change()
        pipelines.cancel_deletion("Abalone")
        assert not pipelines.describe("Abalone").is_deleting
        assert pipelines.put("Abalone", "[]").version == 2


class TestListing:
    def test_pipelines_are_listed_by_prefix_moment_and_order(
        self, pipelines: Pipelines, clock: FakeClock
    ) -> None:
        for name in ("b-two", "a-one", "B-three"):
            pipelines.create(name, "{}")
            clock.advance(SECOND)
        page = pipelines.page(Selection(limit=2))
        assert [each.name for each in page.pipelines] == ["b-two", "a-one"]
        rest = pipelines.page(Selection(limit=2, after=page.next_token))
        assert [each.name for each in rest.pipelines] == ["B-three"]
        assert rest.next_token is None
        named = pipelines.page(Selection(name_prefix="B-", sort_by=SortBy.NAME, descending=True))
        assert [each.name for each in named.pipelines] == ["b-two", "B-three"]
        late = pipelines.page(Selection(created_after=pipelines.describe("b-two").created_at))
        assert [each.name for each in late.pipelines] == ["a-one", "B-three"]

    def test_versions_are_listed_with_their_aliases(self, pipelines: Pipelines) -> None:
        pipelines.create("P", "1", aliases=["one"])
        pipelines.create("Q", "1")
        for text in ("2", "3"):
            pipelines.update("P", text)
        page = pipelines.versions("p", Selection(sort_by=SortBy.NUMBER, descending=True, limit=2))
        assert [each.version for each in page.versions] == [3, 2]
        rest = pipelines.versions(
            "p", Selection(sort_by=SortBy.NUMBER, descending=True, limit=2, after=page.next_token)
        )
        assert [(each.version, each.aliases, each.definition) for each in rest.versions] == [
            (1, ("one",), "1")
        ]
        with pytest.raises(NotFoundError):
            pipelines.versions("R", Selection())
