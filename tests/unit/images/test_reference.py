from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.images.reference import LONGEST_URI, ImageReference

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("uri", "registry", "repository", "tag", "digest"),
    [
        ("python", "", "python", "", ""),
        ("python:3.11", "", "python", "3.11", ""),
        ("team/trainer:7", "", "team/trainer", "7", ""),
        ("localhost/x", "localhost", "x", "", ""),
        ("localhost:5000/team/x:1", "localhost:5000", "team/x", "1", ""),
        (f"r.io/x@{DIGEST}", "r.io", "x", "", DIGEST),
        (f"r.io/x:1@{DIGEST}", "r.io", "x", "1", DIGEST),
        (
            "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
            "246618743249.dkr.ecr.us-west-2.amazonaws.com",
            "sagemaker-scikit-learn",
            "1.2-1-cpu-py3",
            "",
        ),
        (
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a/b/c",
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
            "a/b/c",
            "",
            "",
        ),
    ],
)
def test_a_reference_has_these_parts(uri: str, registry: str, repository: str, tag: str, digest: str) -> None:
    image = ImageReference.parse(uri)
    assert (image.uri, image.registry, image.repository, image.tag, image.digest) == (
        uri,
        registry,
        repository,
        tag,
        digest,
    )


@pytest.mark.parametrize(
    "uri",
    [
        "",
        " ",
        "a b",
        "a:",
        ":1",
        "/a",
        "a/",
        "a//b",
        "https://x/y",
        "a:b:c",
        "a@sha256:12",
        "-a",
        "a\n",
        "é",
        "a:" + "t" * 129,
        "a" * (LONGEST_URI + 1),
        "../x",
        "a/../b",
    ],
)
def test_what_names_no_image_is_refused(uri: str) -> None:
    with pytest.raises(InvalidInputError, match="does not name an image"):
        ImageReference.parse(uri)


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("docker.io/library/python:3.12", "python"),
        ("public.ecr.aws/docker/library/python:3.12", "python"),
        ("public.ecr.aws/deep-learning-containers/pytorch-training:2.8.0", "pytorch-training"),
        ("someone/python", "someone/python"),
    ],
)
def test_a_mirror_keeps_the_published_name(uri: str, name: str) -> None:
    assert ImageReference.parse(uri).published_name == name


def test_the_names_of_a_setting_go_from_exact_to_general() -> None:
    assert ImageReference.parse("r.io/team/x:1").names == (
        "r.io/team/x:1",
        "r.io/team/x:1",
        "team/x:1",
        "r.io/team/x",
        "team/x",
    )
    assert ImageReference.parse("x").names == ("x", "x", "x")


@given(st.text(max_size=300))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        image = ImageReference.parse(text)
    except InvalidInputError:
        return
    assert image.uri == text
    assert image.repository
