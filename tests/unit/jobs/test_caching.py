from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from stepmill.core.errors import NotFoundError, StorageFullError
from stepmill.core.json import Json, JsonObject
from stepmill.core.settings import CacheScope
from stepmill.core.tasks import CachePolicy, Report, Task, TaskFailed, TaskStarted, TaskStopped, TaskSucceeded
from stepmill.jobs.cache_keys import CacheKey, leaves_of, make_key
from stepmill.jobs.cache_outputs import KeptOutputs
from stepmill.jobs.caching import KEY_KIND, CachingHandler
from support.keeping import EXECUTION, Keeping, Reports, a_task, keeping, run_task

SECOND = "arn:aws:sagemaker:us-west-2:123456789012:pipeline/p/execution/second000000"
OUT = "s3://bucket/out/result"


class Killed(BaseException):
    """Stands for the end of the process."""


class Worker:
    """Does the work: writes an object, and tells its describe document."""

    def __init__(self, kept: Keeping) -> None:
        self.kept = kept
        self.done: list[str] = []
        self.stopped: list[str] = []
        self.ends: TaskFailed | TaskStopped | Exception | None = None
        self.quick = False
        self.held: list[tuple[Task, Report]] = []
        self.hold = False

    def start(self, task: Task, report: Report) -> None:
        if isinstance(self.ends, Exception):
            raise self.ends
        if not self.quick:
            report(TaskStarted(task.id, {"Job": {"Arn": "arn"}}, ("warm",)))
        if self.hold:
            self.held.append((task, report))
            return
        self.finish(task, report)

    def finish(self, task: Task, report: Report) -> None:
        self.done.append(task.id)
        self.kept.clock.advance(timedelta(seconds=1))
        self.kept.put(OUT, "result")
        self.kept.clock.advance(timedelta(seconds=1))
        if isinstance(self.ends, (TaskFailed, TaskStopped)):
            report(self.ends)
            return
        output = {
            "ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": "s3://bucket/out"}}]},
            "by": task.id,
        }
        report(TaskSucceeded(task.id, output, {"Job": {"Arn": task.id}}))

    def stop(self, task: Task) -> None:
        self.stopped.append(task.id)


class Case:
    """A caching handler around a worker."""

    def __init__(self, kept: Keeping) -> None:
        self.kept = kept
        self.worker = Worker(kept)
        self.secret: Json = 0  # part of the key that no task shows
        self.gone = False  # whether the inputs have been removed

    def keys(self, task: Task) -> CacheKey:
        if self.gone or task.payload == {"missing": True}:
            raise NotFoundError("There is no object below s3://bucket/none.")
        return make_key(task.resource, {**dict(leaves_of(task.payload)), "secret": self.secret})

    def handler(self, scope: CacheScope = CacheScope.PIPELINE) -> CachingHandler:
        outputs = KeptOutputs(self.kept.objects, self.kept.folder)
        return CachingHandler(
            self.worker,
            self.keys,
            self.kept.cache,
            self.kept.records,
            outputs,
            self.kept.clock,
            scope,
        )

    def run(
        self,
        payload: Json = None,
        *,
        task_id: str = "one",
        expire_after: timedelta | None = None,
        step: str = "Step",
        pipeline: str = "p",
        cached: bool = True,
        scope: CacheScope = CacheScope.PIPELINE,
        execution_arn: str = EXECUTION,
        reuse: bool = True,
    ) -> Reports:
        task = self.task(
            payload,
            task_id=task_id,
            expire_after=expire_after,
            step=step,
            pipeline=pipeline,
            cached=cached,
            execution_arn=execution_arn,
            reuse=reuse,
        )
        return run_task(self.handler(scope), task)

    def task(
        self,
        payload: Json = None,
        *,
        task_id: str = "one",
        expire_after: timedelta | None = None,
        step: str = "Step",
        pipeline: str = "p",
        cached: bool = True,
        execution_arn: str = EXECUTION,
        reuse: bool = True,
    ) -> Task:
        return a_task(
            "r",
            payload or {"depth": "5"},
            task_id=task_id,
            step=step,
            pipeline=pipeline,
            execution_arn=execution_arn,
            cache=CachePolicy(expire_after, reuse) if cached else None,
        )


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        yield opened


@pytest.fixture
def case(kept: Keeping) -> Case:
    return Case(kept)


