from __future__ import annotations

import io
import os
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.content import ContentDigests
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.storage.objects.uri import S3Uri
from support.keeping import Keeping, keeping


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        yield opened


def test_equal_content_under_other_addresses_is_equal(kept: Keeping) -> None:
    for prefix in ("s3://bucket/one/", "s3://bucket/two/"):
        kept.put(f"{prefix}a.csv", "1")
        kept.put(f"{prefix}sub/b.csv", "2")
    contents = kept.contents
    assert contents.below("s3://bucket/one/") == contents.below("s3://bucket/two/")
    kept.put("s3://bucket/two/sub/b.csv", "3")
    assert contents.below("s3://bucket/one/") != contents.below("s3://bucket/two/")


def test_one_object_counts_with_its_name(kept: Keeping) -> None:
    kept.put("s3://bucket/x/code.py", "pass")
    kept.put("s3://bucket/y/code.py", "pass")
    kept.put("s3://bucket/y/other.py", "pass")
    contents = kept.contents
    assert contents.below("s3://bucket/x/code.py") == contents.below("s3://bucket/y/code.py")
    assert contents.below("s3://bucket/x/code.py") != contents.below("s3://bucket/y/other.py")
    assert contents.of_object("s3://bucket/x/code.py") == contents.of_object("s3://bucket/y/other.py")


def test_an_object_is_not_the_prefix_of_its_neighbours(kept: Keeping) -> None:
    kept.put("s3://bucket/code.py", "pass")
    before = kept.contents.below("s3://bucket/code.py")
    kept.put("s3://bucket/code.py.bak", "old")
    assert kept.contents.below("s3://bucket/code.py") == before


def test_a_file_and_a_folder_of_this_machine(kept: Keeping) -> None:
    folder = kept.folder / "data"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_text("1")
    (folder / "sub" / "b").write_text("2")
    contents = kept.contents
    whole = contents.below("data")
    assert whole == contents.below(str(folder)) == contents.below(f"file://{folder}")
    assert contents.below("data/a") != whole
    (folder / "sub" / "b").rename(folder / "sub" / "c")
    assert contents.below("data") != whole


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(
    kept: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = kept.folder / "a"
    file.write_text("one")
    contents = kept.contents
    before = contents.of_object(str(file))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda *_: pytest.fail("read again"))
        assert contents.of_object(str(file)) == before
    found = file.stat()
    file.write_text("two")
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns + 1))
    assert contents.of_object(str(file)) != before


def test_links_to_files_count_and_links_to_folders_do_not(kept: Keeping) -> None:
    folder = kept.folder / "data"
    folder.mkdir()
    (folder / "loop").symlink_to(folder)
    (kept.folder / "target").write_text("1")
    (folder / "link").symlink_to(kept.folder / "target")
    (folder / "dangling").symlink_to(kept.folder / "nowhere")
    before = kept.contents.below("data")
    (kept.folder / "target").write_text("changed")
    assert kept.contents.below("data") != before


@pytest.mark.parametrize("uri", ["s3://bucket/none", "s3://bucket/none/", "s3://nobucket/x", "none", "/none"])
def test_what_is_not_there_is_not_found(kept: Keeping, uri: str) -> None:
    with pytest.raises(NotFoundError):
        kept.contents.below(uri)
    with pytest.raises((NotFoundError, InvalidInputError)):
        kept.contents.of_object(uri)


@pytest.mark.parametrize("uri", ["", " ", "a\0b", "http://x/y", "s3://B/x"])
def test_what_is_no_address_is_refused(kept: Keeping, uri: str) -> None:
    with pytest.raises(InvalidInputError):
        kept.contents.below(uri)


@given(st.dictionaries(st.sampled_from("abcdef"), st.binary(max_size=3), min_size=1))
def test_the_order_of_writing_does_not_matter(files: dict[str, bytes]) -> None:
    digests = set()
    for names in (sorted(files), sorted(files, reverse=True)):
        with tempfile.TemporaryDirectory() as folder:
            for name in names:
                Path(folder, name).write_bytes(files[name])
            digests.add(ContentDigests(None, Path("/")).below(folder))  # type: ignore[arg-type]
    assert len(digests) == 1


def _packed(when: int, **files: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"{name}.py")
            member.size, member.mtime = len(text), when
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def test_source_code_that_is_packed_again_is_the_same(kept: Keeping) -> None:
    for prefix, when, code in (("one", 1, "a"), ("two", 2, "a"), ("three", 2, "b")):
        kept.objects.put_bytes(
            S3Uri("bucket", f"{prefix}/sourcedir.tar.gz"), _packed(when, train=code, helper="")
        )
        kept.put(f"s3://bucket/{prefix}/install.py", "pass")
    contents = kept.contents

    def all_of(prefix: str) -> tuple[str, ...]:
        archive = f"s3://bucket/{prefix}/sourcedir.tar.gz"
        folder = f"s3://bucket/{prefix}"
        return contents.of_object(archive), contents.below(archive), contents.below(folder)

    assert all_of("one") == all_of("two")
    assert not set(all_of("one")) & set(all_of("three"))
    before = contents.below("s3://bucket/one/")
    kept.put("s3://bucket/one/install.py", "raise")
    assert contents.below("s3://bucket/one/") != before


def test_data_that_is_packed_again_is_other_data(kept: Keeping) -> None:
    for number in (1, 2):
        kept.objects.put_bytes(S3Uri("bucket", f"{number}/data.tar.gz"), _packed(number, a="1"))
    assert kept.contents.below("s3://bucket/1/data.tar.gz") != kept.contents.below(
        "s3://bucket/2/data.tar.gz"
    )
