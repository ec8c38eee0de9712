from __future__ import annotations

from dataclasses import dataclass, fields, replace

import pytest

from stepmill.core.errors import InvalidInputError
from stepmill.sdk import ProcessingStep
from stepmill.sdk.named import Declared, NamedValues
from stepmill.sdk.references import Property
from stepmill.sdk.values import Producer


def read(thing: Thing, declaration: tuple[str, ...]) -> NamedValues:
    return NamedValues(thing, "part", {name: Property(thing, f".{name}") for name in declaration})


PARTS: Declared[tuple[str, ...]] = Declared((), read)


@dataclass
class Thing(Producer):
    name: str
    parts: Declared[tuple[str, ...]] = PARTS


def test_what_is_declared_is_read_as_values() -> None:
    thing = Thing("T", ("A", "B"))
    assert list(thing.parts) == ["A", "B"]
    assert len(thing.parts) == 2
    assert thing.parts["A"].expression() == {"Get": "Steps.T.A"}
    assert ("A" in thing.parts, "C" in thing.parts) == (True, False)
    assert PARTS.declared(thing) == ("A", "B")
    assert repr(thing.parts) == "<parts of T: A, B>"


def test_nothing_declared_is_nothing() -> None:
    assert list(Thing("T").parts) == []


def test_things_do_not_share_declarations() -> None:
    one, other = Thing("T", ("A",)), Thing("T", ("B",))
    assert (list(one.parts), list(other.parts)) == (["A"], ["B"])


def test_an_unknown_name_is_refused_with_what_there_is() -> None:
    with pytest.raises(InvalidInputError, match=r"no part 'Zzz'.*There are: 'A'"):
        _ = Thing("T", ("A",)).parts["Zzz"]
    with pytest.raises(InvalidInputError, match="There are none"):
        _ = Thing("T").parts["A"]


def test_names_that_need_no_declaring() -> None:
    thing = Thing("T")
    anything = NamedValues(thing, "metric", lambda name: Property(thing, f".{name}"))
    assert anything["X"].expression() == {"Get": "Steps.T.X"}
    assert list(anything) == []


def test_the_field_is_one_of_the_dataclass() -> None:
    assert "outputs" in [each.name for each in fields(ProcessingStep)]
    assert list(replace(Thing("T", ("A",)), parts=("B",)).parts) == ["B"]
