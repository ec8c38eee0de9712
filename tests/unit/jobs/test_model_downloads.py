from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.errors import InvalidInputError, NotFoundError, WrongStateError
from stepmill.jobs.model_downloads import Download, download
from support.keeping import Keeping, keeping
from support.model_reports import ANALYSIS, REGRESSION, put_reports, tar_of


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        yield opened


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


def described(*uris: str, **more: Any) -> dict[str, Any]:
    containers = [{"Image": "x", "ModelDataUrl": uri} for uri in uris]
    return {"ModelPackageName": "churn", "InferenceSpecification": {"Containers": containers}, **more}


def names(done: Download) -> list[str]:
    return sorted(path.relative_to(done.folder).as_posix() for path in done.files)


def on_disk(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def test_all_of_a_version_is_copied(kept: Keeping, target: Path) -> None:
    kept.put("s3://bucket/m/model.tar.gz", tar_of(("model.json", b"{}"), ("code/inference.py", b"pass")))
    sources = put_reports(kept, quality=REGRESSION, bias=ANALYSIS)
    metrics = {"ModelQuality": {"Statistics": sources["quality"]}, "Bias": {"Report": sources["bias"]}}
    document = described("s3://bucket/m/model.tar.gz", ModelMetrics=metrics)
    done = download(document, target, kept.objects, kept.folder)
    expected = [
        "model/model.tar.gz", "model/model/code/inference.py", "model/model/model.json", "package.json",
        "reports/bias-report.json", "reports/model-quality-statistics.json",
    ]  # fmt: skip
    assert names(done) == expected == on_disk(target)
    assert done.problems == []
    assert json.loads((target / "package.json").read_text()) == document
    assert json.loads((target / "reports" / "bias-report.json").read_text()) == ANALYSIS
    assert (target / "model" / "model" / "model.json").read_text() == "{}"


def test_a_missing_report_hides_nothing(kept: Keeping, target: Path) -> None:
    kept.put("s3://bucket/m.bin", b"weights")
    source = {"ContentType": "application/json", "S3Uri": "s3://bucket/none.json"}
    document = described("s3://bucket/m.bin", ModelMetrics={"Bias": {"Report": source}})
    done = download(document, target, kept.objects, kept.folder)
    assert names(done) == ["model/m.bin", "package.json"]
    ((title, why),) = done.problems
    assert (title, "There is no report" in why) == ("Bias: report", True)


def test_several_containers_and_prefixes(kept: Keeping, target: Path) -> None:
    kept.put("s3://bucket/a/model.tar.gz", tar_of(("a", b"1")))
    kept.put("s3://bucket/b/x/weights", b"2")
    document = described("s3://bucket/a/model.tar.gz", "s3://bucket/b/")
    done = download(document, target, kept.objects, kept.folder)
    assert names(done) == ["model-1/model.tar.gz", "model-1/model/a", "model-2/x/weights", "package.json"]


def test_model_data_of_this_machine(kept: Keeping, target: Path) -> None:
    (kept.folder / "weights.bin").write_bytes(b"1")
    (kept.folder / "tree" / "deep").mkdir(parents=True)
    (kept.folder / "tree" / "deep" / "w").write_bytes(b"2")
    (kept.folder / "tree" / "link").symlink_to("/etc/passwd")
    done = download(described("weights.bin", "tree"), target, kept.objects, kept.folder)
    assert names(done) == ["model-1/weights.bin", "model-2/deep/w", "package.json"]


@pytest.mark.parametrize("uri", ["s3://bucket/none.tar.gz", "none.tar.gz"])
def test_missing_model_data_is_an_error(kept: Keeping, target: Path, uri: str) -> None:
    with pytest.raises(NotFoundError, match="Could not find model data"):
        download(described(uri), target, kept.objects, kept.folder)


def test_nothing_is_written_over(kept: Keeping, target: Path) -> None:
    target.mkdir()
    download(described(), target, kept.objects, kept.folder)
    with pytest.raises(WrongStateError, match="not empty"):
        download(described(), target, kept.objects, kept.folder)
    file = kept.folder / "file"
    file.write_text("mine")
    with pytest.raises(WrongStateError):
        download(described(), file, kept.objects, kept.folder)
    assert file.read_text() == "mine"


def _link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


def _device() -> tarfile.TarInfo:
    info = tarfile.TarInfo("device")
    info.type, info.devmajor, info.devminor = tarfile.CHRTYPE, 1, 3
    return info


@pytest.mark.parametrize(
    "archive",
    [
        tar_of(("../../evil", b"x")),
        tar_of(("/tmp/evil-of-stepmill", b"x")),
        tar_of(("a/../../../evil", b"x")),
        tar_of(_link("out", "/tmp"), ("out/evil", b"x")),
        tar_of(_link("out", "../../.."), ("out/evil", b"x")),
        tar_of(_link("hard", "/etc/passwd", tarfile.LNKTYPE)),
        tar_of(_device()),
        b"no archive at all",
        tar_of(("a", b"x" * 5000))[:-200],
    ],
    ids=["up", "absolute", "through", "link", "relative-link", "hard-link", "device", "text", "cut"],
)
def test_a_hostile_archive_leads_nowhere(kept: Keeping, target: Path, archive: bytes) -> None:
    kept.put("s3://bucket/m/model.tar.gz", archive)
    before = {path for path in kept.folder.rglob("*") if "objects" not in path.parts}
    with pytest.raises(InvalidInputError, match=r"model\.tar\.gz"):
        download(described("s3://bucket/m/model.tar.gz"), target, kept.objects, kept.folder)
    after = {path for path in kept.folder.rglob("*") if "objects" not in path.parts}
    assert all(target in (path, *path.parents) for path in after - before)
    assert not any("evil" in path.name or path.is_symlink() for path in after)
    assert (target / "model" / "model.tar.gz").read_bytes() == archive


@pytest.mark.parametrize("key", ["m/../../evil", "m/./x", "m//x"])
def test_hostile_names_of_objects_lead_nowhere(kept: Keeping, target: Path, key: str) -> None:
    kept.put(f"s3://bucket/{key}", b"x")
    with pytest.raises(InvalidInputError, match="cannot be copied to a file"):
        download(described("s3://bucket/m/"), target, kept.objects, kept.folder)
    assert on_disk(target) == ["package.json"]


def test_reports_are_named_by_what_they_are(kept: Keeping, target: Path) -> None:
    kept.put("s3://bucket/r/-rf ~.j$on", json.dumps(REGRESSION))
    source = {"ContentType": "application/json", "S3Uri": "s3://bucket/r/-rf ~.j$on"}
    metrics = {"ModelQuality": {"Statistics": source}}
    done = download(described(ModelMetrics=metrics), target, kept.objects, kept.folder)
    assert names(done) == ["package.json", "reports/model-quality-statistics"]


def test_two_archives_that_unpack_to_one_name_stay_apart(kept: Keeping, target: Path) -> None:
    kept.put("s3://bucket/m/model.tar.gz", tar_of(("a", b"1")))
    kept.put("s3://bucket/m/model.tgz", tar_of(("b", b"2")))
    done = download(described("s3://bucket/m/"), target, kept.objects, kept.folder)
    assert names(done) == [
        "model/model.tar.gz", "model/model.tgz", "model/model.tgz.unpacked/b", "model/model/a",
        "package.json",
    ]  # fmt: skip
