"""What is said of an entity of lineage, in a few words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stepmill.cli.lineage.words import details_of, label_of, name_of, shortened
from stepmill.core.json import JsonObject
from stepmill.storage.lineage import Entity, LineageKind

AT = datetime(2026, 1, 1, tzinfo=UTC)


def entity(kind: LineageKind, type_: str, uri: str, name: str = "", body: JsonObject | None = None) -> Entity:
    return Entity("arn:x", kind, type_, name, uri, AT, AT, body=body or {})


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [
        ("s3://b/a.csv", 40, "s3://b/a.csv"),
        ("s3://a-long-bucket/prepared/train/part.csv", 30, "s3://.../train/part.csv"),
        ("s3://a-long-bucket/prepared/train/", 20, "s3://.../train"),
        ("s3://b/" + "x" * 40, 20, "s3://b/xx...xxxxxxxx"),
        ("file:///home/ann/project/data/raw.csv", 26, "file://.../data/raw.csv"),
        ("a-name-without-an-end", 15, "a-name...an-end"),
    ],
)
def test_of_an_address_the_end_is_kept(text: str, most: int, short: str) -> None:
    assert shortened(text, most) == short
    assert len(short) <= most


def test_an_image_is_known_by_its_name_behind_the_registry() -> None:
    image = entity(LineageKind.ARTIFACT, "Image", "123.dkr.ecr.us-west-2.amazonaws.com/team/churn:1")
    assert (label_of(image), name_of(image)) == ("churn:1", image.source_uri)
    assert label_of(entity(LineageKind.ARTIFACT, "Image", "python")) == "python"
    assert label_of(entity(LineageKind.ARTIFACT, "Image", "odd/")) == "odd/"


def test_a_review_is_known_by_what_it_said() -> None:
    properties = {"Stage": "Production", "StageStatus": "Live", "By": "ann"}
    told: JsonObject = {"Properties": properties, "Description": "go"}
    stage = entity(LineageKind.ACTION, "ModelLifeCycle", "arn:p", "long-name-of-it", told)
    assert name_of(stage) == "Production Live"
    assert details_of(stage).endswith("  by ann  go")
    assert name_of(entity(LineageKind.ACTION, "Other", "arn:p", "mine")) == "mine"
