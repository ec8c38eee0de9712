from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.algorithms import laying as algorithms
from stepmill.core.errors import NotFoundError
from stepmill.jobs.cache_keys import CacheKey, JobKeys, callback_key, differences, leaves_of, make_key
from stepmill.jobs.checks import laying as checks
from support.keeping import Keeping, a_task, keeping

PROCESSING: dict[str, Any] = {
    "AppSpecification": {
        "ImageUri": "python:3.11",
        "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/run.py"],
        "ContainerArguments": ["--depth", "5"],
    },
    "Environment": {"MODE": "fast", "PASSWORD": "secret"},
    "RoleArn": "arn:aws:iam::123456789012:role/R",
    "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1}},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    "ProcessingInputs": [
        {
            "InputName": "data",
            "S3Input": {
                "S3Uri": "s3://bucket/in/",
                "LocalPath": "/opt/ml/processing/data",
                "S3DataType": "S3Prefix",
            },
        },
        {
            "InputName": "code",
            "S3Input": {"S3Uri": "s3://bucket/code/run.py", "LocalPath": "/opt/ml/processing/input/code"},
        },
    ],
    "ProcessingOutputConfig": {
        "Outputs": [
            {
                "OutputName": "out",
                "S3Output": {"S3Uri": "s3://bucket/run1/out", "LocalPath": "/opt/ml/processing/out"},
            },
        ]
    },
}
TRAINING: dict[str, Any] = {
    "AlgorithmSpecification": {"TrainingImage": "python:3.11", "TrainingInputMode": "File"},
    "HyperParameters": {
        "epochs": "3",
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": '"s3://bucket/code/sourcedir.tar.gz"',
        "sagemaker_job_name": '"job-1"',
    },
    "InputDataConfig": [
        {
            "ChannelName": "train",
            "DataSource": {"S3DataSource": {"S3Uri": "s3://bucket/in/", "S3DataType": "S3Prefix"}},
        }
    ],
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
    "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        opened.put("s3://bucket/in/a.csv", "1,2")
        opened.put("s3://bucket/in/sub/b.csv", "3,4")
        opened.put("s3://bucket/code/run.py", "print()")
        opened.put("s3://bucket/code/sourcedir.tar.gz", "packed")
        yield opened


def keys(kept: Keeping, software: Mapping[str, str] | None = None) -> JobKeys:
    return JobKeys(kept.contents, kept.objects, kept.folder, lambda _: software or {})


def changed(document: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    new = copy.deepcopy(document)
    place = new
    for part in path[:-1]:
        place = place[part]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return new


def processing(kept: Keeping, document: dict[str, Any] = PROCESSING) -> CacheKey:
    return keys(kept).processing(a_task("sagemaker:createProcessingJob", document))


def training(kept: Keeping, document: dict[str, Any] = TRAINING) -> CacheKey:
    return keys(kept).training(a_task("sagemaker:createTrainingJob", document))


DATA = ("ProcessingInputs", 0, "S3Input")


class TestProcessing:
    @pytest.mark.parametrize(
        ("path", "value"),
        [
            (("AppSpecification", "ImageUri"), "python:3.12"),
            (("AppSpecification", "ContainerArguments", 1), "7"),
            (("AppSpecification", "ContainerArguments"), ["--depth"]),
            (("AppSpecification", "ContainerArguments"), None),
            (("AppSpecification", "ContainerEntrypoint", 0), "python"),
            (("Environment", "MODE"), "slow"),
            (("Environment", "PASSWORD"), "other"),
            (("Environment",), None),
            ((*DATA, "LocalPath"), "/opt/ml/processing/other"),
            ((*DATA, "S3Uri"), "s3://bucket/in/sub/"),
            (("ProcessingInputs", 0, "InputName"), "raw"),
            (("ProcessingInputs", 0), None),
            (("ProcessingOutputConfig", "Outputs", 0, "OutputName"), "result"),
            (("ProcessingOutputConfig", "Outputs", 0, "S3Output", "LocalPath"), "/opt/ml/processing/x"),
            (("ProcessingOutputConfig",), None),
        ],
    )
    def test_this_makes_another_key(self, kept: Keeping, path: tuple[Any, ...], value: Any) -> None:
        new = changed(PROCESSING, path, value)
        assert processing(kept, new).digest != processing(kept).digest

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            (("RoleArn",), "arn:other"),
            (("ProcessingResources", "ClusterConfig", "InstanceType"), "ml.c5.large"),
            (("StoppingCondition",), None),
            (("ProcessingOutputConfig", "Outputs", 0, "S3Output", "S3Uri"), "s3://bucket/run2/out"),
            (("ProcessingOutputConfig", "Outputs", 0, "S3Output", "S3UploadMode"), "EndOfJob"),
            (("ProcessingJobName",), "pipelines-abc"),
            (("NetworkConfig",), {"EnableNetworkIsolation": True}),
            (("Tags",), []),
        ],
    )
    def test_this_does_not(self, kept: Keeping, path: tuple[Any, ...], value: Any) -> None:
        assert processing(kept, changed(PROCESSING, path, value)).digest == processing(kept).digest

    def test_the_feature_group_that_records_go_to_counts(self, kept: Keeping) -> None:
        def key(name: str) -> str:
            group = {"OutputName": "g", "FeatureStoreOutput": {"FeatureGroupName": name}}
            return processing(kept, {**PROCESSING, "ProcessingOutputConfig": {"Outputs": [group]}}).digest

        assert key("customers") == key("customers")
        assert key("customers") != key("orders")

    def test_the_order_of_inputs_and_members_does_not_matter(self, kept: Keeping) -> None:
        new = dict(reversed(PROCESSING.items())) | {
            "ProcessingInputs": list(reversed(PROCESSING["ProcessingInputs"]))
        }
        assert processing(kept, new).digest == processing(kept).digest

    def test_the_same_content_under_another_address_is_the_same(self, kept: Keeping) -> None:
        kept.put("s3://bucket/copy/a.csv", "1,2")
        kept.put("s3://bucket/copy/sub/b.csv", "3,4")
        new = changed(PROCESSING, (*DATA, "S3Uri"), "s3://bucket/copy/")
        assert processing(kept, new).digest == processing(kept).digest

    def test_code_uploaded_again_unchanged_is_the_same_and_changed_is_not(self, kept: Keeping) -> None:
        before = processing(kept)
        kept.put("s3://bucket/code/run.py", "print()")
        assert processing(kept).digest == before.digest
        kept.put("s3://bucket/code/run.py", "print(1)")
        after = processing(kept)
        assert after.digest != before.digest
        assert differences(before.parts, after.parts) == [
            "ProcessingInputs['code'] changed content (s3://bucket/code/run.py)"
        ]

    def test_a_path_of_this_machine_counts_by_content(self, kept: Keeping) -> None:
        folder = kept.folder / "local"
        folder.mkdir()
        (folder / "a.csv").write_text("1,2")
        new = changed(PROCESSING, (*DATA, "S3Uri"), "local")
        before = processing(kept, new).digest
        assert processing(kept, changed(PROCESSING, (*DATA, "S3Uri"), str(folder))).digest == before
        (folder / "a.csv").write_text("1,2,3")
        assert processing(kept, new).digest != before

    def test_a_manifest_counts_by_what_it_lists(self, kept: Keeping) -> None:
        kept.put("s3://bucket/m.manifest", '[{"prefix": "s3://bucket/in/"}, "a.csv"]')
        kept.put("s3://bucket/m2.manifest", '[{"prefix": "s3://bucket/in/"},   "a.csv"]')
        new = changed(
            changed(PROCESSING, (*DATA, "S3DataType"), "ManifestFile"),
            (*DATA, "S3Uri"),
            "s3://bucket/m.manifest",
        )
        other = changed(new, (*DATA, "S3Uri"), "s3://bucket/m2.manifest")
        before = processing(kept, new).digest
        assert processing(kept, other).digest == before
        kept.put("s3://bucket/in/sub/b.csv", "not listed")
        assert processing(kept, new).digest == before
        kept.put("s3://bucket/in/a.csv", "listed")
        assert processing(kept, new).digest != before

    def test_a_missing_input_has_no_key(self, kept: Keeping) -> None:
        with pytest.raises(NotFoundError):
            processing(kept, changed(PROCESSING, (*DATA, "S3Uri"), "s3://bucket/none/"))

    def test_the_software_counts(self, kept: Keeping) -> None:
        task = a_task("sagemaker:createProcessingJob", PROCESSING)
        old = keys(kept, {"scikit-learn": "1.8"}).processing(task)
        new = keys(kept, {"scikit-learn": "1.9"}).processing(task)
        assert differences(old.parts, new.parts) == ["software.scikit-learn: '1.8' -> '1.9'"]
        assert old.digest != new.digest

    def test_secrets_are_not_kept_in_the_parts(self, kept: Keeping) -> None:
        parts = processing(kept).parts
        assert "secret" not in str(parts)
        new = processing(kept, changed(PROCESSING, ("Environment", "PASSWORD"), "other"))
        assert differences(parts, new.parts) == ["Environment['PASSWORD'] changed"]

    @pytest.mark.parametrize(
        "payload",
        [
            None,
            {},
            [],
            {"ProcessingInputs": 3},
            {"ProcessingInputs": [1, {}]},
            {"ProcessingOutputConfig": []},
            {"AppSpecification": "x"},
            {"ProcessingInputs": [{"InputName": "a", "S3Input": 3}]},
        ],
    )
    def test_a_broken_request_still_has_a_key(self, kept: Keeping, payload: Any) -> None:
        assert keys(kept).processing(a_task("sagemaker:createProcessingJob", payload)).digest


