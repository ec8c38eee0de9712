"""What holds for every definition and every order of events."""

from __future__ import annotations

from itertools import count
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.core.statuses import StepStatus
from stepmill.core.tasks import TaskFailed, TaskStarted, TaskStopped, TaskSucceeded
from stepmill.engine.interpreters.pipelines.advance import advance
from stepmill.engine.interpreters.pipelines.draft import body_step, child_name
from stepmill.engine.interpreters.pipelines.endings import outcomes_of
from stepmill.engine.interpreters.pipelines.frames import Frame, OutputFrame, StepFrame
from stepmill.engine.interpreters.pipelines.listing import Standing, step_views
from stepmill.engine.interpreters.pipelines.outcome import Advance
from stepmill.engine.interpreters.pipelines.plan import Plan
from stepmill.engine.interpreters.pipelines.restarting import RETRYABLE
from stepmill.engine.interpreters.pipelines.selection import check_selection, selection_from
from stepmill.language.pipelines.conditions import Comparator, Comparison
from stepmill.language.pipelines.definition import PipelineDefinition, RetryPolicy, Trigger
from stepmill.language.pipelines.expressions import Literal, ReadObject
from support.interpreting import Execution, Item, condition, definition, fail_step, for_each, step

ERRORS = ["AlgorithmError", "Step.THROTTLING", "SageMaker.CAPACITY_ERROR"]
READS = Comparison(Comparator.EQUALS, ReadObject(Literal("s3://b/k"), ("a",)), Literal(1))
POLICY = RetryPolicy(("SageMaker.CAPACITY_ERROR",), max_attempts=1)


@st.composite
def definitions(draw: st.DrawFn, *, may_fail: bool = True) -> PipelineDefinition:
    """Steps of all kinds; each waits for some of those before it, in branches and bodies too."""
    names: list[str] = []
    numbers = count()

    def after() -> list[tuple[str, Trigger]]:
        chosen = draw(st.lists(st.sampled_from(names), max_size=3, unique=True)) if names else []
        return [(name, draw(st.sampled_from(list(Trigger)[:1] * 3 + list(Trigger)))) for name in chosen]

    def leaf() -> Item:
        name = f"S{len(names)}"
        item = step(name, after=after(), retry_policies=draw(st.sampled_from([(), (POLICY,)])))
        names.append(name)
        return item

    def body_steps() -> list[Item]:
        inner: list[Item] = []
        for position in range(draw(st.integers(1, 3))):
            before = [each.step.name for each in inner]
            waits = draw(st.lists(st.sampled_from(before), max_size=2, unique=True)) if before else []
            inner.append(step(f"B{len(names)}{'abc'[position]}", after=waits))
        return inner

    def item(depth: int) -> Item:
        kinds = ["step", "step", "step", "condition", "loop"] + (["fail"] if may_fail else [])
        kind = draw(st.sampled_from(kinds))
        if kind == "condition" and depth < 2:
            needs, name = after(), f"C{len(names)}"
            names.append(name)
            then = [item(depth + 1) for _ in range(draw(st.integers(0, 2)))]
            otherwise = [item(depth + 1) for _ in range(draw(st.integers(0, 2)))]
            decides = draw(st.sampled_from([True, False, READS]))
            return condition(name, decides, then=then, otherwise=otherwise, after=needs)
        if kind == "loop":
            needs, name = after(), f"L{len(names)}"
            items = list(range(draw(st.integers(1, 4))))
            found = for_each(name, items, body_steps(), concurrency=draw(st.integers(1, 3)), after=needs)
            names.append(name)
            return found
        if kind == "fail":
            return fail_step(f"F{next(numbers)}", "no", after=[n for n, _ in after()])
        return leaf()

    return definition(*[item(0) for _ in range(draw(st.integers(1, 7)))])


