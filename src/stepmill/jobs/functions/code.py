"""The code of a function as one archive: from a folder, a ``.py`` file, or a zip that a stranger made.

Whatever it comes from, it is packed anew: names in order, one date, so that equal code gives equal
bytes and with them one digest.

Source: AWS Lambda developer guide, "Lambda quotas" (250 MB unzipped) and "Working with .zip file
archives for Python Lambda functions".
"""

from __future__ import annotations

import io
import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from stepmill.core.errors import InvalidInputError, NotFoundError

# Lambda's own limit for the unpacked code.
LARGEST_CODE_BYTES = 250 * 1024 * 1024
MOST_FILES = 20_000

_LONGEST_NAME_BYTES = 255
_DATE = (1980, 1, 1, 0, 0, 0)
_LEFT_OUT = frozenset({"__pycache__", ".git", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache"})
_HANDLER = re.compile(r"(?P<module>[A-Za-z_][\w./-]*)\.(?P<function>[A-Za-z_]\w*)", re.ASCII)

# What the library raises, somewhere inside, over bytes that are no zip or that someone has bent.
_NO_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    NotImplementedError,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
)

Files = Mapping[str, tuple[bytes, bool]]


def pack_code(code: Path | bytes) -> bytes:
    """Return the archive of a folder, of one ``.py`` file, or of what a zip holds.

    Args:
        code: Where it is, or the bytes of a zip.

    Raises:
        NotFoundError: If there is no such file or folder.
        InvalidInputError: If it is too large, or the zip is broken or hostile.
    """
    if isinstance(code, bytes):
        return _packed(_of_zip(io.BytesIO(code), "the zip"))
    if code.is_dir():
        return _packed(_of_folder(code))
    if not code.is_file():
        raise NotFoundError(
            f"There is no code at {code}.", mend="Give a folder, a .py file or a zip of Python code."
        )
    if code.suffix == ".py":
        return _packed({code.name: (code.read_bytes(), False)})
    with code.open("rb") as handle:
        return _packed(_of_zip(handle, str(code)))


def unpack_code(archive: bytes, folder: Path) -> None:
    """Lay an archive out in a new folder.

    Raises:
        InvalidInputError: If it is broken or hostile.
    """
    for name, (data, executable) in _of_zip(io.BytesIO(archive), "the archive").items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o755 if executable else 0o644)


def check_handler(archive: bytes, handler: str) -> None:
    """Check that the module of a handler is in the code.

    Raises:
        InvalidInputError: If it is not, or that is no handler.
    """
    match = _HANDLER.fullmatch(handler)
    if match is None:
        raise InvalidInputError(
            f"{handler[:200]!r} is no handler.", where="handler", mend="Write it as module.function."
        )
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        names = set(opened.namelist())
    module = match["module"].replace(".", "/")
    if not {f"{module}.py", f"{module}/__init__.py"} & names:
        there = ", ".join(sorted(name for name in names if name.endswith(".py"))[:10]) or "no .py file"
        raise InvalidInputError(
            f"The code has no module {match['module']!r}; it has {there}.",
            where="handler",
            mend="Name the module and the function: app.handler for the function handler in app.py.",
        )


def _of_folder(folder: Path) -> Files:
    files: dict[str, tuple[bytes, bool]] = {}
    total = 0
    for path in _walk(folder):
        mode = path.stat()
        total += mode.st_size
        _check_size(len(files) + 1, total, str(folder))
        files[path.relative_to(folder).as_posix()] = (path.read_bytes(), bool(mode.st_mode & stat.S_IXUSR))
    return files


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder. Links to folders are not followed: they may lead round in a circle."""
    for path in sorted(folder.iterdir()):
        if path.name in _LEFT_OUT:
            continue
        if path.is_dir():
            if not path.is_symlink():
                yield from _walk(path)
        elif path.is_file():
            yield path


def _of_zip(source: io.BufferedIOBase, where: str) -> Files:
    try:
        with zipfile.ZipFile(source) as archive:
            return _read_members(archive, where)
    except _NO_ZIP as error:
        raise InvalidInputError(
            f"This is no zip that can be read: {error}.", where=where, mend="Pack the code anew."
        ) from error


def _read_members(archive: zipfile.ZipFile, where: str) -> Files:
    files: dict[str, tuple[bytes, bool]] = {}
    left = LARGEST_CODE_BYTES
    members = archive.infolist()
    _check_size(len(members), sum(member.file_size for member in members), where)
    for member in members:
        if not member.filename:
            raise _hostile(member, where, "has no name")
        if member.is_dir():
            continue
        _check_member(member, where)
        if member.filename in files:
            raise _hostile(member, where, "is in it twice")
        with archive.open(member) as opened:
            # The sizes that a zip tells are only claims.
            data = opened.read(left + 1)
        left -= len(data)
        _check_size(len(files), LARGEST_CODE_BYTES - left, where)
        files[member.filename] = (data, bool(member.external_attr >> 16 & stat.S_IXUSR))
    for name in files:
        if any(str(parent) in files for parent in PurePosixPath(name).parents):
            raise InvalidInputError(f"{name[:200]!r} lies below a file.", where=where)
    return files


def _check_member(member: zipfile.ZipInfo, where: str) -> None:
    parts = member.filename.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in member.filename or "\0" in member.filename:
        raise _hostile(member, where, "leads out of the folder")
    if any(len(part.encode(errors="surrogateescape")) > _LONGEST_NAME_BYTES for part in parts):
        raise _hostile(member, where, "has a name that is too long")
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise _hostile(member, where, "is no regular file")
    if member.flag_bits & 1:
        raise _hostile(member, where, "is encrypted")


def _hostile(member: zipfile.ZipInfo, where: str, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"The member {member.filename[:200]!r} {why}.", where=where, mend="Pack the code anew, without it."
    )


def _check_size(files: int, size_bytes: int, where: str) -> None:
    if files > MOST_FILES or size_bytes > LARGEST_CODE_BYTES:
        raise InvalidInputError(
            f"The code has more than {MOST_FILES} files or {LARGEST_CODE_BYTES} bytes.",
            where=where,
            mend="Leave out what the function does not need.",
        )


def _packed(files: Files) -> bytes:
    if not files:
        raise InvalidInputError("There is no file in the code.", mend="Give code with at least one module.")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            data, executable = files[name]
            member = zipfile.ZipInfo(name, _DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
            archive.writestr(member, data)
    return packed.getvalue()
