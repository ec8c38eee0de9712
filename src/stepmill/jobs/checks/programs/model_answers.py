"""How records are put to a model, and what its answers say: scores and labels. Pure.

Source: developer guide, "Configure the analysis": ``content_template``, ``record_template``, ``label``,
``probability``, ``label_headers``; "Common data formats for inference".
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jmespath
import numpy as np
from jmespath.exceptions import JMESPathError

from .config_reader import Column
from .errors import CustomerError
from .explain_config import CSV, JSON, JSON_LINES, Predictor

_PLACEHOLDER = re.compile(r'"\$\{([^}]*)\}"|\$features_kvp|\$feature_names|\$features')
_RECORDS = re.compile(r"\$records?\b")
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_LARGEST_REQUEST_BYTES = 5 * 1024 * 1024
_LONGEST_SHOWN = 200


class Said(NamedTuple):
    """What a model says of a record; ``None`` where it says nothing of the kind.

    Args:
        label: What stands where the label does.
        scores: What stands where the scores do.
    """

    label: Any
    scores: Any


class Codec:
    """Writes requests and reads answers.

    Args:
        predictor: How the model is asked.
        names: Of the features.
        are_numbers: Which features are numbers; the others are text.
    """

    def __init__(self, predictor: Predictor, names: Sequence[str], are_numbers: Sequence[bool]) -> None:
        self._predictor = predictor
        self._names = list(names)
        self._are_numbers = list(are_numbers)
        self._is_single = predictor.content_type == JSON and "$records" not in predictor.content_template

    def requests(self, records: Any) -> Iterator[tuple[int, bytes]]:
        """Yield requests, each with the number of its records.

        Args:
            records: Shape (n, features), of texts; ``None`` where one is missing.
        """
        written: list[str] = []
        size = 0
        for record in records:
            text = self._written(list(record))
            size += len(text) + 1
            if written and (self._is_single or size > _LARGEST_REQUEST_BYTES):
                yield len(written), self._request(written)
                written, size = [], len(text) + 1
            written.append(text)
        if written:
            yield len(written), self._request(written)

    def answers(self, body: bytes, count: int) -> list[Said]:
        """Return what an answer says of so many records.

        Raises:
            CustomerError: If it cannot be read, or is of another number of records.
        """
        text = body.decode("utf-8", "replace")
        try:
            if self._predictor.accept_type == CSV:
                found = self._of_csv(text, count)
            elif self._predictor.accept_type == JSON_LINES:
                lines = [json.loads(line) for line in text.splitlines() if line.strip()]
                found = [self._said(line) for line in lines]
            else:
                found = self._of_json(json.loads(text), count)
        except (ValueError, RecursionError, csv.Error) as error:
            raise CustomerError(
                f"The model's answer is not {self._predictor.accept_type}: {text[:_LONGEST_SHOWN]!r}. "
                "Name the format by predictor.accept_type."
            ) from error
        if len(found) != count:
            raise CustomerError(
                f"The model answered {len(found)} records to {count}: {text[:_LONGEST_SHOWN]!r}."
            )
        return found

    def _written(self, record: list[str | None]) -> str:
        if self._predictor.content_type == CSV:
            line = io.StringIO()
            csv.writer(line, lineterminator="").writerow(["" if one is None else one for one in record])
            return line.getvalue()
        values = [
            _number(one) if one is not None and is_number else one
            for one, is_number in zip(record, self._are_numbers, strict=True)
        ]
        named = dict(zip(self._names, values, strict=True))
        if self._predictor.content_type == JSON_LINES:
            template = self._predictor.content_template
        else:
            template = self._predictor.record_template

        def filled(found: re.Match[str]) -> str:
            if found[1] is not None:
                if found[1] not in named:
                    raise CustomerError(f"predictor.record_template: there is no feature {found[1][:100]!r}.")
                return json.dumps(named[found[1]])
            if found[0] == "$features_kvp":
                return json.dumps(named)
            return json.dumps(self._names if found[0] == "$feature_names" else values)

        return _PLACEHOLDER.sub(filled, template)

    def _request(self, written: list[str]) -> bytes:
        if self._predictor.content_type != JSON:
            return "".join(f"{one}\n" for one in written).encode()
        text = written[0] if self._is_single else f"[{','.join(written)}]"
        return _RECORDS.sub(lambda _: text, self._predictor.content_template).encode()

    def _of_csv(self, text: str, count: int) -> list[Said]:
        rows = [row for row in csv.reader(io.StringIO(text)) if row]
        if len(rows) == 1 and count > 1 and len(rows[0]) == count:
            # Some containers answer all records in a line.
            rows = [[cell] for cell in rows[0]]
        return [self._said(row) for row in rows]

    def _of_json(self, document: Any, count: int) -> list[Said]:
        whole = self._said(document)
        if self._is_single:
            return [whole]
        sides = [side for side in whole if side is not None]
        for side in sides:
            if not isinstance(side, list) or len(side) != count:
                shown = json.dumps(document)[:_LONGEST_SHOWN]
                raise CustomerError(f"The model's answer does not have {count} records: {shown}.")
        return [
            Said(
                None if whole.label is None else whole.label[number],
                None if whole.scores is None else whole.scores[number],
            )
            for number in range(count)
        ]

    def _said(self, answer: Any) -> Said:
        predictor = self._predictor
        if predictor.label is None and predictor.probability is None:
            return Said(None, answer)
        return Said(
            _found(answer, predictor.label, "predictor.label"),
            _found(answer, predictor.probability, "predictor.probability"),
        )


def scores_of(said: Sequence[Said]) -> Any:
    """Return the scores: those of ``probability``, else what stands where the label does.

    Returns:
        Shape (records, outputs).

    Raises:
        CustomerError: If one is no number, or there are more of one record than of another.
    """
    rows = [_numbers(one.label if one.scores is None else one.scores) for one in said]
    if len({len(row) for row in rows}) > 1:
        raise CustomerError("The model gives more scores for one record than for another.")
    return np.array(rows, dtype=np.float64)


def labels_of(said: Sequence[Said], headers: Sequence[str]) -> list[str]:
    """Return the predicted labels, or the scores where there is but one of each record.

    Args:
        said: By the model.
        headers: The labels that several scores are of.

    Raises:
        CustomerError: If there is no label, or there are not as many headers as scores.
    """
    return [_label(one, headers) for one in said]


def _label(said: Said, headers: Sequence[str]) -> str:
    label = said.label
    if label is not None and not isinstance(label, list):
        return _text(label)
    if isinstance(label, list) and said.scores is not None:
        names, scores = [_text(one) for one in label], _numbers(said.scores)
    else:
        scores = _numbers(label if said.scores is None else said.scores)
        names = list(headers)
    if len(scores) == 1:
        return _text(scores[0])
    if len(names) != len(scores):
        raise CustomerError(
            f"predictor.label_headers: there are {len(names)}, and the model gives {len(scores)} scores."
        )
    return names[int(np.argmax(scores))]


def _numbers(given: Any) -> list[float]:
    if isinstance(given, list) and len(given) == 1:
        given = given[0]  # the only cell of a row
    if isinstance(given, str) and given.lstrip().startswith("["):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError) as error:
            raise _no_score(given) from error
    several = given if isinstance(given, list) else [given]
    if not several or any(isinstance(one, bool | dict | list) for one in several):
        raise _no_score(given)
    try:
        found = [float(one) for one in several]
    except (TypeError, ValueError) as error:
        raise _no_score(given) from error
    if not np.isfinite(found).all():
        raise _no_score(given)
    return found


def _no_score(given: Any) -> CustomerError:
    return CustomerError(
        f"The model's answer {str(given)[:_LONGEST_SHOWN]!r} is no score. Say where the scores are, by "
        "predictor.probability or predictor.label."
    )


def _found(answer: Any, where: Column | None, name: str) -> Any:
    if where is None:
        return None
    if isinstance(where, int):
        if not isinstance(answer, list) or not 0 <= where < len(answer):
            raise CustomerError(f"{name}: the model's answer has no place {where}: {str(answer)[:100]!r}.")
        found = answer[where]
    else:
        try:
            found = jmespath.search(where, answer)
        except JMESPathError as error:
            raise CustomerError(f"{name}: {where[:100]!r} cannot be followed: {str(error)[:300]}") from error
    if found is None:
        raise CustomerError(f"{name}: the model's answer has nothing at {where!r}: {str(answer)[:100]!r}.")
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _number(text: str) -> int | float:
    return int(text) if _WHOLE.fullmatch(text.strip()) else float(text)