class TestTraining:
    @pytest.mark.parametrize(
        ("path", "value"),
        [
            (("AlgorithmSpecification", "TrainingImage"), "python:3.12"),
            (("HyperParameters", "epochs"), "4"),
            (("HyperParameters", "epochs"), None),
            (("HyperParameters", "sagemaker_program"), '"other.py"'),
            (("InputDataConfig", 0, "ChannelName"), "test"),
            (("InputDataConfig", 0, "DataSource", "S3DataSource", "S3Uri"), "s3://bucket/in/sub/"),
            (("InputDataConfig", 0, "ContentType"), "text/csv"),
            (("CheckpointConfig",), {"S3Uri": "s3://bucket/c"}),
            (("DebugHookConfig",), {"S3OutputPath": "s3://bucket/d"}),
            (("Environment",), {"A": "1"}),
            (("OutputDataConfig", "CompressionType"), "NONE"),
        ],
    )
    def test_this_makes_another_key(self, kept: Keeping, path: tuple[Any, ...], value: Any) -> None:
        assert training(kept, changed(TRAINING, path, value)).digest != training(kept).digest

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            (("HyperParameters", "sagemaker_job_name"), '"job-2"'),
            (("HyperParameters", "sagemaker_job_name"), None),
            (("OutputDataConfig", "S3OutputPath"), "s3://bucket/elsewhere"),
            (("ResourceConfig", "InstanceCount"), 2),
            (("StoppingCondition",), None),
            (("TrainingJobName",), "x"),
        ],
    )
    def test_this_does_not(self, kept: Keeping, path: tuple[Any, ...], value: Any) -> None:
        assert training(kept, changed(TRAINING, path, value)).digest == training(kept).digest

    @pytest.mark.parametrize("quote", ['"{}"', "{}"])
    def test_script_mode_code_counts_by_content(self, kept: Keeping, quote: str) -> None:
        kept.put("s3://bucket/again/sourcedir.tar.gz", "packed")
        place = ("HyperParameters", "sagemaker_submit_directory")
        again = changed(TRAINING, place, quote.format("s3://bucket/again/sourcedir.tar.gz"))
        before = training(kept)
        assert training(kept, again).digest == before.digest
        kept.put("s3://bucket/again/sourcedir.tar.gz", "other")
        after = training(kept, again)
        assert differences(before.parts, after.parts) == [
            "HyperParameters['sagemaker_submit_directory'] changed content (s3://bucket/again/sourcedir.tar.gz)"
        ]

    def test_code_at_a_path_of_the_job_is_a_plain_value(self, kept: Keeping) -> None:
        place = ("HyperParameters", "sagemaker_submit_directory")
        assert training(kept, changed(TRAINING, place, '"/opt/ml/input/data/code"')).digest

    def test_a_changed_channel_is_named(self, kept: Keeping) -> None:
        before = training(kept)
        kept.put("s3://bucket/in/c.csv", "5")
        assert differences(before.parts, training(kept).parts) == [
            "InputDataConfig['train'] changed content (s3://bucket/in/)"
        ]


