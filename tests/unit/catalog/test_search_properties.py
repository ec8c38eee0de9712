from __future__ import annotations

import pytest

from stepmill.catalog.search_properties import Property, PropertyKind, property_of, texts_in, view_of
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json
from stepmill.core.service_models import service_model

SHAPES = service_model("sagemaker").shape


@pytest.mark.parametrize(
    ("resource", "name", "kind"),
    [
        ("TrainingJob", "TrainingJobName", PropertyKind.TEXT),
        ("TrainingJob", "trainingjobname", PropertyKind.TEXT),
        ("TrainingJob", "TrainingJobStatus", PropertyKind.TEXT),
        ("TrainingJob", "CreationTime", PropertyKind.MOMENT),
        ("TrainingJob", "TrainingTimeInSeconds", PropertyKind.NUMBER),
        ("TrainingJob", "EnableManagedSpotTraining", PropertyKind.BOOLEAN),
        ("TrainingJob", "ResourceConfig.InstanceType", PropertyKind.TEXT),
        ("TrainingJob", "ResourceConfig.InstanceCount", PropertyKind.NUMBER),
        ("TrainingJob", "InputDataConfig.DataSource.S3DataSource.S3Uri", PropertyKind.TEXT),
        ("TrainingJob", "InputDataConfig", PropertyKind.GROUP),
        ("TrainingJob", "HyperParameters.learning_rate", PropertyKind.LOOSE),
        ("TrainingJob", "HyperParameters.a.b", PropertyKind.LOOSE),
        ("TrainingJob", "Metrics.accuracy", PropertyKind.LOOSE),
        ("TrainingJob", "Tags.team", PropertyKind.LOOSE),
        ("TrainingJob", "Tags", PropertyKind.GROUP),
        ("TrialComponent", "Parents.TrialName", PropertyKind.TEXT),
        ("TrialComponent", "Parameters.lr", PropertyKind.LOOSE),
        ("TrialComponent", "metrics.loss.max", PropertyKind.LOOSE),
        ("TrialComponent", "InputArtifacts.train.Value", PropertyKind.LOOSE),
        ("TrialComponent", "Status.PrimaryStatus", PropertyKind.TEXT),
        ("ModelPackage", "ModelPackageVersion", PropertyKind.NUMBER),
        ("ModelPackage", "CustomerMetadataProperties.owner", PropertyKind.LOOSE),
        ("PipelineExecution", "PipelineParameters.Name", PropertyKind.TEXT),
    ],
)
def test_how_a_property_is_compared(resource: str, name: str, kind: PropertyKind) -> None:
    assert property_of(name, resource, SHAPES).kind is kind


def test_only_hyperparameters_are_cut_to_integers() -> None:
    assert property_of("HyperParameters.depth", "TrainingJob", SHAPES).whole
    assert not property_of("Metrics.accuracy", "TrainingJob", SHAPES).whole


@pytest.mark.parametrize(
    "name", ["TrainingJobNam", "Nothing", "", ".", "ResourceConfig.Nothing", "RoleArn.x"]
)
def test_a_name_of_no_property_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="Unknown property name") as caught:
        property_of(name, "TrainingJob", SHAPES)
    assert caught.value.mend
    if name == "TrainingJobNam":
        assert "'TrainingJobName'" in caught.value.mend


DOCUMENT: dict[str, Json] = {
    "Name": "fit",
    "Config": {"Count": 2, "Dotted.Name": {"x": 1}},
    "Channels": [{"Name": "train", "Source": {"Uri": "s3://a"}}, {"Name": "test"}],
    "Nothing": None,
    "Deep": [[{"a": 1}], [{"a": 2}]],
}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Name", ["fit"]), ("NAME", ["fit"]), ("Config.Count", [2]), ("Config", [DOCUMENT["Config"]]),
        ("Config.Dotted.Name.x", [1]), ("Channels.Name", ["train", "test"]),
        ("channels.source.uri", ["s3://a"]), ("Nothing", [None]), ("Missing", []), ("Name.x", []),
        ("Config.Count.x", []), ("Deep.a", [1, 2]),
    ],
)  # fmt: skip
def test_the_values_of_a_property(name: str, values: list[Json]) -> None:
    assert Property(name, PropertyKind.TEXT).values(DOCUMENT) == values


class TestView:
    def test_tags_are_looked_up_by_key(self) -> None:
        view = view_of({"Tags": [{"Key": "a.b", "Value": "1"}, {"Key": "c", "Value": "2"}]})
        assert Property("Tags.a.b", PropertyKind.LOOSE).values(view) == ["1"]
        assert Property("Tags.d", PropertyKind.LOOSE).values(view) == []

    def test_metrics_of_jobs_and_of_components(self) -> None:
        job = view_of({"FinalMetricDataList": [{"MetricName": "val:loss", "Value": 0.5, "Timestamp": "t"}]})
        assert Property("Metrics.val:loss", PropertyKind.LOOSE).values(job) == [0.5]
        summary = {"MetricName": "loss", "Last": 0.25, "Max": 1.0}
        component = view_of({"TrialComponentName": "c", "Metrics": [summary]})
        assert Property("Metrics.loss", PropertyKind.LOOSE).values(component) == [0.25]
        assert Property("metrics.loss.max", PropertyKind.LOOSE).values(component) == [1.0]

    def test_parameters_of_components_have_their_values(self) -> None:
        parameters = {"lr": {"NumberValue": 0.1}, "kind": {"StringValue": "tree"}, "odd": {}}
        view = view_of({"TrialComponentName": "c", "Parameters": parameters})
        assert view["Parameters"] == {"lr": 0.1, "kind": "tree", "odd": None}

    def test_all_else_stays(self) -> None:
        assert {name: view_of(DOCUMENT)[name] for name in DOCUMENT} == DOCUMENT


def test_texts_within_a_value() -> None:
    assert list(texts_in({"a": ["b", {"c": 1}], "d": None})) == ["a", "b", "c", "1", "d"]
