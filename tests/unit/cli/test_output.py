"""What is said, where it goes, and how it looks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from stepmill.cli.output import Output, counted, duration, finding_text, moment, number, shortened, table
from stepmill.core.errors import DefinitionError, NotFoundError
from stepmill.core.findings import Finding, Severity

WRONG = Finding("CYCLE", Severity.ERROR, "Steps[1]", "They wait for one another.", "Take one away.")
BARE = Finding("AWS_LIMIT", Severity.WARNING, "", "It is long.", "")


def drawn(renderable: object) -> str:
    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_an_error_is_three_lines_beside_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    Output().error(NotFoundError("There is no [b]step[/b].", where="Steps[1]", mend="Make one."))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "error: There is no [b]step[/b].\n   at: Steps[1]\n mend: Make one.\n"


def test_an_error_has_no_line_for_what_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    Output().error(NotFoundError("There is none."))
    assert capsys.readouterr().err == "error: There is none.\n"


def test_of_a_definition_all_findings_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    Output().error(DefinitionError((WRONG, BARE)))
    err = capsys.readouterr().err
    assert "error CYCLE: They wait for one another.\n   at: Steps[1]\n mend: Take one away.\n" in err
    assert "warning AWS_LIMIT: It is long.\n   at: the document\n" in err


def test_for_a_program_an_error_is_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True).error(DefinitionError((WRONG,)))
    said = capsys.readouterr()
    document = json.loads(said.out)["error"]
    assert said.err == ""
    assert document["type"] == "DefinitionError"
    assert document["findings"] == [
        {
            "code": "CYCLE",
            "severity": "error",
            "path": "Steps[1]",
            "message": "They wait for one another.",
            "mend": "Take one away.",
        }
    ]


def test_an_answer_is_one_document_or_one_text(capsys: pytest.CaptureFixture[str]) -> None:
    Output().answer({"a": 1}, "first", "second")
    assert capsys.readouterr().out == "first\nsecond\n"
    Output(as_json=True).answer({"a": 1}, "first")
    assert json.loads(capsys.readouterr().out) == {"a": 1}


def test_documents_may_hold_moments_paths_and_words(capsys: pytest.CaptureFixture[str]) -> None:
    class Word(StrEnum):
        YES = "Yes"

    Output(as_json=True).json_line(
        {"at": datetime(2026, 1, 2, tzinfo=UTC), "path": Path("/a"), "word": Word.YES, "several": ("x",)}
    )
    line = capsys.readouterr().out
    assert json.loads(line) == {"at": "2026-01-02T00:00:00Z", "path": "/a", "word": "Yes", "several": ["x"]}
    assert line.count("\n") == 1


def test_remarks_do_not_disturb_whoever_reads_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=True)
    output.remark("By the way.")
    output.line("an answer")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("an answer\n", "By the way.\n")


def test_a_table_shows_markup_as_it_is_written() -> None:
    shown = drawn(table(["NAME", "VALUE"], [["[red]a[/red]", "1"], ["b", "[x]"]]))
    assert [line.split() for line in shown.splitlines()] == [
        ["NAME", "VALUE"],
        ["[red]a[/red]", "1"],
        ["b", "[x]"],
    ]


def test_a_table_without_titles_has_no_line_for_them() -> None:
    assert drawn(table(["", ""], [["a", "1"]])).split() == ["a", "1"]


def test_a_finding_without_a_mend_has_no_line_for_it() -> None:
    assert drawn(finding_text(BARE)).splitlines() == ["warning AWS_LIMIT: It is long.", "   at: the document"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (0.999, "999 ms"),
        (1, "1.0 s"),
        (59.94, "59.9 s"),
        (60, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 0 min"),
        (90061, "25 h 1 min"),
    ],
)
def test_a_span_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert duration(timedelta(seconds=seconds)) == said


@given(st.timedeltas(timedelta(0), timedelta(days=10_000)))
def test_no_span_is_said_at_length(span: timedelta) -> None:
    assert 0 < len(duration(span)) <= 16


def test_what_is_not_known_is_said_with_nothing() -> None:
    assert duration(None) == moment(None) == ""


@given(st.text(), st.integers(1, 400))
def test_a_shortened_text_begins_as_it_did(text: str, most: int) -> None:
    short = shortened(text, most)
    assert short == text if len(text) <= most else short.startswith(text[:most] + "...")


@given(st.floats(-1e300, 1e300))
def test_a_metric_keeps_its_size_to_four_digits(value: float) -> None:
    assert float(number(value)) == pytest.approx(value, rel=1e-3)


@given(st.integers(0, 10**9))
def test_one_is_not_many(count: int) -> None:
    assert counted(count, "error").endswith("error" if count == 1 else "errors")
