from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.model_reports.comparison import Version, compare
from stepmill.catalog.model_reports.parts import Bars, Curve, Matrix, Part, Table
from stepmill.catalog.model_reports.reading import read_report
from stepmill.cli.plots import bar, comparison_lines, curve_text, part_lines, report_lines
from stepmill.cli.terminal import SafeConsole
from support.model_reports import ANALYSIS, BINARY, DATA_STATISTICS, REGRESSION


def printed(*lines: Any) -> str:
    out = io.StringIO()
    console = SafeConsole(file=out, width=120, highlight=False)
    for line in lines:
        console.print(line)
    return out.getvalue()


def report(document: Any, number: int = 1) -> Any:
    return read_report(f"Report {number}", "s3://b/k", json.dumps(document).encode())


def shown(part: Part) -> list[str]:
    return [line.rstrip() for line in printed(*part_lines(part)).splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("value", "text"), [(8, "████"), (4, "██"), (-4, "██"), (1, "▌"), (0, ""), (0.01, ""), (7.75, "███▉")]
)
def test_a_bar_is_as_long_as_its_value(value: float, text: str) -> None:
    assert bar(value, 8, 4).rstrip() == text


def test_bars_of_nothing_but_zeros() -> None:
    assert bar(0, 0) == ""
    assert shown(Bars("Zeros", (("a", 0.0),))) == ["Zeros", "a    0"]


def test_bars() -> None:
    lines = shown(Bars("Effect", (("age", 2.0), ("[bold]city", -1.0)), left_out=3))
    assert lines == ["Effect", "age         " + "█" * 30 + "  2", "[bold]city  " + "█" * 15 + " " * 17 + "-1",
                     "and 3 more"]  # fmt: skip


def test_a_curve_goes_from_corner_to_corner() -> None:
    curve = Curve("Curve", "false", "true", ((0.0, 0.0), (1.0, 1.0)))
    lines = curve_text(curve, cells=4, lines=2).splitlines()
    assert lines == [
        "   true",
        "1 │⠀⠀⡠⠊",
        "0 │⡠⠊⠀⠀",
        "  └────",
        "   0  1",
        "   false",
    ]


def test_a_flat_curve_and_one_beyond_rates() -> None:
    flat = curve_text(Curve("c", "x", "y", ((1.0, 7.0), (3.0, 7.0))), cells=4, lines=3).splitlines()
    assert flat[1].startswith("7.5 │")
    assert flat[3].startswith("6.5 │")
    assert flat[2].strip("│ ⠀").replace("⠀", "") != ""


@given(
    st.lists(
        st.tuples(
            st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False)
        ),
        min_size=2,
        max_size=5,
    )
)
def test_any_curve_is_drawn_within_its_frame(points: list[tuple[float, float]]) -> None:
    lines = curve_text(Curve("c", "x", "y", tuple(points)), cells=8, lines=3).splitlines()
    assert [len(line.partition("│")[2]) for line in lines[1:4]] == [8, 8, 8]


def test_a_matrix_names_what_was_and_what_it_was_taken_for() -> None:
    lines = shown(Matrix("Confusion matrix", ("cat", "dog"), ((5.0, 1.0), (0.0, 4.0))))
    assert lines[1].strip() == "taken for cat  taken for dog"
    assert lines[2].split() == ["was", "cat", "5", "1"]
    assert lines[3].split() == ["was", "dog", "0", "4"]


def test_a_table_says_how_much_is_left_out() -> None:
    lines = shown(Table("Features", ("NAME",), (("[red]a",),), left_out=7))
    assert lines == ["Features", "NAME", "[red]a", "and 7 more"]


def test_a_report_shows_its_numbers_once() -> None:
    text = printed(*report_lines(report(REGRESSION)))
    assert "mse     4.925 ± 2.219" in text
    for document in (DATA_STATISTICS, ANALYSIS):
        lines = printed(*report_lines(report(document))).splitlines()
        assert not any(line.startswith("METRIC") for line in lines)
    assert "Confusion matrix" in printed(*report_lines(report(BINARY)))


def test_a_report_that_cannot_be_read_says_why() -> None:
    text = printed(*report_lines(read_report("Bias: report", "s3://b/k", b"[")))
    assert "Bias: report  s3://b/k" in text
    assert "! This is not valid JSON" in text


def test_control_characters_do_not_reach_the_terminal() -> None:
    hostile = "\x1b]0;title\x07\x1b[2J"
    document = {"regression_metrics": {hostile: {"value": 1}}}
    text = printed(*report_lines(read_report(hostile, hostile, json.dumps(document).encode())))
    assert "\x1b]" not in text
    assert "\x07" not in text
    assert "\x1b[2J" not in text


class TestComparison:
    def compared(self, *values: float, **more: Any) -> Any:
        return compare(
            [
                Version(
                    f"churn/{number}",
                    more,
                    [report({"regression_metrics": {"mse": {"value": value}, "rows": {"value": value}}})],
                )
                for number, value in enumerate(values, start=1)
            ]
        )

    def test_arrows_say_what_is_better(self) -> None:
        text = printed(*comparison_lines(self.compared(2.0, 1.0, 3.0), with_common=False))
        lines = [line.split() for line in text.splitlines() if line.strip()]
        assert lines == [
            ["Metrics"],
            ["churn/1", "churn/2", "churn/3"],
            ["mse", "2", "1", "▲", "3", "▼"],
            ["rows", "2", "1", "≠", "3", "≠"],
        ]

    def test_what_is_the_same_is_counted_or_shown(self) -> None:
        compared = self.compared(2.0, 2.0, ModelApprovalStatus="Approved")
        short = printed(*comparison_lines(compared, with_common=False))
        assert "The versions do not differ." in short
        assert "3 more are the same in all; --all shows them." in short
        full = printed(*comparison_lines(compared, with_common=True))
        assert "The same in all" in full
        assert "Approved" in full

    def test_a_problem_is_told_first(self) -> None:
        broken = Version("churn/2", {}, [read_report("Bias: report", "s3://b/k", b"[")])
        compared = compare([Version("churn/1", {}), broken])
        assert printed(*comparison_lines(compared, with_common=False)).startswith("! churn/2: Bias: report:")
