"""Read what the user points at: the definition of a state machine, and the input of an execution.

Both may be JSON or YAML; what goes on is JSON text.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import read_json

# AWS takes definitions of 1 MiB and inputs of 256 KiB; more than this is an accident.
LARGEST_FILE_BYTES = 16 * 1024 * 1024
_YAML = frozenset({".yaml", ".yml"})
# An alias may stand for a document each time: so few nodes a JSON text of that size has at least.
_MOST_NODES = 2_000_000
_BEGINS_JSON = ("{", "[", '"')


@dataclass(frozen=True)
class MachineFile:
    """A definition as read from a file.

    Args:
        name: Of the state machine.
        definition: JSON text.
    """

    name: str
    definition: str


def is_machine_file(path: Path) -> bool:
    """Return whether a file has a state machine, by its name, or by what a JSON file begins with.

    Of a file that is not there it is said by the name alone; whoever reads it tells.
    """
    name = path.name.lower()
    if re.search(r"\.asl\.(json|ya?ml)$", name) or path.suffix.lower() in _YAML:
        return True
    if path.suffix.lower() != ".json" or not path.is_file() or path.stat().st_size > LARGEST_FILE_BYTES:
        return False
    try:
        document = read_json(path.read_bytes())
    except InvalidInputError:
        return False
    return isinstance(document, Mapping) and "StartAt" in document and "States" in document


def read_machine_file(path: Path, name: str = "") -> MachineFile:
    """Return the definition in a file.

    Args:
        path: Of the file.
        name: Of the machine; empty: that of the file.

    Raises:
        NotFoundError: If there is no such file.
        InvalidInputError: If it is too large, or not text, or YAML that is none.
    """
    if not path.is_file():
        raise NotFoundError(f"There is no file {str(path)!r}.", mend="Give a machine.asl.json.")
    return MachineFile(name or _name_of(path), _json_text(_read(path), str(path), path.suffix))


def read_input(given: str) -> str:
    """Return the input of an execution as JSON text.

    Args:
        given: Path of a file (JSON, or YAML by its name), ``-`` for standard input, or JSON itself, which
            begins with a bracket or a quote; empty: none, ``{}``.

    Raises:
        NotFoundError: If there is no such file.
        InvalidInputError: If it is not JSON or YAML, or too large.
    """
    if not given:
        return "{}"
    if given == "-":
        return _checked(sys.stdin.read(LARGEST_FILE_BYTES + 1), "standard input")
    if given.lstrip().startswith(_BEGINS_JSON):
        return _checked(given, "--input")
    path = Path(given)
    if not path.is_file():
        raise NotFoundError(
            f"There is no file {given!r}.",
            where="--input",
            mend="Give a file, - for standard input, or JSON that begins with {.",
        )
    return _checked(_json_text(_read(path), given, path.suffix), given)


def _checked(text: str, where: str) -> str:
    if len(text) > LARGEST_FILE_BYTES:
        raise InvalidInputError(f"The input is larger than {LARGEST_FILE_BYTES // 1024**2} MiB.", where=where)
    read_json(text, where=where)
    return text


def _read(path: Path) -> str:
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise InvalidInputError(
            f"{path.name} is larger than {LARGEST_FILE_BYTES // 1024**2} MiB.", where=str(path)
        )
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path.name} is not text in UTF-8.", where=str(path)) from error


def _json_text(text: str, where: str, suffix: str) -> str:
    if suffix.lower() not in _YAML:
        return text
    import yaml

    try:
        # Its types are Python's own; only what JSON has, too, comes through below.
        document = yaml.load(text, Loader=_loader(yaml))  # noqa: S506
        _count(document, where)
        return json.dumps(document, ensure_ascii=False, allow_nan=False)
    except yaml.YAMLError as error:
        raise InvalidInputError(f"This is not YAML: {' '.join(str(error).split())}", where=where) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(
            f"JSON has nothing like it: {error}", where=where, mend="Quote it, to make it text."
        ) from error


def _loader(yaml: Any) -> Any:
    """Return PyYAML's safe loader, for which a date is text, as in JSON."""

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return Loader


def _count(document: object, where: str) -> None:
    """Refuse a document whose aliases would fill the memory."""
    todo, seen = [document], 0
    while todo:
        value = todo.pop()
        seen += 1
        if seen > _MOST_NODES:
            raise InvalidInputError(
                f"The document has more than {_MOST_NODES} values.", where=where, mend="Use fewer aliases."
            )
        if isinstance(value, Mapping):
            todo.extend(value.values())
        elif isinstance(value, list):
            todo.extend(value)


def _name_of(path: Path) -> str:
    """Return the name of a machine for a file: what Step Functions allows of its stem."""
    stem = re.sub(r"\.asl$", "", path.stem, flags=re.IGNORECASE)
    name = re.sub(r"[^a-zA-Z0-9_-]+", "-", stem).strip("-")
    if not name:
        raise InvalidInputError(
            f"No name of a state machine can be made of {path.name!r}.", mend="Give one with --pipeline."
        )
    return name[:80]
