"""Document paths: what they name in an item, and the part of an item that several of them show. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from stepmill.catalog.dynamodb.values import Item, Value
from stepmill.core.errors import InvalidInputError

Part: TypeAlias = "str | int"


@dataclass(frozen=True, slots=True)
class Path:
    """The place of a value in an item.

    Args:
        parts: The attribute's name, then names in maps and indexes in lists.

    Example:
        >>> str(Path(("a", "b", 0)))
        '[a, b, [0]]'
    """

    parts: tuple[Part, ...]

    @property
    def attribute(self) -> str:
        """The name of the attribute that it leads into."""
        return str(self.parts[0])

    def find(self, item: Item) -> Value | None:
        """Return the value there; ``None`` if there is none."""
        found: Value | None = item.get(self.attribute)
        for part in self.parts[1:]:
            if found is None:
                return None
            found = _below(found, part)
        return found

    def __str__(self) -> str:
        return f"[{', '.join(part if isinstance(part, str) else f'[{part}]' for part in self.parts)}]"


def check_apart(paths: Iterable[Path], what: str) -> None:
    """Hold paths against each other: none may lead to or into what another leads to.

    Args:
        paths: Those of one expression.
        what: What errors call that: ``UpdateExpression``.

    Raises:
        InvalidInputError: If two overlap, or take one value both as a list and as a map.
    """
    tree: dict[Part, Any] = {}
    seen: dict[int, Path] = {}
    for path in paths:
        _plant(path, tree, seen, what)


def project(item: Item, paths: Iterable[Path]) -> dict[str, Value]:
    """Return the part of an item that paths show; elements of lists close up."""
    tree: dict[Part, Any] = {}
    for path in paths:
        branch = tree
        for part in path.parts:
            branch = branch.setdefault(part, {})
    return {
        str(name): shown
        for name, branch in tree.items()
        if name in item and (shown := _shown(item[str(name)], branch)) is not None
    }


def _plant(path: Path, tree: dict[Part, Any], seen: dict[int, Path], what: str) -> None:
    branch = tree
    for part in path.parts:
        if (other := seen.get(id(branch))) and not branch:
            raise _clash("overlap", other, path, what)
        if branch and isinstance(next(iter(branch)), int) != isinstance(part, int):
            raise _clash("conflict", seen[id(branch)], path, what)
        seen.setdefault(id(branch), path)
        branch = branch.setdefault(part, {})
    if other := seen.get(id(branch)):
        raise _clash("overlap", other, path, what)
    seen[id(branch)] = path


def _clash(how: str, first: Path, second: Path, what: str) -> InvalidInputError:
    return InvalidInputError(
        f"Invalid {what}: Two document paths {how} with each other; "
        f"must remove or rewrite one of these paths; path one: {first}, path two: {second}"
    )


def _below(value: Value, part: Part) -> Value | None:
    if isinstance(part, str):
        named: Mapping[str, Value] = value.get("M", {})
        return named.get(part)
    elements = value.get("L", ())
    found: Value | None = elements[part] if part < len(elements) else None
    return found


def _shown(value: Value, branch: Mapping[Part, Any]) -> Value | None:
    if not branch:
        return value
    below = {
        part: shown
        for part, deeper in branch.items()
        if (found := _below(value, part)) is not None and (shown := _shown(found, deeper)) is not None
    }
    if not below:
        return None
    if "L" in value:
        return {"L": [shown for _, shown in sorted(below.items())]}
    return {"M": {str(part): shown for part, shown in below.items()}}
