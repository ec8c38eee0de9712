from __future__ import annotations

import io
import os
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.jobs.functions import code as code_module
from stepmill.jobs.functions.code import check_handler, pack_code, unpack_code


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return packed.getvalue()


def names(archive: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return opened.namelist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "function"
    (folder / "package").mkdir(parents=True)
    (folder / "app.py").write_text("def handler(event, context): return event")
    (folder / "package" / "__init__.py").write_text("")
    (folder / "run.sh").write_text("#!/bin/sh")
    (folder / "run.sh").chmod(0o755)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "app.pyc").write_bytes(b"x")
    return folder


def test_a_folder_is_packed_without_what_python_leaves_in_it(folder: Path) -> None:
    assert names(pack_code(folder)) == ["app.py", "package/__init__.py", "run.sh"]


def test_equal_code_gives_equal_bytes_whatever_it_comes_from(folder: Path, tmp_path: Path) -> None:
    from_folder = pack_code(folder)
    os.utime(folder / "app.py", (0, 0))
    assert pack_code(folder) == from_folder
    assert pack_code(from_folder) == from_folder
    (tmp_path / "packed.zip").write_bytes(from_folder)
    assert pack_code(tmp_path / "packed.zip") == from_folder
    (folder / "app.py").write_text("changed")
    assert pack_code(folder) != from_folder


def test_one_file_and_the_zip_of_it_are_the_same(folder: Path) -> None:
    assert pack_code(folder / "app.py") == pack_code(
        zipped(("app.py", (folder / "app.py").read_bytes()), compression=zipfile.ZIP_DEFLATED)
    )


def test_what_was_packed_comes_out_again(folder: Path, tmp_path: Path) -> None:
    unpack_code(pack_code(folder), tmp_path / "out")
    assert (tmp_path / "out" / "app.py").read_text() == (folder / "app.py").read_text()
    assert (tmp_path / "out" / "run.sh").stat().st_mode & stat.S_IXUSR
    assert not (tmp_path / "out" / "app.py").stat().st_mode & stat.S_IXUSR


def test_links_to_files_are_packed_and_to_folders_are_not(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "shared.py").write_text("x = 1")
    (folder / "shared.py").symlink_to(tmp_path / "shared.py")
    (folder / "loop").symlink_to(folder)
    (folder / "dangling").symlink_to("nowhere")
    assert "shared.py" in names(pack_code(folder))
    assert not [name for name in names(pack_code(folder)) if name.startswith(("loop", "dangling"))]


@pytest.mark.parametrize(
    "name", ["../x.py", "/etc/x.py", "a/../../x.py", "a//b.py", "./x.py", "..\\x.py", "a/./b"]
)
def test_a_member_that_leads_out_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="leads out of the folder"):
        pack_code(zipped((name, b"x")))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_a_member_that_is_no_file_is_refused(kind: int) -> None:
    member = zipfile.ZipInfo("x.py")
    member.external_attr = (kind | 0o777) << 16
    with pytest.raises(InvalidInputError, match="is no regular file"):
        pack_code(zipped((member, b"/etc/passwd")))


def test_a_member_twice_is_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = zipped(("x.py", b"1"), ("x.py", b"2"))
    with pytest.raises(InvalidInputError, match="is in it twice"):
        pack_code(archive)


def test_a_file_in_the_place_of_a_folder_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="lies below a file"):
        pack_code(zipped(("a", b"1"), ("a/b.py", b"2")))


def test_a_name_that_no_disk_takes_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="too long"):
        pack_code(zipped(("x" * 300 + ".py", b"1")))


def test_an_encrypted_member_is_refused() -> None:
    archive = bytearray(zipped(("x.py", b"12345")))
    archive[6] |= 1  # the flag in the member's own header
    central = archive.index(b"PK\x01\x02")
    archive[central + 8] |= 1
    with pytest.raises(InvalidInputError):
        pack_code(bytes(archive))


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_module, "LARGEST_CODE_BYTES", 1000)
    with pytest.raises(InvalidInputError, match="more than"):
        pack_code(zipped(("x.py", bytes(2000)), compression=zipfile.ZIP_DEFLATED))
    with pytest.raises(InvalidInputError, match="more than"):
        pack_code(zipped(*((f"{n}.py", bytes(400)) for n in range(3)), compression=zipfile.ZIP_DEFLATED))


def test_a_bomb_that_lies_about_its_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_module, "LARGEST_CODE_BYTES", 1000)
    archive = bytearray(zipped(("x.py", bytes(5000)), compression=zipfile.ZIP_DEFLATED))
    central = archive.index(b"PK\x01\x02")
    archive[central + 24 : central + 28] = (10).to_bytes(4, "little")
    with pytest.raises(InvalidInputError):
        pack_code(bytes(archive))


def test_too_many_files_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_module, "MOST_FILES", 2)
    for code in (folder, zipped(*((f"{n}.py", b"") for n in range(3)))):
        with pytest.raises(InvalidInputError, match="more than 2 files"):
            pack_code(code)


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_zip_or_empty_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInputError):
        pack_code(data)


def test_an_empty_folder_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no file in the code"):
        pack_code(tmp_path)
    with pytest.raises(NotFoundError, match="no code at"):
        pack_code(tmp_path / "none")


@given(st.binary(max_size=200), st.integers(0, 150), st.integers(0, 255))
def test_no_bytes_raise_anything_else(data: bytes, place: int, value: int) -> None:
    damaged = bytearray(zipped(("app.py", b"def handler(): ..."), ("data/x", data)))
    damaged[place % len(damaged)] = value
    for archive in (data, bytes(damaged)):
        try:
            pack_code(archive)
        except InvalidInputError:
            continue


def test_a_member_without_a_name_is_refused() -> None:
    damaged = zipped(("a", b"x")).replace(b"a", b"\0")
    with pytest.raises(InvalidInputError, match="has no name"):
        pack_code(damaged)


def test_a_damaged_compressed_member_is_refused() -> None:
    packed = bytearray(pack_code(zipped(("app.py", b"x = 1\n" * 100))))
    packed[36:40] = b"\xff" * 4
    with pytest.raises(InvalidInputError, match="no zip that can be read"):
        pack_code(bytes(packed))


@pytest.mark.parametrize("handler", ["app.handler", "package.handler", "package/__init__.handler"])
def test_a_handler_whose_module_is_there(folder: Path, handler: str) -> None:
    check_handler(pack_code(folder), handler)


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        ("ap.handler", "no module 'ap'; it has app.py"),
        ("handler", "is no handler"),
        ("app.", "is no handler"),
        (".x", "is no handler"),
        ("a b.c", "is no handler"),
        ("../app.handler", "is no handler"),
        ("", "is no handler"),
    ],
)
def test_a_handler_that_cannot_be_called_is_refused(folder: Path, handler: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        check_handler(pack_code(folder), handler)
