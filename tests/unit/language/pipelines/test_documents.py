"""Documents in the shape that the two generations of the SDK give them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.service_models import service_model
from stepmill.language.pipelines.checking import check, read
from stepmill.language.pipelines.definition import Pick, Trigger
from stepmill.language.pipelines.dependencies import dependencies
from stepmill.language.pipelines.supported import unsupported_steps

DATA = Path(__file__).parent / "data"
HOUSES = DATA / "sdk2_houses.json"
CITIES = DATA / "sdk3_cities.json"


@pytest.mark.parametrize("path", [HOUSES, CITIES], ids=["sdk2", "sdk3"])
def test_nothing_is_found_in_it(path: Path) -> None:
    assert [str(each) for each in check(path.read_bytes(), service_model).findings] == []


def test_who_waits_for_whom_in_a_document_of_sdk_2() -> None:
    waits = {name: each.steps for name, each in dependencies(read(HOUSES.read_text(), service_model)).items()}
    assert waits == {
        "PrepareHouses": (),
        "TrainHouses": ("PrepareHouses",),
        "EvaluateHouses": ("TrainHouses", "PrepareHouses"),
        "IsGoodEnough": ("EvaluateHouses",),
        "Houses-RegisterModel": ("IsGoodEnough", "EvaluateHouses", "TrainHouses"),
        "Houses-CreateModel": ("IsGoodEnough", "TrainHouses"),
        "ApplyHouses": ("IsGoodEnough", "Houses-RegisterModel", "Houses-CreateModel"),
        "NotGoodEnough": ("IsGoodEnough",),
    }


def test_all_steps_of_houses_run() -> None:
    assert unsupported_steps(read(HOUSES.read_text(), service_model)) == ()


def test_what_is_new_in_a_document_of_sdk_3() -> None:
    definition = read(CITIES.read_text(), service_model)
    loop = definition.steps["EachCity"].for_each
    assert loop is not None
    assert loop.selector is not None
    assert (loop.steps, loop.max_concurrency, loop.selector.pick) == (
        ("FitCity", "ScoreCity"),
        4,
        Pick.MAX_BY,
    )
    assert [each.trigger for each in definition.steps["Alarm"].depends_on] == [Trigger.FAILED, Trigger.ANY]
    assert definition.experiment is None
    assert definition.steps["Tidy"].references == ("Spark",)


def _with(path: Path, old: str, new: str) -> Any:
    text = path.read_text()
    assert old in text
    return [(str(each.code), each.mend) for each in check(text.replace(old, new), service_model).errors]


@pytest.mark.parametrize(
    ("old", "new", "code", "mend"),
    [
        ("Outputs['train']", "Outputs['trian']", "UNDECLARED_NAME", "Did you mean 'train'?"),
        ("Parameters.WorstError", "Parameters.WorstErorr", "UNKNOWN_PARAMETER", "Did you mean 'WorstError'?"),
        ("Steps.TrainHouses.", "Steps.TrainHouse.", "UNKNOWN_STEP", "Did you mean 'TrainHouses'?"),
        ("PropertyFiles.Report", "PropertyFiles.Repot", "UNKNOWN_PROPERTY_FILE", "Did you mean 'Report'?"),
        (
            '"evaluation", "FilePath"',
            '"evalution", "FilePath"',
            "UNKNOWN_OUTPUT",
            "Did you mean 'evaluation'?",
        ),
        ("LessThanOrEqualTo", "LessThanOrEqual", "BAD_CONDITION", "Did you mean 'LessThanOrEqualTo'?"),
        ("S3ModelArtifacts", "S3ModelArtifact", "UNKNOWN_PROPERTY", "Did you mean 'S3ModelArtifacts'?"),
        ("MaxRuntimeInSeconds", "MaxRunTimeInSecond", "UNKNOWN_KEY", "Did you mean 'MaxRuntimeInSeconds'?"),
        ('"50"', "50", "WRONG_TYPE", 'Put it in quotes: "50".'),
    ],
)
def test_a_slip_in_it_is_found_and_mended(old: str, new: str, code: str, mend: str) -> None:
    found = _with(HOUSES, old, new)
    assert (code, mend) in found
    assert {each for each, _ in found} == {code}


def test_every_prefix_of_it_is_refused() -> None:
    text = json.dumps(json.loads(CITIES.read_text()))
    assert all(check(text[:end], service_model).errors for end in range(0, len(text), 97))
