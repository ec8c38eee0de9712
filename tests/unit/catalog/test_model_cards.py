from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.catalog.model_cards import LONGEST_CONTENT, check_card
from stepmill.catalog.registry import ModelRegistry
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json
from support.keeping import keeping

CONTENT = {
    "model_overview": {"model_creator": "ada", "model_artifact": ["s3://bucket/m"]},
    "intended_uses": {"purpose_of_model": "“who leaves”", "risk_rating": "Low"},
    "evaluation_details": [{"name": "first", "metric_groups": []}],
}


def card(content: Json = None, **more: Json) -> dict[str, Json]:
    return {"ModelCardContent": json.dumps(content or CONTENT), "ModelCardStatus": "Draft", **more}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[ModelRegistry]:
    with keeping(tmp_path) as opened:
        opened.registry.create({"ModelPackageGroupName": "churn", "ModelCard": card()})
        yield opened.registry


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ("text", "is an object"),
        ({"ModelCardStatus": "Done"}, "not the status"),
        ({"ModelCardContent": "{"}, "not valid JSON"),
        ({"ModelCardContent": "[1]"}, "is a JSON object"),
        ({"ModelCardContent": '{"overview": {}}'}, "no section 'overview'"),
        ({"ModelCardContent": '{"model_overview": []}'}, "model_overview of a model card is an object"),
        ({"ModelCardContent": '{"evaluation_details": {}}'}, "evaluation_details of a model card is a list"),
        ({"ModelCardContent": '{"intended_uses": {"risk_rating": "low"}}'}, "no rating of a risk"),
        ({"ModelCardContent": '{"model_overview": "' + "x" * LONGEST_CONTENT + '"}'}, "at most 100000"),
    ],
)
def test_what_is_no_card_is_refused(registry: ModelRegistry, wrong: Json, what: str) -> None:
    with pytest.raises(InvalidInputError, match=what):
        registry.create({"ModelPackageGroupName": "churn", "ModelCard": wrong})
    with pytest.raises(InvalidInputError, match=what):
        registry.update("churn/1", {"ModelCard": wrong})
    assert registry.describe("churn/1")["ModelCard"] == card()
    assert len(registry.versions("churn")[0]) == 1


def test_an_empty_card_says_nothing_wrong() -> None:
    check_card({})
    check_card({"ModelCardContent": "", "ModelCardStatus": "PendingReview"})


def test_an_update_of_the_status_keeps_the_content(registry: ModelRegistry) -> None:
    changed = registry.update("churn/1", {"ModelCard": {"ModelCardStatus": "Approved"}})
    assert changed["ModelCard"] == card(ModelCardStatus="Approved")


def test_an_archived_card_is_not_written_again(registry: ModelRegistry) -> None:
    registry.update("churn/1", {"ModelCard": {"ModelCardStatus": "Archived"}})
    with pytest.raises(InvalidInputError, match="Model Card is in Archived state"):
        registry.update("churn/1", {"ModelCard": {"ModelCardContent": "{}"}})
    same = registry.update("churn/1", {"ModelCard": card(ModelCardStatus="Archived")})
    assert same["ModelCard"] == card(ModelCardStatus="Archived")
    registry.update("churn/1", {"ModelCard": {"ModelCardStatus": "Draft"}})
    again = registry.update("churn/1", {"ModelCard": {"ModelCardContent": "{}"}})
    assert again["ModelCard"] == {"ModelCardContent": "{}", "ModelCardStatus": "Draft"}
