"""State machines, their versions and aliases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.state_machine_aliases import StateMachineAliases
from stepmill.catalog.state_machine_records import (
    MachineAlias,
    MachineContent,
    MachineType,
    Route,
    check_name,
    check_routes,
)
from stepmill.catalog.state_machines import StateMachines
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.core.states_arns import StatesArns
from stepmill.storage.database import Database
from stepmill.storage.sql_records import SqlRecordStore
from stepmill.testing.clock import FakeClock

ARNS = StatesArns("us-west-2", "123456789012")
ONE = MachineContent('{"StartAt": "A"}', "arn:aws:iam::123456789012:role/r")
OTHER = MachineContent('{"StartAt": "B"}', "arn:aws:iam::123456789012:role/r")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def records(tmp_path: Path, clock: FakeClock) -> Iterator[SqlRecordStore]:
    database = Database.open_sqlite(tmp_path / "stepmill.db")
    yield SqlRecordStore(database, clock)
    database.close()


@pytest.fixture
def machines(records: SqlRecordStore) -> StateMachines:
    return StateMachines(records, ARNS)


@pytest.fixture
def aliases(records: SqlRecordStore, machines: StateMachines) -> StateMachineAliases:
    return StateMachineAliases(records, machines)


class TestMachines:
    def test_a_machine_is_what_was_said(self, machines: StateMachines) -> None:
        content = MachineContent(
            "{}", "role", MachineType.EXPRESS, {"level": "OFF"}, {"enabled": True}, {"type": "AWS_OWNED_KEY"}
        )
        made = machines.create("m", content)
        assert made.content == content
        assert made.arn == "arn:aws:states:us-west-2:123456789012:stateMachine:m"
        assert (made.revision, made.version, made.is_express) == ("INITIAL", 0, True)
        assert machines.get("m") == made

    def test_the_same_again_is_the_same_whatever_its_role(self, machines: StateMachines) -> None:
        made = machines.create("m", ONE)
        assert machines.create("m", MachineContent(ONE.definition, "another")) == made

    @pytest.mark.parametrize(
        "other",
        [
            OTHER,
            MachineContent(ONE.definition, ONE.role, MachineType.EXPRESS),
            MachineContent(ONE.definition, ONE.role, logging={"level": "OFF"}),
            MachineContent(ONE.definition, ONE.role, tracing={"enabled": True}),
        ],
    )
    def test_another_of_its_name_is_refused(self, machines: StateMachines, other: MachineContent) -> None:
        machines.create("m", ONE)
        with pytest.raises(ConflictError, match=r"State Machine Already Exists: 'arn:.*:m'"):
            machines.create("m", other)
        assert machines.get("m").content == ONE

    def test_names_differ_by_their_case(self, machines: StateMachines) -> None:
        machines.create("m", ONE)
        assert machines.create("M", OTHER).content == OTHER

    def test_an_update_changes_only_what_it_says(self, machines: StateMachines, clock: FakeClock) -> None:
        made = machines.create("m", ONE)
        clock.advance(timedelta(seconds=5))
        changed = machines.update("m", {"role": "new"})
        assert changed.content == MachineContent(ONE.definition, "new")
        assert changed.revision != made.revision
        assert (changed.created_at, changed.modified_at) == (made.created_at, clock.now())

    def test_what_is_not_there_is_told_with_what_is_near(self, machines: StateMachines) -> None:
        machines.create("churn", ONE)
        with pytest.raises(NotFoundError, match=r"State Machine Does Not Exist: 'arn:.*:chrun'") as caught:
            machines.get("chrun")
        assert caught.value.mend == "Did you mean 'churn'?"
        with pytest.raises(NotFoundError):
            machines.update("chrun", {"role": "x"})

    def test_put_makes_changes_and_leaves(self, machines: StateMachines) -> None:
        assert machines.put("m", ONE).is_new
        assert not machines.put("m", ONE).is_new
        changed = machines.put("m", OTHER)
        assert (changed.is_new, changed.machine.content) == (True, OTHER)

    def test_a_deleted_machine_takes_all_with_it(
        self, machines: StateMachines, aliases: StateMachineAliases
    ) -> None:
        machines.create("m", ONE)
        machines.publish("m")
        aliases.create("m", "live", [Route(1, 100)])
        assert machines.delete("m")
        assert not machines.delete("m")
        assert machines.page().machines == ()
        assert machines.versions("m").machines == ()
        assert aliases.page("m").aliases == ()

    def test_the_list_goes_on_where_a_page_ended(self, machines: StateMachines) -> None:
        for name in "cab":
            machines.create(name, ONE)
        first = machines.page(limit=2)
        assert [each.name for each in first.machines] == ["a", "b"]
        rest = machines.page(limit=2, after=first.next_token)
        assert ([each.name for each in rest.machines], rest.next_token) == (["c"], None)


class TestVersions:
    def test_a_version_stays_as_the_machine_was(self, machines: StateMachines) -> None:
        machines.create("m", ONE)
        version = machines.publish("m", description="first")
        machines.update("m", {"definition": OTHER.definition})
        kept = machines.get("m", 1)
        assert kept == version
        assert (kept.content, kept.description) == (ONE, "first")
        assert kept.arn == "arn:aws:states:us-west-2:123456789012:stateMachine:m:1"

    def test_one_revision_is_published_once(self, machines: StateMachines) -> None:
        machines.create("m", ONE)
        assert machines.publish("m").version == machines.publish("m", description="again").version == 1
        machines.update("m", {"definition": OTHER.definition})
        assert machines.publish("m").version == 2
        assert [each.version for each in machines.versions("m").machines] == [2, 1]

    def test_a_revision_that_is_over_is_not_published(self, machines: StateMachines) -> None:
        machines.create("m", ONE)
        revision = machines.update("m", {"role": "x"}).revision
        assert machines.publish("m", revision=revision).version == 1
        with pytest.raises(
            ConflictError, match=f"for revision INITIAL. The current .* revision is {revision}"
        ):
            machines.publish("m", revision="INITIAL")

    def test_no_number_is_given_twice(self, machines: StateMachines) -> None:
        machines.create("m", ONE)
        machines.publish("m")
        machines.delete_version("m", 1)
        machines.delete_version("m", 1)
        assert machines.publish("m").version == 2
        with pytest.raises(NotFoundError, match=":m:1'"):
            machines.get("m", 1)

    def test_a_version_that_an_alias_leads_to_stays(
        self, machines: StateMachines, aliases: StateMachineAliases
    ) -> None:
        machines.create("m", ONE)
        machines.publish("m")
        aliases.create("m", "live", [Route(1, 100)])
        with pytest.raises(ConflictError, match=r"referencing this version: \[live\]"):
            machines.delete_version("m", 1)
        assert machines.get("m", 1).version == 1


class TestAliases:
    @pytest.fixture(autouse=True)
    def _two_versions(self, machines: StateMachines) -> None:
        machines.create("m", ONE)
        machines.publish("m")
        machines.update("m", {"definition": OTHER.definition})
        machines.publish("m")

    def test_an_alias_leads_where_it_was_told(self, aliases: StateMachineAliases) -> None:
        made = aliases.create("m", "live", [Route(2, 90), Route(1, 10)], "most")
        assert made.routes == (Route(2, 90), Route(1, 10))
        assert (made.arn.rpartition(":")[2], made.description) == ("live", "most")
        assert aliases.get("m", "live") == made
        assert aliases.create("m", "live", [Route(2, 90), Route(1, 10)], "most") == made

    def test_one_name_leads_one_way(self, aliases: StateMachineAliases) -> None:
        aliases.create("m", "live", [Route(1, 100)])
        with pytest.raises(ConflictError, match="same name and a different routing"):
            aliases.create("m", "live", [Route(2, 100)])
        assert aliases.update("m", "live", routes=[Route(2, 100)]).routes == (Route(2, 100),)
        assert aliases.update("m", "live", description="new").routes == (Route(2, 100),)

    def test_what_is_not_there_is_refused(self, aliases: StateMachineAliases) -> None:
        with pytest.raises(NotFoundError, match=":m:3'"):
            aliases.create("m", "live", [Route(3, 100)])
        for wrong in (aliases.get, aliases.delete):
            with pytest.raises(NotFoundError, match="does not exist"):
                wrong("m", "live")
        with pytest.raises(InvalidInputError, match="Invalid Name: '12'"):
            aliases.create("m", "12", [Route(1, 100)])

    def test_aliases_of_a_version_are_found(self, aliases: StateMachineAliases) -> None:
        aliases.create("m", "a", [Route(1, 100)])
        aliases.create("m", "b", [Route(1, 50), Route(2, 50)])
        aliases.create("m", "c", [Route(2, 100)])
        assert [each.name for each in aliases.page("m", version=1).aliases] == ["a", "b"]
        assert [each.name for each in aliases.page("m").aliases] == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["a", "Ein Name".replace(" ", "-"), "日本", "a" * 80, "a.b_c-d!()'=+@"])
def test_names_may_have_any_letter(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name", ["", "a b", "a" * 81, "a\u0000", "a\u0085", "a\ufffe", *'<>{}[]?*"#%\\^|~`$&,;:/']
)
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(InvalidInputError, match="Invalid Name"):
        check_name(name)


@pytest.mark.parametrize(
    ("routes", "text"),
    [
        ([], "one or two"),
        ([Route(1, 100), Route(2, 0), Route(3, 0)], "one or two"),
        ([Route(1, 50), Route(1, 50)], "duplicate"),
        ([Route(1, 99)], r"must equal 100. Received: \[99\]"),
    ],
)
def test_shares_that_cannot_be(routes: list[Route], text: str) -> None:
    with pytest.raises(InvalidInputError, match=text):
        check_routes(routes)


@given(st.integers(0, 100), st.floats(0, 1, exclude_max=True))
def test_each_draw_leads_to_the_version_of_its_share(weight: int, draw: float) -> None:
    moment = datetime(2026, 1, 1)  # noqa: DTZ001
    alias = MachineAlias("m", "a", "", "", (Route(1, weight), Route(2, 100 - weight)), moment, moment)
    assert alias.version_for(draw) == (1 if draw * 100 < weight else 2)
