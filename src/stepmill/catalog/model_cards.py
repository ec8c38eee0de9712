"""Model cards of model packages: what their content may be. Pure.

Source: SageMaker API reference, ModelPackageModelCard; developer guide, "Model package model card schema".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, read_json

# API reference, ModelCardContent.
LONGEST_CONTENT = 100_000

_LONGEST_LIST_ITEM = 1024
_RISKS = ("High", "Medium", "Low", "Unknown")


@dataclass(frozen=True)
class _Text:
    """A text of at most so many characters; one of some words, if any are given."""

    most: int
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Texts:
    """A list of at most so many texts."""

    most: int


@dataclass(frozen=True)
class _Object:
    """An object with these members and no others; what they hold is ``None`` where anything may be."""

    members: Mapping[str, _Rule]
    required: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Objects:
    """A list of objects."""

    each: _Object


@dataclass(frozen=True)
class _TextMap:
    """An object of any members, which are texts."""

    most: int


_Rule: TypeAlias = "_Text | _Texts | _Object | _Objects | _TextMap | None"

_CARD = _Object(
    {
        "model_overview": _Object({"model_creator": _Text(1024), "model_artifact": _Texts(15)}),
        "intended_uses": _Object(
            {
                "purpose_of_model": _Text(2048),
                "intended_uses": _Text(2048),
                "factors_affecting_model_efficiency": _Text(2048),
                "risk_rating": _Text(10, _RISKS),
                "explanations_for_risk_rating": _Text(2048),
            }
        ),
        "business_details": _Object(
            {
                "business_problem": _Text(2048),
                "business_stakeholders": _Text(2048),
                "line_of_business": _Text(2048),
            }
        ),
        "training_details": _Object(
            {
                "objective_function": None,
                "training_observations": _Text(1024),
                "training_job_details": _Object(
                    {
                        "training_arn": _Text(1024),
                        "training_datasets": _Texts(15),
                        "training_environment": _Object({"container_image": _Texts(15)}),
                        "training_metrics": None,
                        "user_provided_training_metrics": None,
                        "hyper_parameters": None,
                        "user_provided_hyper_parameters": None,
                    }
                ),
            }
        ),
        "evaluation_details": _Objects(
            _Object(
                {
                    "name": _Text(63),
                    "evaluation_observation": _Text(2096),
                    "evaluation_job_arn": _Text(256),
                    "datasets": _Texts(10),
                    "metadata": _TextMap(1024),
                    "metric_groups": _Objects(
                        _Object({"name": _Text(63), "metric_data": None}, ("name", "metric_data"))
                    ),
                },
                ("name",),
            )
        ),
        "additional_information": _Object(
            {
                "ethical_considerations": _Text(2048),
                "caveats_and_recommendations": _Text(2048),
                "custom_details": _TextMap(1024),
            }
        ),
    }
)


class ModelCardStatus(StrEnum):
    """How a card stands in its organization."""

    DRAFT = "Draft"
    PENDING_REVIEW = "PendingReview"
    APPROVED = "Approved"
    ARCHIVED = "Archived"


def check_card(card: Json) -> None:
    """Check a ModelCard as a request gives it.

    Raises:
        InvalidInputError: If its status is none, or its content does not follow the schema.
    """
    if not isinstance(card, Mapping):
        raise InvalidInputError("A model card is an object.", where="ModelCard", mend="Write it as one.")
    status = card.get("ModelCardStatus")
    if status is not None and status not in tuple(ModelCardStatus):
        raise InvalidInputError(
            f"{str(status)[:80]!r} is not the status of a model card.",
            where="ModelCard.ModelCardStatus",
            mend=f"Use one of {', '.join(ModelCardStatus)}.",
        )
    if card.get("ModelCardContent"):
        _check_content(str(card["ModelCardContent"]))


def replaced_card(old: JsonObject, new: JsonObject) -> JsonObject:
    """Return a card after an update that gives another one: what is not given stays.

    Raises:
        InvalidInputError: If the card is archived, and its content is to change. The text is AWS's.
    """
    is_archived = old.get("ModelCardStatus") == ModelCardStatus.ARCHIVED
    given = new.get("ModelCardContent")
    if is_archived and given is not None and given != old.get("ModelCardContent"):
        raise InvalidInputError(
            "Model Card is in Archived state.",
            where="ModelCard.ModelCardContent",
            mend="Register another version, or give the card another status first.",
        )
    return {**old, **new}


def _check_content(text: str) -> None:
    where = "ModelCard.ModelCardContent"
    if len(text) > LONGEST_CONTENT:
        raise InvalidInputError(
            f"The content of a model card has at most {LONGEST_CONTENT} characters.",
            where=where,
            mend="Shorten it.",
        )
    content = read_json(text, where=where)
    if not isinstance(content, Mapping):
        raise InvalidInputError(
            "The content of a model card is a JSON object.", where=where, mend="Write it as one."
        )
    _check(content, _CARD, where)


def _check(value: Json, rule: _Rule, where: str) -> None:
    match rule:
        case _Text(most, words):
            _check_text(value, most, where)
            if words and value not in words:
                raise InvalidInputError(
                    f"{str(value)[:80]!r} is not one of the words that this can be.",
                    where=where,
                    mend=f"Use one of {', '.join(words)}.",
                )
        case _Texts(most):
            items = _list_of(value, where)
            if len(items) > most:
                raise InvalidInputError(f"At most {most} may be listed.", where=where, mend="List fewer.")
            for index, item in enumerate(items):
                _check_text(item, _LONGEST_LIST_ITEM, f"{where}[{index}]")
        case _Object():
            _check_object(value, rule, where)
        case _Objects(each):
            for index, item in enumerate(_list_of(value, where)):
                _check_object(item, each, f"{where}[{index}]")
        case _TextMap(most):
            for name, item in _object_of(value, where).items():
                _check_text(item, most, f"{where}.{name[:80]}")
        case None:
            pass


def _check_object(value: Json, rule: _Object, where: str) -> None:
    found = _object_of(value, where)
    for name in rule.required:
        if name not in found:
            raise InvalidInputError(f"{name!r} is missing.", where=where, mend="Give it.")
    for name, item in found.items():
        if name not in rule.members:
            raise InvalidInputError(
                f"The card of a model package has no {name[:80]!r} here.",
                where=where,
                mend=f"Use any of {', '.join(rule.members)}.",
            )
        _check(item, rule.members[name], f"{where}.{name}")


def _check_text(value: Json, most: int, where: str) -> None:
    if not isinstance(value, str) or len(value) > most:
        raise InvalidInputError(
            f"This is a text of at most {most} characters.", where=where, mend="Write it so."
        )


def _object_of(value: Json, where: str) -> JsonObject:
    if not isinstance(value, Mapping):
        raise InvalidInputError("This is an object.", where=where, mend="Write it as one.")
    return value


def _list_of(value: Json, where: str) -> Sequence[Json]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidInputError("This is a list.", where=where, mend="Write it as one.")
    return value
