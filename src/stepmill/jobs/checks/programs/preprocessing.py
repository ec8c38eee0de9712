"""Runs the customer's preprocessing script on each record.

Source: developer guide, "Preprocessing and Postprocessing".
"""

from __future__ import annotations

import inspect
import logging
import runpy
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .captured import CapturedData
from .errors import CustomerError
from .flattening import flattened

_HANDLER = "preprocess_handler"
_log = logging.getLogger("preprocessor")


class Preprocessor:
    """The script's ``preprocess_handler(inference_record)``, or ``(inference_record, logger)``.

    Args:
        script: Its file, or a folder that holds it alone.

    Raises:
        CustomerError: If it cannot be run, or has no such function.
    """

    def __init__(self, script: Path) -> None:
        if not script.is_file():
            raise CustomerError(f"There is no record preprocessor script {script}.")
        try:
            handler = runpy.run_path(str(script)).get(_HANDLER)
        except Exception as error:
            traceback.print_exc()
            raise CustomerError(
                f"The script {script.name!r} cannot be run: {type(error).__name__}: {error}"
            ) from error
        if not callable(handler):
            raise CustomerError(f"The script {script.name!r} has no function {_HANDLER}.")
        self._handler: Callable[..., Any] = handler
        self._takes_logger = _positional(handler) > 1

    def records(
        self, captured: CapturedData, where: str, unchanged: Callable[[], Iterator[dict[str, str | None]]]
    ) -> Iterator[dict[str, str | None]]:
        """Return what the script makes of a record: one, several, or none.

        Args:
            captured: The record.
            where: It stands, for errors.
            unchanged: Gives the records where the script gives back what it got.

        Raises:
            CustomerError: If it fails, or gives what is no record.
        """
        try:
            result = self._handler(captured, _log) if self._takes_logger else self._handler(captured)
        except Exception as error:
            traceback.print_exc()
            raise CustomerError(
                f"{where}: the record preprocessor script failed: {type(error).__name__}: {error}"
            ) from error
        if isinstance(result, CapturedData):
            yield from unchanged()
            return
        for one in result if isinstance(result, list) else [result]:
            if one is not None and not isinstance(one, dict):
                raise CustomerError(
                    f"{where}: the record preprocessor script gave {type(one).__name__}, and a dict, a list "
                    "of dicts or an empty list is expected."
                )
            if one:
                yield flattened(one, where)


def _positional(handler: Callable[..., Any]) -> int:
    """Return how many arguments a function takes by position; one if it does not tell."""
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):
        return 1
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in kinds for parameter in parameters)
