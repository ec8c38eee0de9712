from __future__ import annotations

import pytest

from stepmill.algorithms.checking import check_hyperparameters, check_job
from stepmill.algorithms.tables.blazingtext import BLAZINGTEXT

BOTH = {
    "buckets": ("2000000", "0"),
    "epochs": ("5", "0"),
    "learning_rate": ("0.05", "0"),
    "min_count": ("0", "-1"),
    "vector_dim": ("100", "0"),
}
OF_WORDS = {
    "batch_size": ("11", "0"),
    "evaluation": ("False", "1"),
    "min_char": ("3", "0"),
    "max_char": ("6", "0"),
    "negative_samples": ("5", "0"),
    "sampling_threshold": ("0.0001", "0"),
    "subwords": ("True", "yes"),
    "window_size": ("5", "0"),
}
OF_TEXTS = {
    "early_stopping": ("True", "on"),
    "min_epochs": ("5", "0"),
    "patience": ("4", "0"),
    "word_ngrams": ("2", "0"),
}
CASES = [
    *(("cbow", name, values) for name, values in {**BOTH, **OF_WORDS}.items()),
    *(("supervised", name, values) for name, values in {**BOTH, **OF_TEXTS}.items()),
]


def told(**given: str) -> list[str]:
    return [finding.message for finding in check_hyperparameters(BLAZINGTEXT, given)]


@pytest.mark.parametrize(("mode", "name", "values"), CASES)
def test_each_documented_hyperparameter(mode: str, name: str, values: tuple[str, str]) -> None:
    assert told(mode=mode, **{name: values[0]}) == []
    (message,) = told(mode=mode, **{name: values[1]})
    assert f"is not valid for the '{name}' hyperparameter" in message


def test_the_list_is_whole() -> None:
    assert set(BLAZINGTEXT.names) == {*BOTH, *OF_WORDS, *OF_TEXTS, "mode", "_tuning_objective_metric"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mode": "skipgram", "word_ngrams": "2"}, "('word_ngrams' was unexpected with mode skipgram)"),
        ({"mode": "supervised", "subwords": "True"}, "('subwords' was unexpected with mode supervised)"),
        ({"mode": "cbow", "min_char": "7"}, "max_char must not be less than min_char."),
        ({}, "No value(s) were specified for 'mode'"),
        ({"mode": "word2vec"}, "'batch_skipgram'; 'skipgram'; 'cbow'; 'supervised'"),
    ],
)
def test_what_does_not_go_together(given: dict[str, str], message: str) -> None:
    (found,) = told(**given)
    assert message in found


def test_text_needs_no_content_type() -> None:
    assert check_job(BLAZINGTEXT, {"mode": "cbow"}, {"train": {}}) == ()
