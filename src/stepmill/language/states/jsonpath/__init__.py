"""JSONPath as Step Functions evaluates it, with the texts of the library that AWS runs.

What to call::

    compile_path("$.order.items[0]").read(document)      # PathNotFoundError, PathEvaluationError
    compile_path("$.items[?(@.price > 10)]").is_definite # False: gives a list, [] where nothing is found
    ReferencePath.of("$.a.b[0]").put(document, value)    # a new document; ReferencePathError
    read_field("$$.Execution.Id", input=..., context=..., variables=...)  # chooses the root by its prefix

A path of names only costs a fraction of a microsecond for each name.

Functions such as ``length()`` are not part of it: the service runs version 2.0.0 of Jayway's JsonPath, which
has none; filters compare and test for existence.

Source: the published source of that version; Amazon States Language, section "Paths".
"""

from stepmill.language.states.jsonpath.compiling import compile_path
from stepmill.language.states.jsonpath.errors import (
    PathError,
    PathEvaluationError,
    PathNotFoundError,
    PathSyntaxError,
)
from stepmill.language.states.jsonpath.fields import Field, Root, read_field
from stepmill.language.states.jsonpath.path import Path
from stepmill.language.states.jsonpath.reference import ReferencePath, ReferencePathError

__all__ = [
    "Field",
    "Path",
    "PathError",
    "PathEvaluationError",
    "PathNotFoundError",
    "PathSyntaxError",
    "ReferencePath",
    "ReferencePathError",
    "Root",
    "compile_path",
    "read_field",
]