class TestHits:
    def test_the_second_run_takes_the_result_of_the_first(self, case: Case) -> None:
        first = case.run()
        assert first.succeeded.cached_from == ""
        assert first.notes == ("cache miss: this step has no earlier result", "warm")
        second = case.run(task_id="two", execution_arn=SECOND)
        assert second.all == [
            TaskSucceeded("two", first.succeeded.output, {"Job": {"Arn": "one"}}, cached_from=EXECUTION)
        ]
        assert case.worker.done == ["one"]

    def test_a_hit_does_not_make_the_result_younger(self, case: Case) -> None:
        case.run()
        case.kept.clock.advance(timedelta(days=20))
        assert case.run(task_id="two", expire_after=timedelta(days=30)).succeeded.cached_from
        case.kept.clock.advance(timedelta(days=20))
        assert not case.run(task_id="three", expire_after=timedelta(days=30)).succeeded.cached_from

    def test_without_a_policy_the_cache_is_neither_asked_nor_filled(self, case: Case) -> None:
        assert case.run(cached=False).notes == ("warm",)
        assert case.run(task_id="two").notes[0] == "cache miss: this step has no earlier result"
        assert case.run(task_id="three", cached=False).succeeded.cached_from == ""
        assert case.worker.done == ["one", "two", "three"]

    def test_results_belong_to_their_step_unless_shared(self, case: Case) -> None:
        case.run()
        assert not case.run(task_id="two", step="Other").succeeded.cached_from
        assert not case.run(task_id="three", pipeline="q").succeeded.cached_from
        assert (
            case.run(task_id="four", pipeline="z", scope=CacheScope.SHARED).succeeded.cached_from == EXECUTION
        )

    def test_the_newest_of_equal_results_is_taken(self, case: Case) -> None:
        case.run()
        case.run(task_id="two", execution_arn=SECOND, reuse=False)
        assert case.run(task_id="three").succeeded.cached_from == SECOND

    def test_switched_off_it_still_keeps_results(self, case: Case) -> None:
        assert case.run(reuse=False).notes[0] == "the cache was not asked: it is switched off for this run"
        assert case.run(task_id="two").succeeded.cached_from == EXECUTION


class TestMisses:
    def test_a_changed_argument_is_named(self, case: Case) -> None:
        case.run({"depth": "5", "same": 1})
        assert case.run({"depth": "7", "same": 1}, task_id="two").notes[0] == "cache miss: depth: '5' -> '7'"

    def test_many_changes_are_counted(self, case: Case) -> None:
        case.run({f"a{number}": 1 for number in range(9)})
        note = case.run({f"a{number}": 2 for number in range(9)}, task_id="two").notes[0]
        assert note == "cache miss: a0: 1 -> 2; a1: 1 -> 2; a2: 1 -> 2; a3: 1 -> 2; a4: 1 -> 2; and 4 more"

    def test_the_comparison_is_with_the_newest_result(self, case: Case) -> None:
        case.run({"depth": "5"})
        case.run({"depth": "6"}, task_id="two")
        assert case.run({"depth": "7"}, task_id="three").notes[0] == "cache miss: depth: '6' -> '7'"
        # The result for "5" is known, but later runs wrote over what it left.
        assert "was written again since" in case.run({"depth": "5"}, task_id="four").notes[0]

    def test_an_expired_result_is_named_with_its_age(self, case: Case) -> None:
        case.run()
        case.kept.clock.advance(timedelta(days=2))
        note = case.run(task_id="two", expire_after=timedelta(days=1)).notes[0]
        assert note == "cache miss: the earlier result is 2 days, 0:00:00 old, ExpireAfter is 1 day, 0:00:00"
        assert case.run(task_id="three", expire_after=timedelta(days=1)).succeeded.cached_from

    def test_exactly_at_its_age_a_result_still_counts(self, case: Case) -> None:
        case.run()
        case.kept.clock.advance(timedelta(days=1))
        assert case.run(task_id="two", expire_after=timedelta(days=1)).succeeded.cached_from

    def test_any_age_may_be_asked_for(self, case: Case) -> None:
        case.run()
        assert case.run(task_id="two", expire_after=timedelta.max).succeeded.cached_from

    def test_outputs_that_are_gone_or_overwritten_are_a_miss(self, case: Case) -> None:
        case.run()
        case.kept.put(OUT, "another run wrote here")
        assert case.run(task_id="two").notes[0] == (
            f"cache miss: of the earlier result, {OUT} was written again since"
        )
        assert case.run(task_id="three").succeeded.cached_from

    def test_a_missing_input_is_left_to_the_work(self, case: Case) -> None:
        reports = case.run({"missing": True})
        assert reports.notes[0] == "the cache was not asked: There is no object below s3://bucket/none."
        assert reports.succeeded
        assert case.run({"missing": True}, task_id="two").succeeded.cached_from == ""

    def test_work_that_reports_no_start_still_shows_the_note(self, case: Case) -> None:
        case.worker.quick = True
        assert case.run().notes == ("cache miss: this step has no earlier result",)


