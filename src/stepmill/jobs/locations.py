"""Where data lies: an ``s3://`` address or a path of this machine. One is as good as the other."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from stepmill.core.errors import InvalidInputError
from stepmill.storage.objects.uri import S3Uri

Location: TypeAlias = S3Uri | Path


def read_location(text: str, project: Path, where: str = "") -> Location:
    """Read ``s3://bucket/key``, ``file:///path``, an absolute path, or one relative to the project.

    Args:
        text: As the request gives it.
        project: Folder that relative paths start from.
        where: Place in the request, for the error.

    Raises:
        InvalidInputError: If it is empty, has another scheme, or cannot be a path or an address.

    Example:
        >>> read_location("data/raw.csv", Path("/home/me")), read_location("file:///x%20y", Path("/"))
        (PosixPath('/home/me/data/raw.csv'), PosixPath('/x y'))
    """
    if text.startswith("s3://"):
        try:
            return S3Uri.parse(text)
        except InvalidInputError as error:
            raise InvalidInputError(error.what, where=where, mend=error.mend) from error
    path = text
    if text.startswith("file://"):
        parts = urlsplit(text)
        if parts.netloc not in ("", "localhost"):
            raise InvalidInputError(
                f"{text[:200]!r} names another machine.", where=where, mend="Write file:///absolute/path."
            )
        path = unquote(parts.path)
    elif "://" in text:
        raise InvalidInputError(
            f"{text[:200]!r} cannot be read.",
            where=where,
            mend="Use s3://bucket/key or a path of this machine.",
        )
    if not path.strip() or "\0" in path:
        raise InvalidInputError("An address or path is expected here.", where=where, mend="Give it.")
    return project / path
