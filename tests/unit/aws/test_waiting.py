"""Who is kept waiting, and how long: the SDKs' loops, call by call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stepmill.aws.service import Call, Caller
from stepmill.aws.waiting import LONG, NOT_AT_ALL, SHORTLY, Waiting
from stepmill.aws.wire import Request

BOTO = "Boto3/1.44.8 md/Botocore#1.44.8 ua/2.1 lang/python#3.11 m/N,b,E,e,Z cfg/retry-mode#standard"
WAITER = BOTO.replace("m/N,b,E,", "m/N,b,E,B,")
SDK2 = f"{BOTO} Botocore/1.44.8 lib/AWS-SageMaker-Python-SDK#2.257.7"
SDK3 = f"{BOTO} lib/AWS-SageMakerCore#2.27.0"
CLI = "aws-cli/2.17.0 md/awscrt#0.20 ua/2.0 m/E,b md/command#sagemaker.describe-training-job"
JOB = "job-1"


class Loop:
    """A client's calls, one after another, on a clock that the test moves."""

    def __init__(self, waiting: Waiting, agent: str = BOTO, key: str = "AKIA") -> None:
        self.waiting = waiting
        self.agent = agent
        self.key = key
        self.now_s = 1000.0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def call(self, operation: str, *, agent: str = "", **parameters: Any) -> Call:
        request = Request("POST", "/", headers={"user-agent": agent or self.agent})
        return Call(operation, parameters, Caller(self.key, "test"), request)

    def create(self, name: str = JOB) -> None:
        call = self.call("CreateTrainingJob", TrainingJobName=name)
        self.waiting.note(call, {"TrainingJobArn": f"arn:{name}"}, is_settled=True, now_s=self.now_s)

    def describe(self, name: str = JOB, *, settled: bool = False) -> timedelta:
        """Ask; return the patience. It is answered at once, however long that is."""
        return self._ask(self.call("DescribeTrainingJob", TrainingJobName=name), settled)

    def logs(self, name: str = JOB, *, agent: str = "", **parameters: Any) -> timedelta:
        call = self.call("GetLogEvents", agent=agent, logStreamName=f"{name}/algo-1-99", **parameters)
        return self._ask(call, False)

    def _ask(self, call: Call, settled: bool) -> timedelta:
        patience = self.waiting.patience(call, self.now_s)
        self.waiting.note(call, {}, is_settled=settled, now_s=self.now_s)
        return patience


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


# ---- SDK 2 -----------------------------------------------------------------------------------------


def test_fit_of_sdk_2_with_logs_is_held_shortly_at_its_first_look_and_then_line_by_line(
    waiting: Waiting,
) -> None:
    loop = Loop(waiting, SDK2)
    loop.create()
    loop.sleep(5)
    assert loop.describe() == SHORTLY
    loop.sleep(0.1)
    assert loop.logs(startFromHead=True) == SHORTLY
    assert loop.logs(startFromHead=True, nextToken="f/1") == SHORTLY
    loop.sleep(30)
    assert loop.describe() == SHORTLY, "whoever follows the log gets it, and not the end alone"


def test_fit_of_sdk_2_without_logs_is_held_long_from_its_second_look(waiting: Waiting) -> None:
    loop = Loop(waiting, SDK2)
    loop.create()
    loop.sleep(5)
    assert loop.describe() == SHORTLY
    loop.sleep(5)
    assert loop.describe() == LONG
    loop.sleep(5)
    assert loop.describe() == LONG


def test_a_processing_job_of_sdk_2_is_first_looked_at_after_ten_seconds(waiting: Waiting) -> None:
    loop = Loop(waiting, SDK2)
    loop.create()
    loop.sleep(10)
    assert loop.describe() == SHORTLY


def test_somebody_who_looks_at_an_old_job_is_told_at_once(waiting: Waiting) -> None:
    loop = Loop(waiting, SDK2)
    loop.create()
    loop.sleep(3600)
    assert loop.describe() == NOT_AT_ALL


# ---- SDK 3 -----------------------------------------------------------------------------------------


def test_train_of_sdk_3_gets_its_job_at_once_and_is_held_when_it_looks_again(waiting: Waiting) -> None:
    loop = Loop(waiting, SDK3)
    loop.create()
    loop.sleep(0.05)
    assert loop.describe() == NOT_AT_ALL, "train(wait=False) makes this call, too"
    loop.sleep(0.3)
    assert loop.describe() == SHORTLY
    assert loop.logs(agent=BOTO, startFromHead=True) == SHORTLY, "its client of logs is a plain one"
    loop.sleep(5)
    assert loop.describe() == SHORTLY


