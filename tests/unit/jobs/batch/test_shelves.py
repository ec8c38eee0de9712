"""Job definitions, queues and compute environments, as they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
    WrongStateError,
)
from stepmill.jobs.batch.definitions import Definitions, check_definition
from stepmill.jobs.batch.queues import ENVIRONMENT, QUEUE, BatchQueues
from support.keeping import ARNS, Keeping, keeping

NEEDS = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        yield opened


@pytest.fixture
def definitions(kept: Keeping) -> Definitions:
    return Definitions(kept.records, ARNS)


@pytest.fixture
def queues(kept: Keeping) -> BatchQueues:
    made = BatchQueues(kept.records, ARNS)
    for name in ("one", "two"):
        made.create(ENVIRONMENT, name, {"state": "ENABLED"})
    return made


def document(name: str = "d", **more: Any) -> dict[str, Any]:
    container = {"image": "i", "command": ["c"], "resourceRequirements": NEEDS}
    return {"jobDefinitionName": name, "type": "container", "containerProperties": container, **more}


def order(*names: str) -> dict[str, Any]:
    return {
        "priority": 1,
        "computeEnvironmentOrder": [
            {"order": number, "computeEnvironment": name} for number, name in enumerate(names)
        ],
    }


# ---- definitions ---------------------------------------------------------------------------------


def test_revisions_count_by_name_and_are_found_by_all_their_names(definitions: Definitions) -> None:
    made = [definitions.register(document(name)) for name in ("d", "d", "other")]
    assert [one.id for one in made] == ["d:1", "d:2", "other:1"]
    for reference in ("d", "d:2", definitions.arn(made[1]), ARNS.batch("job-definition", "d")):
        assert definitions.get(reference).revision == 2
    for reference in ("", "none", "d:3", "d:x", ARNS.batch("job-queue", "d")):
        with pytest.raises(NotFoundError, match="does not exist"):
            definitions.get(reference)
    assert [one.id for one in definitions.all()] == ["d:2", "d:1", "other:1"]


def test_what_is_deregistered_is_told_and_not_taken_by_name(definitions: Definitions) -> None:
    for _ in range(2):
        definitions.register(document())
    definitions.deregister("d:2")
    definitions.deregister("none:1")
    definitions.deregister("none")
    assert definitions.get("d").revision == 1
    assert not definitions.get("d:2").is_active
    assert [one.id for one in definitions.all("d", "ACTIVE")] == ["d:1"]
    assert definitions.register(document()).revision == 3


def test_tags_are_kept_elsewhere(definitions: Definitions) -> None:
    assert "tags" not in definitions.register(document(tags={"a": "b"})).document


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"type": "multinode"}, UnsupportedError, "several nodes"),
        ({"nodeProperties": {"numNodes": 2}}, UnsupportedError, "nodeProperties"),
        ({"eksProperties": {"podProperties": {}}}, UnsupportedError, "eksProperties"),
        ({"containerProperties": None}, InvalidInputError, "containerProperties is required"),
        ({"containerProperties": {"image": ""}}, InvalidInputError, "image"),
        ({"retryStrategy": {"attempts": 11}}, InvalidInputError, "attempts"),
        ({"timeout": {"attemptDurationSeconds": 1}}, InvalidInputError, "at least 60"),
    ],
)
def test_which_definitions_are_refused(change: dict[str, Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        check_definition(document(**change))


# ---- queues and environments ---------------------------------------------------------------------


def test_a_queue_names_its_environments_by_their_arns(queues: BatchQueues) -> None:
    made = queues.create(QUEUE, "q", order("two", queues.arn(ENVIRONMENT, "one")))
    assert made.environments == ("two", "one")
    named = [item["computeEnvironment"] for item in made.document["computeEnvironmentOrder"]]  # type: ignore[union-attr, index, call-overload]
    assert named == [queues.arn(ENVIRONMENT, "two"), queues.arn(ENVIRONMENT, "one")]
    assert (made.priority, made.is_enabled) == (1, True)
    with pytest.raises(ConflictError, match="Object already exists"):
        queues.create(QUEUE, "q", order("one"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"priority": -1}, "between 0 and 1000"),
        ({"priority": 1001}, "between 0 and 1000"),
        ({"priority": None}, "between 0 and 1000"),
        ({"computeEnvironmentOrder": []}, "1 to 3"),
        (order("one", "two", "one", "two"), "1 to 3"),
        (order("none"), "ComputeEnvironment none does not exist"),
        ({"computeEnvironmentOrder": ["one"]}, "does not exist"),
    ],
)
def test_which_queues_are_refused(queues: BatchQueues, change: dict[str, Any], words: str) -> None:
    with pytest.raises((InvalidInputError, NotFoundError), match=words):
        queues.create(QUEUE, "q", {**order("one"), **change})
    assert queues.find(QUEUE, "q") is None


def test_a_queue_changes_in_what_is_said(queues: BatchQueues) -> None:
    queues.create(QUEUE, "q", order("one"))
    assert queues.update(QUEUE, queues.arn(QUEUE, "q"), {"priority": 7}).priority == 7
    assert queues.update(QUEUE, "q", order("two")).environments == ("two",)
    with pytest.raises(InvalidInputError):
        queues.update(QUEUE, "q", {"priority": 5000})
    with pytest.raises(NotFoundError, match="JobQueue none does not exist"):
        queues.update(QUEUE, "none", {})


def test_what_is_enabled_or_used_is_not_removed(queues: BatchQueues) -> None:
    queues.create(QUEUE, "q", order("one"))
    for kind, name in ((QUEUE, "q"), (ENVIRONMENT, "one")):
        with pytest.raises(WrongStateError, match="must be DISABLED"):
            queues.delete(kind, name)
        queues.update(kind, name, {"state": "DISABLED"})
    with pytest.raises(WrongStateError, match="existing JobQueue relationship"):
        queues.delete(ENVIRONMENT, "one")
    gone = queues.delete(QUEUE, "q")
    assert gone is not None
    assert gone.name == "q"
    assert queues.delete(QUEUE, "q") is None
    assert queues.delete(ENVIRONMENT, "one") is not None
    assert [shelf.name for shelf in queues.all(ENVIRONMENT)] == ["two"]