TUNING: dict[str, Any] = {
    "HyperParameterTuningJobName": "tune",
    "HyperParameterTuningJobConfig": {
        "Strategy": "Random",
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]},
    },
    "TrainingJobDefinition": {
        "StaticHyperParameters": TRAINING["HyperParameters"],
        **{
            name: TRAINING[name]
            for name in ("AlgorithmSpecification", "InputDataConfig", "OutputDataConfig", "StoppingCondition")
        },
    },
}


def tuning(kept: Keeping, document: dict[str, Any] = TUNING) -> CacheKey:
    return keys(kept).tuning(a_task("sagemaker:createHyperParameterTuningJob", document))


class TestTuning:
    DEFINITION = ("TrainingJobDefinition",)

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            (("HyperParameterTuningJobConfig", "Strategy"), "Bayesian"),
            (("HyperParameterTuningJobConfig", "ResourceLimits", "MaxNumberOfTrainingJobs"), 5),
            ((*DEFINITION, "StaticHyperParameters", "epochs"), "4"),
            ((*DEFINITION, "AlgorithmSpecification", "TrainingImage"), "python:3.12"),
            (
                (*DEFINITION, "InputDataConfig", 0, "DataSource", "S3DataSource", "S3Uri"),
                "s3://bucket/in/sub/",
            ),
        ],
    )
    def test_this_makes_another_key(self, kept: Keeping, path: tuple[Any, ...], value: Any) -> None:
        assert tuning(kept, changed(TUNING, path, value)).digest != tuning(kept).digest

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            (("HyperParameterTuningJobName",), "other"),
            ((*DEFINITION, "OutputDataConfig", "S3OutputPath"), "s3://bucket/elsewhere"),
            ((*DEFINITION, "StoppingCondition"), None),
            ((*DEFINITION, "StaticHyperParameters", "sagemaker_job_name"), '"job-2"'),
        ],
    )
    def test_this_does_not(self, kept: Keeping, path: tuple[Any, ...], value: Any) -> None:
        assert tuning(kept, changed(TUNING, path, value)).digest == tuning(kept).digest

    def test_code_and_data_count_by_content(self, kept: Keeping) -> None:
        before = tuning(kept)
        kept.put("s3://bucket/code/sourcedir.tar.gz", "other")
        kept.put("s3://bucket/in/c.csv", "5")
        code = "TrainingJobDefinition.StaticHyperParameters['sagemaker_submit_directory']"
        assert differences(before.parts, tuning(kept).parts) == [
            "TrainingJobDefinition.InputDataConfig['train'] changed content (s3://bucket/in/)",
            f"{code} changed content (s3://bucket/code/sourcedir.tar.gz)",
        ]

    def test_each_of_several_definitions_counts(self, kept: Keeping) -> None:
        one = {**TUNING["TrainingJobDefinition"], "DefinitionName": "one"}
        several = {**TUNING, "TrainingJobDefinitions": [one, {**one, "DefinitionName": "two"}]}
        del several["TrainingJobDefinition"]
        other = changed(several, ("TrainingJobDefinitions", 1, "StaticHyperParameters", "epochs"), "9")
        assert tuning(kept, other).digest != tuning(kept, several).digest


