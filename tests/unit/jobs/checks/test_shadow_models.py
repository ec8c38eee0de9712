from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.errors import InvalidInputError, NotFoundError, UnsupportedError
from stepmill.core.json import object_of
from stepmill.core.settings import ImageSetting
from stepmill.images.catalog import ImageCatalog
from stepmill.jobs.cache_keys import JobKeys
from stepmill.jobs.checks.clarify_keys import ClarifyKeys
from stepmill.jobs.checks.preparing import STEP_MODEL
from stepmill.jobs.checks.shadow_models import ClarifyRequest, ShadowModels
from stepmill.jobs.kinds import Workplace
from stepmill.jobs.processing import ProcessingKind
from stepmill.jobs.transform.request import KEPT_MODEL
from support.keeping import BUCKET, Keeping, a_task, keeping

CLARIFY = "306415355426.dkr.ecr.us-west-2.amazonaws.com/sagemaker-clarify-processing:1.0"
MODEL_IMAGE = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
CONFIG = f"s3://{BUCKET}/analysis_config.json"
ROLE = "arn:aws:iam::123456789012:role/r"


def archive(text: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("code/inference.py")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


class Site:
    def __init__(self, kept: Keeping, folder: Path) -> None:
        self.kept = kept
        self.images = ImageCatalog({}, folder)
        self.kept.put(f"s3://{BUCKET}/model.tar.gz", archive("one"))
        self.model("mine")
        self.config(predictor={"model_name": "mine"})

    def model(self, name: str, **changes: Any) -> None:
        container = {"Image": MODEL_IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}
        self.kept.models.create(
            {"ModelName": name, "ExecutionRoleArn": ROLE, "PrimaryContainer": container, **changes}
        )

    def config(self, **config: Any) -> None:
        self.kept.put(CONFIG, json.dumps({"dataset_type": "text/csv", **config}))

    @property
    def shadows(self) -> ShadowModels:
        kept = self.kept
        return ShadowModels(kept.objects, kept.models, kept.registry, self.images, kept.folder)

    @property
    def kind(self) -> ProcessingKind:
        return ProcessingKind(lambda: self.shadows)

    def request(self, address: str = CONFIG, **changes: Any) -> dict[str, Any]:
        source = {"S3Uri": address, "LocalPath": "/opt/ml/processing/input/config", "S3DataType": "S3Prefix"}
        return {
            "AppSpecification": {"ImageUri": CLARIFY},
            "ProcessingInputs": [{"InputName": "analysis_config", "S3Input": source}],
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
            },
            "RoleArn": ROLE,
            **changes,
        }

    def read(self, **changes: Any) -> ClarifyRequest:
        found = self.kind.read(self.request(**changes), self.kept.folder)
        assert isinstance(found, ClarifyRequest)
        return found

    def named(self, **changes: Any) -> str:
        found = self.read(**changes)
        return found.model.name if found.model else ""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with keeping(tmp_path) as kept:
        yield Site(kept, tmp_path / "environments")


def test_the_model_is_the_one_that_the_configuration_names(site: Site) -> None:
    assert site.named() == "mine"
    # As a folder, too.
    assert site.named(address=f"s3://{BUCKET}/") == "mine"


def test_a_step_names_the_model_first(site: Site) -> None:
    site.model("other")
    assert site.named(**{STEP_MODEL: "other"}) == "other"
    site.config()
    assert site.named(**{STEP_MODEL: "mine"}) == "mine"
    assert site.named() == ""


def test_a_job_that_was_begun_goes_on_with_the_model_of_then(site: Site) -> None:
    found = site.read()
    assert found.model is not None
    site.kept.models.delete("mine")
    assert site.named(**{KEPT_MODEL: found.model.description}) == "mine"
    with pytest.raises(InvalidInputError, match='Could not find model "mine"'):
        site.read()


@pytest.mark.parametrize("text", ["{", "[]", '{"predictor": 3}', '{"predictor": {"model_name": 3}}'])
def test_what_is_wrong_with_a_configuration_is_told_by_the_program(site: Site, text: str) -> None:
    site.kept.put(CONFIG, text)
    assert site.named() == ""


def test_a_configuration_that_is_not_there(site: Site) -> None:
    assert site.named(address=f"s3://{BUCKET}/none/analysis_config.json") == ""
    assert site.named(ProcessingInputs=[]) == ""


def test_a_configuration_on_this_machine(site: Site, tmp_path: Path) -> None:
    (tmp_path / "analysis_config.json").write_text('{"predictor": {"model_name": "mine"}}')
    assert site.named(address=str(tmp_path)) == "mine"
    assert site.named(address=str(tmp_path / "analysis_config.json")) == "mine"


