"""What every text must be before it goes into the database."""

from __future__ import annotations

from stepmill.core.errors import InvalidInputError


def check_text(*texts: str) -> None:
    """Hold texts against Unicode: half a surrogate pair (undecodable bytes of a command line) is none.

    Raises:
        InvalidInputError: If one of them cannot be written as UTF-8.
    """
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidInputError(
                f"{text[:100]!r} is not Unicode text: it has half of a surrogate pair.",
                mend="Decode it from UTF-8.",
            ) from error
