"""No input makes a check raise: random JSON, random texts, and right documents damaged at random."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stepmill.core.findings import Severity
from stepmill.core.service_models import service_model
from stepmill.language.pipelines.checking import Checked, check
from stepmill.language.pipelines.codes import CODES, Code
from stepmill.language.pipelines.dependencies import dependencies
from stepmill.testing.definitions import pipeline_documents

# Words of the language, so that random documents get past the first check.
_KEYS = """Version Metadata Parameters Steps Name Type Arguments DependsOn Conditions IfSteps ElseSteps A B
    ForEachBody IterableItems MaxConcurrency Selector Pick Field Get Std:Join Std:JsonGet On Values Path
    PropertyFile S3Uri RetryPolicies ExceptionType CacheConfig Enabled ExpireAfter PropertyFiles
    PropertyFileName OutputName FilePath OutputParameters FunctionArn Step Trigger DefaultValue
    EnumValues LeftValue RightValue Condition ProcessingOutputConfig Outputs StepName"""
_VALUES = """Processing Training Condition ForEach Lambda Fail Cleanup Lineage EMR Model Tuning A B Equals Or
    Not In 2020-12-01 P30D Any MaxBy Parameters.A Steps.A.Outcome Steps.B ForEach.CurrentItem s3://b/k ./x
    Execution.PipelineName IterationOutput.A.B Steps.A.PropertyFiles.B Steps.A.IterationOutputs[0].B.C"""
_WORDS = st.sampled_from(_KEYS.split())
_TEXTS = st.sampled_from([*_VALUES.split(), "", "\x00", "a" * 2000])
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    _TEXTS,
    st.text(max_size=5),
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_WORDS | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=40,
)
# Shrinking a damaged document of hundreds of draws takes minutes, and the message tells enough.
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
_relaxed = settings(deadline=None, max_examples=200, phases=_PHASES, suppress_health_check=list(HealthCheck))


def _is_sound(result: Checked) -> None:
    errors = [each for each in result.findings if each.severity is Severity.ERROR]
    assert (result.definition is None) == bool(errors)
    for each in result.findings:
        assert each.message.isprintable(), each.message
        assert each.path.isprintable()
        assert each.mend
        assert CODES[Code(each.code)].severity is each.severity or each.code == Code.TOO_MANY_FINDINGS
        str(each).encode()
    if result.definition is not None:
        dependencies(result.definition)


@_relaxed
@given(_JSON)
def test_random_json(value: Any) -> None:
    _is_sound(check(json.dumps(value), service_model))


@_relaxed
@given(st.fixed_dictionaries({"Steps": st.lists(st.dictionaries(_WORDS, _JSON, max_size=6), max_size=4)}))
def test_random_steps(value: Any) -> None:
    _is_sound(check(value, service_model))


@_relaxed
@given(st.one_of(st.text(), st.binary()))
def test_random_texts(text: str | bytes) -> None:
    _is_sound(check(text, service_model))


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    keys = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    for key in keys:
        found.append((value, key))
        _places(value[key], found)
    return found


@_relaxed
@given(pipeline_documents(), st.data())
def test_damaged_documents(document: dict[str, Any], data: st.DataObject) -> None:
    damaged = deepcopy(document)
    for _ in range(data.draw(st.integers(1, 3))):
        places = _places(damaged, [])
        if not places:
            break
        parent, key = data.draw(st.sampled_from(places))
        match data.draw(st.sampled_from(["delete", "replace", "repeat", "move"])):
            case "delete":
                del parent[key]
            case "replace":
                parent[key] = data.draw(_JSON)
            case "repeat" if isinstance(parent, list):
                parent.append(deepcopy(parent[key]))
            case _:
                other, other_key = data.draw(st.sampled_from(places))
                parent[key] = deepcopy(other.get(other_key) if isinstance(other, dict) else None)
    _is_sound(check(damaged, service_model))


@_relaxed
@given(pipeline_documents(), st.data())
def test_damaged_texts(document: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(document)
    at = data.draw(st.integers(0, len(text)))
    _is_sound(
        check(
            text[:at] + data.draw(st.text(max_size=3)) + text[at + data.draw(st.integers(0, 5)) :],
            service_model,
        )
    )


@_relaxed
@given(pipeline_documents())
def test_a_right_document_has_no_error(document: dict[str, Any]) -> None:
    result = check(json.dumps(document), service_model)
    assert [str(each) for each in result.errors] == []
    assert {str(each.code) for each in result.warnings} <= {"BRANCH_MAY_NOT_RUN"}
    assert result.definition is not None
