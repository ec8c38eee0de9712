from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stepmill.catalog.model_reports import clarify as shown
from stepmill.jobs.checks.programs.bias_report import bias_violations
from stepmill.jobs.checks.programs.clarify import run
from stepmill.jobs.checks.programs.errors import CustomerError
from support.served_models import TOOLKIT, lay_out_server

# The records of test_bias, with an age.
ROWS = [
    ("f", 30, "x", 1, 1), ("f", 31, "x", 1, 0), ("f", 32, "y", 0, 1), ("f", 33, "y", 0, 0),
    ("m", 40, "x", 1, 1), ("m", 41, "x", 1, 1), ("m", 42, "y", 1, 1), ("m", 43, "y", 1, 1),
    ("m", 44, "x", 1, 0), ("m", 45, "x", 0, 1), ("m", 46, "y", 0, 0), ("m", 47, "y", 0, 0),
]  # fmt: skip
NAMES = ["sex", "age", "town", "paid", "said"]
CONFIG: dict[str, Any] = {
    "dataset_type": "text/csv",
    "label": "paid",
    "label_values_or_threshold": [1],
    "predicted_label": "said",
    "facet": [{"name_or_index": "sex", "value_or_threshold": ["f"]}],
    "methods": {
        "pre_training_bias": {"methods": ["CI", "DPL"]},
        "post_training_bias": {"methods": ["DI", "FT", "RD"]},
    },
}


def text_of(rows: list[tuple[Any, ...]], names: list[str] | None = NAMES) -> str:
    lines = ([] if names is None else [names]) + [list(map(str, row)) for row in rows]
    return "".join(",".join(line) + "\n" for line in lines)


