from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.settings import ImageSetting, Isolation
from stepmill.images import catalog as catalog_module
from stepmill.images.catalog import ImageCatalog, ImageOffer
from stepmill.images.families import ImageFamily
from stepmill.images.needs import Needs

SKLEARN = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
OWN = Path(sys.executable)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the environment that runs Stepmill holds."""
    versions = {"scikit-learn": "1.9.1", "pandas": "2.3.3"}
    monkeypatch.setattr(catalog_module, "_installed", lambda name: versions.get(name, ""))
    monkeypatch.setattr("platform.python_version", lambda: "3.11.4")
    return versions


@pytest.fixture
def shipped(tmp_path: Path) -> ImageCatalog:
    return ImageCatalog({}, tmp_path / "environments")


def test_the_running_environment_is_used_where_it_holds_the_libraries(
    shipped: ImageCatalog, installed: dict[str, str]
) -> None:
    image = shipped.resolve(SKLEARN)
    assert (image.repository, image.tag, image.family) == (
        "sagemaker-scikit-learn",
        "1.2-1-cpu-py3",
        ImageFamily.SKLEARN,
    )
    assert (image.python, image.own_environment, image.toolkit, image.engine) == (OWN, True, True, None)
    assert image.notes == ("the image asks for scikit-learn 1.2-1, this environment has 1.9.1",)
    assert image.differences == image.notes


def test_the_same_version_needs_no_note(shipped: ImageCatalog, installed: dict[str, str]) -> None:
    installed["scikit-learn"] = "1.2.2"
    assert shipped.resolve(SKLEARN).notes == ()


def test_another_python_is_said(shipped: ImageCatalog, installed: dict[str, str]) -> None:
    assert shipped.resolve("python:3.12").notes == (
        "the image asks for Python 3.12, this environment has 3.11.4",
    )
    assert shipped.resolve("python:3.11-slim").notes == ()
    assert shipped.resolve("python").notes == ()
    assert shipped.resolve("x.io/sagemaker-base-python-38:1.0").notes == (
        "the image asks for Python 3.8, this environment has 3.11.4",
    )


def test_a_gpu_image_and_a_digest_are_said(shipped: ImageCatalog, installed: dict[str, str]) -> None:
    installed["torch"] = "2.13.0+cpu"
    assert shipped.resolve("x.io/pytorch-training:2.13.0-gpu-py311").differences == ()
    notes = shipped.resolve("x.io/pytorch-training:2.13.0-gpu-py311").notes
    assert len(notes) == 1
    assert "GPUs" in notes[0]
    notes = shipped.resolve(f"x.io/pytorch-training@sha256:{'ab' * 32}").notes
    assert len(notes) == 1
    assert "digest" in notes[0]


def test_each_version_that_a_tag_tells_is_compared(shipped: ImageCatalog, installed: dict[str, str]) -> None:
    installed |= {"torch": "2.8.0", "transformers": "5.1.0", "datasets": "4.0", "accelerate": "1.1"}
    uri = "x.io/huggingface-pytorch-training:2.8.0-transformers4.56.2-gpu-py312-cu129-ubuntu22.04"
    image = shipped.resolve(uri)
    assert image.own_environment
    assert image.differences == (
        "the image asks for transformers 4.56.2, this environment has 5.1.0",
        "the image asks for Python 3.12, this environment has 3.11.4",
    )
    installed["transformers"] = "4.56.2"
    assert shipped.resolve(uri).differences[:-1] == ()


def test_xgboost_cpu_is_xgboost(shipped: ImageCatalog, installed: dict[str, str]) -> None:
    installed.update({"xgboost-cpu": "3.2.0", "pyarrow": "26.0.1"})
    image = shipped.resolve("x.io/sagemaker-xgboost:1.7-1")
    assert image.own_environment
    assert image.notes == ("the image asks for xgboost 1.7-1, this environment has 3.2.0",)


class FakeEnvironments:
    """Builds nothing, and notes what it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def python(self, requirements: list[str], progress: object, *, version: str = "") -> Path:
        self.asked.append((version, tuple(requirements)))
        return self.folder / "bin/python"

    def versions(self, requirements: list[str], *, version: str = "") -> dict[str, str]:
        return {"torch": "2.8.0"}


def built(images: ImageCatalog) -> list[tuple[str, tuple[str, ...]]]:
    environments: Any = images._environments
    asked: list[tuple[str, tuple[str, ...]]] = environments.asked
    return asked


