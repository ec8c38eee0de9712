"""Archives: equal content, equal bytes; and nothing hostile comes out of one."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.jobs import archives
from stepmill.jobs.archives import MEMBER_TIME_S, pack, pack_together, regular_files, unpack


def member(
    name: str, data: bytes = b"x", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = len(data) if kind == tarfile.REGTYPE else 0
    return info, data


def archive_of(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    buffer.seek(0)
    return buffer


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "outer" / "in").mkdir(parents=True)
    return tmp_path / "outer" / "in"


class TestPacking:
    def test_equal_content_gives_equal_bytes(self, tmp_path: Path) -> None:
        for name, order in (("one", ["b", "a/x"]), ("two", ["a/x", "b"])):
            for file in order:
                path = tmp_path / name / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(file)
            os.utime(tmp_path / name / "b", (len(name) * 1000, 5))
            assert pack(tmp_path / name, tmp_path / f"{name}.tar.gz") == 2
        assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()

    def test_several_folders_become_one_and_the_first_wins(self, tmp_path: Path) -> None:
        for folder, files in {"one": ["a", "sub/b"], "two": ["a", "sub", "c", "a/x"], "three": []}.items():
            (tmp_path / folder).mkdir()
            for file in files:
                path = tmp_path / folder / file
                if path.parent.is_file():
                    path.parent.unlink()
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"{folder}/{file}")
        folders = [tmp_path / name for name in ("one", "two", "three")]
        assert pack_together(folders, tmp_path / "all.tar.gz") == 3
        with tarfile.open(tmp_path / "all.tar.gz") as archive:
            found = {name: archive.extractfile(name) for name in archive.getnames()}
            texts = {name: file.read().decode() for name, file in found.items() if file}
        # Of two's, "a/x" lies below a file and "sub" stands where a folder is.
        assert texts == {"a": "one/a", "sub/b": "one/sub/b", "c": "two/c"}

    def test_nothing_at_all_is_an_empty_archive(self, tmp_path: Path) -> None:
        assert pack_together([], tmp_path / "all.tar.gz") == 0
        with tarfile.open(tmp_path / "all.tar.gz") as archive:
            assert archive.getnames() == []

    def test_members_are_relative_and_of_one_time(self, tmp_path: Path) -> None:
        (tmp_path / "m" / "code").mkdir(parents=True)
        (tmp_path / "m" / "model.bin").write_bytes(b"1")
        (tmp_path / "m" / "code" / "run.sh").write_text("x")
        (tmp_path / "m" / "code" / "run.sh").chmod(0o700)
        pack(tmp_path / "m", tmp_path / "m.tar.gz")
        with tarfile.open(tmp_path / "m.tar.gz") as archive:
            found = {info.name: (info.mode, info.mtime, info.uid) for info in archive}
        assert found == {"model.bin": (0o644, MEMBER_TIME_S, 0), "code/run.sh": (0o755, MEMBER_TIME_S, 0)}

    def test_links_and_special_files_are_passed_over(self, tmp_path: Path) -> None:
        folder = tmp_path / "m"
        folder.mkdir()
        (folder / "a").touch()
        (folder / "link").symlink_to("/etc/passwd")
        (folder / "dir").symlink_to("/etc")
        os.mkfifo(folder / "pipe")
        assert list(regular_files(folder)) == [folder / "a"]
        (tmp_path / "whole").symlink_to(folder)
        assert list(regular_files(tmp_path / "whole")) == []
        assert list(regular_files(tmp_path / "nothing")) == []

    def test_deep_nesting_does_not_exhaust_the_stack(self, tmp_path: Path) -> None:
        path = tmp_path
        for _ in range(1100):
            path = path / "d"
            path.mkdir()
        (path / "f").touch()
        try:
            assert [file.name for file in regular_files(tmp_path)] == ["f"]
        finally:
            # pytest's own way of removing it is recursive.
            subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)

    def test_a_round_trip(self, tmp_path: Path, target: Path) -> None:
        (tmp_path / "m" / "sub").mkdir(parents=True)
        (tmp_path / "m" / "sub" / "ä").write_bytes(b"123")
        pack(tmp_path / "m", tmp_path / "m.tar.gz")
        with (tmp_path / "m.tar.gz").open("rb") as file:
            unpack(file, target, name="m")
        assert (target / "sub" / "ä").read_bytes() == b"123"


class TestUnpacking:
    @pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
    def test_every_compression_is_taken(self, target: Path, mode: str) -> None:
        unpack(archive_of(member("a/b.py", b"code"), mode=mode), target, name="x.tar")
        assert (target / "a" / "b.py").read_bytes() == b"code"

    @pytest.mark.parametrize(
        "hostile",
        [
            member("../evil"),
            member("a/../../evil"),
            member("/tmp/evil"),
            member("link", kind=tarfile.SYMTYPE, link="../../evil"),
            member("link", kind=tarfile.SYMTYPE, link="/etc/passwd"),
            member("hard", kind=tarfile.LNKTYPE, link="../evil"),
            member("pipe", kind=tarfile.FIFOTYPE),
            member("device", kind=tarfile.CHRTYPE),
        ],
    )
    def test_what_leads_outside_is_refused(
        self, target: Path, hostile: tuple[tarfile.TarInfo, bytes]
    ) -> None:
        with pytest.raises(InvalidInputError, match=r"x\.tar is refused") as caught:
            unpack(archive_of(member("good"), hostile), target, name="x.tar")
        assert caught.value.mend
        assert [path.name for path in target.parent.iterdir()] == ["in"]
        assert {path.name for path in target.iterdir()} <= {"good"}

    def test_writing_through_a_link_is_refused(self, target: Path) -> None:
        attack = archive_of(member("l", kind=tarfile.SYMTYPE, link="."), member("l/../../evil"))
        with pytest.raises(InvalidInputError):
            unpack(attack, target, name="x.tar")
        assert not (target.parent / "evil").exists()

    def test_a_link_inside_is_taken(self, target: Path) -> None:
        unpack(archive_of(member("a"), member("l", kind=tarfile.SYMTYPE, link="a")), target, name="x.tar")
        assert (target / "l").read_bytes() == b"x"

    @pytest.mark.parametrize(
        "data",
        [b"", b"no archive", b"\x1f\x8b\x08rubbish", archive_of(member("a")).getvalue()[:40]],
        # An archive has its time in it: without names of their own two workers would collect different tests.
        ids=["nothing", "text", "rubbish", "half"],
    )
    def test_what_is_no_archive_is_refused(self, target: Path, data: bytes) -> None:
        with pytest.raises(InvalidInputError, match="not a tar archive"):
            unpack(io.BytesIO(data), target, name="x.tar")

    def test_bombs_are_stopped(self, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(archives, "LARGEST_ARCHIVE_BYTES", 100)
        with pytest.raises(InvalidInputError, match="unpacks to more"):
            unpack(archive_of(member("a", b"x" * 60), member("b", b"x" * 60)), target, name="x.tar")
        assert not (target / "b").exists()
        monkeypatch.setattr(archives, "MOST_MEMBERS", 1)
        with pytest.raises(InvalidInputError, match="unpacks to more"):
            unpack(archive_of(member("a"), member("b")), target, name="x.tar")

    def test_a_file_that_is_also_a_folder(self, target: Path) -> None:
        with pytest.raises(InvalidInputError):
            unpack(archive_of(member("a"), member("a/b")), target, name="x.tar")

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
    @given(data=st.binary(max_size=600), at=st.integers(0, 2000))
    def test_damage_never_raises_anything_else(self, target: Path, data: bytes, at: int) -> None:
        whole = archive_of(member("a", b"y" * 700), member("b/c"), mode="w").getvalue()
        damaged = whole[:at] + data + whole[at + len(data) :]
        try:
            unpack(io.BytesIO(damaged), target, name="x.tar")
        except InvalidInputError as error:
            assert "x.tar" in str(error)
        assert [path.name for path in target.parent.iterdir()] == ["in"]
