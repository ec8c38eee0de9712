from __future__ import annotations

from typing import Any

import pytest
from tests.support.stating import SEND, Execution, branch, state

from stepmill.core.statuses import StateMachineExecutionStatus as Status
from stepmill.language.states.definition import Catcher, Given, Retrier

ALL = ("States.ALL",)


def two(left: Any, right: Any, **fields: Any) -> Any:
    return state("Parallel", "P", branches=(branch(left), branch(right)), **fields)


def each(*inside: Any, **fields: Any) -> Any:
    return state("Map", "M", processor=branch(*inside), **fields)


def test_branches_run_and_their_outputs_are_the_result() -> None:
    run = Execution(two(state("Pass", "A", result=1), state("Pass", "B"))).start('{"x":1}')
    assert run.said == [
        "ExecutionStarted <0",
        "ParallelStateEntered P <0",
        "ParallelStateStarted P <2",
        "PassStateEntered A <3",
        "PassStateExited A <4",
        "PassStateEntered B <3",
        "PassStateExited B <6",
        "ParallelStateSucceeded P <7",
        "ParallelStateExited P <7",
        "ExecutionSucceeded <9",
    ]
    assert run.output == '[1,{"x":1}]'
    assert set(run.frames) == {"execution", "started"}


def test_branches_wait_side_by_side() -> None:
    run = Execution(two(state("Task", "A", resource=SEND), state("Task", "B", resource=SEND))).start()
    run.succeed("B", output="b")
    assert run.status is Status.RUNNING
    run.succeed("A", output="a")
    assert run.output == '["a","b"]'
    assert run.said[-3:] == [
        "ParallelStateSucceeded P <13",
        "ParallelStateExited P <13",
        "ExecutionSucceeded <15",
    ]


def test_a_failed_branch_stops_its_siblings() -> None:
    run = Execution(
        state(
            "Parallel",
            "P",
            branches=(
                branch(state("Task", "A", resource=SEND)),
                branch(state("Task", "B", resource=SEND, timeout=Given(9))),
                branch(state("Wait", "W", seconds=Given(99))),
            ),
        )
    ).start()
    assert len(run.timers) == 2
    run.fail("A")
    assert run.said[3:] == [
        "TaskStateEntered A <3",
        "TaskScheduled A <4",
        "TaskStateEntered B <3",
        "TaskScheduled B <6",
        "WaitStateEntered W <3",
        "TaskStarted A <5",
        "TaskFailed A <9",
        "TaskStateAborted B <7",
        "WaitStateAborted W <8",
        "ParallelStateFailed P <10",
        "ExecutionFailed <13",
    ]
    assert run.stopped == [run.task("B").id]
    assert not run.timers
    assert (run.error, run.cause) == ("Boom", "it broke")


def test_a_failure_inside_is_caught_outside() -> None:
    run = Execution(
        two(
            state("Fail", "F", error=Given("E"), cause=Given("c")),
            state("Pass", "B"),
            catch=(Catcher(errors=("E",), next="C", result_path="$.e"),),
        ),
        state("Pass", "C"),
    ).start('{"a":1}')
    assert run.output == '{"a":1,"e":{"Error":"E","Cause":"c"}}'
    assert run.said[3:7] == [
        "FailStateEntered F <3",
        "ParallelStateFailed P <4",
        "ParallelStateExited P <5",
        "PassStateEntered C <6",
    ]
    assert set(run.frames) == {"execution", "started"}


def test_a_parallel_is_tried_again_as_a_whole() -> None:
    run = Execution(
        two(
            state("Task", "A", resource=SEND),
            state("Pass", "B"),
            retry=(Retrier(errors=ALL, max_attempts=1),),
        )
    ).start()
    run.fail("A")
    run.fire()
    run.succeed("A", output=1)
    assert run.output == "[1,{}]"
    assert run.said[7:12] == [
        "TaskStarted A <5",
        "TaskFailed A <8",
        "ParallelStateFailed P <9",
        "ParallelStateStarted P <10",
        "TaskStateEntered A <11",
    ]


