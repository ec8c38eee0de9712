from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.errors import UnsupportedError
from stepmill.images.catalog import ImageCatalog
from stepmill.jobs.checks.laying import imports_of, lay_out_program, path_of, program_of
from stepmill.jobs.processing import ProcessingKind

IMAGE = "159807026194.dkr.ecr.us-west-2.amazonaws.com/sagemaker-model-monitor-analyzer"


def command(folder: Path, **changes: Any) -> tuple[str, ...]:
    request = {
        "AppSpecification": {"ImageUri": IMAGE, **changes.pop("AppSpecification", {})},
        "ProcessingResources": {"ClusterConfig": {"InstanceCount": changes.pop("count", 1)}},
        "RoleArn": "arn:aws:iam::123456789012:role/R",
    }
    kind = ProcessingKind()
    return kind.command(kind.read(request, folder), ImageCatalog({}, folder).offer(IMAGE))


def test_the_image_brings_its_program(tmp_path: Path) -> None:
    assert command(tmp_path) == ("python", "/opt/ml/toolkit/analyzer.py")
    assert program_of("python:3") == ""


def test_an_entry_point_is_run_in_its_place(tmp_path: Path) -> None:
    own = {"ContainerEntrypoint": ["python3", "mine.py"]}
    assert command(tmp_path, AppSpecification=own) == ("python3", "mine.py")


def test_it_runs_on_one_host(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="runs on one host"):
        command(tmp_path, count=2)


@pytest.mark.parametrize(
    ("name", "told"), [("analyzer", "dataset_format is missing"), ("clarify", "analysis_config.json cannot")]
)
def test_the_program_runs_where_it_was_put(tmp_path: Path, name: str, told: str) -> None:
    program = tmp_path / Path(path_of(name)).name
    lay_out_program(name, tmp_path)
    assert imports_of(name, tmp_path).is_file()
    done = subprocess.run(
        [sys.executable, program.name],
        cwd=tmp_path,
        env={"SAGEMAKER_BASE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, told in done.stdout) == (2, True), done.stderr


def test_the_programs_import_nothing_of_stepmill() -> None:
    folder = Path(__file__).parents[4] / "src" / "stepmill" / "jobs" / "checks" / "programs"
    texts = [path.read_text() for path in folder.glob("*.py")]
    assert len(texts) > 5
    assert not any("import stepmill" in text or "from stepmill" in text for text in texts)
