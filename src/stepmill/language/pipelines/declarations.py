"""What a step declares by name in its Arguments: outputs, inputs, channels, metrics, entries of maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stepmill.core.json import Json, JsonObject
from stepmill.language.pipelines.expressions import is_expression

# Repositories of algorithms that report metrics of their own. Source: AWS developer guide.
_OWN_METRICS = (
    "linear-learner kmeans knn pca ntm lda factorization-machines randomcutforest ipinsights object2vec "
    "seq2seq blazingtext forecasting-deepar image-classification object-detection semantic-segmentation "
    "xgboost sagemaker-xgboost autogluon-training"
)


@dataclass(frozen=True)
class Declared:
    """Names that a list or map declares.

    Args:
        names: Those written out, each once, in their order; a mapping, so that looking one up is cheap.
        is_complete: False if more may come: a name or the whole is an expression.
        count: Number of elements; ``None`` if it is not known.
    """

    names: Mapping[str, None]
    is_complete: bool = True
    count: int | None = None


UNKNOWN = Declared({}, is_complete=False)


def value_at(arguments: JsonObject, *keys: str) -> Json:
    """Return what stands below some keys; ``None`` if nothing does, the expression if one is on the way."""
    value: Json = arguments
    for key in keys:
        if not isinstance(value, Mapping) or is_expression(value):
            return value if is_expression(value) else None
        value = value.get(key)
    return value


def declared_at(arguments: JsonObject, *keys: str, member: str = "") -> Declared:
    """Return the names that a list (by ``member``) or a map (by its keys) in the arguments declares."""
    value = value_at(arguments, *keys)
    if value is None:
        return Declared({}, count=0)
    if is_expression(value):
        return UNKNOWN
    if isinstance(value, Mapping):
        return Declared(dict.fromkeys(value), count=len(value))
    if not isinstance(value, list):
        return UNKNOWN
    names = [item.get(member) if isinstance(item, Mapping) else None for item in value]
    texts = [name for name in names if isinstance(name, str)]
    return Declared(dict.fromkeys(texts), is_complete=len(texts) == len(names), count=len(value))


def names_at(arguments: JsonObject, keys: tuple[str, ...], member: str) -> Iterator[tuple[int, str]]:
    """Return the names written out in a list, with their positions."""
    value = value_at(arguments, *keys)
    for at, item in enumerate(value if isinstance(value, list) else ()):
        name = item.get(member) if isinstance(item, Mapping) else None
        if isinstance(name, str):
            yield at, name


def has_own_metrics(arguments: JsonObject) -> bool:
    """Tell whether a training job may report metrics that its arguments do not define."""
    algorithm = value_at(arguments, "AlgorithmSpecification")
    if not isinstance(algorithm, Mapping) or is_expression(algorithm):
        return True
    image = algorithm.get("TrainingImage")
    if not isinstance(image, str):
        return True
    repository = image.rsplit("/", 1)[-1].split("@", 1)[0].split(":", 1)[0]
    return repository in _OWN_METRICS.split(" ")


def cleaned_steps(arguments: JsonObject) -> tuple[tuple[int, str], ...]:
    """Return the steps whose outputs a Cleanup step deletes, with their positions in the list."""
    return tuple(names_at(arguments, ("Resources", "S3"), "StepName"))