def test_a_fatal_failure_inside_is_not_caught_outside() -> None:
    catch = (Catcher(errors=ALL, next="C"),)
    run = Execution(
        two(state("Pass", "A", input_path="$.no"), state("Pass", "B"), catch=catch), state("Pass", "C")
    ).start()
    assert run.error == "States.Runtime"
    assert run.said[3:] == ["PassStateEntered A <3", "ExecutionFailed <4"]


def test_inner_branches_see_outer_variables_and_keep_their_own() -> None:
    run = Execution(
        state("Pass", "V", assign={"x": 1}, next="P"),
        two(
            state("Pass", "A", parameters={"x.$": "$x"}, assign={"y": 2}),
            state("Pass", "B"),
            next="Z",
        ),
        state("Pass", "Z", parameters={"y.$": "$y"}),
    ).start()
    assert run.error == "States.Runtime"
    assert '[{\\"x\\":1},{}]' in str(run.history[-3].body).replace('"', '\\"')


# ---- Map ----------------------------------------------------------------------------------------


def test_one_iteration_after_the_other() -> None:
    run = Execution(each(state("Pass", "A"), max_concurrency=Given(1))).start("[7,8]")
    assert run.said == [
        "ExecutionStarted <0",
        "MapStateEntered M <0",
        "MapStateStarted M <2",
        "MapIterationStarted M <3",
        "PassStateEntered A <4",
        "PassStateExited A <5",
        "MapIterationSucceeded M <6",
        "MapIterationStarted M <6",
        "PassStateEntered A <8",
        "PassStateExited A <9",
        "MapIterationSucceeded M <10",
        "MapStateSucceeded M <11",
        "MapStateExited M <11",
        "ExecutionSucceeded <13",
    ]
    assert run.details(3) == {"length": 2}
    assert run.details(8) == {"name": "M", "index": 1}
    assert run.output == "[7,8]"
    assert set(run.frames) == {"execution", "started"}


def test_no_items_no_iterations() -> None:
    run = Execution(each(state("Pass", "A"))).start("[]")
    assert run.said[1:] == [
        "MapStateEntered M <0",
        "MapStateStarted M <2",
        "MapStateSucceeded M <3",
        "MapStateExited M <3",
        "ExecutionSucceeded <5",
    ]
    assert run.output == "[]"


