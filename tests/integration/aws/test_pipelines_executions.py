"""Executions of pipelines, as boto3 sees them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from stepmill.aws.service import Call, Caller
from stepmill.aws.services.sagemaker.executions import waits
from stepmill.aws.wire import Request
from support.cli import eventually
from support.registry import pages, refused
from support.wire import Wire
from support.wire_pipelines import (
    PASSES,
    ROLE,
    WAITS,
    Pipelines,
    callback,
    decide,
    document,
    fail,
    own_name,
    token,
)

OTHER_ROLE = "arn:aws:iam::123456789012:role/Other"
HOUR = timedelta(hours=1)
PARAMETERS = [
    {"Name": "Count", "Type": "Integer", "DefaultValue": 3},
    {"Name": "Rate", "Type": "Float"},
    {"Name": "Mode", "Type": "String", "EnumValues": ["a", "b"], "DefaultValue": "a"},
    {"Name": "Flag", "Type": "Boolean", "DefaultValue": False},
]


@pytest.fixture
def pipelines(wire: Wire) -> Pipelines:
    return Pipelines(wire)


@pytest.fixture
def client(pipelines: Pipelines) -> Any:
    return pipelines.client


def values(**given: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in given.items()]


class TestStart:
    def test_all_that_was_said_is_described(self, wire: Wire, client: Any, pipelines: Pipelines) -> None:
        name = pipelines.create(PipelineVersionAliases=["prod"])
        arn = pipelines.start(
            name.upper(),
            PipelineExecutionDisplayName="Monday",
            PipelineExecutionDescription="A trial.",
            ParallelismConfiguration={"MaxParallelExecutionSteps": 2},
        )
        pipeline_arn = wire.platform.settings.arns.pipeline(name)
        assert arn.startswith(f"{pipeline_arn}/execution/")
        found = pipelines.end(arn)
        assert (found["PipelineArn"], found["PipelineExecutionArn"]) == (pipeline_arn, arn)
        assert found["PipelineExecutionStatus"] == "Succeeded"
        assert (found["PipelineExecutionDisplayName"], found["PipelineExecutionDescription"]) == (
            "Monday",
            "A trial.",
        )
        assert found["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 2}
        assert (found["PipelineVersionId"], found["PipelineVersionAliases"]) == (1, ["prod"])
        assert found["RoleArn"] == ROLE
        assert found["PipelineExperimentConfig"] == {
            "ExperimentName": name,
            "TrialName": arn.rpartition("/")[2],
        }
        for member in ("CreatedBy", "LastModifiedBy"):
            assert found[member]["IamIdentity"]["Arn"].endswith("/test")
        assert found["LastModifiedTime"] >= found["CreationTime"]
        assert "FailureReason" not in found
        assert "SelectiveExecutionConfig" not in found

    def test_what_is_not_said_is_the_pipelines(self, pipelines: Pipelines) -> None:
        name = pipelines.create(ParallelismConfiguration={"MaxParallelExecutionSteps": 4})
        found = pipelines.end(pipelines.start(name))
        assert found["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 4}
        assert found["PipelineExecutionDisplayName"].startswith("execution-")
        assert pipelines.describe(pipelines.start(name, RoleArn=OTHER_ROLE))["RoleArn"] == OTHER_ROLE

    def test_parameters_are_texts_of_their_types(self, client: Any, pipelines: Pipelines) -> None:
        name = pipelines.create(document(decide("Gate"), parameters=PARAMETERS))
        arn = pipelines.start(name, PipelineParameters=values(Rate="0.5", Flag="True", Count=" 7"))
        answer = client.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)
        assert answer["PipelineParameters"] == values(Count="7", Rate="0.5", Mode="a", Flag="true")
        found = pages(
            client.list_pipeline_parameters_for_execution,
            "PipelineParameters",
            PipelineExecutionArn=arn,
            MaxResults=3,
        )
        assert [len(page) for page in found] == [3, 1]

    def test_wrong_parameters_are_named_all_at_once(self, client: Any, pipelines: Pipelines) -> None:
        name = pipelines.create(document(decide("Gate"), parameters=PARAMETERS))
        wrong = values(Count="many", Mode="c", Flag="maybe", Nope="1")
        error = refused(pipelines.start, name=name, PipelineParameters=wrong)
        assert error.code == "ValidationException"
        for part in ("'Count'", "'Mode'", "'Flag'", "'Nope'", "'Rate'"):
            assert part in error.message
        twice = values(Rate="1") + values(Rate="2")
        error = refused(pipelines.start, name=name, PipelineParameters=twice)
        assert (error.code, "twice" in error.message) == ("ValidationException", True)
        assert client.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"] == []

    def test_a_token_starts_once(self, client: Any, pipelines: Pipelines) -> None:
        name, same = pipelines.create(document(decide("Gate"), parameters=PARAMETERS)), token()
        first = pipelines.start(name, PipelineParameters=values(Rate="1"), ClientRequestToken=same)
        again = pipelines.start(name, PipelineParameters=values(Rate="1"), ClientRequestToken=same)
        assert again == first
        for more in (
            {"PipelineParameters": values(Rate="2")},
            {"PipelineParameters": values(Rate="1"), "PipelineExecutionDisplayName": "other"},
        ):
            error = refused(pipelines.start, name=name, ClientRequestToken=same, **more)
            assert error.code == "ConflictException"
        assert len(client.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]) == 1

    def test_a_version_is_chosen(self, client: Any, pipelines: Pipelines) -> None:
        name = pipelines.create(PipelineVersionAliases=["prod"])
        client.update_pipeline(PipelineName=name, PipelineDefinition=document(decide("Second")))
        for more, version, step in (
            ({}, 2, "Second"),
            ({"PipelineVersionId": 1}, 1, "Gate"),
            ({"PipelineVersionAlias": "prod"}, 1, "Gate"),
        ):
            arn = pipelines.start(name, **more)
            assert pipelines.end(arn)["PipelineVersionId"] == version
            assert [entry["StepName"] for entry in pipelines.steps(arn)] == [step]
        for more, code in (
            ({"PipelineVersionId": 3}, "ResourceNotFound"),
            ({"PipelineVersionAlias": "none"}, "ResourceNotFound"),
            ({"PipelineVersionId": 1, "PipelineVersionAlias": "prod"}, "ValidationException"),
        ):
            assert refused(pipelines.start, name=name, **more).code == code

    def test_what_is_not_offered_is_refused_by_name(self, client: Any, pipelines: Pipelines) -> None:
        cluster = {
            "Name": "Athlete",
            "Type": "EMR",
            "Arguments": {"ClusterId": "j-1", "StepConfig": {"HadoopJarStep": {"Jar": "s3://b/a.jar"}}},
        }
        name = pipelines.create(document(cluster))
        error = refused(pipelines.start, name=name)
        assert error.code == "UnsupportedOperation"
        assert "Athlete (EMR)" in error.message
        error = refused(pipelines.start, name=pipelines.create(), MlflowExperimentName="e")
        assert (error.code, "MLflow" in error.message) == ("UnsupportedOperation", True)

    def test_a_pipeline_that_is_not_there(self, pipelines: Pipelines) -> None:
        assert refused(pipelines.start, name=own_name()).code == "ResourceNotFound"


class TestSelection:
    @pytest.fixture
    def source(self, pipelines: Pipelines) -> str:
        steps = (decide("A"), decide("B", DependsOn=["A"]), fail("C", DependsOn=["B"]))
        arn = pipelines.start(pipelines.create(document(*steps)))
        assert pipelines.end(arn)["PipelineExecutionStatus"] == "Failed"
        return arn

    def _selective(self, pipelines: Pipelines, source: str, *steps: str, **more: Any) -> str:
        selection: dict[str, Any] = {"SelectedSteps": [{"StepName": step} for step in steps], **more}
        return pipelines.start(source.split("/")[1], SelectiveExecutionConfig=selection)

    def test_only_those_run_and_say_so(self, pipelines: Pipelines, source: str) -> None:
        arn = self._selective(pipelines, source, "B", SourcePipelineExecutionArn=source)
        found = pipelines.end(arn)
        assert found["PipelineExecutionStatus"] == "Succeeded"
        assert found["SelectiveExecutionConfig"] == {
            "SourcePipelineExecutionArn": source,
            "SelectedSteps": [{"StepName": "B"}],
        }
        entries = {entry["StepName"]: entry for entry in pipelines.steps(arn)}
        assert entries["A"]["SelectiveExecutionResult"] == {"SourcePipelineExecutionArn": source}
        assert "SelectiveExecutionResult" not in entries["B"]
        assert "C" not in entries

    def test_without_a_source_nothing_is_taken_over(self, pipelines: Pipelines, source: str) -> None:
        found = pipelines.end(self._selective(pipelines, source, "B"))
        assert found["SelectiveExecutionConfig"] == {"SelectedSteps": [{"StepName": "B"}]}

    def test_what_cannot_be_selected_is_refused(self, pipelines: Pipelines, source: str) -> None:
        other = pipelines.start(pipelines.create())
        pipelines.end(other)
        running = pipelines.start(pipelines.create(WAITS))
        for steps, more, code in (
            (("Nope",), {}, "ValidationException"),
            (("A", "C"), {}, "ValidationException"),
            (("A",), {"SourcePipelineExecutionArn": other}, "ValidationException"),
            (("A",), {"SourcePipelineExecutionArn": source[:-3] + "000"}, "ResourceNotFound"),
        ):
            assert self._refused(pipelines, source, steps, more) == code, (steps, more)
        assert self._refused(pipelines, running, ("Ask",), {"SourcePipelineExecutionArn": running}) == (
            "ValidationException"
        )
        pipelines.callback_token(running)
        pipelines.stop(running)

    def _refused(
        self, pipelines: Pipelines, source: str, steps: tuple[str, ...], more: dict[str, Any]
    ) -> str:
        def call(**_: Any) -> str:
            return self._selective(pipelines, source, *steps, **more)

        return refused(call).code


class TestSteering:
    def test_stop_waits_for_the_answer_of_a_callback(self, client: Any, pipelines: Pipelines) -> None:
        arn = pipelines.start(pipelines.create(WAITS))
        waiting = pipelines.callback_token(arn)
        same = token()
        stop = {"PipelineExecutionArn": arn, "ClientRequestToken": same}
        assert client.stop_pipeline_execution(**stop)["PipelineExecutionArn"] == arn
        assert client.stop_pipeline_execution(**stop)["PipelineExecutionArn"] == arn
        eventually(
            lambda: pipelines.describe(arn)["PipelineExecutionStatus"] == "Stopping" or None, "Stopping"
        )
        client.send_pipeline_execution_step_success(CallbackToken=waiting)
        found = pipelines.end(arn)
        assert found["PipelineExecutionStatus"] == "Stopped"
        assert client.stop_pipeline_execution(**stop)["PipelineExecutionArn"] == arn
        error = refused(client.stop_pipeline_execution, **{**stop, "ClientRequestToken": token()})
        assert error.code == "ValidationException"
        assert "Stopped" in error.message

    def test_retry_goes_on_where_it_failed(self, client: Any, pipelines: Pipelines) -> None:
        arn = pipelines.start(pipelines.create(document(decide("A"), callback("Ask", DependsOn=["A"]))))
        client.send_pipeline_execution_step_failure(
            CallbackToken=pipelines.callback_token(arn), FailureReason="Not today."
        )
        found = pipelines.end(arn)
        assert found["PipelineExecutionStatus"] == "Failed"
        assert "Step failure" in found["FailureReason"]
        (entry,) = [each for each in pipelines.steps(arn) if each["StepName"] == "Ask"]
        assert "Not today." in entry["FailureReason"]
        retry = {"PipelineExecutionArn": arn, "ClientRequestToken": token()}
        parallel = {"ParallelismConfiguration": {"MaxParallelExecutionSteps": 9}}
        client.retry_pipeline_execution(**retry, **parallel)
        found = pipelines.describe(arn)
        assert found["PipelineExecutionStatus"] == "Executing"
        assert found["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 9}
        client.send_pipeline_execution_step_success(CallbackToken=pipelines.callback_token(arn))
        assert pipelines.end(arn)["PipelineExecutionStatus"] == "Succeeded"
        client.retry_pipeline_execution(**retry, **parallel)
        assert pipelines.describe(arn)["PipelineExecutionStatus"] == "Succeeded"
        entries = {entry["StepName"]: entry["AttemptCount"] for entry in pipelines.steps(arn)}
        assert entries == {"A": 1, "Ask": 2}
        error = refused(client.retry_pipeline_execution, **{**retry, "ClientRequestToken": token()})
        assert error.code == "ValidationException"

    def test_update_while_it_runs_and_after(self, client: Any, pipelines: Pipelines) -> None:
        arn = pipelines.start(pipelines.create(WAITS), PipelineExecutionDescription="Old.")
        waiting = pipelines.callback_token(arn)
        answer = client.update_pipeline_execution(
            PipelineExecutionArn=arn,
            PipelineExecutionDisplayName="New",
            ParallelismConfiguration={"MaxParallelExecutionSteps": 6},
        )
        assert answer["PipelineExecutionArn"] == arn
        found = pipelines.describe(arn)
        assert (found["PipelineExecutionDisplayName"], found["PipelineExecutionDescription"]) == (
            "New",
            "Old.",
        )
        assert found["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 6}
        client.send_pipeline_execution_step_success(CallbackToken=waiting)
        pipelines.end(arn)
        client.update_pipeline_execution(PipelineExecutionArn=arn, PipelineExecutionDescription="Last.")
        found = pipelines.describe(arn)
        assert (found["PipelineExecutionDescription"], found["PipelineExecutionStatus"]) == (
            "Last.",
            "Succeeded",
        )

    def test_executions_that_are_not_there(self, wire: Wire, client: Any, pipelines: Pipelines) -> None:
        arns = wire.platform.settings.arns
        name = pipelines.create()
        real = pipelines.start(name)
        other = pipelines.create()
        calls: list[tuple[Callable[..., Any], dict[str, Any]]] = [
            (client.describe_pipeline_execution, {}),
            (client.list_pipeline_execution_steps, {}),
            (client.list_pipeline_parameters_for_execution, {}),
            (client.describe_pipeline_definition_for_execution, {}),
            (client.update_pipeline_execution, {}),
            (client.stop_pipeline_execution, {"ClientRequestToken": token()}),
            (client.retry_pipeline_execution, {"ClientRequestToken": token()}),
        ]
        for call, given in calls:
            for arn in (
                arns.execution(name, "000000000000"),
                arns.execution(other, real.rpartition("/")[2]),
                real.replace(arns.account, "999999999999"),
            ):
                assert refused(call, PipelineExecutionArn=arn, **given).code == "ResourceNotFound", (
                    call,
                    arn,
                )
            error = refused(
                call, PipelineExecutionArn="arn:aws:sagemaker:us-west-2:123456789012:model/m", **given
            )
            assert error.code == "ValidationException"
        assert refused(client.list_pipeline_execution_steps).code == "ValidationException"
        pipelines.end(real)


class TestCallbacks:
    def test_outputs_are_read_by_later_steps(self, client: Any, pipelines: Pipelines) -> None:
        verdict = {"Get": "Steps.Ask.OutputParameters['verdict']"}
        steps = (callback("Ask", "verdict", "note"), fail("Say", verdict, DependsOn=["Ask"]))
        arn = pipelines.start(pipelines.create(document(*steps)))
        waiting = pipelines.callback_token(arn)
        outputs = values(verdict="good", note="n")
        for wrong in (values(verdict="good"), values(verdict="good", note="n", more="m"), outputs + outputs):
            error = refused(
                client.send_pipeline_execution_step_success, CallbackToken=waiting, OutputParameters=wrong
            )
            assert error.code == "ValidationException"
        send = {"CallbackToken": waiting, "OutputParameters": outputs, "ClientRequestToken": token()}
        for _ in range(2):
            answer = client.send_pipeline_execution_step_success(**send)
            assert answer["PipelineExecutionArn"] == arn
        assert pipelines.end(arn)["FailureReason"] == "good"
        assert client.send_pipeline_execution_step_success(**send)["PipelineExecutionArn"] == arn
        entries = {entry["StepName"]: entry for entry in pipelines.steps(arn)}
        assert entries["Ask"]["Metadata"]["Callback"]["OutputParameters"] == outputs
        for call in (
            client.send_pipeline_execution_step_success,
            client.send_pipeline_execution_step_failure,
        ):
            assert refused(call, CallbackToken=waiting).code == "ValidationException"
            assert refused(call, CallbackToken="0000000000").code == "ResourceNotFound"

    def test_a_failure_is_told(self, client: Any, pipelines: Pipelines) -> None:
        arn = pipelines.start(pipelines.create(WAITS))
        send = {"CallbackToken": pipelines.callback_token(arn), "ClientRequestToken": token()}
        for _ in range(2):
            client.send_pipeline_execution_step_failure(FailureReason="No.", **send)
        assert pipelines.end(arn)["PipelineExecutionStatus"] == "Failed"
        assert pipelines.steps(arn)[0]["FailureReason"].endswith("No.")


class TestListing:
    def test_executions_by_order_moment_alias_and_page(self, client: Any, pipelines: Pipelines) -> None:
        name = pipelines.create(PipelineVersionAliases=["one"])
        arns = [pipelines.start(name) for _ in range(3)]
        client.update_pipeline(
            PipelineName=name, PipelineDefinition=document(fail("F")), PipelineVersionAliases=["two"]
        )
        arns.append(pipelines.start(name, PipelineExecutionDescription="d", PipelineExecutionDisplayName="n"))
        for arn in arns:
            pipelines.end(arn)
        summaries = "PipelineExecutionSummaries"

        def listed(**given: Any) -> list[str]:
            found = client.list_pipeline_executions(PipelineName=name, **given)[summaries]
            return [each["PipelineExecutionArn"] for each in found]

        assert listed() == arns[::-1]
        assert listed(SortOrder="Ascending") == arns
        assert listed(SortBy="PipelineExecutionArn", SortOrder="Ascending") == sorted(arns)
        assert listed(SortBy="PipelineExecutionArn") == sorted(arns, reverse=True)
        assert listed(PipelineVersionAlias="one") == arns[2::-1]
        assert listed(PipelineVersionAlias="two") == arns[3:]
        born = pipelines.describe(arns[0])["CreationTime"]
        assert listed(CreatedAfter=born - HOUR, CreatedBefore=born + HOUR) == arns[::-1]
        assert listed(CreatedAfter=born + HOUR) == listed(CreatedBefore=born - HOUR) == []
        for sort_by in ("CreationTime", "PipelineExecutionArn"):
            found = pages(
                client.list_pipeline_executions, summaries, PipelineName=name, SortBy=sort_by, MaxResults=3
            )
            joined = [[each["PipelineExecutionArn"] for each in page] for page in found]
            assert [len(page) for page in joined] == [3, 1]
            assert [arn for page in joined for arn in page] == listed(SortBy=sort_by)
        newest = client.list_pipeline_executions(PipelineName=name, MaxResults=1)[summaries][0]
        assert newest["PipelineExecutionStatus"] == "Failed"
        assert newest["PipelineExecutionDisplayName"] == "n"
        assert newest["PipelineExecutionDescription"] == "d"
        assert newest["PipelineExecutionFailureReason"] == "Out of luck."
        assert newest["PipelineVersionAliases"] == ["two"]
        error = refused(client.list_pipeline_executions, PipelineName=name, PipelineVersionAlias="three")
        assert error.code == "ResourceNotFound"

    def test_steps_newest_first_in_pages(self, client: Any, pipelines: Pipelines) -> None:
        names = [f"S{number}" for number in range(5)]
        steps = [
            decide(name, DependsOn=names[max(0, i - 1) : i], DisplayName=f"d{i}")
            for i, name in enumerate(names)
        ]
        arn = pipelines.start(pipelines.create(document(*steps)))
        pipelines.end(arn)
        entries = pipelines.steps(arn)
        assert [entry["StepName"] for entry in entries] == names[::-1]
        assert [entry["StepName"] for entry in pipelines.steps(arn, SortOrder="Ascending")] == names
        first = entries[-1]
        assert (first["StepStatus"], first["StepDisplayName"], first["AttemptCount"]) == (
            "Succeeded",
            "d0",
            1,
        )
        assert first["Metadata"] == {"Condition": {"Outcome": "True"}}
        assert first["EndTime"] >= first["StartTime"]
        found = pages(
            client.list_pipeline_execution_steps,
            "PipelineExecutionSteps",
            PipelineExecutionArn=arn,
            MaxResults=2,
        )
        joined = [[entry["StepName"] for entry in page] for page in found]
        assert joined == [["S4", "S3"], ["S2", "S1"], ["S0"]]

    def test_the_definition_is_the_one_that_ran(self, client: Any, pipelines: Pipelines) -> None:
        name = pipelines.create()
        arn = pipelines.start(name)
        client.update_pipeline(PipelineName=name, PipelineDefinition=document(decide("Other")))
        answer = client.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
        assert json.loads(answer["PipelineDefinition"]) == json.loads(PASSES)
        assert answer["CreationTime"] == pipelines.describe(arn)["CreationTime"]


def test_a_client_that_waits_is_let_go_at_the_end() -> None:
    has_ended = waits()["DescribePipelineExecution"]
    call = Call("DescribePipelineExecution", {}, Caller("AKIA", "default"), Request("POST", "/"))
    for status in ("Succeeded", "Failed", "Stopped", "CompletedWithFailures"):
        assert has_ended(call, {"PipelineExecutionStatus": status})
    for status in ("Executing", "Stopping"):
        assert not has_ended(call, {"PipelineExecutionStatus": status})
