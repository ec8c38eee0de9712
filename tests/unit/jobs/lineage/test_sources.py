"""Kept code as files: archives are opened and written within bounds, whoever made them."""

from __future__ import annotations

import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from stepmill.catalog.lineage.kept_code import KeptCode
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.jobs.lineage.comparing import unified
from stepmill.jobs.lineage.sources import SourceFile, source_files, write_sources
from stepmill.storage.lineage import Entity, LineageKind

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def entity(*rows: tuple[str, str, int]) -> Entity:
    body: dict[str, Any] = {"code": [list(row) for row in rows]}
    return Entity("arn", LineageKind.ARTIFACT, "Code", "", "s3://b/k", NOW, NOW, body=body)


def kept_at(path: Path) -> KeptCode:
    return cast(KeptCode, SimpleNamespace(path=lambda _file: path))


def archive(path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(path, "w:gz") as made:
        for member, data in members:
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return path


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member, b""


class TestArchives:
    def test_names_are_made_plain_and_links_are_left_out(self, tmp_path: Path) -> None:
        members = [(tarfile.TarInfo("../../etc/x"), b"1"), (tarfile.TarInfo("/abs"), b"2")]
        path = archive(tmp_path / "a", [*members, link("l", "/etc/passwd")])
        files = source_files(kept_at(path), entity(("code.tar.gz", "0" * 64, 1)))
        assert files == [SourceFile("abs", b"2"), SourceFile("etc/x", b"1")]

    def test_what_is_no_archive_is_given_as_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"no archive")
        files = source_files(kept_at(tmp_path / "a"), entity(("code.tar.gz", "0" * 64, 1)))
        assert files == [SourceFile("archive", b"no archive")]

    def test_what_does_not_fit_is_left_out(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("stepmill.jobs.lineage.sources.LARGEST_BYTES", 3)
        path = archive(tmp_path / "a", [(tarfile.TarInfo("a"), b"12"), (tarfile.TarInfo("b"), b"34")])
        assert [one.name for one in source_files(kept_at(path), entity(("c.tgz", "0" * 64, 1)))] == ["a"]

    def test_no_code_was_kept(self, tmp_path: Path) -> None:
        with pytest.raises(NotFoundError, match="No code was kept"):
            source_files(kept_at(tmp_path), entity())


class TestWriting:
    @pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "", "a\0b"])
    def test_no_name_leaves_the_folder(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(InvalidInputError):
            write_sources([SourceFile(name, b"")], tmp_path / "out")

    def test_no_link_leads_out_of_the_folder(self, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "a").symlink_to(tmp_path)
        with pytest.raises(InvalidInputError, match="leave the folder"):
            write_sources([SourceFile("a/x", b"")], tmp_path / "out")
        assert not (tmp_path / "x").exists()

    def test_nothing_is_overwritten_nor_half_written(self, tmp_path: Path) -> None:
        (tmp_path / "b").write_text("mine")
        with pytest.raises(ConflictError):
            write_sources([SourceFile("a", b""), SourceFile("b", b"")], tmp_path)
        assert not (tmp_path / "a").exists()
        assert (tmp_path / "b").read_text() == "mine"


class TestDifferences:
    def test_a_single_script_is_compared_whatever_its_name(self) -> None:
        lines = list(unified([SourceFile("a.py", b"1\n")], [SourceFile("b.py", b"2\n")]))
        assert lines[3:] == ["-1", "+2"]

    def test_files_that_came_and_went(self) -> None:
        before = [SourceFile("a", b"1\n"), SourceFile("same", b"x")]
        after = [SourceFile("b", b"2\n"), SourceFile("same", b"x")]
        lines = list(unified(before, after))
        assert [line for line in lines if line.startswith(("---", "+++"))] == [
            "--- a", "+++ /dev/null", "--- /dev/null", "+++ b",
        ]  # fmt: skip

    def test_binaries_only_differ(self) -> None:
        lines = list(unified([SourceFile("a", b"\0")], [SourceFile("a", b"\xff")]))
        assert lines == ["Binary file a differs"]
        assert list(unified([SourceFile("a", b"\0")], [SourceFile("a", b"\0")])) == []
