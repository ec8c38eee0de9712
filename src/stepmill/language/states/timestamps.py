"""Timestamps of the language: RFC 3339, with an upper-case T, and Z where no offset is given.

Source: Amazon States Language specification, "Timestamps".
"""

from __future__ import annotations

import re
from datetime import datetime

from stepmill.core.json import Json

_FORM = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})\Z", re.ASCII)


def is_timestamp(value: Json) -> bool:
    """Return whether a value is a timestamp.

    Example:
        >>> is_timestamp("2016-03-14T01:59:00Z"), is_timestamp("2016-03-14 01:59")
        (True, False)
    """
    match = _FORM.match(value) if isinstance(value, str) else None
    if match is None:
        return False
    try:
        datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
    except ValueError:
        return False
    return True
