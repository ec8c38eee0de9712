"""Answers requests with models of linear learner.

Source: developer guide, "Linear learner response formats".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .first_party import load_arrays
from .linear_data import BINARY, MULTICLASS
from .linear_learner import Linear
from .payloads import read_request, write_answer


def load(folder: Path) -> Linear:
    """Load the model in a folder."""
    arrays = load_arrays(folder)
    return Linear(
        kind=str(arrays["kind"]),
        weights=arrays["weights"],
        bias=arrays["bias"],
        probable=bool(arrays["probable"]),
        threshold=float(arrays["threshold"]),
    )


def respond(model: Linear, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
    """Answer with the score of each row. See ``inference.transform_fn`` for what it raises."""
    rows = read_request(body, content_type, len(model.weights))
    scores = model.scores(rows.astype(np.float64))
    answers: list[dict[str, Any]] = [{"score": score} for score in scores.tolist()]
    if model.kind == MULTICLASS:
        for answer, best in zip(answers, scores.argmax(axis=1).tolist(), strict=True):
            answer["predicted_label"] = best
    elif model.kind == BINARY:
        for answer in answers:
            answer["predicted_label"] = int(answer["score"] > model.threshold)
    return write_answer(answers, accept)
