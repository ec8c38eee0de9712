from __future__ import annotations

import pytest

from stepmill.core.errors import UnsupportedError
from stepmill.language.pipelines.definition import StepType
from stepmill.language.pipelines.supported import (
    SUPPORTED,
    refuse_unsupported,
    unsupported_findings,
    unsupported_steps,
)
from support.documents import condition, definition_of, for_each, function, processing
from support.steps import OTHERS

AUTO_ML = {"Name": "Find", "Type": "AutoML", **OTHERS["AutoML"]}


def test_what_runs_is_not_refused() -> None:
    definition = definition_of(condition("Gate", then=[for_each("Loop", function("Body"))]), processing("P"))
    refuse_unsupported(definition)
    assert unsupported_steps(definition) == ()


def test_what_does_not_run_is_refused_by_name() -> None:
    definition = definition_of(condition("Gate", then=[AUTO_ML]))
    with pytest.raises(UnsupportedError, match=r"Find \(AutoML\)") as caught:
        refuse_unsupported(definition)
    assert caught.value.where == "Steps[0].Arguments.IfSteps[0]"


def test_each_that_does_not_run_is_found_at_its_type() -> None:
    emr = {"Name": "Spark", "Type": "EMR", **OTHERS["EMR"]}
    definition = definition_of(processing("P"), condition("Gate", then=[AUTO_ML]), emr)
    first, second = unsupported_findings(definition)
    assert (first.code, first.severity, first.path) == (
        "NOT_RUN_HERE",
        "warning",
        "Steps[1].Arguments.IfSteps[0].Type",
    )
    assert first.message.startswith("AutoML steps do not run")
    assert second.message.startswith("EMR steps do not run")


def test_nothing_is_found_where_all_run() -> None:
    assert unsupported_findings(definition_of(processing("P"))) == ()


def test_all_checks_run() -> None:
    check = {"Name": "Explain", "Type": "ClarifyCheck", **OTHERS["ClarifyCheck"]}
    for kind in ("DATA_BIAS", "MODEL_BIAS", "MODEL_EXPLAINABILITY"):
        definition = definition_of({**check, "CheckType": kind})
        refuse_unsupported(definition)
        assert unsupported_steps(definition) == ()


def test_a_long_list_is_cut() -> None:
    definition = definition_of(*({**AUTO_ML, "Name": f"Find{index}"} for index in range(30)))
    with pytest.raises(UnsupportedError, match="and 20 more"):
        refuse_unsupported(definition)


def test_the_types_that_run() -> None:
    assert {StepType.TRAINING, StepType.TRANSFORM, StepType.TUNING} <= SUPPORTED
    assert StepType.AUTO_ML not in SUPPORTED
