"""An error says what, where and how to mend it."""

from __future__ import annotations

import inspect

import pytest

from stepmill.core import errors
from stepmill.core.errors import DefinitionError, NotFoundError, StepmillError
from stepmill.core.findings import Finding, Severity


def test_an_error_reads_as_one_line_of_what_where_and_mend() -> None:
    error = NotFoundError("There is no pipeline 'A'.", where="--pipeline", mend="Did you mean 'B'?")
    assert str(error) == "There is no pipeline 'A'. (at --pipeline) Did you mean 'B'?"


def test_place_and_mend_are_left_out_where_there_are_none() -> None:
    assert str(StepmillError("It broke.")) == "It broke."


@pytest.mark.parametrize(
    "kind", [k for _, k in inspect.getmembers(errors, inspect.isclass) if k.__module__ == errors.__name__]
)
def test_every_error_stands_in_the_one_tree_and_in_its_drawing(kind: type) -> None:
    assert issubclass(kind, StepmillError)
    assert errors.__doc__ is not None
    assert kind.__name__ in errors.__doc__


def test_a_refused_definition_tells_its_first_error_and_how_many_more() -> None:
    findings = [
        Finding("LIMIT", Severity.WARNING, "Steps", "Many steps."),
        Finding("UNKNOWN_STEP", Severity.ERROR, "Steps[1]", "No step 'A'.", "Did you mean 'B'?"),
        Finding("CYCLE", Severity.ERROR, "Steps", "A waits for itself."),
    ]
    error = DefinitionError(findings)
    assert str(error) == "No step 'A'. (1 more errors) (at Steps[1]) Did you mean 'B'?"
    assert error.findings == tuple(findings)


def test_a_finding_reads_as_one_line() -> None:
    finding = Finding("CYCLE", Severity.ERROR, "", "A waits for itself.", "Remove one DependsOn.")
    assert str(finding) == "error CYCLE at the document: A waits for itself. Remove one DependsOn."
