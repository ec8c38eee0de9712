"""Functions for tests of the wire: zips of code, and calls of what is in them."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/R"
ECHO = "def handler(event, context):\n    return event\n"


def zipped(*files: tuple[str, str | bytes]) -> bytes:
    """Return a zip of files; a name without its text is a mistake."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files:
            archive.writestr(name, text)
    return packed.getvalue()


def code(text: str = ECHO) -> bytes:
    """Return a zip of one module, ``app.py``."""
    return zipped(("app.py", text))


def create(client: Any, name: str, text: str = ECHO, **more: Any) -> dict[str, Any]:
    """Make a function whose code is one module."""
    given: dict[str, Any] = {
        "FunctionName": name,
        "Runtime": "python3.12",
        "Role": ROLE,
        "Handler": "app.handler",
        "Code": {"ZipFile": code(text)},
        # What Lambda takes by default, 3 s and 128 MB, is little for a busy machine.
        "Timeout": 60,
        "MemorySize": 512,
        **more,
    }
    made: dict[str, Any] = client.create_function(**given)
    return made


def invoke(client: Any, name: str, event: Any = None, **more: Any) -> Any:
    """Call a function and return what it answered, an error's document too."""
    return json.load(client.invoke(FunctionName=name, Payload=json.dumps(event), **more)["Payload"])
