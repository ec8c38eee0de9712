"""Search, as boto3 sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stepmill.core.statuses import JobStatus
from stepmill.jobs.records import TRAINING_JOB, JobState, Metric, MetricPoint, body_of
from stepmill.platform import StartOptions
from stepmill.storage.series import SeriesPoint
from support.registry import own_name, pages, refused
from support.wire import Wire

AT = datetime(2026, 1, 1, tzinfo=UTC)
FAIL = """{"Version": "2020-12-01", "Parameters": [{"Name": "Why", "Type": "String", "DefaultValue": "x"}],
  "Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.Why"}}}]}"""


@pytest.fixture
def sagemaker(wire: Wire) -> Any:
    return wire.client("sagemaker")


def search(sagemaker: Any, resource: str, *filters: tuple[str, ...], **more: Any) -> list[dict[str, Any]]:
    """Return what is found; a filter is (name, operator, value), (name, operator) or (name, value)."""
    expression: dict[str, Any] = {"Filters": [_filter(*one) for one in filters]} if filters else {}
    expression |= more.pop("expression", {})
    given = {"SearchExpression": expression} if expression else {}
    found = pages(sagemaker.search, "Results", Resource=resource, **given, **more)
    return [dict(next(iter(one.values()))) for page in found for one in page]


def _filter(name: str, operator: str, *value: str) -> dict[str, str]:
    if operator in ("Exists", "NotExists"):
        return {"Name": name, "Operator": operator}
    return (
        {"Name": name, "Operator": operator, "Value": value[0]}
        if value
        else {"Name": name, "Value": operator}
    )


def a_job(wire: Wire, name: str, *, accuracy: float, depth: str, channel: str = "train") -> str:
    """Put a training job on record, as one that has ended; return its ARN."""
    arn = wire.platform.settings.arns.sagemaker(TRAINING_JOB, name)
    data = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{channel}-data/x"}}
    request = {
        "TrainingJobName": name,
        "HyperParameters": {"depth": depth},
        "AlgorithmSpecification": {"TrainingImage": "x", "TrainingInputMode": "File"},
        "InputDataConfig": [{"ChannelName": channel, "DataSource": data}],
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    state = JobState(
        name, arn, status=JobStatus.COMPLETED, secondary="Completed",
        metrics=(Metric("acc", MetricPoint(AT, accuracy)),),
    )  # fmt: skip
    wire.platform.records.create(TRAINING_JOB, name, body_of(request, state), status=state.status)
    return arn


class TestTrainingJobs:
    def test_by_what_they_were_told_and_what_they_measured(self, wire: Wire, sagemaker: Any) -> None:
        base = own_name("fit")
        for letter, accuracy, depth in (("a", 0.8, "3"), ("b", 0.9, "5"), ("c", 0.95, "tree")):
            arn = a_job(wire, f"{base}-{letter}", accuracy=accuracy, depth=depth)
            wire.platform.tags.add(arn, {"base": base, "letter": letter})

        def found(*filters: tuple[str, ...], **more: Any) -> list[str]:
            jobs = search(sagemaker, "TrainingJob", ("Tags.base", base), *filters, **more)
            return [job["TrainingJobName"].rpartition("-")[2] for job in jobs]

        assert sorted(found()) == ["a", "b", "c"]
        assert found(("Metrics.acc", "GreaterThan", "0.85"), SortBy="Metrics.acc") == ["c", "b"]
        assert found(("HyperParameters.depth", "GreaterThanOrEqualTo", "4")) == ["b"]
        assert found(("HyperParameters.depth", "tree")) == ["c"]
        assert found(("TrainingJobName", "Contains", "-a")) == ["a"]
        assert found(("TrainingJobStatus", "In", "Failed,Stopped")) == []
        assert found(("TrainingJobName", f"{base}-b")) == ["b"]
        assert found(("Tags.letter", "NotEquals", "b"), SortBy="TrainingJobName", SortOrder="Ascending") == [
            "a",
            "c",
        ]
        assert found(("FailureReason", "Exists")) == []
        pairs = found(SortBy="Metrics.acc", SortOrder="Ascending", MaxResults=2)
        assert pairs == ["a", "b", "c"]
        (job,) = search(sagemaker, "TrainingJob", ("TrainingJobName", f"{base}-c"))
        assert job["FinalMetricDataList"][0]["Value"] == 0.95
        assert {"Key": "letter", "Value": "c"} in job["Tags"]

    def test_nested_filters_and_expressions_within_expressions(self, wire: Wire, sagemaker: Any) -> None:
        base = own_name("nested")
        for channel in ("train", "test"):
            a_job(wire, f"{base}-{channel}", accuracy=0.5, depth="1", channel=channel)

        def nested(channel: str, uri: str) -> list[dict[str, Any]]:
            filters = [
                _filter("InputDataConfig.ChannelName", channel),
                _filter("InputDataConfig.DataSource.S3DataSource.S3Uri", "Contains", uri),
            ]
            group = {"NestedPropertyName": "InputDataConfig", "Filters": filters}
            mine = ("TrainingJobName", "Contains", base)
            return search(sagemaker, "TrainingJob", mine, expression={"NestedFilters": [group]})

        assert [job["TrainingJobName"] for job in nested("test", "s3://test-data")] == [f"{base}-test"]
        assert nested("test", "s3://train-data") == []
        either = {
            "Operator": "Or",
            "SubExpressions": [
                {"Filters": [_filter("TrainingJobName", f"{base}-train")]},
                {"Filters": [_filter("TrainingJobName", f"{base}-test")]},
            ],
        }
        assert len(search(sagemaker, "TrainingJob", expression=either)) == 2


class TestExperiments:
    def test_a_component_is_found_by_its_trial(self, wire: Wire, sagemaker: Any) -> None:
        experiment, trial, component = own_name("e"), own_name("t"), own_name("c")
        sagemaker.create_experiment(ExperimentName=experiment)
        sagemaker.create_trial(TrialName=trial, ExperimentName=experiment)
        sagemaker.create_trial_component(
            TrialComponentName=component,
            Parameters={"lr": {"NumberValue": 0.1}},
            Tags=[{"Key": "sagemaker:trial-component-source", "Value": "run"}],
        )
        by_both = (("TrialComponentName", component), ("Parents.TrialName", trial))
        assert search(sagemaker, "ExperimentTrialComponent", *by_both) == []
        sagemaker.associate_trial_component(TrialName=trial, TrialComponentName=component)
        wire.platform.experiments.components.metrics.put(component, {"loss": [SeriesPoint(AT, 0.5)]})
        (found,) = search(sagemaker, "ExperimentTrialComponent", *by_both)
        assert found["Parents"] == [{"TrialName": trial, "ExperimentName": experiment}]
        assert found["Tags"] == [{"Key": "sagemaker:trial-component-source", "Value": "run"}]
        assert found["Metrics"][0]["Last"] == 0.5
        for name, value in (
            ("Parents.ExperimentName", experiment), ("Parameters.lr", "0.1"), ("metrics.loss.max", "0.5"),
        ):  # fmt: skip
            (same,) = search(
                sagemaker, "ExperimentTrialComponent", ("TrialComponentName", component), (name, value)
            )
            assert same["TrialComponentName"] == component
        (of_trial,) = search(sagemaker, "ExperimentTrial", ("TrialName", trial))
        assert [one["TrialComponentName"] for one in of_trial["TrialComponentSummaries"]] == [component]
        (of_experiment,) = search(sagemaker, "Experiment", ("ExperimentName", "Contains", experiment))
        assert of_experiment["ExperimentName"] == experiment


class TestRegistry:
    def test_groups_and_packages(self, sagemaker: Any) -> None:
        group = own_name("Group")
        mine = ("ModelPackageGroupName", group)
        assert search(sagemaker, "ModelPackageGroup", mine) == []
        sagemaker.create_model_package_group(ModelPackageGroupName=group)
        (found,) = search(sagemaker, "ModelPackageGroup", mine)
        assert found["ModelPackageGroupName"] == group
        assert search(sagemaker, "ModelPackageGroup", ("ModelPackageGroupName", group.upper())) == []
        for status in ("Approved", "Rejected", "Approved"):
            sagemaker.create_model_package(ModelPackageGroupName=group, ModelApprovalStatus=status)
        approved = search(
            sagemaker, "ModelPackage", mine, ("ModelApprovalStatus", "Approved"), SortBy="ModelPackageVersion"
        )
        assert [one["ModelPackageVersion"] for one in approved] == [3, 1]
        newer = search(sagemaker, "ModelPackage", mine, ("ModelPackageVersion", "GreaterThan", "1"))
        assert len(newer) == 2
        assert search(sagemaker, "ModelPackageGroup", mine, CrossAccountFilterOption="CrossAccount") == []


class TestPipelines:
    def test_pipelines_and_their_executions(self, wire: Wire, sagemaker: Any) -> None:
        name = own_name("Pipe")
        version = wire.platform.pipelines.put(name, FAIL)
        execution = wire.platform.start(version, StartOptions(parameters={"Why": "because"}))
        (pipeline,) = search(sagemaker, "Pipeline", ("PipelineName", name))
        assert pipeline["PipelineArn"] == version.arn
        assert "LastRunTime" in pipeline
        (found,) = search(sagemaker, "PipelineExecution", ("PipelineArn", version.arn))
        assert found["PipelineExecutionArn"].endswith(execution)
        assert found["PipelineParameters"] == [{"Name": "Why", "Value": "because"}]
        assert found["PipelineExperimentConfig"]["ExperimentName"] == name
        later = ("CreationTime", "GreaterThan", "2026-01-01T00:00:00")
        recent = search(sagemaker, "PipelineExecution", later)
        assert found["PipelineExecutionArn"] in [one["PipelineExecutionArn"] for one in recent]


class TestPages:
    def test_pages_put_together_are_all_results(self, sagemaker: Any) -> None:
        base = own_name("paged")
        for number in range(5):
            sagemaker.create_model_package_group(ModelPackageGroupName=f"{base}-{number}")
        mine = {"Filters": [_filter("ModelPackageGroupName", "Contains", f"{base}-")]}
        call = {"Resource": "ModelPackageGroup", "SearchExpression": mine}
        for order in ("Ascending", "Descending"):
            found = list(pages(sagemaker.search, "Results", **call, MaxResults=2, SortOrder=order))
            assert [len(page) for page in found] == [2, 2, 1]
            names = [one["ModelPackageGroup"]["ModelPackageGroupName"][-1] for page in found for one in page]
            assert names == sorted("01234", reverse=order == "Descending")
        assert sagemaker.search(**call, MaxResults=2)["TotalHits"] == {"Value": 5, "Relation": "EqualTo"}

    def test_what_has_no_such_value_comes_last_when_descending(self, sagemaker: Any) -> None:
        base = own_name("sorted")
        for letter, description in (("a", "1"), ("b", None), ("c", "2")):
            given = {"ModelPackageGroupDescription": description} if description else {}
            sagemaker.create_model_package_group(ModelPackageGroupName=f"{base}-{letter}", **given)
        found = search(
            sagemaker, "ModelPackageGroup", ("ModelPackageGroupName", "Contains", f"{base}-"),
            SortBy="ModelPackageGroupDescription", MaxResults=1,
        )  # fmt: skip
        assert [one["ModelPackageGroupName"][-1] for one in found] == ["c", "a", "b"]

    def test_a_token_of_another_search_is_refused(self, sagemaker: Any) -> None:
        base = own_name("other")
        for letter in "ab":
            sagemaker.create_model_package_group(ModelPackageGroupName=f"{base}-{letter}")
        mine = {"Filters": [_filter("ModelPackageGroupName", "Contains", base)]}
        first = sagemaker.search(Resource="ModelPackageGroup", SearchExpression=mine, MaxResults=1)
        error = refused(sagemaker.search, Resource="ModelPackageGroup", NextToken=first["NextToken"])
        assert (error.code, "NextToken" in error.message) == ("ValidationException", True)


class TestRefused:
    @pytest.mark.parametrize("resource", ["Endpoint", "Project", "ModelCard"])
    def test_what_is_not_searched_for(self, sagemaker: Any, resource: str) -> None:
        error = refused(sagemaker.search, Resource=resource)
        assert error.code == "UnsupportedOperation"
        assert resource in error.message

    def test_projects_and_hubs_are_not_offered(self, sagemaker: Any) -> None:
        for operation in ("list_projects", "list_hubs"):
            error = refused(getattr(sagemaker, operation))
            assert error.code == "UnsupportedOperation"
            assert operation.replace("_", "") in error.message.lower()

    @pytest.mark.parametrize(
        ("name", "operator", "value"),
        [
            ("Nothing", "Equals", "x"),
            ("TrainingJobName", "GreaterThan", "x"),
            ("CreationTime", "LessThan", "x"),
        ],
    )
    def test_filters_that_cannot_be_used(self, sagemaker: Any, name: str, operator: str, value: str) -> None:
        expression = {"Filters": [{"Name": name, "Operator": operator, "Value": value}]}
        error = refused(sagemaker.search, Resource="TrainingJob", SearchExpression=expression)
        assert (error.code, name in error.message) == ("ValidationException", True)


def test_suggestions_are_names_that_users_gave(wire: Wire, sagemaker: Any) -> None:
    name = own_name("suggested")
    arn = a_job(wire, name, accuracy=0.5, depth="1")
    wire.platform.tags.add(arn, {f"{name}-tag": "x"})

    def suggested(**query: Any) -> list[str]:
        answer = sagemaker.get_search_suggestions(Resource="TrainingJob", **query)
        return [one["PropertyName"] for one in answer["PropertyNameSuggestions"]]

    hint = {"PropertyNameQuery": {"PropertyNameHint": "hyperparameters.d"}}
    assert suggested(SuggestionQuery=hint) == ["HyperParameters.depth"]
    own = {"PropertyNameQuery": {"PropertyNameHint": name}}
    assert suggested(SuggestionQuery=own) == [f"Tags.{name}-tag"]
    assert "Metrics.acc" in suggested()
    assert refused(sagemaker.get_search_suggestions, Resource="Endpoint").code == "UnsupportedOperation"
