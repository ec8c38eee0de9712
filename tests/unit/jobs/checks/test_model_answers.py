from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from stepmill.jobs.checks.programs import model_answers
from stepmill.jobs.checks.programs.errors import CustomerError
from stepmill.jobs.checks.programs.explain_config import CSV, JSON, JSON_LINES, Predictor
from stepmill.jobs.checks.programs.model_answers import Codec, Said, labels_of, scores_of

RECORDS = np.array([["1", "a,b"], ["2.50", None]], dtype=object)


def codec(predictor: Predictor) -> Codec:
    return Codec(predictor, ["n", "t"], [True, False])


def requests(predictor: Predictor) -> list[str]:
    found = list(codec(predictor).requests(RECORDS))
    assert sum(count for count, _ in found) == len(RECORDS)
    return [body.decode() for _, body in found]


def as_json(content: str, record: str = "") -> Predictor:
    return Predictor(JSON, JSON, content, record)


def test_csv_has_the_values_as_the_data_has_them() -> None:
    assert requests(Predictor()) == ['1,"a,b"\n2.50,\n']


def test_json_lines_have_numbers_where_columns_are_numbers() -> None:
    predictor = Predictor(JSON_LINES, JSON_LINES, '{"features":$features}')
    assert requests(predictor) == ['{"features":[1, "a,b"]}\n{"features":[2.5, null]}\n']


@pytest.mark.parametrize(
    ("content", "record", "found"),
    [
        ('{"instances": $records}', "$features", [{"instances": [[1, "a,b"], [2.5, None]]}]),
        ("$records", "$features_kvp", [[{"n": 1, "t": "a,b"}, {"n": 2.5, "t": None}]]),
        ("$records", '{"N": "${n}"}', [[{"N": 1}, {"N": 2.5}]]),
        ("$record", '{"k": $feature_names, "v": $features}',
         [{"k": ["n", "t"], "v": [1, "a,b"]}, {"k": ["n", "t"], "v": [2.5, None]}]),
    ],
)  # fmt: skip
def test_json_is_as_the_templates_say(content: str, record: str, found: Any) -> None:
    assert [json.loads(text) for text in requests(as_json(content, record))] == found


def test_values_that_look_like_placeholders_stay_what_they_are() -> None:
    records = np.array([["1", "$features_kvp $records"]], dtype=object)
    ((_, body),) = codec(as_json("$records", "$features")).requests(records)
    assert json.loads(body) == [[1, "$features_kvp $records"]]


def test_a_template_with_a_feature_that_is_not_there() -> None:
    with pytest.raises(CustomerError, match="there is no feature 'x'"):
        requests(as_json("$records", '{"x": "${x}"}'))


def test_large_requests_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_answers, "_LARGEST_REQUEST_BYTES", 10)
    assert requests(Predictor()) == ['1,"a,b"\n', "2.50,\n"]
    # One record may be larger than that.
    monkeypatch.setattr(model_answers, "_LARGEST_REQUEST_BYTES", 1)
    assert requests(Predictor()) == ['1,"a,b"\n', "2.50,\n"]


def scores(predictor: Predictor, body: str, count: int = 2) -> Any:
    return scores_of(codec(predictor).answers(body.encode(), count)).tolist()


