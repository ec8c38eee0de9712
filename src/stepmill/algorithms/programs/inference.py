"""Loads the model of a built-in algorithm and answers requests with it.

Which algorithm made a model stands in a file beside it; XGBoost's models, which AWS's containers write too,
have none.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

from .modules import INFERENCE_MODULES

MARK = "stepmill-algorithm.json"
_DEFAULT = "xgboost"
# Models that other programs write, and a file that tells them.
_FOREIGN = {"blazingtext": "model.bin"}


def mark_model(folder: Path, name: str) -> None:
    """Write beside a model which algorithm made it."""
    (folder / MARK).write_text(json.dumps({"algorithm": name, "format": 1}))


def algorithm_of_model(folder: Path) -> str:
    """Return which algorithm made a model.

    Raises:
        RuntimeError: If it is none that is known here.
    """
    try:
        name = str(json.loads((folder / MARK).read_text())["algorithm"])
    except FileNotFoundError:
        name = next((name for name, file in _FOREIGN.items() if (folder / file).is_file()), _DEFAULT)
    except (ValueError, KeyError, TypeError) as error:
        raise RuntimeError(f"{MARK} does not name an algorithm.") from error
    if name not in INFERENCE_MODULES:
        raise RuntimeError(f"The algorithm {name[:100]!r} is not known here.")
    return name


def model_fn(model_dir: str) -> Any:
    """Load a model.

    Raises:
        RuntimeError: If there is none, or it cannot be loaded.
    """
    folder = Path(model_dir)
    module = importlib.import_module(f".{INFERENCE_MODULES[algorithm_of_model(folder)]}", __package__)
    return module, module.load(folder)


def transform_fn(model: Any, body: bytes | str, content_type: str, accept: str) -> tuple[bytes, str]:
    """Answer a request.

    Args:
        model: What ``model_fn`` gave.
        body: The request.
        content_type: Its media type.
        accept: The media type that the answer is to have.

    Returns:
        The answer and its media type.

    Raises:
        RequestError: If it cannot be answered; its attribute ``status`` is 204, 400, 406 or 415.
    """
    module, loaded = model
    data = body.encode() if isinstance(body, str) else body
    answer: tuple[bytes, str] = module.respond(loaded, data, content_type or "", accept or "")
    return answer
