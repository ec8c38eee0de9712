"""CreateTransformJob requests, and the models that they name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.errors import InvalidInputError, NotFoundError, StepmillError, UnsupportedError
from stepmill.core.json import JsonObject
from stepmill.images.catalog import ImageOffer, missing_libraries
from stepmill.images.needs import NO_NEEDS, Needs
from stepmill.jobs.kinds import Workplace
from stepmill.jobs.requests.data import Compression
from stepmill.jobs.transform import request as request_module
from stepmill.jobs.transform.containers import ModelContainer, read_model
from stepmill.jobs.transform.kind import TransformKind
from stepmill.jobs.transform.laying import command_of, family_variables
from stepmill.jobs.transform.request import (
    Assembly,
    Split,
    Strategy,
    TransformRequest,
    read_transform_request,
)
from stepmill.storage.objects.uri import S3Uri

PROJECT = Path("/project")
MODEL: dict[str, Any] = {
    "ModelName": "churn",
    "ExecutionRoleArn": "arn:aws:iam::123456789012:role/Serving",
    "PrimaryContainer": {
        "Image": "sagemaker-scikit-learn:1.2-1",
        "ModelDataUrl": "s3://bkt/model.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "serve.py", "A": "of the model"},
    },
}
PACKAGE: dict[str, Any] = {
    "InferenceSpecification": {
        "Containers": [
            {
                "Image": "python:3.11",
                "ModelDataUrl": "s3://bkt/one.tar.gz",
                "Environment": {"X": "1", "Y": "1"},
            },
            {"Image": "python:3.12", "ModelDataUrl": "s3://bkt/two.tar.gz"},
        ]
    }
}


class Catalog:
    def __init__(self, known: JsonObject | None) -> None:
        self.known = known

    def describe(self, name_or_arn: str) -> JsonObject:
        if self.known is None:
            raise NotFoundError(f"There is no {name_or_arn}.")
        return self.known


def document(**changes: Any) -> dict[str, Any]:
    source = {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bkt/in"}},
        **changes.pop("TransformInput", {}),
    }
    output = {"S3OutputPath": "s3://bkt/out", **changes.pop("TransformOutput", {})}
    return {
        "TransformJobName": "t",
        "ModelName": "churn",
        "TransformInput": source,
        "TransformOutput": output,
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **changes,
    }


def read(model: dict[str, Any] | None = None, **changes: Any) -> TransformRequest:
    return read_transform_request(document(**changes), PROJECT, Catalog(model or MODEL), Catalog(PACKAGE))


class TestDefaults:
    def test_least(self) -> None:
        found = read()
        assert (found.split, found.assembly, found.strategy) == (Split.NONE, Assembly.NONE, None)
        assert (found.payload_mb, found.at_once, found.timeout_s, found.retries) == (None, None, 600, 3)
        assert (found.content_type, found.accept, found.compression) == ("", "", Compression.NONE)
        assert not found.processing.is_there
        assert found.inputs[0].source == S3Uri("bkt", "in")
        assert found.output == S3Uri("bkt", "out")
        assert (found.network, found.role) == (True, MODEL["ExecutionRoleArn"])

    def test_most(self) -> None:
        found = read(
            TransformInput={"ContentType": "text/csv", "SplitType": "Line", "CompressionType": "Gzip"},
            TransformOutput={"Accept": "text/csv", "AssembleWith": "Line"},
            BatchStrategy="SingleRecord",
            MaxPayloadInMB="10",
            MaxConcurrentTransforms=4,
            ModelClientConfig={"InvocationsTimeoutInSeconds": 3600, "InvocationsMaxRetries": 0},
            DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
            Environment={"A": "of the job"},
        )
        assert (found.strategy, found.payload_mb, found.at_once) == (Strategy.SINGLE, 10, 4)
        assert (found.timeout_s, found.retries) == (3600, 0)
        assert found.processing.join
        assert found.environment == {"SAGEMAKER_PROGRAM": "serve.py", "A": "of the job"}

    def test_model_without_network(self) -> None:
        assert read({**MODEL, "EnableNetworkIsolation": True}).network is False

    def test_0_concurrent_transforms_are_those_of_the_container(self) -> None:
        assert read(MaxConcurrentTransforms=0, MaxPayloadInMB=0).at_once is None


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"MaxPayloadInMB": 101}, InvalidInputError, "cannot be greater than 100"),
        ({"MaxPayloadInMB": 51, "MaxConcurrentTransforms": 2}, InvalidInputError, "is 102; it cannot"),
        ({"MaxConcurrentTransforms": 101}, InvalidInputError, "is 101; it cannot"),
        ({"MaxPayloadInMB": -1}, InvalidInputError, "at least 0"),
        ({"BatchStrategy": "Many"}, InvalidInputError, "none of MultiRecord, SingleRecord"),
        ({"TransformInput": {"SplitType": "Word"}}, InvalidInputError, "none of None, Line, RecordIO"),
        ({"TransformInput": {"CompressionType": "Zip"}}, InvalidInputError, "none of None, Gzip"),
        ({"TransformInput": {"DataSource": {}}}, InvalidInputError, "S3DataSource is missing"),
        (
            {
                "TransformInput": {
                    "DataSource": {
                        "S3DataSource": {"S3DataType": "AugmentedManifestFile", "S3Uri": "s3://bkt/k"}
                    }
                }
            },
            InvalidInputError,
            "takes no augmented manifest",
        ),
        ({"TransformOutput": {"S3OutputPath": ""}}, InvalidInputError, "address or path is expected"),
        ({"TransformOutput": {"AssembleWith": "Comma"}}, InvalidInputError, "none of None, Line"),
        (
            {
                "TransformInput": {"ContentType": "text/csv"},
                "TransformOutput": {"S3OutputPath": "s3://bkt/out", "Accept": "image/png"},
                "DataProcessing": {"OutputFilter": "$[0]"},
            },
            InvalidInputError,
            "Answers of the content type 'image/png' cannot be filtered or joined",
        ),
        (
            {
                "TransformInput": {"ContentType": "text/csv"},
                "TransformOutput": {"S3OutputPath": "s3://bkt/out", "Accept": "application/json"},
                "DataProcessing": {"OutputFilter": "$.class", "JoinSource": "Input"},
            },
            InvalidInputError,
            "A row of CSV data is an array",
        ),
        ({"DataCaptureConfig": {}}, InvalidInputError, "DestinationS3Uri"),
        (
            {
                "DataCaptureConfig": {"DestinationS3Uri": "s3://bkt/seen", "GenerateInferenceId": True},
                "TransformOutput": {"S3OutputPath": "s3://bkt/out", "Accept": "application/x-npy"},
            },
            InvalidInputError,
            "Inference ids cannot be appended",
        ),
        ({"TransformResources": {"InstanceCount": 65}}, UnsupportedError, "asks for 65 hosts"),
        ({"ModelClientConfig": {"InvocationsMaxRetries": 4}}, InvalidInputError, "cannot be greater than 3"),
        ({"ModelClientConfig": {"InvocationsTimeoutInSeconds": 0}}, InvalidInputError, "at least 1"),
        ({"DataProcessing": {"JoinSource": "Output"}}, InvalidInputError, "none of None, Input"),
        ({"DataProcessing": {"InputFilter": "$[1:]"}}, InvalidInputError, "cannot be filtered or joined"),
        (
            {
                "TransformInput": {"ContentType": "text/csv"},
                "DataProcessing": {"OutputFilter": "$[0,5:]"},
            },
            InvalidInputError,
            "only single range filters",
        ),
        (
            {
                "TransformInput": {"ContentType": "text/csv", "SplitType": "TFRecord"},
                "DataProcessing": {"JoinSource": "Input"},
            },
            InvalidInputError,
            "Binary records",
        ),
        ({"TransformJobName": "-"}, InvalidInputError, "cannot be the name of a job"),
        ({"Environment": {"A=": "1"}}, InvalidInputError, "name of a variable"),
    ],
)
def test_refused(changes: dict[str, Any], kind: type[StepmillError], said: str) -> None:
    with pytest.raises(kind, match=said):
        read(**changes)


class TestModels:
    def test_one_that_is_not_there(self) -> None:
        with pytest.raises(InvalidInputError, match='Could not find model "churn"'):
            read_transform_request(document(), PROJECT, Catalog(None), Catalog(None))

    def test_package_gives_its_containers(self) -> None:
        model = {"Containers": [{"ModelPackageName": "group/1", "Environment": {"Y": "2"}}]}
        found = read_model("m", Catalog(model), Catalog(PACKAGE), PROJECT).containers
        assert [one.image for one in found] == ["python:3.11", "python:3.12"]
        assert [one.data for one in found] == [S3Uri("bkt", "one.tar.gz"), S3Uri("bkt", "two.tar.gz")]
        assert [one.environment for one in found] == [{"X": "1", "Y": "2"}, {"Y": "2"}]

    @pytest.mark.parametrize(
        ("container", "data", "is_archive"),
        [
            ({"ModelDataUrl": "s3://bkt/m.tar.gz"}, S3Uri("bkt", "m.tar.gz"), True),
            ({"ModelDataUrl": "models/m.tar.gz"}, PROJECT / "models/m.tar.gz", True),
            ({}, None, False),
            (
                {"ModelDataSource": {"S3DataSource": {"S3Uri": "s3://bkt/m/", "CompressionType": "None"}}},
                S3Uri("bkt", "m/"),
                False,
            ),
            (
                {
                    "ModelDataSource": {
                        "S3DataSource": {"S3Uri": "s3://bkt/m.tar.gz", "CompressionType": "Gzip"}
                    }
                },
                S3Uri("bkt", "m.tar.gz"),
                True,
            ),
        ],
    )
    def test_data(self, container: dict[str, Any], data: Any, is_archive: bool) -> None:
        model = {"PrimaryContainer": {"Image": "python:3.11", **container}}
        (found,) = read_model("m", Catalog(model), Catalog(None), PROJECT).containers
        assert (found.data, found.is_archive) == (data, is_archive)

    def test_package_that_says_nothing_of_inference(self) -> None:
        model = {"PrimaryContainer": {"ModelPackageName": "group/1"}}
        with pytest.raises(InvalidInputError, match="has no container"):
            read_model("m", Catalog(model), Catalog({}), PROJECT)

    def test_several_models_in_one_container(self) -> None:
        model = {
            "PrimaryContainer": {"Image": "python:3.11", "Mode": "MultiModel", "ModelDataUrl": "s3://bkt/m"}
        }
        with pytest.raises(UnsupportedError, match="no container of several models"):
            read_model("m", Catalog(model), Catalog(None), PROJECT)


class TestEnvironments:
    def test_one_container_needs_nothing_more(self) -> None:
        assert read().needs == NO_NEEDS

    def test_those_of_a_pipeline_share_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(request_module, "missing_libraries", lambda images: tuple(images))
        model = {"Containers": [{"Image": image} for image in ("one:1", "two:1", "three:1")]}
        assert read(model).needs.libraries == ("two:1", "three:1")


def test_images_of_the_users_own_promise_nothing() -> None:
    assert missing_libraries(["mine:1", "python:3.11"]) == ()


class Offers:
    """Images that offer what a test says."""

    resolve: Any = None

    def __init__(self, known: Mapping[str, ImageOffer]) -> None:
        self.known = known

    def offer(self, image_uri: str, needs: Needs = NO_NEEDS) -> ImageOffer:
        return self.known.get(image_uri, ImageOffer())


class TestCommand:
    def command(self, *offers: ImageOffer) -> tuple[str, ...]:
        images = {f"image{number}:1": offer for number, offer in enumerate(offers)}
        model = {"Containers": [{"Image": image} for image in images]}
        return TransformKind(Catalog(model), Catalog(None), Offers(images)).command(read(model), offers[0])

    def test_processes_and_engines(self) -> None:
        assert self.command(ImageOffer())[0] == "python"
        assert self.command(ImageOffer(oci_image="image0:1"))[0] == "python3"

    def test_one_environment_for_all(self) -> None:
        assert self.command(ImageOffer(), ImageOffer())
        assert self.command(ImageOffer(environment="/env"), ImageOffer(environment="/env"))

    @pytest.mark.parametrize(
        "other",
        [ImageOffer(oci_image="image1:1"), ImageOffer(environment="/env"), ImageOffer(environment="x")],
    )
    def test_several_environments(self, other: ImageOffer) -> None:
        with pytest.raises(UnsupportedError, match="share an environment"):
            self.command(ImageOffer(), other)


class TestRequirements:
    """Which file is installed beforehand."""

    def find(self, folder: Path, *containers: dict[str, Any]) -> Path | None:
        place = Workplace("job", "arn", folder)
        for name in ("code", "model/code"):
            (place.ml / name).mkdir(parents=True)
            (place.ml / name / "requirements.txt").write_text("rich\n")
        images = {"own:1": ImageOffer(("python", "/srv/app.py"))}
        kind = TransformKind(Catalog(None), Catalog(None), Offers(images))
        return kind.requirements(read({"Containers": list(containers)}), place, {})

    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("", "model/code/requirements.txt"),
            ("/opt/ml/model/code", "model/code/requirements.txt"),
            ("s3://bkt/sourcedir.tar.gz", "code/requirements.txt"),
        ],
    )
    def test_where_the_server_looks(self, tmp_path: Path, code: str, expected: str) -> None:
        container = {"Image": "python:3.11", "Environment": {"SAGEMAKER_SUBMIT_DIRECTORY": code}}
        assert self.find(tmp_path, container) == tmp_path / "ml" / expected

    @pytest.mark.parametrize(
        "containers",
        [
            [{"Image": "own:1"}],
            [{"Image": "sagemaker-xgboost:1.7-1"}],
            [{"Image": "python:3.11", "Environment": {"SAGEMAKER_SUBMIT_DIRECTORY": "/srv/code"}}],
            [{"Image": "python:3.11"}, {"Image": "python:3.11"}],
        ],
    )
    def test_servers_that_see_to_themselves(self, tmp_path: Path, containers: list[dict[str, Any]]) -> None:
        assert self.find(tmp_path, *containers) is None


@pytest.mark.parametrize(
    ("offer", "expected"),
    [
        (ImageOffer(), ("toolkit",)),
        (ImageOffer(("python", "/srv/app.py")), ("python", "/srv/app.py", "serve")),
        (ImageOffer(oci_image="mine:1"), ("serve",)),
    ],
)
def test_what_serves(offer: ImageOffer, expected: tuple[str, ...]) -> None:
    assert command_of(offer) == expected


@pytest.mark.parametrize(
    ("image", "environment", "expected"),
    [
        ("mine:1", {}, {}),
        ("sagemaker-scikit-learn:1.2-1", {}, {"STEPMILL_SERVING_FAMILY": "sklearn"}),
        (
            "sagemaker-xgboost:1.7-1",
            {},
            {"STEPMILL_SERVING_FAMILY": "xgboost", "STEPMILL_SERVING_MODULE": "algorithm_inference"},
        ),
        (
            "sagemaker-xgboost:1.7-1",
            {"SAGEMAKER_PROGRAM": "inference.py"},
            {"STEPMILL_SERVING_FAMILY": "xgboost"},
        ),
    ],
)
def test_what_an_image_is(image: str, environment: dict[str, str], expected: dict[str, str]) -> None:
    assert family_variables(ModelContainer(image, None, False, environment, "")) == expected
