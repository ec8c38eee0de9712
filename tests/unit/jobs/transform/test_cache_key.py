"""What the result of a Transform step depends on, and what not."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.errors import StepmillError
from stepmill.jobs.cache_keys import CacheKey, JobKeys
from stepmill.jobs.transform.cache_key import TransformKeys
from stepmill.storage.objects.uri import S3Uri
from support.keeping import Keeping, a_task, keeping

REQUEST: dict[str, Any] = {
    "ModelName": "first",
    "TransformInput": {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in/"}},
        "ContentType": "text/csv",
        "SplitType": "Line",
    },
    "TransformOutput": {"S3OutputPath": "s3://bucket/one", "Accept": "text/csv"},
    "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    "Environment": {"MODE": "fast"},
}
IMAGE = "sagemaker-scikit-learn:1.2-1"


class Models:
    def __init__(self) -> None:
        self.container: dict[str, Any] = {
            "Image": IMAGE,
            "ModelDataUrl": "s3://bucket/model.tar.gz",
            "Environment": {"PASSWORD": "secret", "SAGEMAKER_SUBMIT_DIRECTORY": "s3://bucket/code.tar.gz"},
        }

    def describe(self, name_or_arn: str) -> Any:
        return {"ModelName": name_or_arn, "PrimaryContainer": self.container}


class Site:
    def __init__(self, kept: Keeping) -> None:
        self.kept = kept
        self.models = Models()
        self.versions = {"scikit-learn": "1.5"}
        for name in ("model.tar.gz", "code.tar.gz", "in/a.csv"):
            self.put(name, name)
        keys = JobKeys(kept.contents, kept.objects, kept.folder, lambda _image: self.versions)
        self._keys = TransformKeys(keys, kept.contents, self.models, self.models, kept.folder)

    def put(self, key: str, text: str) -> None:
        self.kept.objects.put_bytes(S3Uri("bucket", key), text.encode())

    def key(self, **changes: Any) -> CacheKey:
        payload = {**copy.deepcopy(REQUEST), **changes}
        return self._keys(a_task("sagemaker:createTransformJob", payload))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with keeping(tmp_path) as kept:
        yield Site(kept)


def test_another_name_and_place_of_the_same_is_a_hit(site: Site) -> None:
    first = site.key()
    site.put("moved/model.tar.gz", "model.tar.gz")
    site.put("elsewhere/a.csv", "in/a.csv")
    site.models.container["ModelDataUrl"] = "s3://bucket/moved/model.tar.gz"
    source = copy.deepcopy(REQUEST["TransformInput"])
    source["DataSource"]["S3DataSource"]["S3Uri"] = "s3://bucket/elsewhere/"
    second = site.key(
        ModelName="second",
        TransformInput=source,
        TransformOutput={**REQUEST["TransformOutput"], "S3OutputPath": "s3://bucket/two"},
        TransformResources={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
        MaxConcurrentTransforms=4,
    )
    assert second.digest == first.digest


@pytest.mark.parametrize("key", ["model.tar.gz", "code.tar.gz", "in/a.csv"])
def test_other_content_is_a_miss(site: Site, key: str) -> None:
    first = site.key()
    site.put(key, "other")
    assert site.key().digest != first.digest


@pytest.mark.parametrize(
    "changes",
    [
        {"Environment": {"MODE": "slow"}},
        {"DataProcessing": {"InputFilter": "$[1:]"}},
        {"TransformOutput": {**REQUEST["TransformOutput"], "Accept": "application/json"}},
        {"BatchStrategy": "SingleRecord"},
    ],
)
def test_other_wishes_are_a_miss(site: Site, changes: dict[str, Any]) -> None:
    assert site.key(**changes).digest != site.key().digest


def test_other_software_and_other_variables_are_a_miss(site: Site) -> None:
    first = site.key()
    site.versions = {"scikit-learn": "1.6"}
    second = site.key()
    site.models.container["Environment"]["PASSWORD"] = "other"
    assert len({first.digest, second.digest, site.key().digest}) == 3


def test_variables_are_not_shown(site: Site) -> None:
    assert "secret" not in str(site.key().parts)


def test_input_that_is_not_there(site: Site) -> None:
    site.models.container["ModelDataUrl"] = "s3://bucket/gone.tar.gz"
    with pytest.raises(StepmillError, match="Could not find model data"):
        site.key()
