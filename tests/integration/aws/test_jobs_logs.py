"""The logs of jobs, as boto3 sees them in CloudWatch Logs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from support.cli import eventually
from support.registry import refused
from support.wire import Wire
from support.wire_jobs import WireJobs

GROUP = "/aws/sagemaker/TrainingJobs"
LINES = 250
SLOWLY = """
import time
print("begin", flush=True)
time.sleep(2)
print("more", flush=True)
time.sleep(600)
"""
COUNTS = f"""
for number in range({LINES}):
    print(f"line {{number}}")
"""
IN_STEPS = """
import time
print("one", flush=True)
time.sleep(3)
print("two", flush=True)
print("end", end="", flush=True)
"""


class Logs:
    def __init__(self, wire: Wire) -> None:
        self.jobs = WireJobs(wire)
        self.client = wire.client("logs")

    def stream(self, job: str, group: str = GROUP) -> str:
        """Wait until the log of a job is there, and return its stream's name."""

        def look() -> str | None:
            try:
                answer = self.client.describe_log_streams(
                    logGroupName=group, logStreamNamePrefix=f"{job}/", orderBy="LogStreamName", limit=1
                )
            except self.client.exceptions.ResourceNotFoundException:
                return None
            assert "nextToken" not in answer
            return answer["logStreams"][0]["logStreamName"] if answer["logStreams"] else None

        return eventually(look, f"the log of {job}")

    def page(self, stream: str, **given: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get_log_events(logGroupName=GROUP, logStreamName=stream, **given)
        return answer

    def forwards(self, stream: str, **given: Any) -> Iterator[list[dict[str, Any]]]:
        """Yield pages as the SDK reads them: until one is empty."""
        page = self.page(stream, startFromHead=True, **given)
        while page["events"]:
            yield page["events"]
            page = self.page(stream, startFromHead=True, nextToken=page["nextForwardToken"], **given)

    def backwards(self, stream: str, **given: Any) -> Iterator[list[dict[str, Any]]]:
        page = self.page(stream, **given)
        while page["events"]:
            yield page["events"]
            page = self.page(stream, nextToken=page["nextBackwardToken"], **given)


@pytest.fixture(scope="module")
def logs(wire: Wire) -> Logs:
    return Logs(wire)


@pytest.fixture(scope="module")
def counted(logs: Logs) -> str:
    """The stream of a job that has written many lines, and ended."""
    name = logs.jobs.train(COUNTS)
    logs.jobs.trained(name)
    return logs.stream(name)


def texts(pages: Iterator[list[dict[str, Any]]]) -> list[str]:
    return [event["message"] for page in pages for event in page]


EXPECTED = [f"line {number}" for number in range(LINES)]


class TestPages:
    def test_forwards_in_pages(self, logs: Logs, counted: str) -> None:
        pages = list(logs.forwards(counted, limit=100))
        assert [len(page) for page in pages] == [100, 100, 50]
        assert texts(iter(pages)) == EXPECTED

    def test_backwards_in_pages_each_of_which_goes_forwards(self, logs: Logs, counted: str) -> None:
        pages = list(logs.backwards(counted, limit=100))
        assert [page[0]["message"] for page in pages] == ["line 150", "line 50", "line 0"]
        assert texts(iter(pages[::-1])) == EXPECTED

    def test_times_ascend_and_lie_in_the_job(self, logs: Logs, counted: str) -> None:
        (page,) = logs.forwards(counted)
        times = [event["timestamp"] for event in page]
        assert times == sorted(times)
        assert all(event["ingestionTime"] == event["timestamp"] for event in page)
        assert abs(times[0] / 1000 - time.time()) < 3600

    def test_periods_include_their_start_and_not_their_end(self, logs: Logs, counted: str) -> None:
        (page,) = logs.forwards(counted)
        first, last = page[0]["timestamp"], page[-1]["timestamp"]
        assert texts(logs.forwards(counted, startTime=first)) == EXPECTED
        assert texts(logs.forwards(counted, startTime=first, endTime=last + 1)) == EXPECTED
        assert texts(logs.forwards(counted, startTime=last + 1)) == []
        assert texts(logs.forwards(counted, endTime=first)) == []
        at_last = [event["message"] for event in page if event["timestamp"] == last]
        assert texts(logs.forwards(counted, startTime=last)) == at_last
        assert texts(logs.backwards(counted, endTime=last)) == EXPECTED[: -len(at_last)]

    def test_at_the_end_the_same_token_comes_back(self, logs: Logs, counted: str) -> None:
        token = logs.page(counted, startFromHead=True)["nextForwardToken"]
        for _ in range(2):
            page = logs.page(counted, nextToken=token, startFromHead=True)
            assert (page["events"], page["nextForwardToken"]) == ([], token)

    def test_both_tokens_of_a_page(self, logs: Logs, counted: str) -> None:
        page = logs.page(counted, startFromHead=True, limit=10)
        following = logs.page(counted, nextToken=page["nextForwardToken"], limit=5)
        assert following["events"][0]["message"] == "line 10"
        back = logs.page(counted, nextToken=following["nextBackwardToken"], limit=10)
        assert back["events"] == page["events"]

    @pytest.mark.parametrize("token", ["x", "f/1", "f/" + "9" * 21, "b/-1", "f/0000000000000000000x"])
    def test_what_is_no_token(self, logs: Logs, counted: str, token: str) -> None:
        error = refused(logs.page, stream=counted, nextToken=token)
        assert (error.code, "nextToken is invalid" in error.message) == ("InvalidParameterException", True)


class TestARunningJob:
    def test_its_lines_come_in_while_it_runs(self, logs: Logs) -> None:
        name = logs.jobs.train(IN_STEPS)
        stream = logs.stream(name)
        seen: list[str] = []
        token: dict[str, Any] = {}
        statuses = []

        def look() -> bool:
            page = logs.page(stream, startFromHead=True, **token)
            token["nextToken"] = page["nextForwardToken"]
            seen.extend(event["message"] for event in page["events"])
            statuses.append(logs.jobs.client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"])
            return "end" in seen

        eventually(look, "the last line")
        assert seen == ["one", "two", "end"]
        assert statuses[0] == "InProgress"
        logs.jobs.trained(name)

    def test_who_follows_is_answered_when_something_comes(self, logs: Logs, wire: Wire) -> None:
        script = (
            "import time\nprint('begin', flush=True)\ntime.sleep(2)\nprint('more', flush=True)\ntime.sleep(9)"
        )
        name = logs.jobs.train(script)
        page = logs.page(logs.stream(name), startFromHead=True)
        stream = logs.stream(name)
        calls = 0
        while not any(event["message"] == "more" for event in page["events"]):
            page = logs.page(stream, startFromHead=True, nextToken=page["nextForwardToken"])
            calls += 1
            assert calls < 10, "every call was answered at once"
        logs.jobs.client.stop_training_job(TrainingJobName=name)
        logs.jobs.trained(name)

    def test_before_it_writes_there_is_no_stream(self, logs: Logs) -> None:
        answer = logs.client.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="nobody/")
        assert answer["logStreams"] == []
        error = refused(logs.page, stream="nobody/algo-1-1")
        assert error.code == "ResourceNotFoundException"
        assert error.message.startswith("The specified log stream does not exist.")
        error = refused(logs.client.describe_log_streams, logGroupName="/aws/sagemaker/Endpoints/x", limit=1)
        assert error.message == "The specified log group does not exist."


class TestDescriptions:
    def test_a_stream(self, logs: Logs, counted: str) -> None:
        (stream,) = logs.client.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=counted)[
            "logStreams"
        ]
        (page,) = logs.forwards(counted)
        assert stream["firstEventTimestamp"] == page[0]["timestamp"]
        assert stream["lastEventTimestamp"] == page[-1]["timestamp"]
        assert stream["creationTime"] <= stream["firstEventTimestamp"] + 1000
        group = f"arn:aws:logs:us-west-2:123456789012:log-group:{GROUP}"
        assert stream["arn"] == f"{group}:log-stream:{counted}"
        by_arn = logs.client.describe_log_streams(logGroupIdentifier=group, logStreamNamePrefix=counted)
        assert by_arn["logStreams"] == [stream]

    def test_pages_and_orders_of_streams(self, logs: Logs, counted: str) -> None:
        for _ in range(2):
            logs.jobs.trained(logs.jobs.train("print()"))

        def names(**given: Any) -> list[str]:
            found = logs.client.get_paginator("describe_log_streams").paginate(
                logGroupName=GROUP, PaginationConfig={"PageSize": 1}, **given
            )
            return [stream["logStreamName"] for page in found for stream in page["logStreams"]]

        by_name = names()
        assert by_name == sorted(by_name)
        assert names(descending=True) == by_name[::-1]
        by_time = names(orderBy="LastEventTime", descending=True)
        assert sorted(by_time) == by_name
        assert by_time.index(counted) > 0
        error = refused(
            logs.client.describe_log_streams,
            logGroupName=GROUP, orderBy="LastEventTime", logStreamNamePrefix="a",
        )  # fmt: skip
        assert error.code == "InvalidParameterException"

    def test_groups(self, logs: Logs, counted: str) -> None:
        del counted
        logs.jobs.processed(logs.jobs.process("print()"))
        answer = logs.client.describe_log_groups(logGroupNamePrefix="/aws/sagemaker/")
        names = [group["logGroupName"] for group in answer["logGroups"]]
        assert names == ["/aws/sagemaker/ProcessingJobs", GROUP]
        (group,) = logs.client.describe_log_groups(logGroupNamePattern="Training")["logGroups"]
        assert group["arn"] == f"arn:aws:logs:us-west-2:123456789012:log-group:{GROUP}:*"
        assert group["logGroupClass"] == "STANDARD"

    def test_groups_of_the_user_are_refused_by_name(self, logs: Logs) -> None:
        error = refused(logs.client.create_log_group, logGroupName="mine")
        assert error.code == "UnsupportedOperation"
        assert "CreateLogGroup" in error.message