class Job:
    """The folders of a processing job."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.config, self.data = (base / "processing" / "input" / name for name in ("config", "data"))
        self.output = base / "processing" / "output"
        self.config.mkdir(parents=True)
        self.data.mkdir()
        (self.data / "data.csv").write_text(text_of(ROWS))

    def run(self, config: dict[str, Any], **environment: str) -> tuple[int, str]:
        """Return the exit code and the message."""
        (self.config / "analysis_config.json").write_text(json.dumps(config))
        code = run(environment, self.base)
        return code, (self.base / "output" / "message").read_text()

    def analysis(self, **changes: Any) -> dict[str, Any]:
        """Return ``analysis.json``."""
        code, message = self.run({**CONFIG, **changes})
        assert code == 0, message
        found: dict[str, Any] = json.loads((self.output / "analysis.json").read_text())
        return found


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def values(section: dict[str, Any], facet: str, group: int = 0) -> dict[str, Any]:
    return {one["name"]: one["value"] for one in section["facets"][facet][group]["metrics"]}


def test_the_report_is_as_the_guide_has_it(job: Job) -> None:
    found = job.analysis()
    assert found["version"] == "1.0"
    assert found["pre_training_bias_metrics"] == {
        "label": "paid",
        "facets": {
            "sex": [
                {
                    "value_or_threshold": "f",
                    "metrics": [
                        {"name": "CI", "description": "Class Imbalance (CI)", "value": 1 / 3},
                        {
                            "name": "DPL",
                            "description": "Difference in Positive Proportions in Labels (DPL)",
                            "value": 0.125,
                        },
                    ],
                }
            ]
        },
        "label_value_or_threshold": "1",
    }
    after = values(found["post_training_bias_metrics"], "sex")
    assert after == {"DI": 0.8, "FT": None, "RD": pytest.approx(0.3)}
    assert not (job.output / "report.html").exists()
    assert not (job.output / "constraint_violations.json").exists()


def test_the_registry_shows_it(job: Job) -> None:
    found = job.analysis()
    metrics = {one.name: one.value for one in shown.metrics_of(found)}
    assert metrics["pre / sex[f] / DPL"] == 0.125
    assert metrics["post / sex[f] / DI"] == 0.8
    assert list(shown.parts_of(found))


def test_a_metric_without_a_value_says_why(job: Job) -> None:
    metrics = job.analysis()["post_training_bias_metrics"]["facets"]["sex"][0]["metrics"]
    assert "all numbers" in next(one["error"] for one in metrics if one["name"] == "FT")


def test_the_flip_test_leaves_out_what_is_no_feature(job: Job) -> None:
    found = job.analysis(excluded_columns=["town"])
    # All of d are nearest to the youngest of a, of whom the model says yes; there are fewer than ten of a.
    assert values(found["post_training_bias_metrics"], "sex")["FT"] == 2 / 4


def test_numbers_are_split_at_a_bound(job: Job) -> None:
    found = job.analysis(facet=[{"name_or_index": "age", "value_or_threshold": [40]}])
    (group,) = found["pre_training_bias_metrics"]["facets"]["age"]
    assert group["value_or_threshold"] == "(40, 47]"
    assert group["metrics"][0]["value"] == (5 - 7) / 12


def test_each_category_by_itself(job: Job) -> None:
    section = job.analysis(facet=[{"name_or_index": 0}])["pre_training_bias_metrics"]
    assert [one["value_or_threshold"] for one in section["facets"]["sex"]] == ["f", "m"]
    assert values(section, "sex", 1)["CI"] == -1 / 3


def test_several_categories_are_one_group(job: Job) -> None:
    facet = [{"name_or_index": "age", "value_or_threshold": [30, 31, "32", 33.0]}]
    section = job.analysis(facet=facet)["pre_training_bias_metrics"]
    assert values(section, "age") == {"CI": 1 / 3, "DPL": 0.125}


def test_labels_that_are_numbers_are_split_too(job: Job) -> None:
    found = job.analysis(label="age", label_values_or_threshold=[39.5], predicted_label="age")
    section = found["post_training_bias_metrics"]
    assert section["label_value_or_threshold"] == "(39.5, 47.0]"
    assert values(section, "sex")["DI"] == 0.0


def test_probabilities_become_labels(job: Job) -> None:
    rows = [(*row[:4], 0.71 if row[4] else 0.7) for row in ROWS]
    (job.data / "data.csv").write_text(text_of(rows))
    found = job.analysis(probability_threshold=0.7)
    assert values(found["post_training_bias_metrics"], "sex")["DI"] == 0.8


def test_probabilities_of_a_label_that_is_a_word(job: Job) -> None:
    rows = [(*row[:3], "yes" if row[3] else "no", 0.71 if row[4] else 0.7) for row in ROWS]
    (job.data / "data.csv").write_text(text_of(rows))
    found = job.analysis(probability_threshold=0.7, label_values_or_threshold=["yes"])
    assert values(found["post_training_bias_metrics"], "sex")["DI"] == 0.8


def test_records_without_a_label_or_a_facet_are_left_out(job: Job) -> None:
    before = job.analysis()
    (job.data / "more.csv").write_text(text_of([("f", 9, "x", "", 1), ("", 9, "x", 1, 1)]))
    assert job.analysis() == before


@pytest.mark.parametrize("names", [None, NAMES], ids=["without names", "with names"])
def test_headers_name_the_columns(job: Job, names: list[str] | None) -> None:
    before = job.analysis()
    (job.data / "data.csv").write_text(text_of(ROWS, names))
    assert job.analysis(headers=NAMES) == before


def test_columns_without_names(job: Job) -> None:
    (job.data / "data.csv").write_text(text_of(ROWS, None))
    found = job.analysis(label=3, predicted_label=4, facet=[{"name_or_index": 0, "value_or_threshold": "f"}])
    assert found["pre_training_bias_metrics"]["label"] == "column_3"


@pytest.mark.parametrize("kind", ["application/jsonlines", "application/x-parquet"])
def test_other_formats_give_the_same(job: Job, kind: str) -> None:
    before = job.analysis()
    (job.data / "data.csv").unlink()
    table = pd.DataFrame(ROWS, columns=NAMES)
    if kind == "application/jsonlines":
        table.to_json(job.data / "data.jsonl", orient="records", lines=True)
    else:
        table.to_parquet(job.data / "data.parquet")
    assert job.analysis(dataset_type=kind, headers=NAMES) == before


DENSE = {
    "dataset_type": "application/jsonlines",
    "features": "data.features",
    "label": "data.label",
    "predicted_label": "said",
}


def dense(rows: list[tuple[Any, ...]]) -> str:
    records = [{"data": {"features": list(row[:3]), "label": row[3]}, "said": row[4]} for row in rows]
    return "".join(json.dumps(record) + "\n" for record in records)


@pytest.mark.parametrize("headers", [NAMES, NAMES[:4]])
def test_dense_records_give_the_same(job: Job, headers: list[str]) -> None:
    before = job.analysis()
    (job.data / "data.csv").unlink()
    (job.data / "data.jsonl").write_text(dense(ROWS) + "\n")
    assert job.analysis(**DENSE, headers=headers) == before


def test_dense_records_without_headers(job: Job) -> None:
    (job.data / "data.csv").write_text(dense([*ROWS, ("f", 1, "x", None, 1)]))
    found = job.analysis(**DENSE, facet=[{"name_or_index": "column_0", "value_or_threshold": ["f"]}])
    assert found["pre_training_bias_metrics"]["label"] == "data.label"
    assert values(found["pre_training_bias_metrics"], "column_0")["CI"] == 1 / 3


@pytest.mark.parametrize(
    ("text", "headers", "told"),
    [
        ("[1]\n", NAMES, "there is no list of values at 'data.features'"),
        ('{"data": {"features": [[1]]}}\n', NAMES, "there is no list of values"),
        (dense(ROWS) + '{"data": {"features": [1]}}', NAMES, "there are 1 features, and at first 3"),
        ("{\n", NAMES, "cannot be read"),
        ("[" * 100_000, NAMES, "cannot be read"),
        ("\n", NAMES, "There is no data"),
        (dense(ROWS), NAMES[:2], "There are 2 headers, and records have 3 features and 2 labels"),
        (dense(ROWS), ["data.label", *NAMES[1:3]], "A label is called as a feature is"),
    ],
)
def test_records_that_are_not_dense(job: Job, text: str, headers: list[str], told: str) -> None:
    (job.data / "data.csv").write_text(text)
    code, message = job.run({**CONFIG, **DENSE, "headers": headers})
    assert (code, told in message) == (2, True), message


def test_the_page_shows_names_as_text(job: Job) -> None:
    names = ["<b>", *NAMES[1:]]
    (job.data / "data.csv").write_text(text_of(ROWS, names))
    facet = [{"name_or_index": "<b>", "value_or_threshold": ["f"]}]
    job.analysis(facet=facet, methods={**CONFIG["methods"], "report": {"title": "<script>"}})
    page = (job.output / "report.html").read_text()
    assert "&lt;b&gt; = f" in page
    assert "<b>" not in page
    assert "<script>" not in page
    assert 'Disparate Impact (DI)</td><td class="number">0.8<' in page


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"label": "income"}, "label: 'income' is no column of the data: sex, age, town, paid, said"),
        ({"label": 5}, "label: '5' is no column"),
        ({"label": -1}, "label: '-1' is no column"),
        ({"facet": [{"name_or_index": "race"}]}, "facet[0].name_or_index: 'race' is no column"),
        ({"facet": [{"name_or_index": "age"}]}, "facet[0].value_or_threshold: is missing"),
        ({"label_values_or_threshold": [7, 8]}, "no value of 'paid' is '7,8'"),
        ({"group_variable": "street"}, "group_variable: 'street' is no column"),
        ({"headers": ["a", "b"]}, "There are 2 headers, and the data has 5 columns"),
        ({"dataset_type": "application/x-parquet"}, "cannot be read"),
        ({"methods": {"shap": {"text_config": {}}}}, "methods.shap.text_config: is not supported"),
        ({"methods": {"shap": {}}, "predictor": {}}, "predictor.model_name: is missing"),
    ],
)
def test_what_the_customer_can_mend(job: Job, changes: dict[str, Any], told: str) -> None:
    code, message = job.run({**CONFIG, **changes})
    assert (code, told in message) == (2, True), message
    assert (job.base / "output" / "failure").read_text() == message


def test_no_data(job: Job) -> None:
    (job.data / "data.csv").write_text("")
    code, message = job.run(CONFIG)
    assert (code, "There is no data" in message) == (2, True)


def test_a_facet_that_nobody_is_of_has_no_metrics(job: Job) -> None:
    found = job.analysis(facet=[{"name_or_index": "sex", "value_or_threshold": ["d"]}])
    (group,) = found["pre_training_bias_metrics"]["facets"]["sex"]
    assert [one["value"] for one in group["metrics"]] == [None, None]
    assert "No record" in group["metrics"][0]["error"]


def test_held_against_itself_nothing_is_worse(job: Job) -> None:
    baseline = job.base / "analysis.json"
    baseline.write_text(json.dumps(job.analysis()))
    code, message = job.run(CONFIG, baseline_constraints=str(baseline))
    assert (code, message) == (0, "Completed: Job completed successfully with no violations.")
    report = json.loads((job.output / "constraint_violations.json").read_text())
    assert report == {"version": "1.0", "violations": []}


def test_what_is_worse_is_a_violation(job: Job) -> None:
    baseline = job.base / "analysis.json"
    baseline.write_text(json.dumps(job.analysis()))
    rows = [(*row[:4], 0 if row[0] == "f" else row[4]) for row in ROWS]
    (job.data / "data.csv").write_text(text_of(rows))
    code, message = job.run(CONFIG, baseline_constraints=str(baseline))
    assert (code, message) == (
        0,
        "CompletedWithViolations: Job completed successfully with 2 violations.",
    )
    first, second = json.loads((job.output / "constraint_violations.json").read_text())["violations"]
    assert first == {
        "facet": "sex",
        "facet_value": "f",
        "metric_name": "DI",
        "constraint_check_type": "bias_drift_check",
        "description": "Value 0.0 does not meet the constraint requirement: 0.8",
    }
    assert second["metric_name"] == "RD"


def analysis(name: str, value: Any, group: str = "1", kind: str = "post_training_bias_metrics") -> Any:
    metrics = [{"name": name, "description": "", "value": value}]
    return {kind: {"facets": {"sex": [{"value_or_threshold": group, "metrics": metrics}]}}}


@pytest.mark.parametrize(
    ("name", "then", "now", "is_worse"),
    [
        ("DPPL", 0.2, 0.1, False),
        ("DPPL", 0.2, -0.3, True),
        ("DPPL", -0.2, 0.2, False),
        ("DI", 0.8, 1.1, False),
        ("DI", 0.8, 1.3, True),
        ("DI", 1.5, "Infinity", True),
        ("DI", "Infinity", "Infinity", False),
        ("TE", "-Infinity", 3.0, False),
    ],
)
def test_worse_is_farther_from_fair(name: str, then: Any, now: Any, is_worse: bool) -> None:
    assert bool(bias_violations(analysis(name, now), analysis(name, then))) is is_worse


def test_the_end_of_an_interval_is_no_part_of_the_group() -> None:
    found = bias_violations(analysis("DPPL", 0.3, "(40, 73]"), analysis("DPPL", 0.2, "(40, 80]"))
    assert [one["facet_value"] for one in found] == ["40"]


@pytest.mark.parametrize(
    "baseline",
    [
        {},
        {"post_training_bias_metrics": 3},
        {"post_training_bias_metrics": {"facets": {"sex": [1, {"metrics": {}}]}}},
        analysis("DPPL", 0.2, "2"),
        analysis("DPPL", True),
        analysis("DPPL", "big"),
        analysis("DPPL", 0.2, kind="pre_training_bias_metrics"),
    ],
)
def test_a_baseline_of_something_else(baseline: Any) -> None:
    with pytest.raises(CustomerError, match="no bias metric in common"):
        bias_violations(analysis("DPPL", 0.2), baseline)


PREDICTOR = {"model_name": "m", "instance_type": "ml.m5.xlarge", "initial_instance_count": 1}


def test_a_model_is_explained(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLKIT))
    asked = lay_out_server(job.base, "float(row[1]) + (row[0] == 'f')")
    methods = {
        "shap": {"baseline": [["m", 40, "x"]], "save_local_shap_values": True},
        "pdp": {"grid_resolution": 2},
        "report": {"title": "Ages"},
    }
    found = job.analysis(methods=methods, predictor=PREDICTOR, label="paid", predicted_label="said", facet=[])
    explained = found["explanations"]["kernel_shap"]["label0"]
    assert explained["expected_value"] == 40
    # Ages are 3.5 from 40 on average in the first group, 8.5 in the second; a third of the records are women.
    assert explained["global_shap_values"] == pytest.approx({"sex": 1 / 3, "age": 62 / 12, "town": 0.0})
    assert [one["feature_name"] for one in found["explanations"]["pdp"]] == ["age", "sex", "town"]
    local = (job.output / "explanations_shap" / "out.csv").read_text().splitlines()
    assert len(local) == 1 + len(ROWS)
    # Neither the truth nor what was predicted before is told to the model.
    assert {line.count(",") for line in asked.read_text().splitlines()} == {2}
    assert "<svg" in (job.output / "report.html").read_text()


def test_explanations_are_held_against_those_of_before(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLKIT))
    lay_out_server(job.base, "float(row[1])")
    config = {
        **CONFIG,
        "methods": {"shap": {"baseline": [["m", 40, "x"]]}},
        "predictor": {**PREDICTOR, "label_headers": ["income"]},
    }
    weights = {"sex": 9.0, "age": 0.1, "town": 0.1}
    before = {"explanations": {"kernel_shap": {"income": {"global_shap_values": weights}}}}
    (job.base / "before.json").write_text(json.dumps(before))
    code, message = job.run(config, baseline_constraints=str(job.base / "before.json"))
    assert (code, message.split(":")[0]) == (0, "CompletedWithViolations"), message
    (violation,) = json.loads((job.output / "constraint_violations.json").read_text())["violations"]
    assert violation["label"] == "income"
    assert violation["constraint_check_type"] == "feature_attribution_drift_check"


def test_a_model_predicts_where_the_data_has_no_predictions(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(TOOLKIT))
    # Probabilities: those of the labels in the data are above a half where somebody is older than 40.
    lay_out_server(job.base, "0.9 if float(row[1]) > 40 else 0.2")
    given = {name: value for name, value in CONFIG.items() if name != "predicted_label"}
    methods = {"post_training_bias": {"methods": ["DPPL", "RD"]}}
    code, message = job.run(
        {**given, "methods": methods, "predictor": PREDICTOR, "excluded_columns": ["said"]}
    )
    assert code == 0, message
    found = json.loads((job.output / "analysis.json").read_text())
    measured = values(found["post_training_bias_metrics"], "sex")
    # Of the others seven of eight are predicted, of the women none.
    assert measured["DPPL"] == pytest.approx(7 / 8)


def test_a_threshold_that_is_given_is_taken(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLKIT))
    lay_out_server(job.base, "0.9 if float(row[1]) > 40 else 0.2")
    given = {name: value for name, value in CONFIG.items() if name != "predicted_label"}
    methods = {"post_training_bias": {"methods": ["DPPL"]}}
    code, _ = job.run({**given, "methods": methods, "predictor": PREDICTOR, "probability_threshold": 0.1})
    assert code == 0
    found = json.loads((job.output / "analysis.json").read_text())
    assert values(found["post_training_bias_metrics"], "sex")["DPPL"] == 0


def test_data_without_features(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLKIT))
    lay_out_server(job.base, "1")
    config = {**CONFIG, "methods": {"shap": {}}, "predictor": PREDICTOR, "excluded_columns": NAMES}
    code, message = job.run(config)
    assert (code, "The data has no feature" in message) == (2, True), message
