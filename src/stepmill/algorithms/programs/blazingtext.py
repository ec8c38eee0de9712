"""BlazingText, on fastText: word vectors and text classification, training and answers.

Source: developer guide, "BlazingText algorithm": formats, files of the model, requests; fastText's own
documentation.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fasttext

from .errors import CustomerError, EmptyRequestError, RequestError, UnsupportedContentError
from .files import data_files, read_file
from .first_party import Settings
from .inference import mark_model
from .job import TRAIN, VALIDATION, Job, cpu_count, require_one_host
from .media import JSON, JSON_LINES, media_type
from .payloads import read_json_lines, write_json_lines

NAME = "blazingtext"
_TEXTS, _WORDS = "model.bin", "vectors.bin"
_VECTORS = "vectors.txt"
_LABEL = "__label__"
# What fastText counts at the end of each line.
_END = "</s>"
_SUPERVISED = "supervised"
_DEFAULT_TYPE = "text/plain"
_MOST_PREDICTIONS = 1000

_log = logging.getLogger(__name__)


def train(job: Job) -> None:
    """Train, and leave the model.

    Raises:
        CustomerError: If the data cannot be taken.
    """
    require_one_host(job)
    settings = Settings(job.hyperparameters)
    with tempfile.TemporaryDirectory() as folder:
        if settings.text("mode") == _SUPERVISED:
            model = _train_texts(job, settings, Path(folder))
            model.save_model(str(job.model / _TEXTS))
        else:
            model = _train_words(job, settings, Path(folder))
            model.save_model(str(job.model / _WORDS))
            _write_vectors(model, job.model / _VECTORS)
    mark_model(job.model, NAME)


def _prepared(job: Job, channel: str, folder: Path, *, labelled: bool) -> Path:
    """Write the lines of a channel into one file, as fastText reads it."""
    kind, _ = media_type(job.content_type(channel, _DEFAULT_TYPE))
    path = folder / channel
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for source in data_files(job.channel(channel)):
            for line in _lines(source, kind):
                if labelled and _LABEL not in line:
                    raise CustomerError(f"A line of {source.name} has no label: {line[:50]!r}")
                file.write(f"{line}\n")
                count += 1
    if not count:
        raise CustomerError(f"There is no text in the {channel} channel.")
    return path


def _lines(path: Path, kind: str) -> Iterator[str]:
    try:
        content = read_file(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise CustomerError(f"{path.name} is not UTF-8: {error}") from error
    for place, line in enumerate(content.split("\n")):
        line = line.strip()
        if line:
            yield _of_manifest(line, path, place) if kind in JSON_LINES else line


def _of_manifest(line: str, path: Path, place: int) -> str:
    where = f"Line {place + 1} of {path.name}"
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CustomerError(f"{where} is not JSON: {error}") from error
    source = entry.get("source") if isinstance(entry, dict) else None
    if not isinstance(source, str):
        raise CustomerError(f"{where} has no text called source.")
    labels = entry.get("label", [])
    each = labels if isinstance(labels, list) else [labels]
    words = (str(label) if str(label).startswith(_LABEL) else f"{_LABEL}{label}" for label in each)
    return " ".join([*("".join(word.split()) for word in words), " ".join(source.split())])


def _train_texts(job: Job, settings: Settings, folder: Path) -> Any:
    train_path = _prepared(job, TRAIN, folder, labelled=True)
    held = _prepared(job, VALIDATION, folder, labelled=True) if job.has(VALIDATION) else None
    epochs = settings.integer("epochs", 5)
    if settings.flag("early_stopping", default=False) and held is not None:
        model = _until_no_better(settings, train_path, held, epochs)
    else:
        model = _fit_texts(settings, train_path, epochs)
    _log.info("#train_accuracy: %s", _accuracy(model, train_path))
    if held is not None:
        _log.info("Number of validation examples: %d", model.test(str(held))[0])
        _log.info("#validation_accuracy: %s", _accuracy(model, held))
    return model


def _until_no_better(settings: Settings, path: Path, held: Path, epochs: int) -> Any:
    """Train with more and more epochs until the accuracy on held-out texts gains no more."""
    least, patience = min(settings.integer("min_epochs", 5), epochs), settings.integer("patience", 4)
    best, best_accuracy, since = None, -1.0, 0
    for count in range(least, epochs + 1):
        model = _fit_texts(settings, path, count)
        accuracy = _accuracy(model, held)
        _log.info("Validation accuracy after %d epochs: %s", count, accuracy)
        if accuracy > best_accuracy:
            best, best_accuracy, since = model, accuracy, 0
            continue
        since += 1
        if since >= patience:
            _log.info("Validation accuracy has not improved for last %d epochs. Stopping.", patience)
            break
    return best


def _fit_texts(settings: Settings, path: Path, epochs: int) -> Any:
    return _trained(
        fasttext.train_supervised,
        input=str(path),
        lr=settings.number("learning_rate", 0.05),
        dim=settings.integer("vector_dim", 100),
        epoch=epochs,
        minCount=settings.integer("min_count", 5),
        wordNgrams=settings.integer("word_ngrams", 2),
        bucket=settings.integer("buckets", 2_000_000),
        minn=0,
        maxn=0,
        loss="softmax",
    )


def _accuracy(model: Any, path: Path) -> float:
    return float(model.test(str(path))[1])


def _train_words(job: Job, settings: Settings, folder: Path) -> Any:
    if job.has(VALIDATION):
        raise CustomerError("Word2Vec modes have no validation channel.")
    mode = settings.text("mode")
    if mode == "batch_skipgram":
        _log.info("batch_skipgram is trained as skipgram here, without sharing negative samples.")
    if settings.flag("evaluation", default=True):
        _log.info("WordSimilarity-353 is not at hand: there is no mean_rho, and no eval.json.")
    subwords = settings.flag("subwords", default=False)
    return _trained(
        fasttext.train_unsupervised,
        input=str(_prepared(job, TRAIN, folder, labelled=False)),
        model="cbow" if mode == "cbow" else "skipgram",
        lr=settings.number("learning_rate", 0.05),
        dim=settings.integer("vector_dim", 100),
        ws=settings.integer("window_size", 5),
        epoch=settings.integer("epochs", 5),
        minCount=settings.integer("min_count", 5),
        neg=settings.integer("negative_samples", 5),
        t=settings.number("sampling_threshold", 1e-4),
        bucket=settings.integer("buckets", 2_000_000),
        minn=settings.integer("min_char", 3) if subwords else 0,
        maxn=settings.integer("max_char", 6) if subwords else 0,
    )


def _trained(method: Any, **options: Any) -> Any:
    try:
        model = method(thread=cpu_count(), verbose=0, **options)
    except (ValueError, RuntimeError) as error:
        raise CustomerError(f"Training has failed: {error}") from error
    if set(model.get_words()) <= {_END}:
        raise CustomerError(f"No word of the text appears min_count={options['minCount']} times.")
    return model


def _write_vectors(model: Any, path: Path) -> None:
    words = [word for word in model.get_words() if word != _END]
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{len(words)} {model.get_dimension()}\n")
        for word in words:
            numbers = " ".join(f"{number:.6g}" for number in model.get_word_vector(word).tolist())
            file.write(f"{word} {numbers}\n")


@dataclass(frozen=True)
class Model:
    """What was loaded.

    Args:
        fitted: fastText's model.
        classifies: Whether it tells labels of texts, and not vectors of words.
    """

    fitted: Any
    classifies: bool


def load(folder: Path) -> Model:
    """Load the model in a folder, also one that fastText has made.

    Raises:
        RuntimeError: If there is none, or it cannot be loaded.
    """
    for name in (_TEXTS, _WORDS):
        if (folder / name).is_file():
            try:
                fitted = fasttext.load_model(str(folder / name))
            except ValueError as error:
                raise RuntimeError(f"{name} cannot be loaded: {error}") from error
            return Model(fitted, bool(fitted.is_quantized() or fitted.f.getArgs().model.name == "supervised"))
    raise RuntimeError(f"There is neither {_TEXTS} nor {_WORDS} in {folder}.")


def respond(model: Model, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
    """Answer with labels of texts, or vectors of words. See ``inference.transform_fn`` for what it raises."""
    del accept  # it is documented to be the content type, and ignored if it is not
    if not body.strip():
        raise EmptyRequestError("The request is empty.")
    kind, _ = media_type(content_type)
    try:
        if kind in JSON:
            return json.dumps([_answer(model, *asked) for asked in _of_json(body)]).encode(), JSON[0]
        if kind in JSON_LINES:
            return write_json_lines([_answer(model, *_of_line(line)) for line in read_json_lines(body)])
    except (ValueError, RecursionError) as error:
        raise RequestError(f"unable to evaluate payload provided: {error}") from error
    raise UnsupportedContentError(f"Content-type {content_type[:200]} not supported.")


def _of_json(body: bytes) -> Iterable[tuple[str, int]]:
    document = json.loads(body)
    instances = document.get("instances") if isinstance(document, dict) else None
    if not isinstance(instances, list) or not all(isinstance(instance, str) for instance in instances):
        raise ValueError("instances is not a list of texts")
    configuration = document.get("configuration") or {}
    k = _count(configuration.get("k", 1) if isinstance(configuration, dict) else None)
    return [(instance, k) for instance in instances]


def _of_line(line: Any) -> tuple[str, int]:
    source = line.get("source") if isinstance(line, dict) else line
    if not isinstance(source, str):
        raise ValueError("a line has no text called source")  # noqa: TRY004 - the client's value is wrong
    return source, _count(line.get("k", 1) if isinstance(line, dict) else 1)


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST_PREDICTIONS:
        raise ValueError(f"k is not an integer from 1 to {_MOST_PREDICTIONS}")
    return value


def _answer(model: Model, source: str, k: int) -> dict[str, Any]:
    if model.classifies:
        labels, chances = model.fitted.predict(" ".join(source.split()), k=k)
        return {"label": list(labels), "prob": [min(float(chance), 1.0) for chance in chances]}
    vector = model.fitted.get_word_vector(source)
    return {"vector": [float(number) for number in vector], "word": source}
