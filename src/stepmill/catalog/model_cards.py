"""Model cards of model packages: what their content may be. Pure.

Source: SageMaker API reference, ModelPackageModelCard; developer guide, "Model package model card schema".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, read_json

# API reference, ModelCardContent.
LONGEST_CONTENT = 100_000

# Section -> what it is.
_OBJECT, _LIST = "an object", "a list"
_SECTIONS = {
    "model_overview": _OBJECT,
    "model_package_details": _OBJECT,
    "intended_uses": _OBJECT,
    "business_details": _OBJECT,
    "training_details": _OBJECT,
    "evaluation_details": _LIST,
    "additional_information": _OBJECT,
}
_RISKS = ("High", "Medium", "Low", "Unknown")


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
    for name, section in content.items():
        if name not in _SECTIONS:
            raise InvalidInputError(
                f"A model card has no section {name[:80]!r}.",
                where=where,
                mend=f"Use any of {', '.join(_SECTIONS)}.",
            )
        if _kind_of(section) != _SECTIONS[name]:
            raise InvalidInputError(
                f"The section {name} of a model card is {_SECTIONS[name]}.", where=where, mend="Write it so."
            )
    uses = content.get("intended_uses")
    risk = uses.get("risk_rating") if isinstance(uses, Mapping) else None
    if risk is not None and risk not in _RISKS:
        raise InvalidInputError(
            f"{str(risk)[:80]!r} is no rating of a risk.",
            where=f"{where}.intended_uses.risk_rating",
            mend=f"Use one of {', '.join(_RISKS)}.",
        )


def _kind_of(value: Json) -> str:
    if isinstance(value, Mapping):
        return _OBJECT
    return _LIST if isinstance(value, Sequence) and not isinstance(value, str) else ""