class TestNeeds:
    """What a job needs beyond what its image promises."""

    @pytest.fixture
    def images(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageCatalog:
        monkeypatch.setattr(catalog_module, "Environments", FakeEnvironments)
        settings = {
            "mine": ImageSetting(python=OWN),
            "built": ImageSetting(requirements=("pandas>=2.1",)),
            "oci": ImageSetting(engine=Isolation.PODMAN),
        }
        return ImageCatalog(settings, tmp_path)

    @pytest.mark.parametrize("needs", [Needs("3.12"), Needs("3.11", ("sagemaker==2.1",)), Needs("", ("x",))])
    def test_an_environment_is_built_for_it(
        self, images: ImageCatalog, installed: dict[str, str], needs: Needs
    ) -> None:
        image = images.resolve(SKLEARN, needs=needs)
        wanted = ("scikit-learn>=1.4", "pandas>=2.1", *needs.libraries)
        assert (image.own_environment, built(images)) == (False, [(needs.python, wanted)])

    def test_the_base_image_of_the_python_that_is_needed_needs_no_note(
        self, images: ImageCatalog, installed: dict[str, str]
    ) -> None:
        needs = Needs("3.10", ("sagemaker",))
        image = images.resolve("x.io/sagemaker-base-python-310:1.0", needs=needs)
        assert image.notes == ()
        assert built(images) == [("3.10", ("sagemaker",))]

    def test_the_users_requirements_come_along(self, images: ImageCatalog) -> None:
        images.resolve("built:1", needs=Needs("3.12", ("sagemaker",)))
        assert built(images) == [("3.12", ("pandas>=2.1", "sagemaker"))]

    def test_an_environment_of_the_users_is_theirs(self, images: ImageCatalog) -> None:
        needs = Needs("3.99", ("sagemaker",))
        assert images.resolve("mine:1", needs=needs).python == OWN
        assert images.resolve("oci:1", needs=needs).engine is Isolation.PODMAN
        assert images.offer("mine:1", needs).toolkit
        assert images.offer("oci:1", needs).oci_image == "oci:1"
        assert built(images) == []

    @pytest.mark.parametrize("uri", ["python:3", "built:1"])
    def test_a_python_that_is_not_there_is_told_before_anything_is_built(
        self, images: ImageCatalog, uri: str
    ) -> None:
        with pytest.raises(UnsupportedError, match=r"Python 3\.99 is needed"):
            images.offer(uri, Needs("3.99"))
        assert images.offer(uri, Needs(f"{sys.version_info[0]}.{sys.version_info[1]}")).toolkit in (
            True,
            False,
        )


def test_a_missing_library_means_a_built_environment(
    tmp_path: Path, installed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_module, "Environments", FakeEnvironments)
    images = ImageCatalog({}, tmp_path)
    image = images.resolve("x.io/pytorch-training:2.9.1-cpu-py311")
    # Scripts count on what else AWS's image holds: an environment with torch alone has not even numpy.
    wanted = ("torch>=2.5", "numpy>=1.26", "pandas>=2.1", "scikit-learn>=1.4", "torchvision>=0.20")
    assert built(images) == [("", wanted)]
    assert (image.python, image.own_environment) == (tmp_path / "bin/python", False)
    assert image.notes == ("the image asks for torch 2.9.1, this environment has 2.8.0",)
    assert images.identity("x.io/pytorch-training:2.9.1-cpu-py311") == {"python": "3.11.4", "torch": "2.8.0"}


class TestOffers:
    """What is known of an image before anything is built for it."""

    def test_it_is_what_resolving_finds(self, tmp_path: Path, installed: dict[str, str]) -> None:
        settings = {
            "own": ImageSetting(python=OWN, entrypoint=("python", "main.py")),
            "oci": ImageSetting(engine=Isolation.PODMAN),
        }
        catalog = ImageCatalog(settings, tmp_path)
        for uri in (SKLEARN, "python:3", "own:1", "oci:1"):
            offer, image = catalog.offer(uri), catalog.resolve(uri)
            named = str(image.python) if uri == "own:1" else ""
            assert offer == ImageOffer(image.entrypoint, image.toolkit, image.oci_image, environment=named)

    def test_nothing_is_built(self, tmp_path: Path, installed: dict[str, str]) -> None:
        installed.clear()
        catalog = ImageCatalog({"own": ImageSetting(requirements=("no-such-library",))}, tmp_path)
        assert catalog.offer("own:1").toolkit
        assert catalog.offer(SKLEARN).toolkit
        assert list(tmp_path.iterdir()) == []

    def test_an_unknown_image_is_refused(self, shipped: ImageCatalog) -> None:
        with pytest.raises(UnsupportedError, match="'team/trainer' is not known"):
            shipped.offer("team/trainer:1")


class TestSettings:
    def catalog(self, tmp_path: Path, **images: ImageSetting) -> ImageCatalog:
        return ImageCatalog({name.replace("__", "/"): image for name, image in images.items()}, tmp_path)

    def test_an_environment_of_the_users(self, tmp_path: Path) -> None:
        python = tmp_path / "python"
        python.symlink_to(OWN)
        image = self.catalog(tmp_path, team__x=ImageSetting(python=python)).resolve("r.io/team/x:3")
        # The link is kept: resolved, it would be another environment's interpreter.
        assert (image.python, image.own_environment, image.family) == (python, False, ImageFamily.CUSTOM)
        assert image.toolkit

    def test_the_own_environment_may_be_named(self, tmp_path: Path) -> None:
        image = self.catalog(tmp_path, x=ImageSetting(python=OWN)).resolve("x")
        assert image.own_environment

    def test_an_engine_runs_the_image_itself(self, tmp_path: Path) -> None:
        setting = ImageSetting(engine=Isolation.PODMAN, entrypoint=("run", "me"))
        image = self.catalog(tmp_path, x=setting).resolve("r.io/x:1")
        assert (image.oci_image, image.engine, image.entrypoint) == (
            "r.io/x:1",
            Isolation.PODMAN,
            ("run", "me"),
        )
        assert (image.own_environment, image.toolkit) == (False, False)

    def test_settings_come_before_what_is_shipped(self, tmp_path: Path) -> None:
        setting = ImageSetting(engine=Isolation.DOCKER)
        images = ImageCatalog({"sagemaker-scikit-learn": setting}, tmp_path)
        assert images.resolve(SKLEARN).engine is Isolation.DOCKER

    def test_the_most_exact_name_wins(self, tmp_path: Path) -> None:
        images = ImageCatalog(
            {
                "x": ImageSetting(python=OWN, entrypoint=("a",)),
                "x:2": ImageSetting(python=OWN, entrypoint=("b",)),
                "r.io/x:2": ImageSetting(python=OWN, entrypoint=("c",)),
            },
            tmp_path,
        )
        assert images.resolve("r.io/x:1").entrypoint == ("a",)
        assert images.resolve("q.io/x:2").entrypoint == ("b",)
        assert images.resolve("r.io/x:2").entrypoint == ("c",)

    @pytest.mark.parametrize(
        "setting",
        [
            ImageSetting(),
            ImageSetting(python=OWN, requirements=("x",)),
            ImageSetting(python=OWN, engine=Isolation.PODMAN),
            ImageSetting(engine=Isolation.BUBBLEWRAP),
            ImageSetting(python=Path("/nowhere/python")),
            ImageSetting(python=Path("/etc/passwd")),
        ],
    )
    def test_a_setting_that_cannot_be_used_says_where_it_is(
        self, tmp_path: Path, setting: ImageSetting
    ) -> None:
        with pytest.raises(InvalidInputError) as caught:
            self.catalog(tmp_path, x=setting).resolve("x:1")
        assert 'stepmill.toml, [images."x"]' in caught.value.where

    def test_identities(self, tmp_path: Path) -> None:
        images = ImageCatalog(
            {
                "e": ImageSetting(engine=Isolation.DOCKER),
                "p": ImageSetting(python=OWN),
                "r": ImageSetting(requirements=("b", "a")),
            },
            tmp_path,
        )
        assert images.identity("e:1") == {}
        assert images.identity("p:1") == {"python": str(OWN)}
        assert images.identity("r:1")["requirements"] == "a, b"
        assert images.identity("unknown") == {}


@pytest.mark.parametrize(
    ("uri", "what"),
    [
        ("r.io/team/trainer:1", "The image 'team/trainer' is not known."),
        ("1.dkr.ecr.x.amazonaws.com/ntm:1", "The built-in algorithm 'ntm' is not offered yet."),
        (
            "r.io/sagemaker-debugger-rules:1.0",
            "The service image 'sagemaker-debugger-rules' is not offered yet.",
        ),
        ("r.io/mxnet-training:1.9.0", "The framework image 'mxnet-training' is not offered yet."),
    ],
)
def test_the_refusal_names_the_image_and_shows_the_setting(
    shipped: ImageCatalog, uri: str, what: str
) -> None:
    with pytest.raises(UnsupportedError) as caught:
        shipped.resolve(uri)
    assert caught.value.what == what
    assert caught.value.where == uri
    assert f'[images."{uri.split("/", 1)[1].split(":")[0]}"]' in caught.value.mend


def test_the_setting_that_a_refusal_shows_can_be_read(shipped: ImageCatalog) -> None:
    with pytest.raises(UnsupportedError) as caught:
        shipped.resolve("r.io/team/trainer:1")
    snippet = caught.value.mend.split("\n", 1)[1]
    assert set(tomllib.loads(snippet)["images"]["team/trainer"]) == {"python", "requirements", "engine"}
