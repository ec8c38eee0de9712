"""Definitions under a name, in versions."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stepmill.catalog.pipelines import Pipelines
from stepmill.core.arns import Arns
from stepmill.core.clock import SystemClock
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.storage.database import Database
from stepmill.storage.sql_records import SqlRecordStore


@pytest.fixture
def pipelines(tmp_path: Path) -> Iterator[Pipelines]:
    database = Database.open_sqlite(tmp_path / "stepmill.db")
    yield Pipelines(SqlRecordStore(database, SystemClock()), Arns("us-west-2", "123456789012"))
    database.close()


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
