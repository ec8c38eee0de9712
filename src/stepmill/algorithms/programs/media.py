"""Media types, as channels and requests name them."""

from __future__ import annotations

import re
from email.message import Message

from .errors import CustomerError

CSV = ("text/csv", "csv")
LIBSVM = ("text/libsvm", "text/x-libsvm", "libsvm")
PARQUET = ("application/x-parquet", "parquet")
RECORDIO = ("application/x-recordio-protobuf", "recordio-protobuf")
JSON = ("application/json", "json")
JSON_LINES = ("application/jsonlines", "jsonlines")


def media_type(content_type: str) -> tuple[str, dict[str, str]]:
    """Return a media type, in lower case, and its parameters.

    Example:
        >>> media_type("Text/CSV; label_size=0")
        ('text/csv', {'label_size': '0'})
    """
    message = Message()
    message["Content-Type"] = " ".join(content_type.split())
    parameters = {name.lower(): str(value) for name, value in (message.get_params() or [])[1:]}
    return content_type.partition(";")[0].strip().lower(), parameters


def label_size_of(content_type: str, default: int) -> int:
    """Return how many columns of labels a CSV file has.

    Raises:
        CustomerError: If that is not a number.
    """
    text = media_type(content_type)[1].get("label_size", str(default))
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise CustomerError(f"label_size={text[:40]} of the content type is not a number.")
    return int(text)