class TestFiltering:
    def test_by_terms_over_streams_and_pages(self, logs: Logs, counted: str) -> None:
        job = counted.partition("/")[0]
        given = {"logGroupName": GROUP, "logStreamNamePrefix": job, "filterPattern": '"line 1" -"line 10"'}
        pages = logs.client.get_paginator("filter_log_events").paginate(
            **given, PaginationConfig={"PageSize": 7}
        )
        found = [event for page in pages for event in page["events"]]
        wanted = [text for text in EXPECTED if "line 1" in text and "line 10" not in text]
        assert [event["message"] for event in found] == wanted
        assert {event["logStreamName"] for event in found} == {counted}
        assert len({event["eventId"] for event in found}) == len(found)

    def test_of_named_streams(self, logs: Logs, counted: str) -> None:
        other = logs.jobs.train("print('line 7 of another')")
        logs.jobs.trained(other)
        names = [logs.stream(other), counted]
        answer = logs.client.filter_log_events(
            logGroupName=GROUP, logStreamNames=names, filterPattern='"line 7 " ?"line 7"'
        )
        assert [event["message"] for event in answer["events"]] == ["line 7 of another"]
        assert "nextToken" not in answer
        whole = logs.client.filter_log_events(logGroupName=GROUP, logStreamNames=names)
        assert len(whole["events"]) == LINES + 1
        error = refused(logs.client.filter_log_events, logGroupName=GROUP, logStreamNames=["nobody/algo-1-1"])
        assert error.code == "ResourceNotFoundException"

    def test_what_is_not_offered(self, logs: Logs, counted: str) -> None:
        del counted
        for pattern, code in (
            ("{ $.a = 1 }", "UnsupportedOperation"),
            ('"open', "InvalidParameterException"),
        ):
            error = refused(logs.client.filter_log_events, logGroupName=GROUP, filterPattern=pattern)
            assert error.code == code
        error = refused(logs.client.filter_log_events, logGroupName=GROUP, nextToken="x")
        assert error.code == "InvalidParameterException"


def test_the_log_of_a_function(logs: Logs, wire: Wire) -> None:
    folder = wire.platform.settings.home / "function"
    folder.mkdir(exist_ok=True)
    (folder / "main.py").write_text("def handle(event, context):\n    print('called', event)\n")
    function = logs.jobs.name("function")
    wire.platform.functions.put(function, code=folder, handler="main.handle")
    wire.client("lambda").invoke(FunctionName=function, Payload=b'{"a": 1}')
    group = f"/aws/lambda/{function}"
    (stream,) = logs.client.describe_log_streams(logGroupName=group)["logStreams"]
    answer = logs.client.get_log_events(
        logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
    )
    assert any("called {'a': 1}" in event["message"] for event in answer["events"])
