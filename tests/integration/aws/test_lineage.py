"""Lineage as boto3 sees it: artifacts, actions, contexts, associations, and questions about them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.registry import own_name, pages, refused
from support.wire import Wire


@pytest.fixture
def sagemaker(wire: Wire) -> Any:
    return wire.client("sagemaker")


def artifact(sagemaker: Any, kind: str = "DataSet", **more: Any) -> str:
    uri = f"s3://data/{own_name('thing')}"
    made = sagemaker.create_artifact(Source={"SourceUri": uri}, ArtifactType=kind, **more)
    return str(made["ArtifactArn"])


def action(sagemaker: Any, kind: str = "ModelDeployment") -> str:
    made = sagemaker.create_action(ActionName=own_name("Act"), Source={"SourceUri": "x"}, ActionType=kind)
    return str(made["ActionArn"])


def context(sagemaker: Any, kind: str = "Endpoint") -> str:
    made = sagemaker.create_context(ContextName=own_name("Ctx"), Source={"SourceUri": "x"}, ContextType=kind)
    return str(made["ContextArn"])


def connect(sagemaker: Any, *arns: str, kind: str = "ContributedTo") -> None:
    for source, destination in itertools.pairwise(arns):
        sagemaker.add_association(SourceArn=source, DestinationArn=destination, AssociationType=kind)


def vertices(answer: Any) -> list[str]:
    return [vertex["Arn"] for vertex in answer["Vertices"]]


class TestArtifacts:
    def test_one_is_made_described_changed_and_deleted(self, wire: Wire, sagemaker: Any) -> None:
        source = {
            "SourceUri": f"s3://data/{own_name('train')}",
            "SourceTypes": [{"SourceIdType": "S3ETag", "Value": "abc"}],
        }
        arn = sagemaker.create_artifact(
            ArtifactName="Train", Source=source, ArtifactType="DataSet", Properties={"rows": "10", "a": "b"},
            MetadataProperties={"CommitId": "c0ffee"}, Tags=[{"Key": "team", "Value": "churn"}],
        )["ArtifactArn"]  # fmt: skip
        described = sagemaker.describe_artifact(ArtifactArn=arn)
        assert (described["ArtifactName"], described["ArtifactType"]) == ("Train", "DataSet")
        assert described["Source"] == source
        assert described["MetadataProperties"] == {"CommitId": "c0ffee"}
        group = wire.platform.settings.arns.sagemaker("lineage-group", "sagemaker-default-lineage-group")
        assert described["LineageGroupArn"] == group
        assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "churn"}]
        changed = {"ArtifactName": "Training", "Properties": {"rows": "11"}, "PropertiesToRemove": ["a"]}
        assert sagemaker.update_artifact(ArtifactArn=arn, **changed)["ArtifactArn"] == arn
        described = sagemaker.describe_artifact(ArtifactArn=arn)
        assert (described["ArtifactName"], described["Properties"]) == ("Training", {"rows": "11"})
        assert described["LastModifiedTime"] > described["CreationTime"]
        assert sagemaker.delete_artifact(Source=source)["ArtifactArn"] == arn
        for call in (sagemaker.describe_artifact, sagemaker.update_artifact, sagemaker.delete_artifact):
            assert refused(call, ArtifactArn=arn).code == "ResourceNotFound"
        assert refused(sagemaker.list_tags, ResourceArn=arn).code == "ResourceNotFound"

    def test_the_same_source_is_the_same_artifact_and_other_source_types_are_another(
        self, sagemaker: Any
    ) -> None:
        uri = f"s3://data/{own_name('same')}"
        types = [{"SourceIdType": "MD5Hash", "Value": "1"}, {"SourceIdType": "Custom", "Value": "2"}]
        plain = sagemaker.create_artifact(Source={"SourceUri": uri}, ArtifactType="DataSet")["ArtifactArn"]
        told = sagemaker.create_artifact(
            Source={"SourceUri": uri, "SourceTypes": types}, ArtifactType="DataSet"
        )["ArtifactArn"]
        assert plain != told
        again = refused(
            sagemaker.create_artifact,
            Source={"SourceUri": uri, "SourceTypes": types[::-1]},
            ArtifactType="Model",
        )
        assert again.code == "ValidationException"
        assert "already exists" in again.message
        assert told in again.message
        listed = sagemaker.list_artifacts(SourceUri=uri)["ArtifactSummaries"]
        assert [one["ArtifactArn"] for one in listed] == [told, plain]

    def test_they_are_listed_by_type_and_time_page_by_page(self, sagemaker: Any) -> None:
        kind = own_name("Kind")
        made = [artifact(sagemaker, kind, ArtifactName="Same") for _ in range(5)]
        found = list(pages(sagemaker.list_artifacts, "ArtifactSummaries", ArtifactType=kind, MaxResults=2))
        assert [len(page) for page in found] == [2, 2, 1]
        assert [one["ArtifactArn"] for page in found for one in page] == made[::-1]
        middle = sagemaker.describe_artifact(ArtifactArn=made[2])["CreationTime"]
        later = sagemaker.list_artifacts(ArtifactType=kind, CreatedAfter=middle, SortOrder="Ascending")
        assert [one["ArtifactArn"] for one in later["ArtifactSummaries"]] in (made[3:], made[2:])
        token = sagemaker.list_artifacts(ArtifactType=kind, MaxResults=2)["NextToken"]
        error = refused(sagemaker.list_artifacts, ArtifactType="Other", MaxResults=2, NextToken=token)
        assert error.code == "ValidationException"

    def test_more_than_thirty_properties_are_refused(self, sagemaker: Any) -> None:
        arn = artifact(sagemaker, Properties={f"p{n}": "x" for n in range(30)})
        error = refused(sagemaker.update_artifact, ArtifactArn=arn, Properties={"one": "more"})
        assert error.code == "ValidationException"
        sagemaker.update_artifact(ArtifactArn=arn, Properties={"one": "more"}, PropertiesToRemove=["p0"])
        assert len(sagemaker.describe_artifact(ArtifactArn=arn)["Properties"]) == 30

    def test_deleting_needs_to_be_told_what(self, sagemaker: Any) -> None:
        assert refused(sagemaker.delete_artifact).code == "ValidationException"


class TestActionsAndContexts:
    def test_an_action_has_a_name_a_status_and_properties(self, sagemaker: Any) -> None:
        name = own_name("Deploy")
        sagemaker.create_action(
            ActionName=name, Source={"SourceUri": "bazz", "SourceType": "ARN", "SourceId": "7"},
            ActionType="ModelDeployment", Status="InProgress", Description="why",
        )  # fmt: skip
        sagemaker.update_action(ActionName=name, Status="Completed", Properties={"k": "v"})
        described = sagemaker.describe_action(ActionName=name)
        assert (described["Status"], described["Description"]) == ("Completed", "why")
        assert described["Source"] == {"SourceUri": "bazz", "SourceType": "ARN", "SourceId": "7"}
        assert sagemaker.describe_action(ActionName=described["ActionArn"])["Properties"] == {"k": "v"}
        [listed] = sagemaker.list_actions(SourceUri="bazz", ActionType="ModelDeployment")["ActionSummaries"]
        assert (listed["ActionName"], listed["Status"]) == (name, "Completed")
        error = refused(
            sagemaker.create_action, ActionName=name.upper(), Source={"SourceUri": "x"}, ActionType="y"
        )
        assert (error.code, "already exists" in error.message) == ("ValidationException", True)
        sagemaker.delete_action(ActionName=name)
        assert refused(sagemaker.describe_action, ActionName=name).code == "ResourceNotFound"

    def test_contexts_are_sorted_by_name(self, sagemaker: Any) -> None:
        kind = own_name("Sorted")
        for name in ("b-1", "a_2", "c-3"):
            sagemaker.create_context(
                ContextName=f"{kind}-{name}", Source={"SourceUri": "bar"}, ContextType=kind
            )
        chosen = {"ContextType": kind, "SortBy": "Name", "SortOrder": "Ascending", "MaxResults": 1}
        found = list(pages(sagemaker.list_contexts, "ContextSummaries", **chosen))
        assert [page[0]["ContextName"].removeprefix(f"{kind}-") for page in found] == ["a_2", "b-1", "c-3"]

    def test_what_is_no_arn_of_that_kind_is_refused(self, sagemaker: Any) -> None:
        arn = action(sagemaker)
        assert refused(sagemaker.describe_context, ContextName=arn).code == "ValidationException"
        for call in (sagemaker.describe_context, sagemaker.delete_context):
            assert refused(call, ContextName="nowhere").code == "ResourceNotFound"


class TestAssociations:
    def test_they_are_listed_with_the_names_and_types_of_their_ends(self, sagemaker: Any) -> None:
        model, deployed, endpoint = artifact(sagemaker, "Model"), action(sagemaker), context(sagemaker)
        connect(sagemaker, model, deployed, endpoint)
        [found] = sagemaker.list_associations(SourceArn=model)["AssociationSummaries"]
        assert found["DestinationArn"] == deployed
        assert (found["SourceType"], found["DestinationType"]) == ("Model", "ModelDeployment")
        assert found["AssociationType"] == "ContributedTo"
        assert found["DestinationName"].lower() == deployed.rpartition("/")[2]
        assert "SourceName" not in found
        for chosen in (
            {"DestinationType": "Endpoint"}, {"DestinationType": "Context"}, {"SourceType": "Action"},
            {"AssociationType": "ContributedTo"}, {"DestinationArn": endpoint},
            {"CreatedBefore": datetime.now(UTC) + timedelta(minutes=1)},
        ):  # fmt: skip
            [found] = sagemaker.list_associations(SourceArn=deployed, **chosen)["AssociationSummaries"]
            assert found["DestinationArn"] == endpoint
        for chosen in ({"DestinationType": "Model"}, {"AssociationType": "Produced"}):
            assert not sagemaker.list_associations(SourceArn=deployed, **chosen)["AssociationSummaries"]
        nowhere = f"{model[:-32]}{'0' * 32}"
        assert not sagemaker.list_associations(SourceArn=nowhere)["AssociationSummaries"]

    @pytest.mark.parametrize(
        "order", ["SourceArn", "DestinationArn", "SourceType", "DestinationType", "CreationTime"]
    )
    def test_every_order_goes_page_by_page(self, sagemaker: Any, order: str) -> None:
        middle = context(sagemaker)
        made = [artifact(sagemaker, kind) for kind in ("B", "A", "C", "A")]
        for one in made:
            connect(sagemaker, one, middle)
        chosen = {"DestinationArn": middle, "SortBy": order, "SortOrder": "Ascending", "MaxResults": 3}
        found = list(pages(sagemaker.list_associations, "AssociationSummaries", **chosen))
        assert [len(page) for page in found] == [3, 1]
        listed = [one for page in found for one in page]
        assert {one["SourceArn"] for one in listed} == set(made)
        assert [one[order] for one in listed] == sorted(one[order] for one in listed)

    def test_one_is_added_once_and_deleted_once(self, sagemaker: Any) -> None:
        ends = {"SourceArn": artifact(sagemaker), "DestinationArn": context(sagemaker)}
        assert {**ends} == {
            key: value for key, value in sagemaker.add_association(**ends).items() if key in ends
        }
        [found] = sagemaker.list_associations(**ends)["AssociationSummaries"]
        assert "AssociationType" not in found
        again = refused(sagemaker.add_association, **ends)
        assert (again.code, "already exists" in again.message) == ("ValidationException", True)
        sagemaker.delete_association(**ends)
        assert refused(sagemaker.delete_association, **ends).code == "ResourceNotFound"

    def test_what_has_associations_is_not_deleted(self, sagemaker: Any) -> None:
        data, endpoint = artifact(sagemaker), context(sagemaker)
        connect(sagemaker, data, endpoint)
        assert refused(sagemaker.delete_artifact, ArtifactArn=data).code == "ValidationException"
        name = endpoint.rpartition("/")[2]
        assert "associations" in refused(sagemaker.delete_context, ContextName=name).message
        sagemaker.delete_association(SourceArn=data, DestinationArn=endpoint)
        sagemaker.delete_artifact(ArtifactArn=data)
        sagemaker.delete_context(ContextName=name)

    def test_both_ends_must_be_there(self, wire: Wire, sagemaker: Any) -> None:
        data = artifact(sagemaker)
        arns = wire.platform.settings.arns
        for kind in ("artifact", "experiment-trial-component", "experiment"):
            missing = arns.sagemaker(kind, "missing")
            error = refused(sagemaker.add_association, SourceArn=data, DestinationArn=missing)
            assert error.code == "ResourceNotFound"

    def test_a_trial_component_can_be_an_end(self, sagemaker: Any) -> None:
        name = own_name("Step")
        arn = sagemaker.create_trial_component(TrialComponentName=name)["TrialComponentArn"]
        data = artifact(sagemaker)
        connect(sagemaker, data, arn)
        [found] = sagemaker.list_associations(SourceArn=data)["AssociationSummaries"]
        assert (found["DestinationName"], found["DestinationType"]) == (
            name,
            "SageMakerExperimentTrialComponent",
        )
        answer = sagemaker.query_lineage(StartArns=[data], Direction="Descendants")
        assert {"Arn": arn, "Type": "ExperimentTrialComponent", "LineageType": "TrialComponent"} in answer[
            "Vertices"
        ]


class TestQuestions:
    @pytest.fixture
    def chain(self, sagemaker: Any) -> list[str]:
        made = [
            artifact(sagemaker, "DataSet", Properties={"rows": "10"}),
            action(sagemaker, "Training"),
            artifact(sagemaker, "Model"),
            action(sagemaker),
            context(sagemaker),
        ]
        connect(sagemaker, *made)
        return made

    def test_up_down_and_both(self, sagemaker: Any, chain: list[str]) -> None:
        data, trained, model, deployed, endpoint = chain
        for direction, expected in {
            "Ascendants": [model, trained, data],
            "Descendants": [model, deployed, endpoint],
            "Both": [model, trained, data, deployed, endpoint],
        }.items():
            answer = sagemaker.query_lineage(StartArns=[model], Direction=direction, IncludeEdges=True)
            assert vertices(answer) == expected
            assert len(answer["Edges"]) == len(expected) - 1
        assert vertices(sagemaker.query_lineage(StartArns=[model])) == expected
        assert not sagemaker.query_lineage(StartArns=[model])["Edges"]

    def test_depth(self, sagemaker: Any, chain: list[str]) -> None:
        answer = sagemaker.query_lineage(StartArns=[chain[0]], MaxDepth=2, IncludeEdges=True)
        assert vertices(answer) == chain[:3]
        assert refused(sagemaker.query_lineage, StartArns=[chain[0]], MaxDepth=0).code == (
            "ValidationException"
        )

    def test_filters_choose_what_is_answered_not_where_the_way_leads(
        self, sagemaker: Any, chain: list[str]
    ) -> None:
        data, trained, model, deployed, endpoint = chain
        future = datetime.now(UTC) + timedelta(days=1)
        for filters, expected in (
            ({"Types": ["Model", "Endpoint"]}, [model, endpoint]),
            ({"LineageTypes": ["Action"]}, [trained, deployed]),
            ({"LineageTypes": ["Artifact"], "Types": ["Model"]}, [model]),
            ({"Properties": {"rows": "10"}}, []),
            ({"CreatedAfter": future}, []),
            ({"ModifiedBefore": future}, [trained, model, deployed, endpoint]),
        ):
            assert vertices(sagemaker.query_lineage(StartArns=[data], Filters=filters)) == expected
        up = sagemaker.query_lineage(StartArns=[endpoint], Filters={"Properties": {"rows": "10"}})
        assert vertices(up) == [data]

    def test_cycles_end(self, sagemaker: Any, chain: list[str]) -> None:
        connect(sagemaker, chain[-1], chain[0])
        connect(sagemaker, chain[2], chain[2])
        answer = sagemaker.query_lineage(StartArns=[chain[0]], IncludeEdges=True)
        assert sorted(vertices(answer)) == sorted(chain)
        assert len(answer["Edges"]) == 6

    def test_pages(self, sagemaker: Any) -> None:
        start = artifact(sagemaker)
        for _ in range(5):
            connect(sagemaker, start, context(sagemaker))
        whole = vertices(sagemaker.query_lineage(StartArns=[start]))
        found: list[str] = []
        edges = 0
        token: dict[str, str] = {}
        while True:
            answer = sagemaker.query_lineage(StartArns=[start], MaxResults=4, IncludeEdges=True, **token)
            found += vertices(answer)
            edges += len(answer["Edges"])
            if "NextToken" not in answer:
                break
            token = {"NextToken": answer["NextToken"]}
        assert (found, edges) == (whole, 5)
        error = refused(sagemaker.query_lineage, StartArns=[start], NextToken="bm8=")
        assert error.code == "ValidationException"

    def test_a_start_is_needed_and_must_be_there(self, sagemaker: Any, chain: list[str]) -> None:
        assert refused(sagemaker.query_lineage).code == "ValidationException"
        missing = f"{chain[1]}-missing"
        assert refused(sagemaker.query_lineage, StartArns=[missing]).code == "ResourceNotFound"


def test_there_is_one_lineage_group(sagemaker: Any) -> None:
    [group] = sagemaker.list_lineage_groups()["LineageGroupSummaries"]
    described = sagemaker.describe_lineage_group(LineageGroupName=group["LineageGroupName"])
    assert described["LineageGroupArn"] == group["LineageGroupArn"]
    assert described["CreationTime"] == group["CreationTime"]
    before = group["CreationTime"] - timedelta(seconds=1)
    assert not sagemaker.list_lineage_groups(CreatedBefore=before)["LineageGroupSummaries"]
    for call in (sagemaker.describe_lineage_group, sagemaker.get_lineage_group_policy):
        assert refused(call, LineageGroupName="other").code == "ResourceNotFound"
    assert (
        refused(sagemaker.get_lineage_group_policy, LineageGroupName=group["LineageGroupName"]).code
        == "ResourceNotFound"
    )
