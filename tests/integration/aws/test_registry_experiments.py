"""Experiments, trials and trial components, as boto3 sees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stepmill.storage.series import SeriesPoint
from support.registry import own_name, pages, refused
from support.wire import Wire


@pytest.fixture
def sagemaker(wire: Wire) -> Any:
    return wire.client("sagemaker")


@pytest.fixture
def experiment(sagemaker: Any) -> str:
    name = own_name("Experiment")
    sagemaker.create_experiment(ExperimentName=name)
    return name


@pytest.fixture
def trial(sagemaker: Any, experiment: str) -> str:
    name = own_name("Trial")
    sagemaker.create_trial(TrialName=name, ExperimentName=experiment)
    return name


@pytest.fixture
def component(sagemaker: Any) -> str:
    name = own_name("Component")
    sagemaker.create_trial_component(TrialComponentName=name)
    return name


def names(call: Any, member: str, name: str, **parameters: Any) -> list[str]:
    return [one[name] for page in pages(call, member, **parameters) for one in page]


class TestExperiments:
    def test_one_is_made_described_changed_and_deleted(self, wire: Wire, sagemaker: Any) -> None:
        name = own_name("Churn")
        tag = {"Key": "team", "Value": "churn"}
        arn = sagemaker.create_experiment(ExperimentName=name, Description="who", Tags=[tag])["ExperimentArn"]
        assert arn == wire.platform.settings.arns.sagemaker("experiment", name)
        assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [tag]
        assert sagemaker.update_experiment(ExperimentName=name, DisplayName="D")["ExperimentArn"] == arn
        described = sagemaker.describe_experiment(ExperimentName=name)
        assert (described["DisplayName"], described["Description"]) == ("D", "who")
        assert described["LastModifiedTime"] > described["CreationTime"]
        assert sagemaker.delete_experiment(ExperimentName=name)["ExperimentArn"] == arn
        for call in (
            sagemaker.describe_experiment, sagemaker.delete_experiment, sagemaker.update_experiment,
        ):  # fmt: skip
            assert refused(call, ExperimentName=name).code == "ResourceNotFound"

    def test_a_taken_name_is_refused_in_the_words_that_the_sdks_look_for(
        self, sagemaker: Any, experiment: str, trial: str, component: str
    ) -> None:
        for error in (
            refused(sagemaker.create_experiment, ExperimentName=experiment.upper()),
            refused(sagemaker.create_trial, TrialName=trial, ExperimentName=experiment),
            refused(sagemaker.create_trial_component, TrialComponentName=component),
        ):
            assert (error.code, "already exists" in error.message) == ("ValidationException", True)

    def test_they_are_listed(self, sagemaker: Any) -> None:
        start = datetime.now(UTC)
        made = [own_name(letter) for letter in "bca"]
        for name in made:
            sagemaker.create_experiment(ExperimentName=name)

        def listed(**parameters: Any) -> list[str]:
            found = names(
                sagemaker.list_experiments, "ExperimentSummaries", "ExperimentName", MaxResults=2,
                CreatedAfter=start, **parameters,
            )  # fmt: skip
            return [name for name in found if name in made]

        assert listed() == made[::-1]
        assert listed(SortOrder="Ascending") == made
        assert listed(SortBy="Name", SortOrder="Ascending") == sorted(made)
        assert listed(CreatedBefore=start) == []


class TestTrials:
    def test_one_is_made_described_changed_and_deleted(self, sagemaker: Any, experiment: str) -> None:
        name = own_name("Trial")
        properties = {"CommitId": "c0ffee"}
        arn = sagemaker.create_trial(
            TrialName=name, ExperimentName=experiment, MetadataProperties=properties
        )["TrialArn"]
        assert sagemaker.update_trial(TrialName=name, DisplayName="D")["TrialArn"] == arn
        described = sagemaker.describe_trial(TrialName=name)
        assert described["ExperimentName"] == experiment
        assert described["DisplayName"] == "D"
        assert described["MetadataProperties"] == properties
        error = refused(sagemaker.delete_experiment, ExperimentName=experiment)
        assert (error.code, "has trials" in error.message) == ("ValidationException", True)
        assert sagemaker.delete_trial(TrialName=name)["TrialArn"] == arn
        for call in (sagemaker.describe_trial, sagemaker.delete_trial, sagemaker.update_trial):
            assert refused(call, TrialName=name).code == "ResourceNotFound"
        missing = refused(sagemaker.create_trial, TrialName=name, ExperimentName="never-made")
        assert missing.code == "ResourceNotFound"

    def test_they_are_listed_by_experiment_and_component(
        self, sagemaker: Any, experiment: str, trial: str, component: str
    ) -> None:
        other = own_name("Trial")
        sagemaker.create_trial(TrialName=other, ExperimentName=experiment)
        sagemaker.associate_trial_component(TrialName=other, TrialComponentName=component)

        def listed(**parameters: Any) -> list[str]:
            return names(sagemaker.list_trials, "TrialSummaries", "TrialName", MaxResults=1, **parameters)

        assert listed(ExperimentName=experiment) == [other, trial]
        assert listed(ExperimentName=experiment, SortOrder="Ascending") == [trial, other]
        assert listed(TrialComponentName=component) == [other]
        assert refused(sagemaker.list_trials, ExperimentName="never-made").code == "ResourceNotFound"
        assert refused(sagemaker.list_trials, TrialComponentName="never-made").code == "ResourceNotFound"


class TestComponents:
    def test_one_is_made_described_and_changed(self, sagemaker: Any) -> None:
        name = own_name("Fit")
        start = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        request = {
            "TrialComponentName": name,
            "DisplayName": "The-fit",
            "Status": {"PrimaryStatus": "InProgress", "Message": "on it"},
            "StartTime": start,
            "Parameters": {"lr": {"NumberValue": 0.1}, "kind": {"StringValue": "tree"}},
            "InputArtifacts": {"train": {"MediaType": "text/csv", "Value": "s3://b/train"}},
            "MetadataProperties": {"CommitId": "c0ffee"},
        }
        arn = sagemaker.create_trial_component(**request)["TrialComponentArn"]
        described = sagemaker.describe_trial_component(TrialComponentName=name)
        assert {member: described[member] for member in request} == request
        assert described["TrialComponentArn"] == arn
        answer = sagemaker.update_trial_component(
            TrialComponentName=name,
            Status={"PrimaryStatus": "Completed"},
            EndTime=start + timedelta(hours=1),
            Parameters={"depth": {"NumberValue": 3}},
            ParametersToRemove=["kind"],
            OutputArtifacts={"model": {"Value": "s3://b/model"}},
            InputArtifactsToRemove=["train"],
        )
        assert answer["TrialComponentArn"] == arn
        described = sagemaker.describe_trial_component(TrialComponentName=name)
        assert described["Status"] == {"PrimaryStatus": "Completed"}
        assert (described["StartTime"], described["EndTime"]) == (start, start + timedelta(hours=1))
        assert described["Parameters"] == {"lr": {"NumberValue": 0.1}, "depth": {"NumberValue": 3.0}}
        assert described["InputArtifacts"] == {}
        assert described["OutputArtifacts"] == {"model": {"Value": "s3://b/model"}}

    def test_association(self, sagemaker: Any, experiment: str, trial: str, component: str) -> None:
        pair = {"TrialName": trial, "TrialComponentName": component}
        answer = sagemaker.associate_trial_component(**pair)
        assert answer["TrialArn"].endswith(f"/{trial.lower()}")
        assert answer["TrialComponentArn"].endswith(f"/{component.lower()}")
        sagemaker.associate_trial_component(**pair)
        for call, given in (
            (sagemaker.delete_trial, {"TrialName": trial}),
            (sagemaker.delete_trial_component, {"TrialComponentName": component}),
        ):
            error = refused(call, **given)
            assert (error.code, "associate" in error.message) == ("ValidationException", True)
        sagemaker.disassociate_trial_component(**pair)
        assert refused(sagemaker.disassociate_trial_component, **pair).code == "ResourceNotFound"
        for missing in ({"TrialName": "never-made"}, {"TrialComponentName": "never-made"}):
            assert (
                refused(sagemaker.associate_trial_component, **{**pair, **missing}).code == "ResourceNotFound"
            )
        sagemaker.delete_trial_component(TrialComponentName=component)
        sagemaker.delete_trial(TrialName=trial)
        sagemaker.delete_experiment(ExperimentName=experiment)
        for call in (sagemaker.describe_trial_component, sagemaker.update_trial_component):
            assert refused(call, TrialComponentName=component).code == "ResourceNotFound"

    def test_they_are_listed_by_experiment_trial_and_source(
        self, wire: Wire, sagemaker: Any, experiment: str, trial: str
    ) -> None:
        made = [own_name(letter) for letter in "bca"]
        for name in made:
            sagemaker.create_trial_component(TrialComponentName=name)
            sagemaker.associate_trial_component(TrialComponentName=name, TrialName=trial)
        job = wire.platform.settings.arns.sagemaker("training-job", own_name("job"))
        wire.platform.experiments.components.create(
            {"TrialComponentName": own_name("of-a-job")},
            source={"SourceArn": job, "SourceType": "SageMakerTrainingJob"},
        )

        def listed(**parameters: Any) -> list[str]:
            call, member = sagemaker.list_trial_components, "TrialComponentSummaries"
            return names(call, member, "TrialComponentName", MaxResults=2, **parameters)

        assert listed(TrialName=trial) == listed(ExperimentName=experiment) == made[::-1]
        assert listed(TrialName=trial, SortBy="Name", SortOrder="Ascending") == sorted(made)
        assert listed(TrialName=trial, CreatedAfter=datetime.now(UTC) + timedelta(hours=1)) == []
        (of_job,) = sagemaker.list_trial_components(SourceArn=job)["TrialComponentSummaries"]
        assert of_job["TrialComponentSource"]["SourceArn"] == job
        both = refused(sagemaker.list_trial_components, TrialName=trial, ExperimentName=experiment)
        assert (both.code, "not by both" in both.message) == ("ValidationException", True)
        assert refused(sagemaker.list_trial_components, TrialName="never-made").code == "ResourceNotFound"

    def test_what_was_measured_is_described(self, wire: Wire, sagemaker: Any, component: str) -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        points = [SeriesPoint(at + timedelta(seconds=n), float(n), n) for n in range(3)]
        wire.platform.experiments.components.metrics.put(component, {"loss": points})
        (loss,) = sagemaker.describe_trial_component(TrialComponentName=component)["Metrics"]
        assert loss["TimeStamp"] == at + timedelta(seconds=2)
        values = {name: loss[name] for name in ("Count", "Min", "Max", "Avg", "Last", "StdDev")}
        assert values == {"Count": 3, "Min": 0.0, "Max": 2.0, "Avg": 1.0, "Last": 2.0, "StdDev": 1.0}