class TestProgramsOfStepmill:
    """An update of Stepmill may mend how an algorithm computes: then an earlier result is another's."""

    @pytest.fixture
    def other_release(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "programs").mkdir()
        for laying in (algorithms, checks):
            monkeypatch.setattr(laying, "PROGRAMS", tmp_path / "programs")

    @pytest.mark.parametrize(("image", "is_same"), [("x.io/kmeans:1", False), ("python:3.11", True)])
    @pytest.mark.usefixtures("other_release")
    def test_the_key_of_a_training_job_has_them(self, kept: Keeping, image: str, is_same: bool) -> None:
        document = changed(TRAINING, ("AlgorithmSpecification", "TrainingImage"), image)
        now = training(kept, document)
        with pytest.MonkeyPatch.context() as before:
            before.setattr(algorithms, "PROGRAMS", Path(algorithms.__file__).parent / "programs")
            earlier = training(kept, document)
        assert (now.digest == earlier.digest) is is_same
        assert bool(differences(earlier.parts, now.parts)) is not is_same

    def test_the_key_of_a_trial_and_of_a_check_have_them(self, kept: Keeping) -> None:
        definition = changed(
            TUNING["TrainingJobDefinition"], ("AlgorithmSpecification", "TrainingImage"), "pca:1"
        )
        parts = tuning(kept, {**TUNING, "TrainingJobDefinition": definition}).parts
        assert "TrainingJobDefinition.software.programs" in parts
        analyzer = "x.io/sagemaker-model-monitor-analyzer:latest"
        parts = processing(kept, changed(PROCESSING, ("AppSpecification", "ImageUri"), analyzer)).parts
        assert "software.programs" in parts
        assert "software.programs" not in processing(kept).parts


