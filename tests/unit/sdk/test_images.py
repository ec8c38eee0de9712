from __future__ import annotations

import pytest

from stepmill.core.errors import InvalidInputError
from stepmill.sdk.images import downloads_code, image_uri, runs_scripts


@pytest.mark.parametrize(
    ("image", "region", "uri"),
    [
        (
            "sklearn",
            "us-east-1",
            "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
        ),
        (
            "sklearn:1.4-2",
            "eu-west-1",
            "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3",
        ),
        ("xgboost", "us-west-2", "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:1.7-1"),
        (
            "xgboost:3.0-5",
            "us-west-2",
            "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:3.0-5",
        ),
        (
            "pytorch",
            "us-west-2",
            "763104351884.dkr.ecr.us-west-2.amazonaws.com/pytorch-training:2.8.0-cpu-py312",
        ),
        (
            "tensorflow",
            "us-west-2",
            "763104351884.dkr.ecr.us-west-2.amazonaws.com/tensorflow-training:2.19.0-cpu-py312",
        ),
        ("python", "us-west-2", "236514542706.dkr.ecr.us-west-2.amazonaws.com/sagemaker-base-python-310:1.0"),
    ],
)
def test_short_names(image: str, region: str, uri: str) -> None:
    assert image_uri(image, region, "") == uri


@pytest.mark.parametrize(
    ("image", "tail"),
    [
        ("sklearn", "sagemaker-scikit-learn:1.2-1-cpu-py3"),
        ("pytorch", "pytorch-inference:2.6.0-cpu-py312"),
        ("tensorflow", "tensorflow-inference:2.19.0-cpu"),
    ],
)
def test_serving_images(image: str, tail: str) -> None:
    assert image_uri(image, "us-west-2", "", serving=True).rpartition("/")[2] == tail


@pytest.mark.parametrize(
    "image", ["1.dkr.ecr.us-west-2.amazonaws.com/x:1", "team/trainer", "trainer:latest", "host.io"]
)
def test_addresses_are_handed_on(image: str) -> None:
    assert image_uri(image, "anywhere", "") == image


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidInputError, match="Did you mean 'sklearn'"):
        image_uri("skleran", "us-west-2", "")


def test_a_region_without_known_registry_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="whole address"):
        image_uri("sklearn", "mars-north-1", "")


def test_a_version_from_which_no_address_follows_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="does not follow"):
        image_uri("pytorch:1.0", "us-west-2", "")


def test_what_images_can_do() -> None:
    assert runs_scripts("sklearn")
    assert runs_scripts("team/trainer:1")
    assert not runs_scripts("python")
    assert downloads_code("xgboost")
    assert not downloads_code("pytorch")
