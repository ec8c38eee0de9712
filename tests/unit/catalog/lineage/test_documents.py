"""Lineage entities as documents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.lineage.documents import (
    ACTION,
    ARTIFACT,
    artifact_arn,
    changed,
    describe,
    entity_of_request,
    place_of,
    vertex,
)
from stepmill.core.arns import Arns
from stepmill.core.errors import InvalidInputError
from stepmill.storage.lineage import Entity, LineageKind

ARNS = Arns("us-west-2", "123456789012")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def types(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"SourceIdType": kind, "Value": value} for kind, value in pairs]


class TestArns:
    def test_no_types_and_no_list_of_types_are_the_same_source(self) -> None:
        assert artifact_arn(ARNS, {"SourceUri": "x"}) == artifact_arn(
            ARNS, {"SourceUri": "x", "SourceTypes": []}
        )

    @given(st.permutations([("MD5Hash", "1"), ("S3ETag", "2"), ("Custom", "3")]))
    def test_the_order_of_types_means_nothing(self, pairs: list[tuple[str, str]]) -> None:
        first = {"SourceUri": "x", "SourceTypes": types(("Custom", "3"), ("MD5Hash", "1"), ("S3ETag", "2"))}
        assert artifact_arn(ARNS, first) == artifact_arn(
            ARNS, {"SourceUri": "x", "SourceTypes": types(*pairs)}
        )

    def test_other_sources_are_other_artifacts(self) -> None:
        sources: list[dict[str, Any]] = [
            {"SourceUri": "x"},
            {"SourceUri": "y"},
            {"SourceUri": "x", "SourceTypes": types(("Custom", "1"))},
            {"SourceUri": "x", "SourceTypes": types(("MD5Hash", "1"))},
        ]
        assert len({artifact_arn(ARNS, source) for source in sources}) == len(sources)


class TestChanges:
    def test_properties_go_first_and_come_then(self) -> None:
        request = {"ActionName": "a", "Source": {"SourceUri": "x"}, "Properties": {"a": "1", "b": "2"}}
        entity = entity_of_request(request, ACTION, ARNS, NOW)
        update = {"Properties": {"a": "3"}, "PropertiesToRemove": ["a", "b", "c"], "Status": "Failed"}
        body = changed(entity, update, ACTION, NOW).body
        assert (body["Properties"], body["Status"]) == ({"a": "3"}, "Failed")

    def test_an_action_keeps_its_name(self) -> None:
        entity = entity_of_request({"ActionName": "a", "Source": {"SourceUri": "x"}}, ACTION, ARNS, NOW)
        assert changed(entity, {"ArtifactName": "b", "ActionName": "c"}, ACTION, NOW).name == "a"

    def test_too_many_properties(self) -> None:
        many = {"Properties": {str(n): "" for n in range(31)}, "Source": {"SourceUri": "x"}}
        with pytest.raises(InvalidInputError):
            entity_of_request(many, ARTIFACT, ARNS, NOW)

    def test_describe_tells_what_was_given(self) -> None:
        request = {"Source": {"SourceUri": "x"}, "ArtifactType": "DataSet"}
        described = describe(entity_of_request(request, ARTIFACT, ARNS, NOW), ARTIFACT, ARNS)
        assert "ArtifactName" not in described
        assert (described["Source"], described["Properties"]) == ({"SourceUri": "x"}, {})


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("s3://b/k/", "s3://b/k"),
        ("s3://b//k", "s3://b//k"),
        ("s3://", "s3://"),
        ("/tmp//x/", "file:///tmp/x"),
        ("/", "file:///"),
        ("file:///tmp/x", "file:///tmp/x"),
        ("", ""),
        ("arn:aws:s:::x/", "arn:aws:s:::x/"),
    ],
)
def test_places(uri: str, place: str) -> None:
    assert place_of(uri) == place
    assert place_of(place) == place


def test_a_component_is_called_by_its_job_in_answers() -> None:
    entity = Entity("a", LineageKind.COMPONENT, "SageMakerTrainingJob", "n", "", NOW, NOW)
    assert vertex(entity) == {"Arn": "a", "Type": "TrainingJob", "LineageType": "TrialComponent"}
