from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.images import families
from stepmill.images.families import ImageFamily
from stepmill.images.reference import ImageReference

PROJECT = Path(__file__).parents[3]


def shipped(uri: str) -> families.ShippedImage:
    found = families.shipped_image(ImageReference.parse(uri))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("uri", "family", "toolkit"),
    [
        (
            "1.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:0.23-1-cpu-py3",
            ImageFamily.SKLEARN,
            True,
        ),
        ("x.io/sagemaker-xgboost:1.7-1", ImageFamily.XGBOOST, True),
        ("x.io/xgboost:1", ImageFamily.XGBOOST, False),
        ("x.io/pytorch-training:2.8.0-gpu-py312", ImageFamily.PYTORCH, True),
        ("x.io/pytorch-inference:2.8.0-cpu-py312", ImageFamily.PYTORCH, False),
        ("x.io/pytorch-inference-graviton:2.3.0-cpu-py311-ubuntu20.04-sagemaker", ImageFamily.PYTORCH, False),
        ("x.io/sagemaker-pytorch:1.1.0-cpu-py3", ImageFamily.PYTORCH, True),
        ("x.io/tensorflow-training:2.19.0-cpu-py312", ImageFamily.TENSORFLOW, True),
        ("x.io/tensorflow-inference:2.19.0-cpu", ImageFamily.TENSORFLOW, False),
        ("x.io/sagemaker-tensorflow-scriptmode:1.14.0-cpu-py3", ImageFamily.TENSORFLOW, True),
        (
            "x.io/huggingface-pytorch-training:2.8.0-transformers4.56.2-gpu-py312-cu129-ubuntu22.04",
            ImageFamily.HUGGINGFACE,
            True,
        ),
        (
            "x.io/huggingface-tensorflow-training:2.6.3-transformers4.17.0-gpu-py38-cu112-ubuntu20.04",
            ImageFamily.HUGGINGFACE,
            True,
        ),
        ("python:3.11-slim", ImageFamily.PYTHON, False),
        ("stepmill-python:3.11", ImageFamily.PYTHON, True),
        ("x.io/sagemaker-base-python-310:1.0", ImageFamily.PYTHON, False),
    ],
)
def test_a_repository_stands_for_a_family(uri: str, family: ImageFamily, toolkit: bool) -> None:
    assert (shipped(uri).family, shipped(uri).toolkit) == (family, toolkit)


@pytest.mark.parametrize(
    "uri", ["sagemaker-scikit", "team/sagemaker-scikit-learn", "pythons", "team/xgboost:1"]
)
def test_a_name_that_is_only_alike_is_not_taken(uri: str) -> None:
    assert families.shipped_image(ImageReference.parse(uri)) is None


@pytest.mark.parametrize(
    ("repository", "kind"),
    [
        ("linear-learner", "built-in algorithm"),
        ("forecasting-deepar", "built-in algorithm"),
        ("xgboost", "built-in algorithm"),
        ("semantic-segmentation", "built-in algorithm"),
        ("sagemaker-clarify-processing", "service image"),
        ("sagemaker-model-monitor-analyzer", "service image"),
        ("mxnet-training", "framework image"),
        ("mxnet-inference-eia", "framework image"),
        ("sagemaker-chainer", "framework image"),
        ("sagemaker-rl-coach-container", "framework image"),
        ("huggingface-pytorch-training", "framework image"),
        ("huggingface-pytorch-inference", "framework image"),
        ("huggingface-pytorch-tgi-inference", "framework image"),
        ("sagemaker-spark-processing", "framework image"),
        ("sagemaker-tensorflow-serving", "framework image"),
        ("sagemaker-rl-ray-container", "framework image"),
        ("djl-inference", "framework image"),
        ("tei", "framework image"),
        ("tei-cpu", "framework image"),
        ("pytorch-trcomp-training", "framework image"),
        ("pytorch-inference-neuronx", "framework image"),
        ("team/trainer", ""),
        ("teiresias", ""),
    ],
)
def test_what_aws_publishes_is_known_by_name(repository: str, kind: str) -> None:
    assert families.known_kind(ImageReference.parse(repository)) == kind


