"""Compile steps and look at what becomes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stepmill.sdk import CompiledPipeline, Pipeline, Step


def compiled(*steps: Step, folder: Path | None = None, **options: Any) -> CompiledPipeline:
    """Compile steps, and hold that the check of the language finds nothing at all."""
    pipeline = Pipeline("Test", list(steps), folder=folder, **options)
    result = pipeline.compile(code_prefix="s3://bucket/prefix")
    assert result.warnings == ()
    return result


def definition(*steps: Step, folder: Path | None = None, **options: Any) -> Any:
    """Return the definition that steps compile to."""
    return json.loads(compiled(*steps, folder=folder, **options).definition)


def step_document(step: Step, *others: Step, folder: Path | None = None, **options: Any) -> Any:
    """Return the document of one step, wherever it stands."""
    return find_step(definition(step, *others, folder=folder, **options)["Steps"], step.name)


def find_step(documents: Any, name: str) -> Any:
    """Return the document of that name among those given, and those in them."""
    for document in documents:
        if document["Name"] == name:
            return document
        for key in ("IfSteps", "ElseSteps", "ForEachBody"):
            inside = document["Arguments"].get(key, [])
            if inside and (found := find_step(inside, name)):
                return found
    return None
