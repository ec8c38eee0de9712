"""Read what the user points at: a Python file with a pipeline, or a definition as JSON."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stepmill.core.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from stepmill.sdk.assets import CompiledPipeline

# A definition larger than this is an accident. AWS takes 1 MiB inline (API reference, CreatePipeline).
LARGEST_FILE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class PipelineFile:
    """A pipeline as read from a file.

    Args:
        name: Of the pipeline.
        definition: JSON text.
        compiled: With its code and functions, if it was written in Python.
    """

    name: str
    definition: str
    compiled: CompiledPipeline | None = None

    @property
    def parallelism(self) -> int | None:
        """The most steps at once that the pipeline asks for."""
        return self.compiled.max_parallel_steps if self.compiled else None


def read_pipeline_file(path: Path, pipeline: str = "", *, code_prefix: str = "") -> PipelineFile:
    """Return the pipeline that a file makes, or the definition that it is.

    Args:
        path: Ends in ``.py`` or ``.json``.
        pipeline: Which one of several in a Python file; for JSON the name to give it.
        code_prefix: ``s3://BUCKET/PREFIX`` for the code of a Python file; empty: the local bucket.

    Raises:
        NotFoundError: If there is no such file.
        InvalidInputError: If it is neither, or too large.
    """
    if not path.is_file():
        raise NotFoundError(
            f"There is no file {str(path)!r}.",
            mend="Give a pipeline.py or a definition.json; `stepmill init` makes one.",
        )
    if path.suffix == ".py":
        return _compile(path, pipeline, code_prefix)
    if path.suffix != ".json":
        raise InvalidInputError(
            f"{path.name} is neither Python nor JSON.", mend="Give a .py or a .json file."
        )
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise InvalidInputError(
            f"{path.name} is larger than {LARGEST_FILE_BYTES // 1024**2} MiB.", where=str(path)
        )
    return PipelineFile(
        pipeline or _name_of(path), path.read_text(encoding="utf-8", errors="surrogateescape")
    )


def _compile(path: Path, pipeline: str, code_prefix: str) -> PipelineFile:
    from stepmill.platform import load_settings
    from stepmill.sdk.load import load_pipeline

    settings = load_settings(Path.cwd(), os.environ)
    loaded = load_pipeline(path, pipeline or None)
    compiled = loaded.compile(
        code_prefix=code_prefix or f"s3://{settings.default_bucket}",
        region=settings.region,
        account=settings.account,
    )
    return PipelineFile(compiled.name, compiled.definition, compiled)


def _name_of(path: Path) -> str:
    """Return a pipeline's name for a file: what SageMaker allows of its stem."""
    name = re.sub(r"[^a-zA-Z0-9]+", "-", path.stem).strip("-")
    if not name:
        raise InvalidInputError(
            f"No pipeline name can be made of {path.name!r}.", mend="Give one with --pipeline."
        )
    return name[:256]