@pytest.mark.parametrize(
    ("fields", "output"),
    [
        ({"items_path": "$.in"}, '[{"a":1},{"a":2}]'),
        (
            {
                "items_path": "$.in",
                "item_selector": {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value.a", "k.$": "$.k"},
            },
            '[{"i":0,"v":1,"k":"K"},{"i":1,"v":2,"k":"K"}]',
        ),
        ({"input_path": "$.in"}, '[{"a":1},{"a":2}]'),
        ({"items_path": "$.in", "result_path": "$.out", "output_path": "$.out[1].a"}, "2"),
    ],
)
def test_items_are_found_and_shaped(fields: dict[str, Any], output: str) -> None:
    assert (
        Execution(each(state("Pass", "A"), **fields)).start('{"in":[{"a":1},{"a":2}],"k":"K"}').output
        == output
    )


def test_the_iteration_is_in_the_context_of_its_states() -> None:
    inside = state("Pass", "A", parameters={"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value"})
    assert Execution(each(inside)).start('["x"]').output == '[{"i":0,"v":"x"}]'


@pytest.mark.parametrize(
    ("fields", "value", "path"), [({}, "5", "$"), ({"items_path": "$.a"}, '{"a":1}', "$.a")]
)
def test_what_is_no_list_fails(fields: dict[str, Any], value: str, path: str) -> None:
    run = Execution(each(state("Pass", "A"), **fields)).start(value)
    assert run.said[2:] == ["ExecutionFailed <2"]
    assert run.cause is not None
    assert run.cause.endswith(f'Reference path "{path}" must point to array.')


@pytest.mark.parametrize(
    ("limit", "most"), [(Given(3), 3), (Given(0), 40), (None, 40), (Given(path="$.n"), 2)]
)
def test_no_more_iterations_at_once_than_allowed(limit: Given | None, most: int) -> None:
    run = Execution(each(state("Task", "A", resource=SEND), items_path="$.in", max_concurrency=limit)).start(
        '{"n":2,"in":' + str(list(range(100))) + "}"
    )
    seen = 0
    while run.tasks:
        assert len(run.tasks) <= most
        seen = max(seen, len(run.tasks))
        task = run.task()
        run.succeed(output=task.payload)
    assert seen == most
    assert run.output == str(list(range(100))).replace(" ", "")
    assert set(run.frames) == {"execution", "started"}


def test_a_failed_iteration_stops_the_others() -> None:
    run = Execution(each(state("Task", "A", resource=SEND))).start("[1,2]")
    run.fail()
    assert run.said[3:] == [
        "MapIterationStarted M <3",
        "MapIterationStarted M <3",
        "TaskStateEntered A <4",
        "TaskScheduled A <6",
        "TaskStateEntered A <5",
        "TaskScheduled A <8",
        "TaskStarted A <7",
        "TaskFailed A <10",
        "MapIterationFailed M <11",
        "TaskStateAborted A <9",
        "MapIterationAborted M <9",
        "MapStateFailed M <11",
        "ExecutionFailed <15",
    ]
    assert run.details(12) == {"name": "M", "index": 0}
    assert run.details(14) == {"name": "M", "index": 1}


def test_many_items_go_on_over_many_bursts() -> None:
    run = Execution(each(state("Pass", "A"))).start(str(list(range(3000))))
    run.fire_all()
    assert run.output == str(list(range(3000))).replace(" ", "")
    assert all(int(str(e.body["previousEventId"])) < n for n, e in enumerate(run.history, start=1))


def test_an_iteration_writes_frames_of_bounded_size() -> None:
    run = Execution(each(state("Task", "A", resource=SEND), max_concurrency=Given(2))).start(
        str(list(range(5000)))
    )
    sizes = []
    for _ in range(4000):
        outcome = run.succeed(output=1)
        sizes.append(sum(len(run.texts[key]) for key in outcome.frames if key in run.texts))
    assert max(sizes) < 2500


def test_maps_nest() -> None:
    inner = state("Map", "N", processor=branch(state("Pass", "A", parameters={"v.$": "$$.Map.Item.Value"})))
    assert Execution(each(inner)).start("[[1,2],[3]]").output == '[[{"v":1},{"v":2}],[{"v":3}]]'


def test_what_an_iteration_gets_may_fail_while_others_run() -> None:
    run = Execution(
        each(
            state("Task", "A", resource=SEND),
            item_selector={"v.$": "$$.Map.Item.Value.a"},
            max_concurrency=Given(2),
        )
    ).start('[{"a":1},{"a":2},{}]')
    run.succeed()
    assert run.error == "States.Runtime"
    assert run.said[-2:] == ["MapIterationStarted M <12", "ExecutionFailed <13"]
    assert run.stopped == [task.id for task in run.tasks.values()]


class TestObjects:
    """Source: developer guide, "ItemsPath (Map)": an iteration for each key-value pair of an object."""

    def test_an_iteration_gets_a_pair(self) -> None:
        each = state("Map", "M", processor=branch(state("Pass", "X")), items_path="$.o")
        assert Execution(each).start('{"o":{"b":2,"a":[1]}}').output == (
            '[{"Key":"b","Value":2},{"Key":"a","Value":[1]}]'
        )

    def test_the_context_tells_key_and_value(self) -> None:
        inside = state("Pass", "X", parameters={"in.$": "$$.Map.Item"})
        each = state(
            "Map", "M", processor=branch(inside),
            item_selector={"k.$": "$$.Map.Item.Key", "v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index"},
        )  # fmt: skip
        told = '[{"in":{"Index":0,"Key":"a","Value":1}},{"in":{"Index":1,"Key":"b","Value":2}}]'
        assert Execution(each).start('{"a":1,"b":2}').output == told

    def test_an_object_without_members_has_no_iterations(self) -> None:
        assert Execution(state("Map", "M", processor=branch(state("Pass", "X")))).start("{}").output == "[]"

    def test_jsonata_gives_objects_too(self) -> None:
        each = state(
            "Map", "M", jsonata=True, processor=branch(state("Pass", "X")), items="{% $states.input.o %}",
            item_selector={"k": "{% $states.context.Map.Item.Key %}"},
        )  # fmt: skip
        assert Execution(each).start('{"o":{"a":1}}').output == '[{"k":"a"}]'
