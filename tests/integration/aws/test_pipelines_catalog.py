"""Pipelines, their versions and aliases, as boto3 sees them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stepmill.storage.objects.uri import S3Uri
from support.registry import pages, refused
from support.wire import Wire
from support.wire_pipelines import PASSES, ROLE, WAITS, Pipelines, decide, document, own_name, token

OTHER = document(decide("Other"))
HOUR = timedelta(hours=1)


@pytest.fixture
def pipelines(wire: Wire) -> Pipelines:
    return Pipelines(wire)


@pytest.fixture
def client(pipelines: Pipelines) -> Any:
    return pipelines.client


def arn_of(wire: Wire, name: str) -> str:
    return wire.platform.settings.arns.pipeline(name)


def create(client: Any, name: str, **more: Any) -> Any:
    given = {"ClientRequestToken": token(), "RoleArn": ROLE, **more}
    return client.create_pipeline(PipelineName=name, **given)


class TestCreate:
    def test_a_pipeline_is_described_as_it_was_made(self, wire: Wire, client: Any) -> None:
        name = own_name("Abalone")
        made = create(
            client,
            name,
            PipelineDefinition=PASSES,
            PipelineDisplayName="Shells",
            PipelineDescription="Counts rings.",
            ParallelismConfiguration={"MaxParallelExecutionSteps": 3},
            Tags=[{"Key": "team", "Value": "sea"}],
            PipelineVersionAliases=["prod"],
        )
        assert made["PipelineArn"] == arn_of(wire, name)
        for reference in (name, name.lower(), made["PipelineArn"]):
            found = client.describe_pipeline(PipelineName=reference)
            assert found["PipelineArn"] == made["PipelineArn"]
            assert (found["PipelineName"], found["PipelineDisplayName"]) == (name, "Shells")
            assert (found["PipelineDescription"], found["RoleArn"]) == ("Counts rings.", ROLE)
            assert (found["PipelineDefinition"], found["PipelineStatus"]) == (PASSES, "Active")
            assert found["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 3}
            assert found["PipelineVersionAliases"] == ["prod"]
            assert found["CreationTime"] == found["LastModifiedTime"]
            assert found["CreatedBy"]["IamIdentity"]["Arn"].endswith("/test")
            assert "LastRunTime" not in found
        tags = client.list_tags(ResourceArn=made["PipelineArn"])["Tags"]
        assert tags == [{"Key": "team", "Value": "sea"}]

    def test_a_name_is_taken_once_and_sdks_find_the_words(self, client: Any, pipelines: Pipelines) -> None:
        name = pipelines.create()
        for given in (name, name.upper()):
            error = refused(create, client=client, name=given, PipelineDefinition=PASSES)
            assert error.code == "ValidationException"
            assert "already exists" in error.message

    def test_the_same_token_makes_it_once(self, client: Any) -> None:
        name, same = own_name(), token()
        first = create(client, name, PipelineDefinition=PASSES, ClientRequestToken=same)
        assert (
            create(client, name, PipelineDefinition=PASSES, ClientRequestToken=same)["PipelineArn"]
            == (first["PipelineArn"])
        )
        error = refused(create, client=client, name=name, PipelineDefinition=OTHER, ClientRequestToken=same)
        assert error.code == "ValidationException"

    def test_all_that_is_wrong_with_a_definition_is_told(self, client: Any) -> None:
        wrong = document(decide("A", {"Get": "Parameters.No"}), decide("A"), {"Name": "B", "Type": "Magic"})
        error = refused(create, client=client, name=own_name(), PipelineDefinition=wrong)
        assert error.code == "ValidationException"
        for part in ("'No'", "'A'", "Magic", "Steps[2].Type"):
            assert part in error.message
        error = refused(create, client=client, name=own_name(), PipelineDefinition="{")
        assert error.code == "ValidationException"
        assert "JSON" in error.message

    def test_a_definition_is_read_from_s3(self, wire: Wire, client: Any) -> None:
        wire.platform.objects.create_bucket("definitions", exist_ok=True)
        wire.platform.objects.put_bytes(S3Uri("definitions", "a/p.json"), PASSES.encode())
        wire.platform.objects.put_bytes(S3Uri("definitions", "bytes"), b"\xff\xfe")
        location = {"Bucket": "definitions", "ObjectKey": "a/p.json"}
        name = own_name()
        create(client, name, PipelineDefinitionS3Location=location)
        assert client.describe_pipeline(PipelineName=name)["PipelineDefinition"] == PASSES
        for wrong in ({**location, "ObjectKey": "none"}, {**location, "ObjectKey": "bytes"}):
            error = refused(create, client=client, name=own_name(), PipelineDefinitionS3Location=wrong)
            assert error.code == "ValidationException"
            assert "cannot be read" in error.message
        both = {"PipelineDefinitionS3Location": location, "PipelineDefinition": PASSES}
        assert refused(create, client=client, name=own_name(), **both).code == "ValidationException"
        assert refused(create, client=client, name=own_name()).code == "ValidationException"
        versioned = {**location, "VersionId": "abc"}
        error = refused(create, client=client, name=own_name(), PipelineDefinitionS3Location=versioned)
        assert error.code == "UnsupportedOperation"

    def test_what_the_model_forbids_is_refused(self, client: Any) -> None:
        for more in ({"PipelineVersionAliases": ["12"]}, {"RoleArn": "arn:aws:iam::1:user/somebody-else"}):
            error = refused(create, client=client, name=own_name(), PipelineDefinition=PASSES, **more)
            assert error.code == "ValidationException"


class TestUpdate:
    def test_another_definition_is_another_version(self, client: Any, pipelines: Pipelines) -> None:
        name = pipelines.create()
        changed = client.update_pipeline(PipelineName=name, PipelineDefinition=OTHER)
        assert changed["PipelineVersionId"] == 2
        again = client.update_pipeline(
            PipelineName=name,
            PipelineDescription="New.",
            ParallelismConfiguration={"MaxParallelExecutionSteps": 7},
        )
        assert again["PipelineVersionId"] == 2
        found = client.describe_pipeline(PipelineName=name)
        assert (found["PipelineDefinition"], found["PipelineDescription"]) == (OTHER, "New.")
        assert found["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 7}
        assert found["LastModifiedTime"] > found["CreationTime"]
        first = client.describe_pipeline(PipelineName=name, PipelineVersionId=1)
        assert first["PipelineDefinition"] == PASSES

    def test_what_is_wrong_is_refused(self, client: Any, pipelines: Pipelines) -> None:
        error = refused(client.update_pipeline, PipelineName=own_name(), PipelineDefinition=OTHER)
        assert error.code == "ResourceNotFound"
        name = pipelines.create(PipelineVersionAliases=["one"])
        for more, code in (
            ({"PipelineDefinition": "{}"}, "ValidationException"),
            ({"PipelineVersionAliases": ["two"]}, "ValidationException"),
            ({"PipelineDefinition": OTHER, "PipelineVersionAliases": ["one"]}, "ConflictException"),
        ):
            assert refused(client.update_pipeline, PipelineName=name, **more).code == code
        assert client.describe_pipeline(PipelineName=name)["PipelineDefinition"] == PASSES

    def test_a_version_is_named(self, wire: Wire, client: Any, pipelines: Pipelines) -> None:
        name = pipelines.create(PipelineVersionAliases=["prod"])
        client.update_pipeline(PipelineName=name, PipelineDefinition=OTHER)
        arn = arn_of(wire, name)

        def move(version: int, **operations: list[str]) -> Any:
            return client.update_pipeline_version(
                PipelineArn=arn,
                PipelineVersionId=version,
                PipelineVersionDisplayName=f"v{version}",
                PipelineVersionDescription="Said.",
                PipelineVersionAliasOperations=operations,
            )

        assert refused(move, version=2, Add=["prod"]).code == "ConflictException"
        assert refused(move, version=2, Remove=["prod"]).code == "ValidationException"
        assert refused(move, version=3, Add=["next"]).code == "ResourceNotFound"
        move(1, Remove=["prod"])
        moved = move(2, Add=["prod", "next"])
        assert (moved["PipelineArn"], moved["PipelineVersionId"]) == (arn, 2)
        found = client.describe_pipeline(PipelineName=name, PipelineVersionAlias="prod")
        assert found["PipelineVersionAliases"] == ["next", "prod"]
        assert (found["PipelineVersionDisplayName"], found["PipelineVersionDescription"]) == ("v2", "Said.")
        describe = client.describe_pipeline
        error = refused(describe, PipelineName=name, PipelineVersionAlias="old")
        assert error.code == "ResourceNotFound"
        error = refused(describe, PipelineName=name, PipelineVersionAlias="prod", PipelineVersionId=2)
        assert error.code == "ValidationException"


class TestDelete:
    def test_it_goes_with_its_executions(self, wire: Wire, client: Any, pipelines: Pipelines) -> None:
        name, same = pipelines.create(Tags=[{"Key": "a", "Value": "b"}]), token()
        execution = pipelines.start(name)
        pipelines.end(execution)
        arn = client.delete_pipeline(PipelineName=name, ClientRequestToken=same)["PipelineArn"]
        assert arn == arn_of(wire, name)
        for call, given in (
            (client.describe_pipeline, {"PipelineName": name}),
            (client.list_pipeline_executions, {"PipelineName": name}),
            (client.list_pipeline_versions, {"PipelineName": name}),
            (client.describe_pipeline_execution, {"PipelineExecutionArn": execution}),
            (client.list_pipeline_execution_steps, {"PipelineExecutionArn": execution}),
            (client.list_tags, {"ResourceArn": arn}),
            (client.delete_pipeline, {"PipelineName": name, "ClientRequestToken": token()}),
            (client.start_pipeline_execution, {"PipelineName": name, "ClientRequestToken": token()}),
        ):
            assert refused(call, **given).code == "ResourceNotFound", call
        assert client.delete_pipeline(PipelineName=name, ClientRequestToken=same)["PipelineArn"] == arn
        assert wire.platform.tags.of(arn) == {}

    def test_not_while_it_runs(self, client: Any, pipelines: Pipelines) -> None:
        name = pipelines.create(WAITS)
        execution = pipelines.start(name)
        pipelines.callback_token(execution)
        delete = {"PipelineName": name, "ClientRequestToken": token()}
        error = refused(client.delete_pipeline, **delete)
        assert error.code == "ConflictException"
        assert client.describe_pipeline(PipelineName=name)["PipelineStatus"] == "Active"
        pipelines.stop(execution)
        client.delete_pipeline(**delete)
        assert refused(client.describe_pipeline, PipelineName=name).code == "ResourceNotFound"

    def test_tokens_of_one_that_was_deleted_mean_nothing_to_the_next(
        self, client: Any, pipelines: Pipelines
    ) -> None:
        name, same = pipelines.create(), token()
        first = pipelines.start(name, ClientRequestToken=same)
        pipelines.end(first)
        client.delete_pipeline(PipelineName=name, ClientRequestToken=token())
        pipelines.create(name=name)
        second = pipelines.start(name, ClientRequestToken=same)
        assert second != first
        assert pipelines.end(second)["PipelineExecutionStatus"] == "Succeeded"
        assert (
            client.list_pipeline_versions(PipelineName=name)["PipelineVersionSummaries"][0][
                "PipelineVersionId"
            ]
            == 1
        )


class TestListing:
    def test_pipelines_by_prefix_order_and_page(self, client: Any, pipelines: Pipelines) -> None:
        base = own_name("Listed")
        names = [pipelines.create(name=f"{base}-{letter}", PipelineDescription="d") for letter in "bca"]
        summaries = "PipelineSummaries"

        def listed(**given: Any) -> list[str]:
            found = client.list_pipelines(PipelineNamePrefix=base, **given)[summaries]
            return [each["PipelineName"].removeprefix(f"{base}-") for each in found]

        assert listed() == ["a", "c", "b"]
        assert listed(SortOrder="Ascending") == ["b", "c", "a"]
        assert listed(SortBy="Name", SortOrder="Ascending") == ["a", "b", "c"]
        assert listed(SortBy="Name") == ["c", "b", "a"]
        assert listed(ManagedBy="AWS") == []
        assert len(listed(ManagedBy="CUSTOMER")) == 3
        born = client.describe_pipeline(PipelineName=names[1])["CreationTime"]
        assert len(listed(CreatedAfter=born - HOUR, CreatedBefore=born + HOUR)) == 3
        assert listed(CreatedAfter=born + HOUR) == listed(CreatedBefore=born - HOUR) == []
        found = list(pages(client.list_pipelines, summaries, PipelineNamePrefix=base, MaxResults=2))
        assert [[each["PipelineName"] for each in page] for page in found] == [names[:0:-1], names[:1]]
        paginator = client.get_paginator("list_pipelines").paginate(
            PipelineNamePrefix=base, PaginationConfig={"PageSize": 1}
        )
        assert [each["PipelineName"] for page in paginator for each in page[summaries]] == names[::-1]

    def test_a_summary_says_when_it_was_run_last(self, client: Any, pipelines: Pipelines) -> None:
        name = pipelines.create(PipelineDescription="d")

        def summary() -> Any:
            (found,) = client.list_pipelines(PipelineNamePrefix=name)["PipelineSummaries"]
            return found

        assert "LastExecutionTime" not in summary()
        execution = pipelines.start(name)
        started = pipelines.end(execution)["CreationTime"]
        assert summary()["LastExecutionTime"] == started
        assert client.describe_pipeline(PipelineName=name)["LastRunTime"] == started
        assert (summary()["PipelineDescription"], summary()["RoleArn"]) == ("d", ROLE)

    def test_versions_newest_first(self, client: Any, pipelines: Pipelines) -> None:
        name = pipelines.create(PipelineVersionAliases=["one"])
        first = pipelines.start(name)
        for number in (2, 3):
            client.update_pipeline(PipelineName=name, PipelineDefinition=document(decide(f"V{number}")))
        third = pipelines.start(name)
        listed = client.list_pipeline_versions(PipelineName=name)["PipelineVersionSummaries"]
        assert [each["PipelineVersionId"] for each in listed] == [3, 2, 1]
        assert [each.get("LastExecutionPipelineExecutionArn") for each in listed] == [third, None, first]
        assert listed[2]["PipelineVersionAliases"] == ["one"]
        found = pages(
            client.list_pipeline_versions,
            "PipelineVersionSummaries",
            PipelineName=name,
            SortOrder="Ascending",
            MaxResults=2,
        )
        assert [[each["PipelineVersionId"] for each in page] for page in found] == [[1, 2], [3]]

    def test_a_token_of_another_listing_is_refused(self, client: Any, pipelines: Pipelines) -> None:
        base = own_name("Token")
        for letter in "ab":
            pipelines.create(name=f"{base}-{letter}")
        page = client.list_pipelines(PipelineNamePrefix=base, MaxResults=1)
        for given in ({"PipelineNamePrefix": f"{base}-"}, {"SortBy": "Name"}):
            error = refused(client.list_pipelines, NextToken=page["NextToken"], **given)
            assert error.code == "ValidationException"
        assert refused(client.list_pipelines, NextToken="nonsense").code == "ValidationException"


def test_arns_of_others_are_not_here(client: Any) -> None:
    for arn, code in (
        ("arn:aws:sagemaker:us-west-2:999999999999:pipeline/p", "ResourceNotFound"),
        ("arn:aws:sagemaker:eu-west-1:123456789012:pipeline/p", "ResourceNotFound"),
        ("arn:aws:sagemaker:us-west-2:123456789012:pipeline/p", "ResourceNotFound"),
    ):
        assert refused(client.describe_pipeline, PipelineName=arn).code == code
