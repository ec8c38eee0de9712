from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.sdk.assets import Asset, CompiledPipeline, digest_of, files_below, pack

names = st.from_regex(r"[a-z]{1,5}(/[a-z]{1,5}){0,2}\.py", fullmatch=True)
trees = st.dictionaries(names, st.binary(max_size=200), min_size=1, max_size=5)


@given(trees)
def test_the_same_files_make_the_same_archive(files: dict[str, bytes]) -> None:
    assert pack(files) == pack(dict(reversed(files.items())))


@given(trees)
def test_an_archive_gives_back_what_was_packed(files: dict[str, bytes]) -> None:
    with tarfile.open(fileobj=io.BytesIO(pack(files))) as archive:
        found = {member.name: archive.extractfile(member).read() for member in archive}
    assert found == files


@given(trees, trees)
def test_the_digest_tells_files_apart(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    if len(one) > 1 and len(other) > 1:
        assert (digest_of(one) == digest_of(other)) == (one == other)
    assert digest_of(one) == digest_of(dict(reversed(one.items())))


def test_an_archive_holds_no_moment_and_no_user(tmp_path: Path) -> None:
    script = tmp_path / "a.py"
    script.write_text("1")
    first = pack({"a.py": script})
    os.utime(script, (1, 1))
    assert pack({"a.py": script}) == first
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        member = archive.getmember("a.py")
    assert (member.mtime, member.uid, member.uname, member.mode) == (0, 0, "", 0o644)


def test_what_could_be_run_still_can(tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text("#!/bin/sh")
    script.chmod(0o755)
    with tarfile.open(fileobj=io.BytesIO(pack({"run.sh": script}))) as archive:
        assert archive.getmember("run.sh").mode == 0o755


def test_a_single_file_and_its_bytes_have_one_digest(tmp_path: Path) -> None:
    script = tmp_path / "a.py"
    script.write_bytes(b"print()")
    assert digest_of({"a.py": script}) == digest_of({"b.py": b"print()"})


def test_the_files_of_a_folder(tmp_path: Path) -> None:
    for name in ["b.py", "a.py", "sub/c.py", "__pycache__/a.pyc", ".git/config", ".hidden", "sub/.venv/x"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert list(files_below(tmp_path)) == ["a.py", "b.py", "sub/c.py"]


def test_a_link_to_a_file_is_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "b.py").symlink_to(tmp_path / "a.py")
    assert pack(files_below(tmp_path)) == pack({"a.py": b"1", "b.py": b"1"})


def test_a_link_to_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "a.py").write_text("1")
    with pytest.raises(InvalidInputError, match="not followed"):
        files_below(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no files"):
        files_below(tmp_path)


def test_writing_a_compiled_pipeline(tmp_path: Path) -> None:
    script = tmp_path / "a.py"
    script.write_text("print()")
    assets = (Asset("s3://b/x/a.py", path=script), Asset("s3://b/y/c", data=b"123"))
    compiled = CompiledPipeline("P", '{"Version":"2020-12-01"}', assets)
    definition = compiled.write(tmp_path / "build")
    assert json.loads(definition.read_text()) == {"Version": "2020-12-01"}
    assert (tmp_path / "build/s3/b/x/a.py").read_text() == "print()"
    assert (tmp_path / "build/s3/b/y/c").read_bytes() == b"123"


def test_a_key_does_not_leave_the_folder(tmp_path: Path) -> None:
    compiled = CompiledPipeline("P", "{}", (Asset("s3://b/../../c", data=b"1"),))
    with pytest.raises(InvalidInputError, match=r"\.\."):
        compiled.write(tmp_path / "build")
    assert list(tmp_path.iterdir()) == []
