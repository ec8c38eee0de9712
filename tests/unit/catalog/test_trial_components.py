from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.catalog.experiments import Experiments
from stepmill.catalog.trial_components import ENTRIES, TrialComponents
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import Json, JsonObject
from stepmill.core.service_models import service_model
from support.keeping import Keeping, keeping

ARN = "arn:aws:sagemaker:us-west-2:123456789012:experiment-trial-component/fit"
JOB = "arn:aws:sagemaker:us-west-2:123456789012:training-job/job-1"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        yield opened


@pytest.fixture
def experiments(kept: Keeping) -> Experiments:
    opened = kept.experiments
    opened.open("churn", "first")
    opened.open("churn", "second")
    return opened


@pytest.fixture
def components(experiments: Experiments) -> TrialComponents:
    return experiments.components


def request(**more: Json) -> dict[str, Json]:
    return {"TrialComponentName": "Fit", **more}


def test_one_is_made_and_described_as_it_was_asked_for(components: TrialComponents, kept: Keeping) -> None:
    given = request(
        DisplayName="The fit", Status={"PrimaryStatus": "InProgress"}, StartTime="2026-01-01T00:00:00Z",
        Parameters={"lr": {"NumberValue": 0.1}}, InputArtifacts={"train": {"Value": "s3://b/t"}},
        OutputArtifacts={"model": {"Value": "s3://b/m"}}, MetadataProperties={"CommitId": "c"},
    )  # fmt: skip
    made = components.create({**given, "Tags": [{"Key": "a", "Value": "1"}]})
    assert components.describe("fit") == components.describe(ARN) == made
    assert {name: made[name] for name in given} == given
    assert made["TrialComponentArn"] == ARN
    shape = service_model("sagemaker").answer("DescribeTrialComponent")
    assert set(made) <= set(shape.members)
    assert kept.tags.of(ARN) == {"a": "1"}
    with pytest.raises(ConflictError, match="'Fit' already exists"):
        components.create(given)


def test_what_it_was_recorded_of_is_told(components: TrialComponents) -> None:
    source: dict[str, Json] = {"SourceArn": JOB, "SourceType": "SageMakerTrainingJob"}
    made = components.create(request(), source=source)
    assert made["Source"] == source
    assert made["Sources"] == [source]


def test_an_update_adds_entries_by_key_and_removes_those_that_are_named(components: TrialComponents) -> None:
    components.create(
        request(
            Parameters={"a": {"NumberValue": 1}, "b": {"NumberValue": 2}},
            InputArtifacts={"x": {"Value": "1"}},
        )
    )
    changed = components.update(
        request(
            Parameters={"b": {"StringValue": "two"}, "c": {"NumberValue": 3}}, ParametersToRemove=["a", "z"],
            InputArtifactsToRemove=["x"], OutputArtifacts={"m": {"Value": "s3://b/m"}}, DisplayName="D",
            Status={"PrimaryStatus": "Completed"}, EndTime="2026-01-01T01:00:00Z",
        )
    )  # fmt: skip
    assert changed == components.describe("fit")
    assert changed["Parameters"] == {"b": {"StringValue": "two"}, "c": {"NumberValue": 3}}
    assert changed["InputArtifacts"] == {}
    assert changed["OutputArtifacts"] == {"m": {"Value": "s3://b/m"}}
    assert changed["DisplayName"] == "D"
    assert changed["Status"] == {"PrimaryStatus": "Completed"}
    assert changed["EndTime"] == "2026-01-01T01:00:00Z"
    assert "ParametersToRemove" not in changed


@pytest.mark.parametrize("member", ENTRIES)
def test_there_may_be_any_number_of_entries_unless_its_door_minds(
    components: TrialComponents, member: str
) -> None:
    full: dict[str, Json] = {f"k{n}": {"Value": "v" * 6000} for n in range(1000)}
    components.create(request(**{member: full}))
    seen: list[Any] = []

    def refuse(document: JsonObject) -> None:
        seen.append(document[member])
        raise InvalidInputError("too many")

    with pytest.raises(InvalidInputError, match="too many"):
        components.update(request(**{member: {"more": {"Value": "v"}}}), check=refuse)
    assert len(seen[0]) == 1001
    assert components.describe("fit")[member] == full


def test_what_another_door_keeps_is_no_part_of_the_document(components: TrialComponents) -> None:
    components.create(request(), extra={"labels": {"a/b": "ü" * 8000}, "stage": "deleted"})
    components.update(request(DisplayName="D"))
    assert components.extra("fit") == {"labels": {"a/b": "ü" * 8000}, "stage": "deleted"}
    shape = service_model("sagemaker").answer("DescribeTrialComponent")
    assert set(components.describe("fit")) <= set(shape.members)


def test_one_may_be_in_several_trials_and_is_in_each_once(components: TrialComponents) -> None:
    components.create(request())
    trial = "arn:aws:sagemaker:us-west-2:123456789012:experiment-trial/first"
    assert components.associate("fit", "First") == (ARN, trial)
    assert components.associate("Fit", "first") == (ARN, trial)
    components.associate("Fit", "second")
    assert [record.name for record in components.trials_of("fit")] == ["first", "second"]
    assert components.members("first") == components.members("second") == ["fit"]
    assert components.disassociate("fit", "FIRST") == (ARN, trial)
    assert components.members("first") == []
    assert components.memberships(["fit", "other"]) == [("fit", "second")]


def test_only_what_is_there_can_be_associated(components: TrialComponents) -> None:
    components.create(request())
    for component, trial in (("none", "first"), ("fit", "none")):
        with pytest.raises(NotFoundError):
            components.associate(component, trial)
        with pytest.raises(NotFoundError):
            components.disassociate(component, trial)
    with pytest.raises(NotFoundError, match="is not associated with the trial 'first'"):
        components.disassociate("fit", "first")


def test_one_in_a_trial_cannot_be_deleted(components: TrialComponents, kept: Keeping) -> None:
    components.create(request(Tags=[{"Key": "a", "Value": "1"}]))
    components.associate("fit", "first")
    with pytest.raises(WrongStateError, match="associated with the trial 'first'"):
        components.delete("fit")
    components.disassociate("fit", "first")
    kept.clock.advance(timedelta(seconds=1))
    assert components.delete("FIT")["TrialComponentArn"] == ARN
    assert kept.tags.of(ARN) == {}
    with pytest.raises(NotFoundError, match="no trial component 'fit'"):
        components.describe("fit")


@pytest.mark.parametrize("method", ["update", "delete"])
def test_what_is_not_there_is_not_found(components: TrialComponents, method: str) -> None:
    with pytest.raises(NotFoundError):
        getattr(components, method)(request() if method == "update" else "Fit")