class Driven:
    """An execution in a world without rules: tasks end as chance has it, reports come twice."""

    def __init__(self, plan: Plan, chance: Random, parallelism: int) -> None:
        self.run = Execution(plan)
        self.chance = chance
        self.parallelism = parallelism
        self.run.start(parallelism=parallelism)
        self.look()

    def one_event(self, *, ends: list[str]) -> None:
        choices = [("task", task) for task in self.run.tasks] + [("timer", "")] * bool(self.run.timers)
        kind, task_id = self.chance.choice(choices)
        if kind == "timer":
            self.checked(self.run.fire())
            return
        if self.chance.random() < 0.3:
            self.checked(self.run.post(TaskStarted(task_id, {"ProcessingJob": {"Arn": "x"}})))
            return
        is_read = self.run.tasks[task_id].resource == "stepmill:readJson"
        end = self.chance.choice(ends)
        del self.run.tasks[task_id]
        if end == "succeed":
            output = {"values": [self.chance.randint(0, 1)]} if is_read else {"out": 1}
            event: TaskSucceeded | TaskFailed | TaskStopped = TaskSucceeded(task_id, output)
        elif end == "fail":
            event = TaskFailed(task_id, self.chance.choice(ERRORS), "by chance")
        else:
            event = TaskStopped(task_id)
        self.checked(self.run.post(event))
        assert self.run.post(event).is_empty, "the same report again changed something"

    def checked(self, result: Advance) -> None:
        self.look()
        # Each step that starts or ends may write itself, its output, its reads, its gates, its queue entry,
        # and the progress of its ForEach.
        steps = {event.step for event in result.history}
        fed = 0
        for name in steps & set(self.all_names()):
            body = self.body_of(name)
            planned = self.run.plan.steps.get(body)
            fed += sum(len(gates) for gates in planned.feeds.values()) if planned else 0
            fed += len(planned.reacts_to) if planned else 0
        assert len(result.frames) <= 8 + 7 * len(steps) + 2 * fed

    def all_names(self) -> list[str]:
        return [key.removeprefix("step/") for key in self.run.frames if key.startswith("step/")]

    def body_of(self, name: str) -> str:
        frame = self.run.frames.get(f"step/{name}")
        return body_step(name, frame.index) if isinstance(frame, StepFrame) else name

    def look(self) -> None:
        root = self.run.root
        assert 0 <= root.slots <= root.parallelism == self.parallelism
        frames = [frame for frame in self.run.frames.values() if isinstance(frame, StepFrame)]
        assert root.slots == sum(frame.has_slot for frame in frames)
        assert root.unfinished == sum(frame.phase is not None for frame in frames)
        working = [task for task in self.run.tasks.values() if task.resource != "stepmill:readJson"]
        assert len(working) <= root.slots
        for frame in frames:
            assert (frame.phase is None) == (frame.status is None or frame.status.is_final)
            if frame.phase is not None:
                self.look_at_needs(frame)
        if root.status.is_final:
            assert not root.unfinished
            assert not self.run.tasks
            assert not [key for key in self.run.frames if key.startswith(("ready/", "reads/"))]

    def look_at_needs(self, frame: StepFrame) -> None:
        plan = self.run.plan
        for need, outcome in plan.gates[plan.steps[self.body_of(frame.name)].gate].needs:
            name = child_name(need, frame.index)
            upstream, output = self.run.frames.get(f"step/{name}"), self.run.frames.get(f"output/{name}")
            assert isinstance(upstream, StepFrame), f"{frame.name} started before {name}"
            document = output.document if isinstance(output, OutputFrame) else None
            assert outcome in outcomes_of(upstream.status, document)

    def to_the_end(self, *, ends: list[str]) -> None:
        for _ in range(5_000):
            if self.run.status.is_final:
                return
            self.one_event(ends=ends)
        raise AssertionError("it did not end")


def fold(run: Execution) -> dict[str, Frame]:
    frames: dict[str, Frame] = {}
    history = []
    for event, at in run.recorded:
        result = advance(run.plan, frames, event, at)
        history.extend(result.history)
        for key, frame in result.frames.items():
            if frame is None:
                del frames[key]
            else:
                frames[key] = frame
    assert history == run.history
    return frames


# A seed shrinks no further, but a whole generator drawn bit by bit would be too large to start with.
RANDOMS = st.integers(0, 2**32).map(Random)
ALL_ENDS = ["succeed", "succeed", "succeed", "fail", "stop"]


@given(definitions(), RANDOMS, st.integers(1, 4))
@settings(deadline=None)
def test_any_order_of_reports_ends_and_folds_to_the_same_state(
    found: PipelineDefinition, chance: Random, parallelism: int
) -> None:
    driven = Driven(Plan.of(found), chance, parallelism)
    driven.to_the_end(ends=ALL_ENDS)
    assert fold(driven.run) == driven.run.frames
    assert Plan.of(found).gates == driven.run.plan.gates


