from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.sdk import Output, Parameter, current_item
from stepmill.sdk.function_signature import Kind, argument_text, read_signature

if TYPE_CHECKING:
    import decimal

values = st.one_of(st.text(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans())


def test_every_kind_of_parameter() -> None:
    def function(
        raw: Path,
        name: str,
        count: int,
        share: float,
        flag: bool,
        layers: list[int],
        options: dict[str, Any],
        anything: Any,
        one_of: Literal["a", "b"],
        either: int | str,
        bare,
        guessed=3,
        guessed_text="x",
        maybe: int | None = None,
        old_maybe: Optional[str] = None,  # noqa: UP045
        marked: Annotated[float, "unit"] = 1.0,
        mixed: Literal["a", 1] = "a",
        maybe_input: Path | None = None,
        *,
        train: Output,
    ) -> None: ...

    kinds = read_signature(function).kinds
    assert kinds == {
        "raw": Kind.INPUT,
        "name": Kind.STR,
        "count": Kind.INT,
        "share": Kind.FLOAT,
        "flag": Kind.BOOL,
        "layers": Kind.JSON,
        "options": Kind.JSON,
        "anything": Kind.JSON,
        "one_of": Kind.STR,
        "either": Kind.JSON,
        "bare": Kind.JSON,
        "guessed": Kind.INT,
        "guessed_text": Kind.STR,
        "maybe": Kind.INT,
        "old_maybe": Kind.STR,
        "marked": Kind.FLOAT,
        "mixed": Kind.JSON,
        "maybe_input": Kind.INPUT,
        "train": Kind.OUTPUT,
    }


def test_outputs_are_no_part_of_a_call() -> None:
    def function(a: Path, *, train: Output, share: float = 0.5) -> None: ...

    signature = read_signature(function)
    assert signature.outputs == ("train",)
    assert list(signature.call.parameters) == ["a", "share"]


def test_what_is_returned() -> None:
    def nothing() -> None: ...
    def something() -> dict[str, float]: ...
    def unsaid(): ...
    def unreadable() -> decimal.Decimal: ...

    assert [read_signature(each).result for each in (nothing, something, unsaid, unreadable)] == [
        False,
        True,
        True,
        True,
    ]


def test_parameters_that_no_step_can_be_given() -> None:
    def stars(*args: int) -> None: ...
    def more(**kwargs: int) -> None: ...
    def positional(a: int, /) -> None: ...
    def bytes_(a: bytes) -> None: ...
    def unreadable(a: decimal.Decimal) -> None: ...
    def default_path(a: Path = Path("x")) -> None: ...
    def default_value(a: int = Parameter("p", 1)) -> None: ...

    messages = {
        stars: "no name of its own",
        more: "no name of its own",
        positional: "no name of its own",
        bytes_: "cannot be given a <class 'bytes'>",
        unreadable: "cannot be read: name 'decimal'",
        default_path: "no default but None",
        default_value: "value of the pipeline",
    }
    for function, message in messages.items():
        with pytest.raises(InvalidInputError, match=message) as caught:
            read_signature(function)
        assert "test_function_signature.py" in caught.value.where
        assert function.__name__ in caught.value.where


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Kind.STR, "a", "a"),
        (Kind.STR, "", ""),
        (Kind.INT, 3, "3"),
        (Kind.FLOAT, 0.5, "0.5"),
        (Kind.FLOAT, 3, "3"),
        (Kind.BOOL, True, "true"),
        (Kind.JSON, [1, "a"], '[1,"a"]'),
        (Kind.JSON, "a", '"a"'),
    ],
)
def test_literals_travel_as_texts(kind: Kind, value: object, text: str) -> None:
    assert argument_text(kind, value, "x", "") == text


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.STR, 3),
        (Kind.INT, 0.5),
        (Kind.INT, True),
        (Kind.FLOAT, "0.5"),
        (Kind.BOOL, 1),
        (Kind.INT, Parameter("p", 0.5)),
        (Kind.BOOL, Parameter("p", 1)),
    ],
)
def test_values_of_other_types_are_refused(kind: Kind, value: object) -> None:
    with pytest.raises(InvalidInputError, match=f"'x' is of type {kind}"):
        argument_text(kind, value, "x", "")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.INT, Parameter("p", 1)),
        (Kind.FLOAT, Parameter("p", 1)),
        (Kind.STR, Parameter("p", 1)),
        (Kind.INT, current_item),
        (Kind.JSON, Parameter("p", "x")),
    ],
)
def test_values_of_the_pipeline_are_handed_on(kind: Kind, value: object) -> None:
    assert argument_text(kind, value, "x", "") is value


@given(values)
def test_a_value_of_any_kind_is_text_or_refused(value: object) -> None:
    for kind in (Kind.STR, Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.JSON):
        try:
            assert isinstance(argument_text(kind, value, "x", ""), str)
        except InvalidInputError:
            assert kind is not Kind.JSON
