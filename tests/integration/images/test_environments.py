"""Real environments, from a wheel that the test makes: no index is needed."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from stepmill.core.errors import ComputeError
from stepmill.core.settings import ImageSetting
from stepmill.images.catalog import ImageCatalog


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "greeting-1.5-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("greeting.py", "TEXT = 'hello from the wheel'\n")
        info = "greeting-1.5.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.5\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def test_an_image_of_requirements_is_built_once_and_runs(
    tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    setting = ImageSetting(
        requirements=(f"greeting @ {wheel.as_uri()}",), entrypoint=("python3", "-m", "greeting")
    )
    images = ImageCatalog({"team/greeter": setting}, tmp_path / "environments")
    lines: list[str] = []
    image = images.resolve("registry.example/team/greeter:2", lines.append)
    assert not image.own_environment
    assert any("greeting" in line for line in lines)
    said = subprocess.run(
        [image.python, "-c", "import greeting; print(greeting.TEXT)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "hello from the wheel\n"
    wheel.unlink()
    assert images.resolve("registry.example/team/greeter:2").python == image.python

    missing = ImageSetting(requirements=("surely-not-there",))
    with pytest.raises(ComputeError) as caught:
        ImageCatalog({"x": missing}, tmp_path / "environments").resolve("x")
    assert "surely-not-there" in caught.value.what
    assert "No matching distribution found" in caught.value.what
