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
        ({"ModelCardContent": '{"overview": {}}'}, "has no 'overview' here"),
        ({"ModelCardContent": '{"model_overview": []}'}, "This is an object"),
        ({"ModelCardContent": '{"model_overview": null}'}, "This is an object"),
        ({"ModelCardContent": '{"model_overview": {"model_id": "m"}}'}, "has no 'model_id' here"),
        ({"ModelCardContent": '{"model_overview": {"model_artifact": "a"}}'}, "This is a list"),
        ({"ModelCardContent": '{"model_overview": {"model_artifact": [1]}}'}, "a text of at most 1024"),
        ({"ModelCardContent": json.dumps({"model_overview": {"model_artifact": ["a"] * 16}})}, "At most 15"),
        ({"ModelCardContent": '{"evaluation_details": {}}'}, "This is a list"),
        ({"ModelCardContent": '{"evaluation_details": [{}]}'}, "'name' is missing"),
        ({"ModelCardContent": '{"evaluation_details": [3]}'}, "This is an object"),
        ({"ModelCardContent": '{"intended_uses": {"risk_rating": "low"}}'}, "not one of the words"),
        (
            {"ModelCardContent": '{"additional_information": {"custom_details": {"a": 1}}}'},
            "a text of at most",
        ),
        ({"ModelCardContent": json.dumps({"business_details": {"line_of_business": "x" * 2049}})}, "2048"),
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


@pytest.mark.parametrize("empty", [{}, {"ModelCardContent": "", "ModelCardStatus": "PendingReview"}])
def test_an_empty_card_says_nothing_wrong(registry: ModelRegistry, empty: Json) -> None:
    check_card(empty)
    made = registry.create({"ModelPackageGroupName": "churn", "ModelCard": empty})
    assert registry.describe(str(made["ModelPackageArn"])).get("ModelCard") == empty


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
