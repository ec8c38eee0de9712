from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.model_reports.comparison import Origin, Version, compare
from stepmill.catalog.model_reports.page import comparison_page, version_page
from stepmill.catalog.model_reports.parts import Bars, Curve, Matrix, Report, Table
from stepmill.catalog.model_reports.reading import read_report
from stepmill.catalog.model_reports.svg import curves, picture
from support.model_reports import ANALYSIS, BINARY, DATA_STATISTICS, REGRESSION

HOSTILE = """<script>alert(1)</script><img src=x onerror="alert(2)">'\"&amp;</table></svg>"""
_VOID = {"meta", "img", "br"}
# Texts that a page may be made of: XML knows no control characters, and no lone surrogates.
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40)

NUMBER = st.floats(allow_nan=False, allow_infinity=False)


class Elements(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def reports(*documents: Any) -> list[Report]:
    return [
        read_report(f"Report {number}", f"s3://b/{number}", json.dumps(document).encode())
        for number, document in enumerate(documents)
    ]


def hostile_version(name: str = "churn/1") -> Version:
    analysis = json.loads(json.dumps(ANALYSIS).replace("sex", "<script>x</script>").replace("age", "<b>"))
    statistics = json.loads(json.dumps(DATA_STATISTICS).replace("Köln", "<script>k</script>"))
    matrix = {"<script>": {"<script>": 1}}
    quality = {"multiclass_classification_metrics": {"confusion_matrix": matrix, HOSTILE: {"value": 1}}}
    described: dict[str, Any] = {
        "ModelPackageDescription": HOSTILE,
        "CustomerMetadataProperties": {HOSTILE: HOSTILE},
        "ModelApprovalStatus": "Approved",
    }
    broken = Report(HOSTILE, HOSTILE, problem=HOSTILE)
    origin = Origin(pipeline=HOSTILE, job=HOSTILE, parameters={HOSTILE: HOSTILE})
    return Version(name, described, [*reports(analysis, statistics, quality), broken], {}, origin)


class TestPages:
    def test_a_version_with_all_its_reports(self) -> None:
        described: dict[str, Any] = {
            "ModelPackageArn": "arn:x",
            "ModelApprovalStatus": "Approved",
            "ModelLifeCycle": {"Stage": "QA", "StageStatus": "OnHold"},
        }
        version = Version("churn/1", described, reports(BINARY, DATA_STATISTICS, ANALYSIS, REGRESSION))
        history = [Table("Decisions", ("DECIDED", "STATUS"), (("2026-01-01", "Approved"),))]
        page = version_page(version, history)
        found = Elements(page)
        text = " ".join(found.texts)
        for words in ("churn/1", "arn:x", "Decisions", "0.88 ± 0.01", "Confusion matrix", "Köln", "sex[0]",
                      "Receiver operating characteristic", "Mean of the SHAP values", "QA"):  # fmt: skip
            assert words in text
        assert page.count("<svg") == 8
        assert found.open == []

    def test_a_version_without_reports(self) -> None:
        assert "No report was registered with it." in version_page(Version("churn/1", {}))

    def test_a_comparison_draws_curves_over_one_another(self) -> None:
        versions = [Version(f"churn/{number}", {}, reports(BINARY)) for number in (1, 2)]
        page = comparison_page(compare(versions), versions)
        assert page.count("<svg") == 2
        assert page.count("<polyline") == 5
        text = " ".join(Elements(page).texts)
        assert "What differs" in text
        assert "Nothing." in text

    def test_better_and_worse_are_told_by_arrow_and_colour(self) -> None:
        def version(number: int, mse: float, r2: float) -> Version:
            metrics = {"mse": {"value": mse}, "r2": {"value": r2}, "rows": {"value": mse}}
            return Version(f"churn/{number}", {}, reports({"regression_metrics": metrics}))

        versions = [version(1, 2.0, 0.5), version(2, 1.0, 0.4)]
        page = comparison_page(compare(versions), versions)
        assert '<td class="better">▲ 1</td>' in page
        assert '<td class="worse">▼ 0.4</td>' in page
        assert "<td>≠ 1</td>" in page

    def test_no_text_becomes_an_element(self) -> None:
        versions = [hostile_version(), hostile_version(HOSTILE)]
        for page in (
            version_page(hostile_version(HOSTILE), [Table(HOSTILE, (HOSTILE,), ((HOSTILE,),))]),
            comparison_page(compare(versions), versions),
        ):
            found = Elements(page)
            assert "script" not in found.tags
            assert "img" not in found.tags
            assert not {name for name in found.attributes if name.startswith("on")}
            assert "href" not in found.attributes
            assert "src" not in found.attributes
            assert found.open == []
            assert "default-src 'none'" in page
            assert "<script>alert(1)</script>" in " ".join(found.texts)

    @given(TEXT, TEXT)
    def test_any_text_comes_back_as_it_was(self, name: str, value: str) -> None:
        described: dict[str, Any] = {"ModelPackageDescription": value} if value else {}
        page = version_page(Version(name, described))
        texts = Elements(page).texts
        assert name in texts or not name
        assert value in texts or not value


class TestPictures:
    @pytest.mark.parametrize(
        "part",
        [
            Bars("Bars", (("a", 1.0), ("b", -2.0), ("<c>", 0.0))),
            Bars("Zeros", (("a", 0.0),)),
            Curve("Curve", "x", "y", ((0.0, 0.0), (1.0, 1.0)), has_diagonal=True),
            Curve("Flat", "x", "y", ((5.0, 7.0), (5.0, 7.0))),
            Matrix("Matrix", ("a", "b"), ((1.0, 0.0), (0.0, 3.0))),
            Matrix("Empty", ("a",), ((0.0,),)),
        ],
    )
    def test_each_is_well_formed_and_says_what_it_is(self, part: Bars | Curve | Matrix) -> None:
        svg = ET.fromstring(picture(part))
        assert svg.findtext("{http://www.w3.org/2000/svg}title") == part.title
        assert float(svg.get("width", "0")) > 0
        assert "nan" not in picture(part)

    def test_a_table_is_no_picture(self) -> None:
        assert picture(Table("t", ("a",), ())) == ""

    def test_negative_bars_go_to_the_left_of_zero(self) -> None:
        svg = ET.fromstring(picture(Bars("b", (("up", 1.0), ("down", -1.0)))))
        up, down = svg.findall("{http://www.w3.org/2000/svg}rect")
        zero = float(up.get("x", ""))
        assert float(down.get("x", "")) + float(down.get("width", "")) == pytest.approx(zero)
        assert up.get("fill") != down.get("fill")

    def test_darker_is_more(self) -> None:
        svg = ET.fromstring(picture(Matrix("m", ("a", "b"), ((4.0, 1.0), (0.0, 2.0)))))
        shades = [
            float(one.get("fill-opacity", "")) for one in svg.findall("{http://www.w3.org/2000/svg}rect")
        ]
        assert shades == [1.0, 0.25, 0.0, 0.5]

    def test_several_curves_have_a_colour_and_a_name_each(self) -> None:
        curve = Curve("Curve", "x", "y", ((0.0, 0.0), (1.0, 1.0)))
        drawn = curves([("churn/1", curve), ("churn/2", curve)])
        assert "churn/1" in drawn
        lines = ET.fromstring(drawn).findall("{http://www.w3.org/2000/svg}polyline")
        assert len({line.get("stroke") for line in lines}) == 2

    @given(st.lists(st.tuples(TEXT, NUMBER), min_size=1, max_size=5))
    def test_any_bars_are_well_formed(self, bars: list[tuple[str, float]]) -> None:
        assert_numbers_are_finite(picture(Bars("t", tuple(bars))))

    @given(st.lists(st.tuples(NUMBER, NUMBER), min_size=2, max_size=5))
    def test_any_curve_is_well_formed(self, points: list[tuple[float, float]]) -> None:
        assert_numbers_are_finite(picture(Curve("t", "x", "y", tuple(points), has_diagonal=True)))


def assert_numbers_are_finite(drawn: str) -> None:
    for element in ET.fromstring(drawn).iter():
        for name in ("x", "y", "x1", "x2", "width", "height", "points"):
            numbers = [float(text) for text in re.split("[ ,]", element.get(name) or "0")]
            assert all(-1e4 < number < 1e4 for number in numbers), (name, numbers)
