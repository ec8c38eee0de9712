from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog import source_archives
from stepmill.catalog.source_archives import archive_digest, read_member


def _packed(files: dict[str, bytes], *, when: int = 0, mode: int = 0o644, kind: str = "w:gz") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=kind) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(content), when, mode
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _digest(data: bytes) -> str:
    return archive_digest([data[:10], data[10:]])


@given(st.dictionaries(st.text("abc/", min_size=1, max_size=4), st.binary(max_size=5)), st.integers(0, 9**9))
def test_times_order_and_compression_do_not_count(files: dict[str, bytes], when: int) -> None:
    again = dict(reversed(files.items()))
    assert _digest(_packed(files)) == _digest(_packed(again, when=when, kind="w")) != ""


def test_names_contents_and_the_right_to_run_count() -> None:
    variants = [
        _packed({"a": b"1"}),
        _packed({"b": b"1"}),
        _packed({"a": b"2"}),
        _packed({"a": b"1", "b": b""}),
        _packed({"a": b"1"}, mode=0o755),
    ]
    assert len({_digest(data) for data in variants}) == len(variants)


@pytest.mark.parametrize(
    "data",
    [b"", b"no archive", _packed({"a": b"1" * 1000})[:40], b"\x1f\x8b" + bytes(50)],
    # An archive tells when it was made; as a name of the test it would be another one in each process.
    ids=["empty", "text", "cut short", "zeros"],
)
def test_what_cannot_be_read_has_none(data: bytes) -> None:
    assert _digest(data) == ""


def test_what_is_too_large_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    data = _packed({"a": bytes(100_000)})
    with monkeypatch.context() as patch:
        patch.setattr(source_archives, "LARGEST_UNPACKED_BYTES", 99_999)
        assert _digest(data) == ""
    monkeypatch.setattr(source_archives, "LARGEST_BYTES", len(data) - 1)
    assert _digest(data) == ""


def test_a_link_counts_by_where_it_leads() -> None:
    digests = set()
    for target in ("x", "y"):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            member = tarfile.TarInfo("link")
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
        digests.add(_digest(packed.getvalue()))
    assert len(digests) == 2


class TestReadMember:
    """One file of an archive, without unpacking the others."""

    def read(
        self, folder: Path, packed: bytes, name: str = "requirements.txt", limit: int = 100
    ) -> bytes | None:
        (folder / "sourcedir.tar.gz").write_bytes(packed)
        return read_member(folder / "sourcedir.tar.gz", name, limit)

    @pytest.mark.parametrize("name", ["requirements.txt", "./requirements.txt"])
    def test_as_it_lies_when_it_is_unpacked(self, tmp_path: Path, name: str) -> None:
        assert self.read(tmp_path, _packed({"a.py": b"1", name: b"rich", "z.py": b"2"})) == b"rich"

    def test_below_a_folder(self, tmp_path: Path) -> None:
        packed = _packed({"requirements.txt": b"no", "deep/more.txt": b"yes"})
        assert self.read(tmp_path, packed, "deep/more.txt") == b"yes"

    def test_no_more_than_asked_for(self, tmp_path: Path) -> None:
        assert self.read(tmp_path, _packed({"requirements.txt": b"x" * 50}), limit=7) == b"x" * 7

    def test_of_two_the_later_one(self, tmp_path: Path) -> None:
        packed = _packed({"requirements.txt": b"old", "./requirements.txt": b"new"})
        assert self.read(tmp_path, packed) == b"new"

    @pytest.mark.parametrize(
        "packed", [b"", b"no archive", _packed({"a": b"1"}), _packed({"requirements.txt": b"r"})[:60]]
    )
    def test_what_cannot_be_read_or_is_not_there(self, tmp_path: Path, packed: bytes) -> None:
        assert self.read(tmp_path, packed) is None

    def test_a_link_is_no_file(self, tmp_path: Path) -> None:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            member = tarfile.TarInfo("requirements.txt")
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/hostname"
            archive.addfile(member)
        assert self.read(tmp_path, packed.getvalue()) is None

    def test_what_is_too_large_for_source_code(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        packed = _packed({"requirements.txt": b"rich", "data.bin": b"0" * 5000})
        monkeypatch.setattr(source_archives, "LARGEST_UNPACKED_BYTES", 5000)
        assert self.read(tmp_path, packed) is None
        monkeypatch.undo()
        monkeypatch.setattr(source_archives, "LARGEST_BYTES", len(packed) - 1)
        assert self.read(tmp_path, packed) is None
        assert read_member(tmp_path / "none.tar.gz", "requirements.txt", 10) is None