@pytest.mark.parametrize(
    ("predictor", "body", "found"),
    [
        (Predictor(), "0.1\n0.9\n", [[0.1], [0.9]]),
        (Predictor(), "0.1,0.9", [[0.1], [0.9]]),
        (Predictor(), "0.1,0.2,0.7\n0.3,0.3,0.4\n", [[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]]),
        (Predictor(label=0, probability=1), 'no,"[0.9, 0.1]"\nyes,"[0.2, 0.8]"\n', [[0.9, 0.1], [0.2, 0.8]]),
        (Predictor(probability=1), "no,0.1\nyes,0.8\n", [[0.1], [0.8]]),
        (Predictor(label=0), "1.5,x\n2.5,x\n", [[1.5], [2.5]]),
        (Predictor(accept_type=JSON_LINES), "0.1\n[0.9]\n", [[0.1], [0.9]]),
        (Predictor(), '"[0.1, 0.9]"\n"[1, 0]"\n', [[0.1, 0.9], [1.0, 0.0]]),
        (Predictor(accept_type=JSON_LINES, probability="p.s"),
         '{"p":{"s":1}}\n\n{"p":{"s":0}}', [[1.0], [0.0]]),
        (Predictor(accept_type=JSON), "[0.1, 0.9]", [[0.1], [0.9]]),
        (Predictor(accept_type=JSON), "[[0.1, 0.9], [1, 0]]", [[0.1, 0.9], [1.0, 0.0]]),
        (Predictor(accept_type=JSON, label="predictions[*].score"),
         '{"predictions":[{"score":3},{"score":4}]}', [[3.0], [4.0]]),
    ],
)  # fmt: skip
def test_scores(predictor: Predictor, body: str, found: Any) -> None:
    assert scores(predictor, body) == found


def test_the_answer_to_one_record_in_json_is_its_own() -> None:
    predictor = Predictor(JSON, JSON, "$record", "$features", probability="scores")
    assert scores(predictor, '{"scores": [0.1, 0.9]}', 1) == [[0.1, 0.9]]


@pytest.mark.parametrize(
    ("predictor", "body", "told"),
    [
        (Predictor(), "0.1\n", "answered 1 records to 2"),
        (Predictor(), "a\nb\n", "'a' is no score. Say where the scores are"),
        (Predictor(), "nan\n1\n", "is no score"),
        (Predictor(), "1,2\n3\n", "more scores for one record than for another"),
        (Predictor(), '"[0.1",1,2\n', "answered 1 records"),
        (Predictor(probability=0), '"[0.1"\n"[1]"\n', "is no score"),
        (Predictor(label=3), "1,2\n3,4\n", "predictor.label: the model's answer has no place 3"),
        (Predictor(accept_type=JSON_LINES), "1\n{\n", "The model's answer is not application/jsonlines"),
        (Predictor(accept_type=JSON_LINES, label="a"), '{"b":1}\n{"b":2}\n', "has nothing at 'a'"),
        (Predictor(accept_type=JSON_LINES, label="a[["), "1\n2\n", "'a[[' cannot be followed"),
        (Predictor(accept_type=JSON_LINES), "true\nfalse\n", "'True' is no score"),
        (Predictor(accept_type=JSON), "[1,2,3]", "does not have 2 records"),
        (Predictor(accept_type=JSON), '{"a": 1}', "does not have 2 records"),
        (Predictor(accept_type=JSON), "[" * 100_000, "The model's answer is not application/json"),
    ],
)
def test_answers_that_cannot_be_read(predictor: Predictor, body: str, told: str) -> None:
    with pytest.raises(CustomerError) as caught:
        scores(predictor, body)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("said", "headers", "found"),
    [
        (Said("yes", None), (), "yes"),
        (Said("yes", 0.9), (), "yes"),
        (Said(True, None), (), "true"),
        (Said(["cat", "dog", "fish"], [0.3, 0.2, 0.5]), (), "fish"),
        (Said(None, [0.3, 0.2, 0.5]), ("cat", "dog", "fish"), "fish"),
        (Said([0.3, 0.7], None), ("cat", "dog"), "dog"),
        (Said(None, "[0.7, 0.3]"), ("cat", "dog"), "cat"),
        (Said(None, 0.25), ("yes",), "0.25"),
        (Said(None, ["0.25"]), (), "0.25"),
    ],
)
def test_labels(said: Said, headers: tuple[str, ...], found: str) -> None:
    assert labels_of([said], headers) == [found]


def test_scores_of_which_nobody_knows_the_labels() -> None:
    with pytest.raises(CustomerError, match="there are 0, and the model gives 2 scores"):
        labels_of([Said(None, [0.1, 0.9])], ())


def test_the_formats_are_those_of_the_configuration() -> None:
    assert (Predictor().content_type, Predictor().accept_type) == (CSV, CSV)
