"""Fields of steps that are given as declarations, and read as the values that they declare."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar, overload

from stepmill.core.errors import InvalidInputError
from stepmill.sdk.names import nearest
from stepmill.sdk.references import Property
from stepmill.sdk.values import Producer

Declaration = TypeVar("Declaration")


class NamedValues:
    """What a step leaves, by name: ``step.outputs["train"]``.

    Args:
        step: Whose.
        kind: What they are: ``output``.
        values: All there are, or, where names need no declaring, a function that makes one.
    """

    def __init__(
        self, step: Producer, kind: str, values: Mapping[str, Property] | Callable[[str], Property]
    ) -> None:
        self._step = step
        self._kind = kind
        self._values = values

    def __getitem__(self, name: str) -> Property:
        if not isinstance(self._values, Mapping):
            return self._values(name)
        if name not in self._values:
            raise InvalidInputError(
                f"Step {self._step.name!r} has no {self._kind} {name!r}.",
                where=f"step {self._step.name!r}",
                mend=nearest(name, self._values),
            )
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __repr__(self) -> str:
        return f"<{self._kind}s of {self._step.name}: {', '.join(self._names())}>"

    def _names(self) -> Mapping[str, Property]:
        return self._values if isinstance(self._values, Mapping) else {}


class Declared(Generic[Declaration]):
    """A dataclass field that takes a declaration and gives ``NamedValues``.

    Args:
        default: The declaration of a step that is given none.
        read: From the step and its declaration to what it declares.
    """

    def __init__(self, default: Declaration, read: Callable[[Any, Declaration], NamedValues]) -> None:
        self._default = default
        self._read = read

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_declared_{name}"

    @overload
    def __get__(self, step: None, owner: type) -> Declaration: ...

    @overload
    def __get__(self, step: object, owner: type) -> NamedValues: ...

    def __get__(self, step: object | None, owner: type) -> Declaration | NamedValues:
        # A dataclass asks the class, not an instance, for a field's default.
        return self._default if step is None else self._read(step, self.declared(step))

    def __set__(self, step: object, declaration: Declaration) -> None:
        vars(step)[self._name] = declaration

    def declared(self, step: object) -> Declaration:
        """Return the declaration itself."""
        declaration: Declaration = vars(step)[self._name]
        return declaration