def test_a_wait_of_sdk_3_without_logs_is_held_long(waiting: Waiting) -> None:
    loop = Loop(waiting, SDK3)
    loop.create()
    loop.describe()
    loop.sleep(0.1)
    assert loop.describe() == SHORTLY
    loop.sleep(5)
    assert loop.describe() == LONG


# ---- botocore's waiters, loops of one's own, people -------------------------------------------------------


def test_a_waiter_is_held_long_from_its_first_call(waiting: Waiting) -> None:
    loop = Loop(waiting, WAITER)
    assert loop.describe() == LONG
    loop.sleep(30)
    assert loop.describe() == LONG


@pytest.mark.parametrize("agent", ["m/B", "x m/B y", "x m/B,D", "x m/D,B,E y", "x m/D,B"])
def test_a_waiter_is_known_by_its_feature(waiting: Waiting, agent: str) -> None:
    assert Loop(waiting, agent).describe() == LONG


@pytest.mark.parametrize("agent", ["m/b", "m/Bb", "x m/D,bB", "om/B", "lib/m,B", ""])
def test_other_letters_are_no_waiter(waiting: Waiting, agent: str) -> None:
    assert Loop(waiting, agent).describe() == NOT_AT_ALL


def test_a_loop_of_somebodys_own_is_held_shortly_from_its_second_call(waiting: Waiting) -> None:
    loop = Loop(waiting)
    assert loop.describe() == NOT_AT_ALL
    for _ in range(3):
        loop.sleep(30)
        assert loop.describe() == SHORTLY


def test_a_loop_that_asks_all_the_time_needs_no_help(waiting: Waiting) -> None:
    loop = Loop(waiting)
    for _ in range(5):
        assert loop.describe() == NOT_AT_ALL
        loop.sleep(0.5)


def test_the_aws_command_is_answered_at_once_but_its_waiter_is_held(waiting: Waiting) -> None:
    loop = Loop(waiting, CLI)
    for _ in range(3):
        assert loop.describe() == NOT_AT_ALL
        assert loop.logs(nextToken="f/1") == NOT_AT_ALL
        loop.sleep(10)
    loop.agent = CLI.replace("m/E,b", "m/E,B,b")
    assert loop.describe() == LONG


def test_a_log_is_followed_by_whoever_reads_on(waiting: Waiting) -> None:
    loop = Loop(waiting)
    assert loop.logs(startFromHead=True) == NOT_AT_ALL
    assert loop.logs(nextToken="f/1") == SHORTLY


# ---- whose call, of which thing ----------------------------------------------------------------------


def test_things_callers_and_operations_are_kept_apart(waiting: Waiting) -> None:
    loop, other = Loop(waiting), Loop(waiting, key="AKIB")
    loop.describe("a")
    loop.sleep(10)
    other.sleep(10)
    assert loop.describe("b") == NOT_AT_ALL
    assert other.describe("a") == NOT_AT_ALL
    assert loop._ask(loop.call("DescribeProcessingJob", TrainingJobName="a"), False) == NOT_AT_ALL
    assert loop.describe("a") == SHORTLY


def test_reading_the_log_of_another_job_makes_no_follower(waiting: Waiting) -> None:
    loop = Loop(waiting, SDK2)
    loop.describe()
    loop.logs("job-2")
    loop.sleep(5)
    assert loop.describe() == LONG


def test_a_settled_answer_ends_the_waiting(waiting: Waiting) -> None:
    loop = Loop(waiting)
    loop.describe()
    loop.sleep(10)
    loop.describe(settled=True)
    loop.sleep(10)
    assert loop.describe() == NOT_AT_ALL


def test_a_create_that_failed_made_nothing(waiting: Waiting) -> None:
    loop = Loop(waiting, SDK2)
    call = loop.call("CreateTrainingJob", TrainingJobName=JOB)
    waiting.note(call, None, is_settled=True, now_s=loop.now_s)
    loop.sleep(5)
    assert loop.describe() == NOT_AT_ALL


def test_what_was_made_may_be_named_by_the_answer(waiting: Waiting) -> None:
    loop = Loop(waiting, SDK2)
    start = loop.call("StartPipelineExecution", PipelineName="p")
    waiting.note(start, {"PipelineExecutionArn": "arn:x"}, is_settled=True, now_s=loop.now_s)
    loop.sleep(5)
    describe = loop.call("DescribePipelineExecution", PipelineExecutionArn="arn:x")
    assert waiting.patience(describe, loop.now_s) == SHORTLY


def test_calls_without_end_fill_no_memory(waiting: Waiting) -> None:
    loop = Loop(waiting)
    for number in range(10_000):
        loop.create(f"job-{number}")
        loop.describe(f"job-{number}")
        loop.logs(f"job-{number}")
    sizes = [
        len(part._at_s) for part in (waiting._asked, waiting._made, waiting._logs_read, waiting._waited_for)
    ]
    assert max(sizes) <= 4096