@given(definitions(), RANDOMS, st.integers(1, 4), st.integers(0, 12))
@settings(deadline=None)
def test_a_stop_always_ends(found: PipelineDefinition, chance: Random, parallelism: int, events: int) -> None:
    driven = Driven(Plan.of(found), chance, parallelism)
    for _ in range(events):
        if not driven.run.status.is_final:
            driven.one_event(ends=ALL_ENDS)
    was_final = driven.run.status.is_final
    tasks = set(driven.run.tasks)
    driven.run.stop()
    assert was_final or set(driven.run.stopped) == tasks
    driven.look()
    driven.run.timers.clear()
    started = len(driven.run.all_tasks)
    driven.to_the_end(ends=ALL_ENDS)
    assert len(driven.run.all_tasks) == started, "a task started after the stop"
    assert driven.run.status in (Status.STOPPED, Status.FAILED) or was_final
    assert fold(driven.run) == driven.run.frames


@given(definitions(may_fail=False), RANDOMS, st.integers(1, 4))
@settings(deadline=None)
def test_a_retry_in_which_all_goes_well_succeeds_and_repeats_no_success(
    found: PipelineDefinition, chance: Random, parallelism: int
) -> None:
    driven = Driven(Plan.of(found), chance, parallelism)
    if chance.random() < 0.5:
        driven.run.stop()
    driven.to_the_end(ends=ALL_ENDS)
    if driven.run.status not in RETRYABLE:
        return
    driven.run.timers.clear()
    driven.run.retry()
    driven.look()
    driven.to_the_end(ends=["succeed"])
    assert driven.run.status is Status.SUCCEEDED
    assert fold(driven.run) == driven.run.frames


@given(definitions(), RANDOMS)
@settings(deadline=None)
def test_the_status_follows_from_the_steps(found: PipelineDefinition, chance: Random) -> None:
    driven = Driven(Plan.of(found), chance, 3)
    driven.to_the_end(ends=ALL_ENDS)
    statuses = [
        frame.status
        for frame in driven.run.frames.values()
        if isinstance(frame, StepFrame) and not frame.parent
    ]
    all_well = all(status is StepStatus.SUCCEEDED for status in statuses)
    assert all_well == (driven.run.status is Status.SUCCEEDED)
    views = step_views(driven.run.plan, driven.run.frames)
    assert {view.name for view in views} >= set(found.steps)
    assert Standing.WAITING not in {
        view.status
        for view in views
        if not driven.run.plan.steps.get(view.name) or not driven.run.plan.steps[view.name].loop
    }


@given(definitions(), RANDOMS)
@settings(deadline=None)
def test_what_is_waiting_may_start_and_what_is_not_never_does(
    found: PipelineDefinition, chance: Random
) -> None:
    driven = Driven(Plan.of(found), chance, 2)
    shut: set[str] = set()
    while not driven.run.status.is_final:
        views = step_views(driven.run.plan, driven.run.frames)
        shut |= {
            view.name
            for view in views
            if isinstance(view.status, Standing) and view.status is not Standing.WAITING
        }
        driven.one_event(ends=ALL_ENDS)
    assert not shut & set(driven.run.step_statuses)


@given(definitions(may_fail=False), RANDOMS, st.data())
@settings(deadline=None)
def test_running_from_any_step_on_ends_well(
    found: PipelineDefinition, chance: Random, data: st.DataObject
) -> None:
    source = Driven(Plan.of(found), chance, 4)
    source.to_the_end(ends=["succeed"])
    plan = source.run.plan
    candidates = [
        name for name, planned in plan.steps.items() if not planned.loop and name in source.run.step_statuses
    ]
    if not candidates:
        return
    names = selection_from(plan, data.draw(st.sampled_from(candidates)), source.run.frames)
    selection = check_selection(plan, names, source.run.frames, "arn:source")
    run = Execution(plan).start(selection=selection)
    while run.tasks:
        task = next(iter(run.tasks.values()))
        is_read = task.resource == "stepmill:readJson"
        run.succeed(task.step, {"values": [1]} if is_read else {"out": 1})
    assert run.status is Status.SUCCEEDED
    reused = {
        frame.name for frame in run.frames.values() if isinstance(frame, StepFrame) and frame.reused_from
    }
    assert not reused & set(names)
