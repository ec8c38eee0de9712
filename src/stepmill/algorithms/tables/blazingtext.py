"""BlazingText: word vectors and text classification.

Source: developer guide, "BlazingText Hyperparameters" and "Tune a BlazingText Model".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stepmill.algorithms.algorithm import Algorithm, Channel, Metric
from stepmill.algorithms.parameters import (
    NOT_NEGATIVE,
    POSITIVE,
    Interval,
    choice,
    flag,
    integer,
    number,
    text,
)

_TYPES = ("text/plain", "application/jsonlines")
_SUPERVISED = "supervised"
_BOTH = ("mode", "buckets", "epochs", "learning_rate", "min_count", "vector_dim", "_tuning_objective_metric")
_OF_TEXTS = ("early_stopping", "min_epochs", "patience", "word_ngrams")
_OF_WORDS = (
    "batch_size", "evaluation", "max_char", "min_char", "negative_samples", "sampling_threshold", "subwords",
    "window_size",
)  # fmt: skip


def _of_the_mode(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    mode = given["mode"]
    known = (*_BOTH, *(_OF_TEXTS if mode == _SUPERVISED else _OF_WORDS))
    for name in given:
        if name not in known:
            what = f"({name!r} was unexpected with mode {mode})"
            yield name, f"Additional hyperparameters are not allowed {what} (caused by ValidationError)."


def _characters(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if int(given.get("min_char", "3")) > int(given.get("max_char", "6")):
        yield "max_char", "max_char must not be less than min_char."


BLAZINGTEXT = Algorithm(
    name="blazingtext",
    channels=(
        Channel("train", _TYPES, _TYPES[0], required=True, piped=_TYPES),
        Channel("validation", _TYPES, _TYPES[0], piped=_TYPES),
    ),
    # train:mean_rho needs a set of word pairs that Stepmill does not have.
    metrics=(
        Metric("train:accuracy", r"#train_accuracy: (\S+)"),
        Metric("validation:accuracy", r"#validation_accuracy: (\S+)"),
    ),
    rules=(_of_the_mode, _characters),
    parameters=(
        choice("mode", "batch_skipgram", "skipgram", "cbow", _SUPERVISED, required=True),
        integer("batch_size", default="11"),
        integer("buckets", Interval(1, 2**31 - 1), default="2000000"),
        flag("early_stopping", default="false"),
        integer("epochs", default="5"),
        flag("evaluation", default="true"),
        number("learning_rate", POSITIVE, default="0.05"),
        integer("max_char", default="6"),
        integer("min_char", default="3"),
        integer("min_count", NOT_NEGATIVE, default="5"),
        integer("min_epochs", default="5"),
        integer("negative_samples", default="5"),
        integer("patience", default="4"),
        number("sampling_threshold", Interval(0, 1, above=True), default="0.0001"),
        flag("subwords", default="false"),
        integer("vector_dim", default="100"),
        integer("window_size", default="5"),
        integer("word_ngrams", default="2"),
        text("_tuning_objective_metric"),
    ),
)