@pytest.mark.parametrize(
    ("uri", "version", "python", "gpu"),
    [
        ("sagemaker-scikit-learn:1.2-1-cpu-py3", "1.2-1", "", False),
        ("sagemaker-scikit-learn:0.20.0-cpu-py3", "0.20.0", "", False),
        ("sagemaker-xgboost:1.7-1", "1.7-1", "", False),
        ("pytorch-training:2.8.0-gpu-py312-cu129-ubuntu22.04", "2.8.0", "3.12", True),
        ("tensorflow-training:2.19.0-cpu-py312", "2.19.0", "3.12", False),
        ("sagemaker-base-python-38:1.0", "1.0", "3.8", False),
        ("sagemaker-base-python-310:1.0", "1.0", "3.10", False),
        ("python:3.11.4-slim-bookworm", "3.11.4", "3.11.4", False),
        ("python:slim", "", "", False),
        ("python", "", "", False),
        ("stepmill-python:3.12", "3.12", "3.12", False),
        ("sagemaker-xgboost:latest", "", "", False),
    ],
)
def test_the_tag_tells_versions(uri: str, version: str, python: str, gpu: bool) -> None:
    image = ImageReference.parse(uri)
    assert families.asked_version(image) == version
    assert families.asked_python(image) == python
    assert families.is_for_gpus(image) is gpu


@pytest.mark.parametrize(
    ("tag", "library", "version"),
    [
        ("2.8.0-transformers4.56.2-gpu-py312-cu129", "transformers", "4.56.2"),
        ("2.8.0-transformers4.56-gpu", "transformers", "4.56"),
        ("2.8.0-transformers4.56.2-gpu-py312-cu129", "torch", ""),
        ("2.8.0-mytransformers4.56.2-gpu", "transformers", ""),
        ("2.8.0-transformers-gpu", "transformers", ""),
        ("transformers4.17.0", "transformers", "4.17.0"),
        ("2.8.0-tXk4.1", "t.k", ""),
    ],
)
def test_a_tag_may_name_further_libraries(tag: str, library: str, version: str) -> None:
    assert families.named_version(ImageReference.parse(f"x.io/some-image:{tag}"), library) == version


@pytest.mark.parametrize("uri", ["huggingface-pytorch-training:1", "huggingface-tensorflow-training:1"])
def test_the_image_of_hugging_face_brings_what_trainers_need(uri: str) -> None:
    names = {package.names[0] for package in shipped(uri).packages}
    assert {"transformers", "datasets"} < names
    assert {"accelerate", "tf-keras"} & names


def test_what_stands_beside_is_built_but_not_asked_of_the_users_environment() -> None:
    image = shipped("x.io/pytorch-training:2.8.0-cpu-py312")
    assert [package.requirement for package in image.packages] == ["torch>=2.5"]
    assert image.requirements[0] == "torch>=2.5"
    assert {"numpy>=1.26", "torchvision>=0.20"} < set(image.requirements)
    # One environment for both: it is not built twice.
    assert shipped("x.io/pytorch-inference:2.8.0-cpu-py312").requirements == image.requirements


@pytest.mark.parametrize(
    ("asked", "found", "same"),
    [
        ("1.2-1", "1.2.2", True),
        ("1.2-1", "1.9.1", False),
        ("2.8.0", "2.8.0+cpu", True),
        ("2.8.0", "2.8.1", False),
        ("3", "3.11.4", True),
        ("3.1", "3.11.4", False),
        ("1.20", "1.2", False),
        ("latest", "latest", True),
        ("1.0", "", False),
    ],
)
def test_a_version_is_the_asked_one_or_more_exact(asked: str, found: str, same: bool) -> None:
    assert families.is_version(asked, found) is same


@given(st.lists(st.integers(0, 99), min_size=1, max_size=4), st.lists(st.integers(0, 99), max_size=3))
def test_a_more_exact_version_is_always_the_asked_one(asked: list[int], more: list[int]) -> None:
    assert families.is_version(".".join(map(str, asked)), ".".join(map(str, [*asked, *more])))


def test_the_requirements_are_those_of_the_extras() -> None:
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for uri, extra in {
        "sagemaker-scikit-learn": "sklearn",
        "sagemaker-xgboost": "xgboost",
        "pytorch-training": "pytorch",
        "tensorflow-training": "tensorflow",
        "forecasting-deepar": "forecasting",
        "huggingface-pytorch-training": "huggingface",
    }.items():
        requirements = {package.requirement for package in shipped(uri).packages}
        assert requirements == set(extras[extra]), extra


def test_clarify_brings_its_program() -> None:
    found = shipped("306415355426.dkr.ecr.us-west-2.amazonaws.com/sagemaker-clarify-processing:1.0")
    assert (found.family, found.program, found.toolkit) == (ImageFamily.CLARIFY, "clarify", False)


def test_the_analyzer_of_the_model_monitor_brings_its_program() -> None:
    found = shipped("159807026194.dkr.ecr.us-west-2.amazonaws.com/sagemaker-model-monitor-analyzer")
    assert (found.family, found.program, found.toolkit) == (ImageFamily.MODEL_MONITOR, "analyzer", False)
