from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import DefinitionError
from stepmill.language.pipelines.definition import Parameter, ParameterType, PipelineDefinition
from stepmill.language.pipelines.parameters import bind_parameters, fits


def defined(*parameters: Parameter) -> PipelineDefinition:
    return PipelineDefinition(steps={}, parameters={parameter.name: parameter for parameter in parameters})


def bound(kind: str, value: Any) -> Any:
    return bind_parameters(defined(Parameter("P", ParameterType(kind))), {"P": value})["P"]


def refused(definition: PipelineDefinition, given_values: Any) -> list[tuple[str, str]]:
    with pytest.raises(DefinitionError) as caught:
        bind_parameters(definition, given_values)
    return [(str(each.code), each.path) for each in caught.value.findings]


@pytest.mark.parametrize(
    ("kind", "given_value", "value"),
    [
        ("String", "x", "x"),
        ("String", "", ""),
        ("String", " x ", " x "),
        ("String", "3", "3"),
        ("String", 3, "3"),
        ("String", 0.5, "0.5"),
        ("String", True, "true"),
        ("Integer", "3", 3),
        ("Integer", " -3 ", -3),
        ("Integer", "+3", 3),
        ("Integer", 3, 3),
        ("Float", "0.5", 0.5),
        ("Float", "3", 3.0),
        ("Float", "1e-3", 0.001),
        ("Float", ".5", 0.5),
        ("Float", "5.", 5.0),
        ("Float", 3, 3.0),
        ("Float", 0.5, 0.5),
        ("Boolean", "True", True),
        ("Boolean", "true", True),
        ("Boolean", "FALSE", False),
        ("Boolean", False, False),
    ],
)
def test_a_value_becomes_its_declared_type(kind: str, given_value: Any, value: Any) -> None:
    result = bound(kind, given_value)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("String", None),
        ("String", ["x"]),
        ("String", "\ud800"),
        ("Integer", "3.0"),
        ("Integer", "three"),
        ("Integer", ""),
        ("Integer", "٣"),
        ("Integer", "1_000"),
        ("Integer", "9" * 5000),
        ("Integer", 3.0),
        ("Integer", True),
        ("Float", "nan"),
        ("Float", "inf"),
        ("Float", "1e999"),
        ("Float", "1,5"),
        ("Float", float("nan")),
        ("Float", float("inf")),
        ("Float", 10**400),
        ("Float", True),
        ("Boolean", "yes"),
        ("Boolean", 1),
        ("Boolean", "1"),
        ("Boolean", {}),
    ],
)
def test_a_value_of_another_type_is_refused(kind: str, value: Any) -> None:
    found = refused(defined(Parameter("P", ParameterType(kind))), {"P": value})
    assert found == [("BAD_PARAMETER_VALUE", "Parameters.P")]


def test_defaults_stand_where_nothing_is_given() -> None:
    definition = defined(Parameter("A", has_default=True, default="x"), Parameter("B", ParameterType.INTEGER))
    assert bind_parameters(definition, {"B": "2"}) == {"A": "x", "B": 2}


def test_a_given_value_beats_the_default() -> None:
    assert bind_parameters(defined(Parameter("A", has_default=True, default="x")), {"A": "y"}) == {"A": "y"}


def test_all_findings_come_at_once() -> None:
    definition = defined(
        Parameter("Count", ParameterType.INTEGER),
        Parameter("Rate", ParameterType.FLOAT),
        Parameter("Mode", enum_values=("fast", "slow"), has_default=True, default="fast"),
    )
    assert refused(definition, {"Rate": "x", "Mode": "fats", "Cuont": "3"}) == [
        ("UNKNOWN_PARAMETER", "Parameters.Cuont"),
        ("MISSING_PARAMETER", "Parameters.Count"),
        ("BAD_PARAMETER_VALUE", "Parameters.Rate"),
        ("BAD_PARAMETER_VALUE", "Parameters.Mode"),
    ]


def test_findings_say_how_to_mend() -> None:
    definition = defined(
        Parameter("Mode", enum_values=("fast", "slow")), Parameter("Count", ParameterType.INTEGER)
    )
    with pytest.raises(DefinitionError) as caught:
        bind_parameters(definition, {"Mode": "fats", "Cuont": "3"})
    assert [each.mend for each in caught.value.findings] == [
        "Did you mean 'Count'?",
        "Did you mean 'fast'?",
        "Give a whole number.",
    ]


def test_an_error_reads_like_a_sentence() -> None:
    with pytest.raises(DefinitionError) as caught:
        bind_parameters(defined(), {"A": 1})
    assert str(caught.value) == ("There is no parameter 'A'. (at Parameters.A) The pipeline takes none.")


def test_thousands_of_unknown_names_end_early() -> None:
    found = refused(defined(), {f"p{index}": "x" for index in range(5000)})
    assert len(found) == 1001


@given(
    st.sampled_from(list(ParameterType)),
    st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none()),
)
def test_what_is_bound_is_of_its_type(kind: ParameterType, value: Any) -> None:
    try:
        result = bind_parameters(defined(Parameter("P", kind)), {"P": value})["P"]
    except DefinitionError:
        return
    assert fits(result, kind)


@given(st.integers(-(10**30), 10**30))
def test_whole_numbers_survive_their_text(number: int) -> None:
    assert bound("Integer", str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive_their_text(number: float) -> None:
    assert bound("Float", str(number)) == number
