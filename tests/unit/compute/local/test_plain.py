from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.compute.local.plain import Relocation, lay_out_plainly, plain_environment
from stepmill.compute.local.pythons import Pythons
from stepmill.compute.spec import JobSpec, Mount
from stepmill.core.errors import ComputeError

ROOT = Path("/jobs/a/root")
FACTS = Pythons().facts(Path(sys.executable))


def _spec(folder: Path, *mounts: Mount, **environment: str) -> JobSpec:
    return JobSpec("job", folder, ("python3", "x"), environment, Path(sys.executable), mounts=mounts)


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("/opt/ml", "/jobs/a/root/opt/ml"),
        ("/opt/ml/model", "/jobs/a/root/opt/ml/model"),
        ("--data=/opt/ml/input", "--data=/jobs/a/root/opt/ml/input"),
        ("/a:/opt/ml/x:/opt/ml", "/a:/jobs/a/root/opt/ml/x:/jobs/a/root/opt/ml"),
        ('{"dir":"/opt/ml"}', '{"dir":"/jobs/a/root/opt/ml"}'),
        ("cd /opt/ml && ls", "cd /jobs/a/root/opt/ml && ls"),
        ("/opt/mlx", "/opt/mlx"),
        ("/opt/ml-data", "/opt/ml-data"),
        ("/opt/ml.bak", "/opt/ml.bak"),
        ("/my/opt/ml", "/my/opt/ml"),
        ("s3://b/opt/ml", "s3://b/opt/ml"),
        ("./opt/ml", "./opt/ml"),
        ("/data/x", "/jobs/a/root/data/x"),
        ("", ""),
    ],
)
def test_known_places_are_moved_and_nothing_else(text: str, moved: str) -> None:
    assert Relocation(ROOT, [Mount(Path("/d"), "/data")]).moved(text) == moved


@given(st.text(max_size=80))
def test_a_text_without_a_known_place_stays(text: str) -> None:
    moved = Relocation(ROOT, []).moved(text)
    assert moved == text or "/opt/ml" in text


def test_mounts_become_links(tmp_path: Path) -> None:
    data, one = tmp_path / "data", tmp_path / "one.json"
    data.mkdir()
    one.write_text("{}")
    spec = _spec(
        tmp_path / "job", Mount(data, "/opt/ml/input/data/train"), Mount(one, "/opt/ml/input/config/one.json")
    )
    for _ in range(2):  # a server that comes back does it again
        relocation = lay_out_plainly(spec, FACTS)
        assert relocation.place("/opt/ml/input/data/train").readlink() == data
        assert relocation.place("/opt/ml/input/config/one.json").read_text() == "{}"


def test_a_mount_at_the_base_holds_the_others(tmp_path: Path) -> None:
    ml, data = tmp_path / "ml", tmp_path / "data"
    (ml / "input/data/train").mkdir(parents=True)
    data.mkdir()
    spec = _spec(tmp_path / "job", Mount(ml, "/opt/ml"), Mount(data, "/opt/ml/input/data/train"))
    relocation = lay_out_plainly(spec, FACTS)
    assert relocation.place("/opt/ml").readlink() == ml
    assert (ml / "input/data/train").readlink() == data


def test_something_that_is_in_the_way_is_told(tmp_path: Path) -> None:
    ml, data = tmp_path / "ml", tmp_path / "data"
    (ml / "model").mkdir(parents=True)
    (ml / "model/precious").write_text("x")
    data.mkdir()
    spec = _spec(tmp_path / "job", Mount(ml, "/opt/ml"), Mount(data, "/opt/ml/model"))
    with pytest.raises(ComputeError, match="something in it already"):
        lay_out_plainly(spec, FACTS)
    assert (ml / "model/precious").read_text() == "x"


def test_variables_point_to_the_jobs_folder(tmp_path: Path) -> None:
    spec = _spec(tmp_path / "job", SM_MODEL_DIR="/opt/ml/model", TMPDIR="/mine")
    relocation = lay_out_plainly(spec, FACTS)
    found = plain_environment(spec, relocation, FACTS, {"PATH": "/usr/bin", "SECRET": "x"})
    root = tmp_path / "job/root"
    assert found["SM_MODEL_DIR"] == f"{root}/opt/ml/model"
    assert found["SAGEMAKER_BASE_DIR"] == f"{root}/opt/ml"
    assert found["TMPDIR"] == "/mine"
    assert found["PATH"].endswith(":/usr/bin")
    assert "SECRET" not in found