def test_other_images_and_programs_ask_no_model(site: Site) -> None:
    document = site.request(
        AppSpecification={"ImageUri": MODEL_IMAGE, "ContainerEntrypoint": ["python3", "x.py"]}
    )
    assert not isinstance(site.kind.read(document, site.kept.folder), ClarifyRequest)
    document = site.request(
        AppSpecification={"ImageUri": CLARIFY, "ContainerEntrypoint": ["python3", "x.py"]}
    )
    assert not isinstance(site.kind.read(document, site.kept.folder), ClarifyRequest)
    # Whoever only reads requests looks for no model.
    assert not isinstance(ProcessingKind().read(site.request(), site.kept.folder), ClarifyRequest)


def test_isolation_is_what_the_job_or_the_model_asks_for(site: Site) -> None:
    assert site.read().network
    assert not site.read(NetworkConfig={"EnableNetworkIsolation": True}).network
    site.model("alone", EnableNetworkIsolation=True)
    assert not site.read(**{STEP_MODEL: "alone"}).network


def test_a_job_with_a_model_needs_no_service(site: Site) -> None:
    assert not site.read().needs_endpoint


def test_a_baseline_by_its_address_is_an_input(site: Site) -> None:
    site.config(methods={"shap": {"baseline": f"s3://{BUCKET}/rows.csv"}})
    (_, added) = site.read().inputs
    assert (added.target, str(added.source)) == (
        "/opt/ml/processing/input/shap_baseline",
        f"s3://{BUCKET}/rows.csv",
    )
    site.config(methods={"shap": {"baseline": [[1]]}})
    assert len(site.read().inputs) == 1


def test_the_model_is_laid_out_beside_the_program(site: Site, tmp_path: Path) -> None:
    place = Workplace("explain-1", "arn", tmp_path / "job")
    place.ml.mkdir(parents=True)
    site.kind.lay_out(site.read(), place, site.kept.objects, site.kept.folder)
    assert (place.ml / "model" / "code" / "inference.py").read_text() == "one"
    toolkit = place.ml / "toolkit"
    assert {"clarify.py", "stepmill_batch", "stepmill_serving"} <= {path.name for path in toolkit.iterdir()}
    (container,) = json.loads((toolkit / "model.json").read_text())["containers"]
    assert (container["base"], container["command"]) == (".", ["toolkit"])
    # The job goes on with it after a restart.
    assert json.loads((place.folder / "model.json").read_text())["ModelName"] == "mine"


def test_a_job_without_a_model_has_none(site: Site, tmp_path: Path) -> None:
    site.config()
    place = Workplace("bias-1", "arn", tmp_path / "job")
    place.ml.mkdir(parents=True)
    site.kind.lay_out(site.read(), place, site.kept.objects, site.kept.folder)
    assert not (place.ml / "toolkit" / "model.json").exists()
    assert not (place.folder / "model.json").exists()


def test_the_images_must_share_an_environment(site: Site, tmp_path: Path) -> None:
    request = site.read()
    assert site.kind.command(request, site.images.offer(CLARIFY))[0] == "python"
    own = ImageSetting(python=tmp_path / "python")
    site.images = ImageCatalog({"sagemaker-scikit-learn": own}, tmp_path)
    with pytest.raises(UnsupportedError, match="Name one environment for both images"):
        site.kind.command(request, site.images.offer(CLARIFY))


class TestCacheKeys:
    def key(self, site: Site, **changes: Any) -> str:
        kept = site.kept
        jobs = JobKeys(kept.contents, kept.objects, kept.folder, lambda _image: {})
        keys = ClarifyKeys(jobs, kept.contents, lambda: site.shadows, kept.folder)
        return keys.processing(a_task("r", site.request(**changes))).digest

    def test_another_name_of_the_same_model_is_a_hit(self, site: Site) -> None:
        site.model("other")
        assert self.key(site, **{STEP_MODEL: "other"}) == self.key(site, **{STEP_MODEL: "mine"})

    def test_other_data_of_the_model_is_none(self, site: Site) -> None:
        first = self.key(site)
        site.kept.put(f"s3://{BUCKET}/model.tar.gz", archive("two"))
        assert self.key(site) != first

    def test_another_baseline_is_none(self, site: Site) -> None:
        site.config(methods={"shap": {"baseline": f"s3://{BUCKET}/rows.csv"}})
        site.kept.put(f"s3://{BUCKET}/rows.csv", "1\n")
        first = self.key(site)
        site.kept.put(f"s3://{BUCKET}/rows.csv", "2\n")
        assert self.key(site) != first

    def test_a_model_that_is_not_there(self, site: Site) -> None:
        with pytest.raises((InvalidInputError, NotFoundError)):
            self.key(site, **{STEP_MODEL: "none"})


def test_what_describe_tells_of_a_model_is_enough(site: Site) -> None:
    found = site.read()
    assert found.model is not None
    assert object_of(found.model.description)["ModelName"] == "mine"