class TestEnds:
    @pytest.mark.parametrize("end", [TaskFailed("one", "AlgorithmError", "x"), TaskStopped("one", "x")])
    def test_what_did_not_succeed_is_not_kept(self, case: Case, end: TaskFailed | TaskStopped) -> None:
        case.worker.ends = end
        assert case.run().final == end
        case.worker.ends = None
        assert case.run(task_id="two").notes[0] == "cache miss: this step has no earlier result"

    def test_what_raises_raises_and_leaves_nothing(self, case: Case) -> None:
        case.worker.ends = RuntimeError("broken")
        with pytest.raises(RuntimeError, match="broken"):
            case.run()
        assert case.kept.records.list(KEY_KIND).records == ()

    def test_a_result_of_inputs_that_changed_meanwhile_is_not_kept(self, case: Case) -> None:
        case.worker.hold = True
        reports = case.run()
        case.secret = 1
        case.worker.finish(*case.worker.held[0])
        assert (
            reports.notes[-1] == "the result is not kept in the cache: its inputs changed while it was made"
        )
        assert reports.succeeded
        case.secret, case.worker.hold = 0, False
        assert not case.run(task_id="two").succeeded.cached_from

    def test_a_result_whose_inputs_are_gone_meanwhile_is_not_kept(self, case: Case) -> None:
        case.worker.hold = True
        reports = case.run()
        case.gone = True
        case.worker.finish(*case.worker.held[0])
        assert reports.succeeded
        assert "There is no object below" in reports.notes[-1]
        assert case.kept.records.list(KEY_KIND).records == ()

    def test_a_full_disk_does_not_lose_the_work(self, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(_entry: object) -> None:
            raise StorageFullError("The disk is full; nothing was written.")

        monkeypatch.setattr(case.kept.cache, "put", full)
        reports = case.run()
        assert reports.succeeded.output
        assert (
            reports.notes[-1] == "the result is not kept in the cache: The disk is full; nothing was written."
        )

    def test_a_stop_goes_through(self, case: Case) -> None:
        case.handler().stop(case.task())
        assert case.worker.stopped == ["one"]


class TestCrashes:
    def test_a_task_at_work_goes_on_though_another_has_the_result_by_now(self, case: Case) -> None:
        case.worker.hold = True
        case.run()
        case.worker.hold = False
        assert case.run(task_id="other", execution_arn=SECOND).succeeded.cached_from == ""
        again = case.run()
        assert again.succeeded.cached_from == ""
        assert case.worker.done == ["other", "one"]

    def test_its_result_is_kept_under_the_key_that_it_began_with(self, case: Case) -> None:
        case.worker.hold = True
        case.run()
        case.secret = 1
        case.worker.hold = False
        reports = case.run()
        assert reports.notes[-1].endswith("its inputs changed while it was made")

    def test_killed_after_its_result_was_kept_it_reports_it_as_its_own(self, case: Case) -> None:
        def killed(report: object) -> None:
            if isinstance(report, TaskSucceeded):
                raise Killed

        with pytest.raises(Killed):
            case.handler().start(case.task(), killed)
        again = case.run()
        assert again.succeeded.cached_from == ""
        assert again.succeeded.metadata == {"Job": {"Arn": "one"}}
        assert case.worker.done == ["one"]

    @pytest.mark.parametrize("method", ["create", "delete"])
    def test_killed_around_its_claim_it_is_done_and_reported(
        self, case: Case, monkeypatch: pytest.MonkeyPatch, method: str
    ) -> None:
        real = getattr(case.kept.records, method)

        def killing(*arguments: object, **named: object) -> object:
            real(*arguments, **named)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(case.kept.records, method, killing)
            with pytest.raises(Killed):
                case.run()
        assert case.run().succeeded.cached_from == ""
        assert case.kept.records.list(KEY_KIND).records == ()
        assert case.run(task_id="two").succeeded.cached_from == EXECUTION

    def test_no_claim_is_left_behind(self, case: Case) -> None:
        case.run()
        case.run(task_id="two")
        assert case.kept.records.list(KEY_KIND).records == ()


def test_the_entry_says_what_it_was_made_from(case: Case) -> None:
    case.run({"depth": "5"})
    entry = case.kept.cache.latest_of("p/Step")
    assert entry is not None
    assert entry.source == EXECUTION
    assert entry.parts == {"depth": '"5"', "secret": "0"}
    outputs: JsonObject = entry.metadata["outputs"]  # type: ignore[assignment]
    assert set(outputs) == {"s3://bucket/out"}
