"""Inputs are laid out by reference, and what cannot be laid out is said."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.jobs import channels
from stepmill.jobs.channels import files_of, holds_code, stage_input
from stepmill.jobs.mounts import Placement
from stepmill.jobs.requests.data import Compression, DataType, Distribution, Input
from stepmill.storage.objects.folder import FolderStore
from stepmill.storage.objects.uri import S3Uri
from support.job_data import open_store, put

TARGET = "/opt/ml/input/data/train"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return open_store(tmp_path / "home", "data")[0]


def s3(key: str, **changes: Any) -> Input:
    return Input("train", TARGET, S3Uri("data", key), where="Inputs[0]", **changes)


def names(item: Input, store: FolderStore) -> list[str]:
    return [file.path for file in files_of(item, store)]


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


class TestPrefixes:
    def test_the_path_below_the_prefix_is_kept(self, store: FolderStore) -> None:
        put(store, **{"raw/a.csv": "1", "raw/2024/b.csv": "2", "other": "3"})
        assert names(s3("raw"), store) == names(s3("raw/"), store) == ["2024/b.csv", "a.csv"]

    def test_every_key_that_begins_with_the_address_is_meant(self, store: FolderStore) -> None:
        put(store, **{"raw1/a": "1", "raw2/a": "2", "raw": "3"})
        assert names(s3("ra"), store) == ["w", "w1/a", "w2/a"]

    def test_an_address_that_is_an_object_is_that_file_alone(self, store: FolderStore) -> None:
        put(store, **{"m/model.tar.gz": "1", "m/model.tar.gz.bak": "2"})
        assert names(s3("m/model.tar.gz"), store) == ["model.tar.gz"]

    def test_a_whole_bucket(self, store: FolderStore) -> None:
        put(store, **{"a": "1", "b/c": "2"})
        assert names(s3(""), store) == ["a", "b/c"]

    def test_empty_objects_that_stand_for_folders_are_passed_over(self, store: FolderStore) -> None:
        put(store, **{"raw/": "", "raw/sub/": "", "raw/a": "1"})
        assert names(s3("raw"), store) == ["a"]

    def test_with_one_host_a_shard_is_everything(self, store: FolderStore) -> None:
        put(store, **{"raw/a": "1", "raw/b": "2"})
        assert names(s3("raw", distribution=Distribution.SHARDED), store) == ["a", "b"]


class TestManifests:
    def manifest(self, store: FolderStore, *entries: Any) -> Input:
        put(store, **{"m.json": json.dumps(list(entries))})
        return s3("m.json", data_type=DataType.MANIFEST)

    def test_keys_follow_the_prefix(self, store: FolderStore) -> None:
        put(store, **{"raw/a": "1", "raw/x/b": "2", "raw/c": "3"})
        assert names(self.manifest(store, {"prefix": "s3://data/raw/"}, "a", "x/b"), store) == ["a", "x/b"]
        assert names(self.manifest(store, {"prefix": "s3://data/raw"}, "/a"), store) == ["a"]

    @pytest.mark.parametrize(
        "entries",
        [
            [],
            ["a"],
            [{"prefix": "s3://data/"}],
            [{"prefix": 3}, "a"],
            [{"prefix": "s3://data/"}, 3],
            [{"prefix": "/etc/"}, "a"],
        ],
    )
    def test_what_is_no_manifest_is_refused(self, store: FolderStore, entries: list[Any]) -> None:
        with pytest.raises(InvalidInputError, match="not a manifest"):
            names(self.manifest(store, *entries), store)

    def test_a_missing_object_is_named(self, store: FolderStore) -> None:
        put(store, **{"raw/abc": "1"})
        with pytest.raises(NotFoundError, match=r"Nothing is at s3://data/raw/abd.*raw/abc"):
            names(self.manifest(store, {"prefix": "s3://data/raw/"}, "abd"), store)

    def test_a_manifest_on_this_machine(self, store: FolderStore, tmp_path: Path) -> None:
        put(store, **{"raw/a": "1"})
        path = tmp_path / "m.json"
        path.write_text('[{"prefix": "s3://data/raw/"}, "a"]')
        assert names(Input("train", TARGET, path, DataType.MANIFEST), store) == ["a"]
        with pytest.raises(NotFoundError):
            names(Input("train", TARGET, tmp_path / "no.json", DataType.MANIFEST), store)


class TestStaging:
    def test_no_byte_is_copied(self, store: FolderStore, tmp_path: Path) -> None:
        put(store, **{"raw/big.bin": b"x" * 1000})
        (placement,) = stage_input(s3("raw"), store, tmp_path / "in", copy=False)
        assert placement == Placement(tmp_path / "in", TARGET, read_only=True, ours=True)
        assert (tmp_path / "in" / "big.bin").samefile(store.path(S3Uri("data", "raw/big.bin")))

    def test_code_is_copied_for_the_job_to_write_to(self, store: FolderStore, tmp_path: Path) -> None:
        put(store, **{"code/run.sh": "echo"})
        (placement,) = stage_input(s3("code"), store, tmp_path / "in", copy=True)
        assert not placement.read_only
        script = tmp_path / "in" / "run.sh"
        script.write_text("changed")
        script.chmod(0o755)
        assert store.read_bytes(S3Uri("data", "code/run.sh")) == b"echo"

    def test_what_is_too_large_for_code_is_not_copied(
        self, store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(channels, "LARGEST_CODE_BYTES", 3)
        put(store, **{"code/run.sh": "echo"})
        (placement,) = stage_input(s3("code"), store, tmp_path / "in", copy=True)
        assert placement.read_only

    def test_a_folder_of_this_machine_is_shown_in_place(self, store: FolderStore, tmp_path: Path) -> None:
        (tmp_path / "raw").mkdir()
        (placement,) = stage_input(Input("a", TARGET, tmp_path / "raw"), store, tmp_path / "in", copy=False)
        assert placement == Placement(tmp_path / "raw", TARGET, read_only=True)
        assert not (tmp_path / "in").exists()

    def test_a_file_of_this_machine_lies_in_the_folder(self, store: FolderStore, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("1")
        (placement,) = stage_input(Input("a", TARGET, tmp_path / "a.csv"), store, tmp_path / "in", copy=False)
        assert placement == Placement(tmp_path / "a.csv", f"{TARGET}/a.csv", read_only=True)

    def test_local_code_is_copied(self, store: FolderStore, tmp_path: Path) -> None:
        source = tmp_path / "src"
        (source / "sub").mkdir(parents=True)
        (source / "run.sh").write_text("echo")
        (source / "run.sh").chmod(0o555)
        (source / "sub" / "x").write_text("y")
        stage_input(Input("code", TARGET, source), store, tmp_path / "in", copy=True)
        assert tree(tmp_path / "in") == {"run.sh": "echo", "sub/x": "y"}
        assert os.access(tmp_path / "in" / "run.sh", os.X_OK)

    def test_gzip_is_undone(self, store: FolderStore, tmp_path: Path) -> None:
        put(store, **{"raw/a.csv.gz": gzip.compress(b"1,2"), "raw/b": gzip.compress(b"3")})
        stage_input(s3("raw", compression=Compression.GZIP), store, tmp_path / "in", copy=False)
        assert tree(tmp_path / "in") == {"a.csv": "1,2", "b": "3"}

    @pytest.mark.parametrize("data", [b"plain", gzip.compress(b"x" * 100, mtime=0)[:-9], b""])
    def test_what_is_not_gzip_is_refused(self, store: FolderStore, tmp_path: Path, data: bytes) -> None:
        put(store, **{"raw/a": data})
        item = s3("raw", compression=Compression.GZIP)
        if not data:
            stage_input(item, store, tmp_path / "in", copy=False)
            return
        with pytest.raises(InvalidInputError, match="not a whole gzip file"):
            stage_input(item, store, tmp_path / "in", copy=False)

    def test_a_bomb_is_stopped(
        self, store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(channels, "LARGEST_UNPACKED_BYTES", 1000)
        put(store, **{"raw/a": gzip.compress(b"x" * 10_000)})
        with pytest.raises(InvalidInputError, match="unpacks to more"):
            stage_input(s3("raw", compression=Compression.GZIP), store, tmp_path / "in", copy=False)

    @pytest.mark.parametrize(
        ("keys", "text"),
        [
            (["raw/a", "raw/a/b"], "another object"),
            (["raw/../../etc/x"], "empty parts"),
            (["raw/./x"], "empty parts"),
            (["raw/a//b"], "empty parts"),
            (["raw/" + "x" * 256], "longer than 255"),
            (["raw/" + "ä" * 128], "longer than 255"),
        ],
    )
    def test_keys_that_are_no_paths_are_named(
        self, store: FolderStore, tmp_path: Path, keys: list[str], text: str
    ) -> None:
        put(store, **dict.fromkeys(keys, "1"))
        with pytest.raises(InvalidInputError, match=text) as caught:
            stage_input(s3("raw"), store, tmp_path / "in", copy=False)
        assert caught.value.where == "Inputs[0]"
        assert caught.value.mend

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
    @given(key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
    def test_no_key_leads_out_of_the_folder(self, store: FolderStore, tmp_path: Path, key: str) -> None:
        uri = S3Uri("data", f"fuzz/{key}")
        store.put_bytes(uri, b"1")
        folder = tmp_path / "fuzz" / "in"
        try:
            stage_input(s3("fuzz"), store, folder, copy=False)
        except InvalidInputError:
            pass
        except NotFoundError:
            assert key.endswith("/")
        finally:
            store.delete([uri])
        assert (
            [path.name for path in (tmp_path / "fuzz").iterdir()] in ([], ["in"]) if folder.exists() else True
        )
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()


class TestMissing:
    def test_the_nearest_keys_are_named(self, store: FolderStore, tmp_path: Path) -> None:
        put(store, **{"raw/train.csv": "1"})
        with pytest.raises(NotFoundError) as caught:
            stage_input(s3("raw/trian.csv"), store, tmp_path / "in", copy=False)
        assert "s3://data/raw/trian.csv" in str(caught.value)
        assert "raw/train.csv" in caught.value.mend
        assert caught.value.where == "Inputs[0]"

    def test_a_missing_bucket_is_named(self, store: FolderStore, tmp_path: Path) -> None:
        item = Input("a", TARGET, S3Uri("dta", "x"))
        with pytest.raises(NotFoundError, match=r"no bucket 'dta'.*Did you mean data"):
            stage_input(item, store, tmp_path / "in", copy=False)

    def test_a_missing_path_is_named(self, store: FolderStore, tmp_path: Path) -> None:
        (tmp_path / "train.csv").touch()
        with pytest.raises(NotFoundError, match=r"trian\.csv.*Nearest: train\.csv"):
            stage_input(Input("a", TARGET, tmp_path / "trian.csv"), store, tmp_path / "in", copy=False)


@pytest.mark.parametrize(
    ("name", "entrypoint", "expected"),
    [
        ("code", (), True),
        ("sm_drivers", (), True),
        ("data", ("python3", f"{TARGET}/x.py"), True),
        ("data", ("python3", "/opt/ml/other/x.py"), False),
        ("data", ("/bin/bash", "-c", f"chmod +x {TARGET}/run.sh"), True),
        ("data", (f"{TARGET}ing/x.py",), False),
    ],
)
def test_which_inputs_hold_code(name: str, entrypoint: tuple[str, ...], expected: bool) -> None:
    assert holds_code(Input(name, TARGET, S3Uri("data", "x")), entrypoint) is expected
