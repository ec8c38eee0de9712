"""One engine over a real database, with handlers that do what a script says."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.errors import (
    ConflictError,
    DefinitionError,
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
    WrongStateError,
)
from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.core.tasks import Report, Task, TaskStarted, TaskSucceeded
from stepmill.engine import drive
from stepmill.engine.engine import Engine
from stepmill.engine.interpreters.pipelines.events import RetryRequested
from stepmill.storage.executions import ExecutionChange
from stepmill.storage.sql_executions import SqlExecutionStore
from stepmill.testing.handlers import Fail, Hold, Raise, ScriptedHandler, Succeed
from support.engines import ARNS, LIMIT, Home, chain, definition, lambda_step, open_home, request


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with open_home(tmp_path) as home:
        yield home


@pytest.fixture
def handler() -> ScriptedHandler:
    return ScriptedHandler()


@pytest.fixture
def engine(home: Home, handler: ScriptedHandler) -> Engine:
    return home.engine(handler)


def _types(engine: Engine, execution: str) -> list[tuple[str, str]]:
    return [(record.type, record.step) for record in engine.executions.whole_history(execution)]


def _wait_for_status(engine: Engine, execution: str, step: str, status: str) -> None:
    """Wait until a step has that status."""
    position = -1
    while True:
        for entry in engine.executions.steps(execution):
            if (entry["StepName"], entry["StepStatus"]) == (step, status):
                return
        summary = engine.wait_for_progress(execution, position, LIMIT)
        assert summary.position > position, f"{step} never became {status}"
        position = summary.position


class TestRunning:
    def test_a_chain_runs_in_order(self, engine: Engine, handler: ScriptedHandler) -> None:
        execution = engine.start(request(chain("A", "B", "C")))
        summary = engine.wait(execution, LIMIT)
        assert summary.status is Status.SUCCEEDED
        assert handler.steps == ["A", "B", "C"]
        assert _types(engine, execution) == [
            ("ExecutionStarted", ""),
            ("StepStarted", "A"),
            ("StepSucceeded", "A"),
            ("StepStarted", "B"),
            ("StepSucceeded", "B"),
            ("StepStarted", "C"),
            ("StepSucceeded", "C"),
            ("ExecutionSucceeded", ""),
        ]

    def test_the_summary_says_what_was_started(self, engine: Engine) -> None:
        text = definition(lambda_step("A"), parameters=[{"Name": "Count", "Type": "Integer"}])
        wish = request(
            text,
            version=7,
            parameters={"Count": "3"},
            parallelism=2,
            display_name="Monday",
            description="A trial.",
        )
        execution = engine.start(wish)
        summary = engine.wait(execution, LIMIT)
        assert summary.id == execution
        assert len(execution) == 12
        assert execution.isalnum()
        assert execution == execution.lower()
        assert summary.arn == ARNS.execution("P", execution)
        assert (summary.pipeline, summary.version, summary.parallelism) == ("P", 7, 2)
        assert summary.parameters == {"Count": 3}
        assert (summary.display_name, summary.description) == ("Monday", "A trial.")
        assert summary.failure_reason == ""
        assert not summary.is_interrupted
        assert summary.owner == ""
        assert engine.executions.definition(execution) == text

    def test_a_step_that_fails_fails_the_execution(self, engine: Engine, handler: ScriptedHandler) -> None:
        handler.on("B", Fail("AlgorithmError", "Out of luck."))
        execution = engine.start(request(chain("A", "B", "C")))
        summary = engine.wait(execution, LIMIT)
        assert summary.status is Status.FAILED
        assert summary.failure_reason
        entries = engine.executions.steps(execution)
        assert [(entry["StepName"], entry["StepStatus"]) for entry in entries] == [
            ("A", "Succeeded"),
            ("B", "Failed"),
        ]
        assert "Out of luck." in str(entries[1]["FailureReason"])

    def test_a_handler_that_raises_fails_its_step(self, engine: Engine, handler: ScriptedHandler) -> None:
        handler.on("A", Raise(InvalidInputError("No such function.", mend="Name one.")))
        execution = engine.start(request(chain("A")))
        assert engine.wait(execution, LIMIT).status is Status.FAILED
        assert "No such function. Name one." in str(engine.executions.steps(execution)[0]["FailureReason"])

    def test_outputs_flow_into_arguments(self, engine: Engine, handler: ScriptedHandler) -> None:
        outputs = [{"OutputName": "where", "OutputType": "String"}]
        text = definition(
            lambda_step("A", OutputParameters=outputs),
            lambda_step("B", Arguments={"at": {"Get": "Steps.A.OutputParameters['where']"}}),
        )
        handler.on("A", Succeed({"OutputParameters": {"where": "s3://bucket/key"}}))
        execution = engine.start(request(text))
        assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED
        assert handler.handed_over[1].payload == {"at": "s3://bucket/key"}

    def test_metadata_shows_while_the_work_goes_on(self, engine: Engine, handler: ScriptedHandler) -> None:
        handler.on("A", Hold())
        execution = engine.start(request(chain("A")))
        _wait_for_status(engine, execution, "A", "Executing")
        assert engine.executions.steps(execution)[0]["Metadata"] == {"Held": True}
        handler.finish("A")
        assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED

    def test_the_start_of_a_short_step_is_written_with_its_end(
        self, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class _Short:
            def start(self, task: Task, report: Report) -> None:
                report(TaskStarted(task.id, {"Short": True}))
                report(TaskSucceeded(task.id))

            def stop(self, task: Task) -> None: ...

        monkeypatch.setattr(drive, "START_DELAY_S", LIMIT.total_seconds())
        committed: list[list[str]] = []
        commit = SqlExecutionStore.commit

        def noted(self: SqlExecutionStore, changes: Sequence[ExecutionChange]) -> frozenset[str]:
            committed.append([record.type for change in changes for record in change.history])
            return commit(self, changes)

        monkeypatch.setattr(SqlExecutionStore, "commit", noted)
        engine = home.engine(_Short())
        execution = engine.start(request(chain("A", "B")))
        assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED
        assert len(committed) == 3
        assert [step["Metadata"] for step in engine.executions.steps(execution)] == [{"Short": True}] * 2

    def test_no_more_steps_run_at_once_than_asked_for(self, home: Home) -> None:
        lock, running, most = threading.Lock(), set[str](), 0

        class _Counting:
            def start(self, task: Task, report: Report) -> None:
                nonlocal most
                with lock:
                    running.add(task.id)
                    most = max(most, len(running))
                report(TaskStarted(task.id, {"Counted": True}))
                with lock:
                    running.discard(task.id)
                report(TaskSucceeded(task.id))

            def stop(self, task: Task) -> None: ...

        engine = home.engine(_Counting())
        text = definition(*(lambda_step(f"S{number}") for number in range(30)))
        execution = engine.start(request(text, parallelism=3))
        assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED
        assert 1 <= most <= 3

    def test_many_executions_at_once_keep_apart(self, engine: Engine, handler: ScriptedHandler) -> None:
        executions = [engine.start(request(chain("A", "B"))) for _ in range(20)]
        assert len(set(executions)) == 20
        for execution in executions:
            assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED
            positions = [record.position for record in engine.executions.whole_history(execution)]
            assert positions == list(range(1, 7))
        assert len({task.id for task in handler.handed_over}) == len(handler.handed_over) == 40

    def test_a_thousand_steps_in_layers(self, engine: Engine) -> None:
        layers = [[f"L{layer}-S{number}" for number in range(100)] for layer in range(10)]
        steps = [
            lambda_step(name, *(layers[layer - 1] if layer else ()))
            for layer in range(10)
            for name in layers[layer]
        ]
        execution = engine.start(request(definition(*steps)))
        assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED
        assert len(engine.executions.steps(execution)) == 1000
        assert len(list(engine.executions.whole_history(execution))) == 2002


class TestRefusing:
    """What is refused is refused before anything is written."""

    @pytest.fixture(autouse=True)
    def _nothing_was_written(self, engine: Engine) -> Iterator[None]:
        yield
        assert engine.executions.find().executions == ()

    def test_a_wrong_definition(self, engine: Engine) -> None:
        with pytest.raises(DefinitionError):
            engine.start(request(definition(lambda_step("A", "Nobody"))))

    def test_what_is_no_definition(self, engine: Engine) -> None:
        with pytest.raises(DefinitionError):
            engine.start(request("]"))

    def test_a_missing_parameter(self, engine: Engine) -> None:
        text = definition(lambda_step("A"), parameters=[{"Name": "Count", "Type": "Integer"}])
        with pytest.raises(DefinitionError, match="Count"):
            engine.start(request(text))

    def test_an_unknown_parameter(self, engine: Engine) -> None:
        with pytest.raises(DefinitionError, match="Cuont"):
            engine.start(request(chain("A"), parameters={"Cuont": 1}))

    def test_a_step_type_that_does_not_run(self, engine: Engine) -> None:
        emr: dict[str, Any] = {"Name": "E", "Type": "EMR"}
        emr["Arguments"] = {"ClusterId": "j-1", "StepConfig": {"HadoopJarStep": {"Jar": "s3://b/x.jar"}}}
        with pytest.raises(UnsupportedError, match=r"E \(EMR\)"):
            engine.start(request(definition(lambda_step("A"), emr)))

    def test_a_step_that_no_handler_here_does(self, engine: Engine) -> None:
        arguments = {
            "PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://b/m.tar.gz"},
            "ExecutionRoleArn": ARNS.role("R"),
        }
        model = {"Name": "M", "Type": "Model", "Arguments": arguments}
        with pytest.raises(UnsupportedError, match=r"'M' \(Model\)"):
            engine.start(request(definition(model)))

    @pytest.mark.parametrize("parallelism", [0, -1])
    def test_no_parallelism(self, engine: Engine, parallelism: int) -> None:
        with pytest.raises(InvalidInputError):
            engine.start(request(chain("A"), parallelism=parallelism))

    @pytest.mark.parametrize("name", ["", "-a", "a b", "a/b", "../a", "ä", "a" * 257, "a\n"])
    def test_a_wrong_name(self, engine: Engine, name: str) -> None:
        wish = request(chain("A"))
        with pytest.raises(InvalidInputError):
            engine.start(type(wish)(name, wish.definition))

    def test_texts_that_are_none(self, engine: Engine) -> None:
        with pytest.raises(InvalidInputError):
            engine.start(request(chain("A"), display_name="\ud800"))
        text = definition(lambda_step("A"), parameters=[{"Name": "Text", "Type": "String"}])
        with pytest.raises((InvalidInputError, DefinitionError)):
            engine.start(request(text, parameters={"Text": "\udcff"}))

    def test_an_unknown_selected_step(self, engine: Engine) -> None:
        with pytest.raises(InvalidInputError, match="Z"):
            engine.start(request(chain("A"), selected_steps=("Z",)))

    def test_an_unknown_source(self, engine: Engine) -> None:
        with pytest.raises(NotFoundError):
            engine.start(request(chain("A"), selected_steps=("A",), source_execution="nope"))

    def test_steps_and_a_first_step(self, engine: Engine) -> None:
        with pytest.raises(InvalidInputError):
            engine.start(request(chain("A"), selected_steps=("A",), from_step="A"))


class TestClientToken:
    def test_the_same_token_is_the_same_execution(self, engine: Engine, handler: ScriptedHandler) -> None:
        wish = request(chain("A"), client_token="monday")
        execution = engine.start(wish)
        engine.wait(execution, LIMIT)
        assert engine.start(wish) == execution
        assert len(handler.handed_over) == 1

    def test_other_tokens_and_pipelines_are_others(self, engine: Engine) -> None:
        wish = request(chain("A"), client_token="monday")
        executions = {
            engine.start(wish),
            engine.start(request(chain("A"), client_token="tuesday")),
            engine.start(type(wish)("Q", wish.definition, client_token="monday")),
            engine.start(request(chain("A"))),
            engine.start(request(chain("A"))),
        }
        assert len(executions) == 5

    def test_the_same_token_for_something_else_is_refused(self, engine: Engine) -> None:
        engine.start(request(chain("A"), client_token="monday"))
        with pytest.raises(ConflictError):
            engine.start(request(chain("A"), client_token="monday", parallelism=1))


class TestStopping:
    def test_what_runs_is_stopped_and_nothing_more_starts(
        self, engine: Engine, handler: ScriptedHandler
    ) -> None:
        handler.on("A", Hold())
        execution = engine.start(request(chain("A", "B")))
        handler.wait_for_task("A")
        engine.stop(execution)
        assert engine.wait(execution, LIMIT).status is Status.STOPPED
        assert handler.steps == ["A"]
        assert handler.asked_to_stop

    def test_the_execution_is_stopping_until_its_tasks_have_ended(
        self, engine: Engine, handler: ScriptedHandler
    ) -> None:
        handler.on("A", Hold(stops=False))
        execution = engine.start(request(chain("A", "B")))
        handler.wait_for_task("A")
        engine.stop(execution)
        _wait_for_status(engine, execution, "A", "Stopping")
        assert engine.describe(execution).status is Status.STOPPING
        handler.finish("A")
        assert engine.wait(execution, LIMIT).status is Status.STOPPED
        assert handler.steps == ["A"]

    def test_stopping_twice_is_fine(self, engine: Engine, handler: ScriptedHandler) -> None:
        handler.on("A", Hold(stops=False))
        execution = engine.start(request(chain("A")))
        handler.wait_for_task("A")
        engine.stop(execution)
        engine.stop(execution)
        handler.finish("A")
        assert engine.wait(execution, LIMIT).status is Status.STOPPED

    def test_what_has_ended_cannot_be_stopped(self, engine: Engine) -> None:
        execution = engine.start(request(chain("A")))
        engine.wait(execution, LIMIT)
        with pytest.raises(WrongStateError):
            engine.stop(execution)

    def test_what_is_not_there_cannot_be_stopped(self, engine: Engine) -> None:
        with pytest.raises(NotFoundError):
            engine.stop("nope")


class TestRetrying:
    def test_it_goes_on_from_where_it_failed(self, engine: Engine, handler: ScriptedHandler) -> None:
        handler.on("B", Fail(), Succeed())
        execution = engine.start(request(chain("A", "B", "C")))
        assert engine.wait(execution, LIMIT).status is Status.FAILED
        engine.retry(execution, RetryRequested(5))
        summary = engine.wait(execution, LIMIT)
        assert summary.status is Status.SUCCEEDED
        assert summary.failure_reason == ""
        assert summary.parallelism == 5
        assert handler.steps == ["A", "B", "B", "C"]
        positions = [record.position for record in engine.executions.whole_history(execution)]
        assert positions == list(range(1, len(positions) + 1))

    def test_a_stopped_one_goes_on(self, engine: Engine, handler: ScriptedHandler) -> None:
        handler.on("A", Hold(), Succeed())
        execution = engine.start(request(chain("A", "B")))
        handler.wait_for_task("A")
        engine.stop(execution)
        assert engine.wait(execution, LIMIT).status is Status.STOPPED
        engine.retry(execution)
        assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED

    def test_whoever_looks_after_a_retry_does_not_see_the_old_end(
        self, engine: Engine, handler: ScriptedHandler
    ) -> None:
        for _ in range(20):
            handler.on("A", Fail(), Hold())
            execution = engine.start(request(chain("A")))
            before = engine.wait(execution, LIMIT)
            engine.retry(execution)
            after = engine.describe(execution)
            assert (after.status, after.position > before.position) == (Status.EXECUTING, True)
            handler.finish("A")
            assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED

    def test_what_runs_or_has_succeeded_cannot_be_retried(
        self, engine: Engine, handler: ScriptedHandler
    ) -> None:
        handler.on("A", Hold())
        execution = engine.start(request(chain("A")))
        with pytest.raises(WrongStateError):
            engine.retry(execution)
        handler.finish("A")
        engine.wait(execution, LIMIT)
        with pytest.raises(WrongStateError):
            engine.retry(execution)

    def test_wrong_retries(self, engine: Engine) -> None:
        with pytest.raises(NotFoundError):
            engine.retry("nope")
        with pytest.raises(InvalidInputError):
            engine.retry("nope", RetryRequested(0))

    def test_failing_and_retrying_many_times_in_a_row(self, engine: Engine, handler: ScriptedHandler) -> None:
        handler.on("A", *[Fail()] * 10, Succeed())
        execution = engine.start(request(chain("A")))
        for _ in range(10):
            assert engine.wait(execution, LIMIT).status is Status.FAILED
            engine.retry(execution)
        assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED


class TestSelecting:
    def test_only_the_selected_steps_run_on_the_results_of_the_source(
        self, engine: Engine, handler: ScriptedHandler
    ) -> None:
        outputs = [{"OutputName": "where", "OutputType": "String"}]
        text = definition(
            lambda_step("A", OutputParameters=outputs),
            lambda_step("B", Arguments={"at": {"Get": "Steps.A.OutputParameters['where']"}}),
            lambda_step("C", "B"),
        )
        handler.on("A", Succeed({"OutputParameters": {"where": "here"}}))
        source = engine.start(request(text))
        engine.wait(source, LIMIT)
        execution = engine.start(request(text, selected_steps=("B",), source_execution=source))
        summary = engine.wait(execution, LIMIT)
        assert summary.status is Status.SUCCEEDED
        assert summary.selected_steps == ("B",)
        assert summary.source_execution == source
        assert handler.steps == ["A", "B", "C", "B"]
        assert handler.handed_over[-1].payload == {"at": "here"}

    def test_from_a_step_on(self, engine: Engine, handler: ScriptedHandler) -> None:
        source = engine.start(request(chain("A", "B", "C")))
        engine.wait(source, LIMIT)
        execution = engine.start(request(chain("A", "B", "C"), from_step="B", source_execution=source))
        assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED
        assert handler.steps == ["A", "B", "C", "B", "C"]
        assert engine.describe(execution).selected_steps == ("B", "C")

    def test_a_source_that_runs_or_belongs_to_another_pipeline_is_refused(
        self, engine: Engine, handler: ScriptedHandler
    ) -> None:
        handler.on("A", Hold())
        source = engine.start(request(chain("A", "B")))
        with pytest.raises(WrongStateError):
            engine.start(request(chain("A", "B"), selected_steps=("B",), source_execution=source))
        wish = request(chain("A", "B"))
        with pytest.raises(InvalidInputError, match="'P'"):
            engine.start(type(wish)("Q", wish.definition, selected_steps=("B",), source_execution=source))


class TestPosting:
    def test_a_result_from_outside_ends_its_task(self, engine: Engine, handler: ScriptedHandler) -> None:
        handler.on("A", Hold())
        execution = engine.start(request(chain("A", "B")))
        task = handler.wait_for_task("A")
        assert engine.post(execution, TaskSucceeded(task.id))
        assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED

    def test_a_result_for_an_unknown_task_changes_nothing(
        self, engine: Engine, handler: ScriptedHandler
    ) -> None:
        handler.on("A", Hold())
        execution = engine.start(request(chain("A")))
        handler.wait_for_task("A")
        before = _types(engine, execution)
        engine.post(execution, TaskSucceeded(f"{execution}/Other/1"))
        handler.finish("A")
        engine.wait(execution, LIMIT)
        assert _types(engine, execution)[: len(before)] == before
        assert engine.executions.steps(execution)[0]["StepStatus"] == "Succeeded"

    def test_nothing_can_be_posted_after_the_end(self, engine: Engine) -> None:
        execution = engine.start(request(chain("A")))
        engine.wait(execution, LIMIT)
        with pytest.raises(WrongStateError):
            engine.post(execution, TaskSucceeded("x"))
        with pytest.raises(NotFoundError):
            engine.post("nope", TaskSucceeded("x"))


class TestWaiting:
    def test_the_time_can_be_over(self, engine: Engine, handler: ScriptedHandler) -> None:
        handler.on("A", Hold())
        execution = engine.start(request(chain("A")))
        assert engine.wait(execution, timedelta(0)).status is Status.EXECUTING
        assert engine.wait(execution, timedelta(milliseconds=10)).status is Status.EXECUTING

    def test_progress_is_seen(self, engine: Engine, handler: ScriptedHandler) -> None:
        handler.on("A", Hold())
        execution = engine.start(request(chain("A")))
        summary = engine.wait_for_progress(execution, 0, LIMIT)
        assert summary.position > 0
        assert not summary.status.is_final

    def test_what_is_not_there_cannot_be_waited_for(self, engine: Engine) -> None:
        with pytest.raises(NotFoundError):
            engine.wait("nope")

    def test_closing_ends_all_waits(self, home: Home, handler: ScriptedHandler) -> None:
        engine = home.engine(handler.on("A", Hold()))
        execution = engine.start(request(chain("A")))
        handler.wait_for_task("A")
        seen = []
        waiter = threading.Thread(target=lambda: seen.append(engine.wait(execution)))
        waiter.start()
        engine.close()
        waiter.join(LIMIT.total_seconds())
        assert [summary.is_interrupted for summary in seen] == [True]


class TestListing:
    def test_by_pipeline_and_status(self, engine: Engine, handler: ScriptedHandler) -> None:
        handler.on("Bad", Fail())
        wish = request(chain("A"))
        executions = [engine.start(wish), engine.start(request(chain("Bad")))]
        executions.append(engine.start(type(wish)("Q", wish.definition)))
        for execution in executions:
            engine.wait(execution, LIMIT)
        find = engine.executions.find
        assert {each.id for each in find().executions} == set(executions)
        assert [each.id for each in find(pipeline="Q").executions] == [executions[2]]
        assert [each.id for each in find(statuses=[Status.FAILED]).executions] == [executions[1]]
        assert find(limit=1).next_token is not None

    def test_unknown_executions_are_told(self, engine: Engine) -> None:
        reader = engine.executions
        for look in (
            reader.describe,
            reader.steps,
            reader.step_views,
            reader.step_notes,
            reader.history,
            reader.definition,
        ):
            with pytest.raises(NotFoundError):
                look("nope")

    def test_views_show_steps_that_have_not_started(self, engine: Engine, handler: ScriptedHandler) -> None:
        handler.on("A", Hold())
        execution = engine.start(request(chain("A", "B")))
        _wait_for_status(engine, execution, "A", "Executing")
        assert [view.name for view in engine.executions.step_views(execution)] == ["A", "B"]
        assert engine.executions.step_notes(execution) == {}
