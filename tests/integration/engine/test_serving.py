"""An engine that serves, and those who have executions driven by it from beside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.core.errors import InvalidInputError, NotFoundError, StepmillError, WrongStateError
from stepmill.core.service_models import service_model
from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.core.tasks import TaskSucceeded
from stepmill.engine.deputy import Deputy
from stepmill.engine.engine import Engine
from stepmill.engine.interpreters.pipelines.events import RetryRequested, StopRequested, UpdateRequested
from stepmill.engine.ownership import is_alive
from stepmill.engine.plans import Plans
from stepmill.engine.reading import ExecutionReader
from stepmill.engine.waiting import wait_until
from stepmill.testing.handlers import Fail, Hold, ScriptedHandler, Succeed
from support.engines import ARNS, LIMIT, Home, chain, definition, lambda_step, open_home, request


class Beside:
    """A process beside a server, if there is one: its deputy, and the engine that it may make."""

    def __init__(self, home: Home, server: Engine | None) -> None:
        self.handler = ScriptedHandler()
        self.home = home
        self.server = server
        self.made: list[Engine] = []
        store = home.store()
        plans = Plans(store.definition, service_model)
        locks = home.folder / "engines"
        self.deputy = Deputy(
            store,
            plans,
            ExecutionReader(store, plans, locks),
            resources=["lambda:invoke"],
            clock=home.clock,
            arns=ARNS,
            locks=locks,
            server=self.find_server,
            make_engine=self._make,
        )

    def find_server(self) -> str:
        return (
            self.server.id if self.server and is_alive(self.home.folder / "engines", self.server.id) else ""
        )

    def _make(self) -> Engine:
        self.made.append(self.home.engine(self.handler))
        return self.made[-1]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with open_home(tmp_path) as home:
        yield home


@pytest.fixture
def handler() -> ScriptedHandler:
    return ScriptedHandler()


@pytest.fixture
def server(home: Home, handler: ScriptedHandler) -> Engine:
    return home.engine(handler, serves=True)


@pytest.fixture
def beside(home: Home, server: Engine) -> Beside:
    return Beside(home, server)


def _abandon(engine: Engine) -> None:
    """Let an engine be gone as if killed: its lock is free, and it owns what it owned."""
    engine._driver.close()
    if engine._lookout:
        engine._lookout.close()
    engine._lock.forget()


class TestBesideAServer:
    def test_the_server_drives_what_is_started(
        self, beside: Beside, server: Engine, handler: ScriptedHandler
    ) -> None:
        execution = beside.deputy.start(request(chain("A", "B")))
        summary = beside.deputy.wait(execution, LIMIT)
        assert summary.status is Status.SUCCEEDED
        assert handler.steps == ["A", "B"]
        assert beside.made == []
        types = [record.type for record in server.executions.whole_history(execution)]
        assert types.count("ExecutionStarted") == 1

    def test_many_beside_one_server(self, home: Home, server: Engine, handler: ScriptedHandler) -> None:
        besides = [Beside(home, server) for _ in range(3)]
        executions = [each.deputy.start(request(chain("A", "B"))) for each in besides for _ in range(3)]
        assert len(set(executions)) == 9
        for execution in executions:
            assert besides[0].deputy.wait(execution, LIMIT).status is Status.SUCCEEDED
        assert handler.steps.count("A") == handler.steps.count("B") == 9

    def test_a_token_starts_once(self, beside: Beside, server: Engine) -> None:
        wish = request(chain("A"), client_token="token")
        first = beside.deputy.start(wish)
        assert beside.deputy.start(wish) == first
        assert server.start(wish) == first
        assert len(server.executions.find().executions) == 1

    def test_what_is_wrong_is_refused_as_by_an_engine(self, beside: Beside, server: Engine) -> None:
        for control in (beside.deputy, server):
            with pytest.raises(StepmillError):
                control.check("{")
            with pytest.raises(InvalidInputError):
                control.start(request(chain("A"), parallelism=0))
            with pytest.raises(NotFoundError):
                control.stop("nope")
            with pytest.raises(NotFoundError):
                control.resume("nope")
            with pytest.raises(InvalidInputError):
                control.update("nope", UpdateRequested(parallelism=0))
        assert server.executions.find().executions == ()

    def test_it_is_stopped_and_retried(self, beside: Beside, handler: ScriptedHandler) -> None:
        handler.on("B", Hold(), Succeed())
        execution = beside.deputy.start(request(chain("A", "B")))
        handler.wait_for_task("B")
        beside.deputy.stop(execution, StopRequested("t", "ada"))
        assert beside.deputy.wait(execution, LIMIT).status is Status.STOPPED
        beside.deputy.stop(execution, StopRequested("t"))
        with pytest.raises(WrongStateError):
            beside.deputy.stop(execution, StopRequested("u"))
        beside.deputy.retry(execution, RetryRequested(3, "r", "bob"))
        assert beside.deputy.wait(execution, LIMIT).status is Status.SUCCEEDED
        beside.deputy.retry(execution, RetryRequested(None, "r"))
        summary = beside.deputy.describe(execution)
        assert (summary.parallelism, summary.modified_by, beside.made) == (3, "bob", [])
        assert handler.steps == ["A", "B", "B"]

    def test_an_answer_reaches_it(self, beside: Beside, handler: ScriptedHandler) -> None:
        handler.on("A", Hold())
        execution = beside.deputy.start(request(chain("A")))
        handler.wait_for_task("A")
        assert beside.deputy.post(execution, TaskSucceeded(f"{execution}/A/1"))
        assert beside.deputy.wait(execution, LIMIT).status is Status.SUCCEEDED

    def test_progress_is_waited_for(self, beside: Beside, handler: ScriptedHandler) -> None:
        handler.on("A", Hold())
        execution = beside.deputy.start(request(chain("A")))
        seen = beside.deputy.wait_for_progress(execution, 0, LIMIT)
        assert (seen.status, seen.position > 0) == (Status.EXECUTING, True)
        beside.deputy.stop(execution)
        assert beside.deputy.wait(execution, LIMIT).status is Status.STOPPED


class TestWithoutAServer:
    def test_an_engine_of_the_process_drives(self, home: Home) -> None:
        alone = Beside(home, None)
        execution = alone.deputy.start(request(chain("A")))
        assert alone.deputy.wait(execution, LIMIT).status is Status.SUCCEEDED
        assert alone.handler.steps == ["A"]
        assert len(alone.made) == 1

    def test_looking_and_answering_make_none(self, home: Home, handler: ScriptedHandler) -> None:
        handler.on("A", Hold())
        engine = home.engine(handler)
        execution = engine.start(request(chain("A")))
        alone = Beside(home, None)
        assert alone.deputy.wait_for_progress(execution, 0, LIMIT).status is Status.EXECUTING
        assert alone.deputy.post(execution, TaskSucceeded(f"{execution}/A/1"))
        assert alone.deputy.wait(execution, LIMIT).status is Status.SUCCEEDED
        assert alone.made == []

    def test_nobody_hears_an_answer_while_nobody_drives(self, home: Home, handler: ScriptedHandler) -> None:
        handler.on("A", Hold())
        engine = home.engine(handler)
        execution = engine.start(request(chain("A")))
        engine.close()
        alone = Beside(home, None)
        assert not alone.deputy.post(execution, TaskSucceeded(f"{execution}/A/1"))
        assert alone.deputy.resume() == [execution]
        assert alone.deputy.wait(execution, LIMIT).status is Status.SUCCEEDED


class TestTheServerGoes:
    def test_whoever_waits_goes_on_with_it(
        self, beside: Beside, server: Engine, handler: ScriptedHandler
    ) -> None:
        handler.on("B", Hold())
        execution = beside.deputy.start(request(chain("A", "B")))
        handler.wait_for_task("B")
        _abandon(server)
        assert beside.deputy.wait(execution, LIMIT).is_interrupted
        assert beside.deputy.resume(execution) == [execution]
        assert beside.deputy.wait(execution, LIMIT).status is Status.SUCCEEDED
        assert beside.handler.steps == ["B"]

    def test_a_retry_that_it_never_took_in_is_taken_in_here(
        self, beside: Beside, server: Engine, handler: ScriptedHandler
    ) -> None:
        handler.on("A", Fail("AlgorithmError"))
        execution = beside.deputy.start(request(chain("A")))
        assert beside.deputy.wait(execution, LIMIT).status is Status.FAILED
        _abandon(server)
        beside.deputy.retry(execution)
        assert beside.deputy.wait(execution, LIMIT).status is Status.SUCCEEDED
        assert beside.handler.steps == ["A"]


class TestWhatOthersLeave:
    def test_a_server_drives_what_a_dead_engine_left(self, home: Home, handler: ScriptedHandler) -> None:
        first_handler = ScriptedHandler()
        first_handler.on("B", Hold())
        first = home.engine(first_handler)
        left = first.start(request(chain("A", "B")))
        first_handler.wait_for_task("B")
        server = home.engine(handler, serves=True)
        assert server.resume() == []
        _abandon(first)
        wait_until(lambda: server.describe(left).status.is_final, lambda: None)
        assert server.wait(left, LIMIT).status is Status.SUCCEEDED
        assert handler.steps == ["B"]

    def test_what_another_drives_is_left_to_it(
        self, home: Home, server: Engine, handler: ScriptedHandler
    ) -> None:
        first_handler = ScriptedHandler()
        first_handler.on("A", Hold())
        first = home.engine(first_handler)
        execution = first.start(request(chain("A")))
        first_handler.wait_for_task("A")
        beside = Beside(home, server)
        beside.deputy.update(execution, UpdateRequested(display_name="New"))
        assert beside.deputy.describe(execution).owner == first.id
        beside.deputy.stop(execution)
        assert first.wait(execution, LIMIT).status is Status.STOPPED
        assert handler.steps == []

    def test_what_cannot_be_driven_is_not_tried_for_ever(self, home: Home, server: Engine) -> None:
        store = home.store()
        with home.databases[-1].write() as connection:
            connection.exec_driver_sql("INSERT INTO definitions (digest, body) VALUES ('bad', '{}')")
            columns = "id, pipeline, status, owner, created_at, modified_at, position, body"
            values = """'abc', 'P', 'Executing', '', 0, 0, 0, '{"arn": "a", "definition": "bad"}'"""
            connection.exec_driver_sql(f"INSERT INTO executions ({columns}) VALUES ({values})")
        lookout = server._lookout
        assert lookout is not None
        wait_until(lambda: "abc" in lookout._refused, lambda: None)
        assert store.get("abc").owner == ""


class TestUpdates:
    @pytest.mark.parametrize("is_beside", [True, False])
    def test_texts_and_parallelism_change_while_it_runs(
        self, beside: Beside, server: Engine, handler: ScriptedHandler, is_beside: bool
    ) -> None:
        for name in ("A", "B", "C"):
            handler.on(name, Hold())
        control = beside.deputy if is_beside else server
        text = definition(*(lambda_step(name) for name in ("A", "B", "C")))
        execution = control.start(request(text, parallelism=1, description="Old."))
        handler.wait_for_task("A")
        control.update(execution, UpdateRequested("New", None, 2, "ada"))
        handler.wait_for_task("B")
        summary = control.describe(execution)
        assert (summary.display_name, summary.description, summary.parallelism) == ("New", "Old.", 2)
        assert (summary.modified_by, summary.status) == ("ada", Status.EXECUTING)
        assert handler.steps == ["A", "B"]
        control.stop(execution)
        assert control.wait(execution, LIMIT).status is Status.STOPPED

    @pytest.mark.parametrize("is_beside", [True, False])
    def test_texts_change_after_the_end(self, beside: Beside, server: Engine, is_beside: bool) -> None:
        control = beside.deputy if is_beside else server
        execution = control.start(request(chain("A"), display_name="Old"))
        ended = control.wait(execution, LIMIT)
        control.update(execution, UpdateRequested(description="New."))
        summary = control.describe(execution)
        assert (summary.status, summary.display_name, summary.description) == (
            Status.SUCCEEDED,
            "Old",
            "New.",
        )
        assert (summary.owner, summary.position) == ("", ended.position + 1)

    def test_a_text_can_be_emptied(self, server: Engine) -> None:
        execution = server.start(request(chain("A"), description="Old."))
        server.update(execution, UpdateRequested(description=""))
        assert server.describe(execution).description == ""
        assert server.wait(execution, LIMIT).status is Status.SUCCEEDED


def test_without_the_cache_is_a_wish_of_one_execution(beside: Beside, handler: ScriptedHandler) -> None:
    step = lambda_step("A", CacheConfig={"Enabled": True})
    for uses_cache in (True, False):
        execution = beside.deputy.start(request(definition(step), uses_cache=uses_cache))
        assert beside.deputy.wait(execution, LIMIT).uses_cache is uses_cache
    assert [task.cache.reuse for task in handler.handed_over if task.cache] == [True, False]