def test_kinds_of_steps_never_share_a_key() -> None:
    assert make_key("a", {"x": 1}).digest != make_key("b", {"x": 1}).digest


def test_callbacks_have_queue_arguments_and_outputs_as_key() -> None:
    def key(queue: str = "q", question: int = 1, outputs: Any = None) -> str:
        extra = {"SqsQueueUrl": queue, "OutputParameters": outputs}
        return callback_key(a_task("callback", {"question": question}, extra=extra)).digest

    assert key() == key()
    assert len({key(), key(queue="r"), key(question=2), key(outputs=[{"OutputName": "a"}])}) == 4


def test_differences_name_what_changed() -> None:
    old = {"Args[0]": '"a"', "Args[1]": "5", "gone": "1", "long": "sha256:1", "same": "1"}
    new = {"Args[0]": '"b"', "Args[1]": "7", "long": "sha256:2", "new": "1", "same": "1"}
    assert differences(old, new) == [
        "Args[0]: 'a' -> 'b'",
        "Args[1]: 5 -> 7",
        "gone was removed",
        "long changed",
        "new was added",
    ]


def test_an_input_that_only_moved_is_no_difference() -> None:
    assert differences({"x": "content:1 s3://b/old"}, {"x": "content:1 s3://b/new"}) == []


def test_long_values_are_kept_as_digests() -> None:
    key = make_key("r", {"long": "x" * 5000, "short": "y"})
    assert key.parts["long"].startswith("sha256:")
    assert key.parts["short"] == '"y"'


JSON = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_every_document_can_be_taken_apart(document: Any) -> None:
    leaves = dict(leaves_of(document, "Arguments"))
    assert make_key("r", leaves) == make_key("r", leaves)


@given(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=200), max_size=4),
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=200), max_size=4),
)
def test_keys_differ_exactly_where_differences_are_found(old: dict[str, Any], new: dict[str, Any]) -> None:
    first, second = make_key("r", old), make_key("r", new)
    assert (first.digest == second.digest) == (differences(first.parts, second.parts) == [])
