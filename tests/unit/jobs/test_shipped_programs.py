"""Which of Stepmill's own programs an image runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepmill.jobs.shipped_programs import digest_of_programs, digest_of_sources


def test_images_of_algorithms_share_their_programs_and_those_of_checks_theirs() -> None:
    algorithms = {digest_of_programs(f"x.io/{name}:1") for name in ("kmeans", "pca", "forecasting-deepar")}
    checks = {digest_of_programs(f"x.io/{name}:1.0") for name in ("sagemaker-model-monitor-analyzer",)}
    assert len(algorithms) == len(checks) == len(algorithms | checks) - 1 == 1


@pytest.mark.parametrize("image", ["python:3.11", "x.io/team/kmeans:1", "", "no image at all", "x" * 9000])
def test_other_images_run_what_the_user_gives_them(image: str) -> None:
    assert digest_of_programs(image) == ""


@pytest.mark.parametrize(("name", "content"), [("a.py", "b"), ("b.py", "a"), ("c/a.py", "a")])
def test_names_and_bytes_count(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "a.py").write_text("a")
    file = tmp_path / "other" / name
    file.parent.mkdir(parents=True)
    file.write_text(content)
    assert digest_of_sources(tmp_path / "first") != digest_of_sources(tmp_path / "other")


def test_what_python_compiled_does_not_count(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text("a")
    (tmp_path / "two" / "__pycache__").mkdir()
    (tmp_path / "two" / "__pycache__" / "a.pyc").write_bytes(b"x")
    assert digest_of_sources(tmp_path / "one") == digest_of_sources(tmp_path / "two")
