"""What MLflow takes for names and values.

Source: MLflow's documentation, "MLflow REST API", request limits; its names may be looked at as files.
"""

from __future__ import annotations

import posixpath
import re

from stepmill.core.errors import InvalidInputError

LONGEST_KEY = 250
LONGEST_PARAM = 6000
LONGEST_TAG = 8000
LONGEST_EXPERIMENT_TAG = 20_000
LONGEST_EXPERIMENT_NAME = 500
LONGEST_LOCATION = 2048
_KEY = re.compile(r"[/\w.\- :]*")


def check_key(key: str, where: str) -> None:
    """Hold the name of a metric, parameter or tag against MLflow's rules.

    Raises:
        InvalidInputError: If MLflow would refuse it.
    """
    if not _KEY.fullmatch(key):
        raise InvalidInputError(
            f"{key[:80]!r} cannot be a name.",
            where=where,
            mend="Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), "
            "spaces ( ), colon(:) and slashes (/).",
        )
    plain = posixpath.normpath(key)
    if plain != key or plain == "." or plain.startswith(("..", "/")):
        raise InvalidInputError(
            f"{key[:80]!r} cannot be a name.",
            where=where,
            mend="Names may be treated as files in certain cases, and must not resolve to other names.",
        )
    check_length(key, LONGEST_KEY, where)


def check_length(text: str, most: int, where: str) -> None:
    """Hold a text against the length that it may have.

    Raises:
        InvalidInputError: If it is longer.
    """
    if len(text) > most:
        raise InvalidInputError(f"{where!r} exceeds the maximum length of {most} characters.", where=where)
