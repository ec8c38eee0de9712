"""Captures data: lists what went in and what came out, and marks what came out with inference ids.

Source: developer guide, "Capture data from batch transform job". Data is not stored twice: what is captured
are manifests, below ``input/`` and ``output/`` and the hour in which the job was started.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from .errors import ObjectError
from .processing import CSV, JSON, RECORD_TYPES, json_of, lines_of, parsed

ID, TIME = "SageMakerInferenceId", "SageMakerInferenceTime"


class Marks:
    """Appends an inference id and the moment at which the job was started to each record that is stored.

    Args:
        started_s: That moment, in seconds since 1970-01-01T00:00Z.
        draw: Makes an id.
    """

    def __init__(self, started_s: float, draw: Callable[[], object] = uuid.uuid4) -> None:
        self._moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started_s))
        self._draw = draw

    def row(self, row: bytes) -> bytes:
        """Return a row of CSV with two columns more."""
        return row + f",{self._draw()},{self._moment}".encode("ascii")

    def value(self, value: bytes) -> bytes:
        """Return a record of JSON with two members more; what is no object becomes one.

        Args:
            value: As ``json_of`` writes it.
        """
        members = value if value.startswith(b"{") else b'{"SageMakerOutput":%s}' % value
        mark = f'"{ID}":"{self._draw()}","{TIME}":"{self._moment}"}}'.encode("ascii")
        return members[:-1] + (b"" if members == b"{}" else b",") + mark

    def answer(self, body: bytes, content_type: str, sent: int) -> list[bytes]:
        """Return the records of an answer, each with its mark.

        Args:
            body: What the model has answered.
            content_type: Of it.
            sent: How many lines it was sent.

        Raises:
            ObjectError: If the content type is none that can be marked, or the body is not of it.
        """
        if content_type == CSV:
            return [self.row(line) for line in lines_of(body)]
        if content_type not in RECORD_TYPES:
            raise ObjectError(
                f"The model has answered {content_type or 'without a content type'}: inference ids are "
                f"appended to {', '.join(RECORD_TYPES)} only. Set Accept, or leave GenerateInferenceId out."
            )
        if content_type == JSON:
            try:
                whole = parsed(body)
            except ObjectError:
                pass  # a record a line, as many containers answer
            else:
                is_array_of_all = isinstance(whole, list) and len(whole) == sent
                return [self.value(json_of(value)) for value in (whole if is_array_of_all else [whole])]
        return [self.value(json_of(parsed(line))) for line in body.splitlines() if line.strip()]


def write_manifests(
    folder: Path, started_s: float, inputs: str, outputs: str, names: list[str], suffix: str
) -> None:
    """Write which objects went in and came out; nothing if there are none.

    Args:
        folder: What is captured goes below it.
        started_s: When the job was started, in seconds since 1970-01-01T00:00Z.
        inputs: What the addresses of the objects begin with.
        outputs: What those of the answers begin with.
        names: Of the objects whose answers are whole, below ``inputs``.
        suffix: Of the answers.
    """
    if not names:
        return
    hour = time.strftime("%Y/%m/%d/%H", time.gmtime(started_s))
    # Several hosts, and jobs of the same hour, share the folder.
    name = f"{uuid.uuid4()}.json"
    for kind, prefix, end in (("input", inputs, ""), ("output", outputs, suffix)):
        place = folder / kind / hour
        place.mkdir(parents=True, exist_ok=True)
        manifest = [{"prefix": prefix}, *(one + end for one in names)]
        unfinished = folder / f"{kind}.partial"
        unfinished.write_text(json.dumps(manifest), "utf-8", "surrogateescape")
        unfinished.replace(place / name)
