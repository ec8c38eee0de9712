from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stepmill.catalog.runs import (
    Measured,
    Run,
    RunKind,
    differences,
    is_hidden,
    rows_of,
    run_of_component,
    run_of_execution,
    step_of,
)
from stepmill.core.json import JsonObject
from stepmill.storage.records import Record
from stepmill.storage.series import SeriesPoint, SeriesSummary

AT = datetime(2026, 1, 1, tzinfo=UTC)


def summary(value: float) -> SeriesSummary:
    return SeriesSummary().with_points([SeriesPoint(AT, value)])


def component(extra: JsonObject | None = None, **request: Any) -> Record:
    body: JsonObject = {"request": {"TrialComponentName": "Fit", **request}, "state": {"extra": extra or {}}}
    return Record("experiment-trial-component", "fit", "", 0, "", AT, AT, 1, body)


def a_run(name: str = "run", **more: Any) -> Run:
    return Run(name, RunKind.SDK, name, "e", "Completed", AT, **more)


def test_a_component_is_a_run() -> None:
    record = component(
        DisplayName="The fit", Status={"PrimaryStatus": "Failed", "Message": "no memory"},
        StartTime="2026-01-01T00:00:00Z", EndTime="2026-01-01T00:01:00Z",
        Parameters={"lr": {"NumberValue": 0.1}, "kind": {"StringValue": "ü"}, "bad": None},
        InputArtifacts={"train": {"Value": "s3://b/t"}}, OutputArtifacts={"model": {"Value": "s3://b/m"}},
    )  # fmt: skip
    run = run_of_component(record, "churn", {"loss": summary(0.5)})
    assert (run.name, run.kind, run.title, run.experiment) == ("Fit", RunKind.SDK, "The fit", "churn")
    assert (run.status, run.reason, run.duration) == ("Failed", "no memory", timedelta(minutes=1))
    assert run.parameters == {"lr": 0.1, "kind": "ü", "bad": None}
    assert (run.inputs, run.outputs) == ({"train": "s3://b/t"}, {"model": "s3://b/m"})
    assert (run.last("loss"), run.last("none")) == (0.5, None)


def test_of_a_job_it_tells_what_it_ran_in() -> None:
    job: JsonObject = {
        "job": {"execution": "arn:e", "step": "Fit", "code": {"c": "s3://b/c"}, "environment": "d1",
                "machine": {"cpus": 2}},
    }  # fmt: skip
    inputs = {"c": {"Value": "s3://b/c"}, "raw": {"Value": "s3://b/raw"}}
    run = run_of_component(component(job, InputArtifacts=inputs), "", {})
    assert run.inputs == {"raw": "s3://b/raw"}
    assert (run.kind, run.execution, run.environments) == (RunKind.JOB, "arn:e", {"": "d1"})
    assert (run.code, run.machine) == ({"c": "s3://b/c"}, {"cpus": 2})
    assert (step_of(component(job)), step_of(component())) == ("Fit", "")


@pytest.mark.parametrize("moment", ["never", 5, None, "2026-13-01"])
def test_a_moment_that_is_none_is_not_told(moment: Any) -> None:
    assert run_of_component(component(StartTime=moment), "", {}).started_at is None


def test_a_run_of_mlflow_has_tags_and_may_be_deleted() -> None:
    record = component({"mlflow": {"stage": "deleted", "tags": {"team": "a"}}})
    assert run_of_component(record, "", {}).tags == {"team": "a"}
    assert is_hidden(record)
    assert not is_hidden(component())


def test_an_execution_has_what_its_jobs_have() -> None:
    prepare = a_run(
        "p", inputs={"raw": "s3://b/raw"}, outputs={"data": "s3://b/data"}, environments={"": "d1"},
        metrics={"rows": Measured("p", "rows", summary(9))}, code={"code": "s3://b/p.py"},
    )  # fmt: skip
    fit = a_run(
        "f", inputs={"train": "s3://b/data/train"}, environments={"": "d2"}, machine={"cpus": 2},
        metrics={"rows": Measured("f", "rows", summary(8)), "loss": Measured("f", "loss", summary(0.1))},
        code={"code": "s3://b/f.py"},
    )  # fmt: skip
    whole = run_of_execution(a_run("id", parameters={"p": 1}), [("Prepare", prepare), ("Fit", fit)])
    assert (whole.name, whole.parameters) == ("id", {"p": 1})
    assert {name: one.summary.last for name, one in whole.metrics.items()} == {
        "Prepare/rows": 9, "Fit/rows": 8, "loss": 0.1,
    }  # fmt: skip
    assert whole.inputs == {"raw": "s3://b/raw"}
    assert whole.code == {"Prepare/code": "s3://b/p.py", "Fit/code": "s3://b/f.py"}
    assert (whole.environments, whole.machine) == ({"Prepare": "d1", "Fit": "d2"}, {"cpus": 2})


def test_only_what_differs_is_told_and_packages_by_name() -> None:
    nan = Measured("c", "n", summary(math.nan))
    one = a_run(parameters={"a": 1, "b": 2}, metrics={"n": nan}, environments={"": "d1"}, code={"c": "x"})
    other = replace(one, parameters={"a": 1, "b": 3, "c": "new"}, environments={"": "d2"})
    packages = {"d1": {"numpy": "1", "scipy": "1"}, "d2": {"numpy": "2", "scipy": "1"}}
    assert differences([one, other], packages) == {
        "parameters": {"b": (2, 3), "c": (None, "new")}, "environment": {"numpy": ("1", "2")},
    }  # fmt: skip
    assert differences([one, one, one], packages) == {}


def test_all_rows_have_the_same_columns() -> None:
    rows = rows_of([a_run("a", parameters={"x": 1}), a_run("b", tags={"t": "1"})])
    assert list(rows[0]) == list(rows[1])
    assert (rows[0]["param.x"], rows[1]["param.x"], rows[1]["tag.t"]) == (1, None, "1")
    assert rows_of([]) == []
