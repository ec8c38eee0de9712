"""Things are made once, whenever the process that makes them is killed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.api_calls import ApiCallError, ApiResponse, Spelling, WrongParametersError
from stepmill.core.json import JsonObject
from stepmill.jobs.integrations.creating import Creating, has_creating
from stepmill.jobs.integrations.journal import Journal
from stepmill.storage.records import RecordStore
from support.integrating import EXECUTION, home, task_of

MODEL: JsonObject = {"ModelName": "churn"}
TASK = task_of("sagemaker:createModel", MODEL, id="run/Make/1")


class Killed(BaseException):
    pass


class Service:
    """A service that keeps models and jobs, and may be killed before or after it has done something."""

    def __init__(self) -> None:
        self.made: dict[str, int] = {}
        self.calls: list[str] = []
        self.tokens: list[str] = []
        self.now_ms = 4_000_000_000_000
        self.fails: Exception | None = None

    def call(
        self,
        service: str,
        operation: str,
        parameters: JsonObject,
        *,
        spelling: Spelling = Spelling.OPTIMIZED,
        caller: str = "",
        idempotency: str = "",
    ) -> ApiResponse:
        self.calls.append(operation)
        self.tokens.append(idempotency)
        if self.fails is not None:
            raise self.fails
        if operation == "SubmitJob":
            return ApiResponse({"JobId": f"job-of-{idempotency}"}, "r")
        name = str(parameters["ModelName"])
        if operation == "DescribeModel":
            return ApiResponse({"ModelArn": f"arn:{name}", "CreationTime": self.made[name]}, "r")
        if name in self.made:
            raise ApiCallError("ResourceInUse", "The name is taken.", request_id="r")
        self.made[name] = self.now_ms
        return ApiResponse({"ModelArn": f"arn:{name}"}, "r")

    def operations(self, service: str) -> frozenset[str]:
        return frozenset()

    def problems(self, service: str, operation: str, parameters: JsonObject) -> Sequence[str]:
        return ()

    def members(self, service: str, operation: str, parameters: JsonObject) -> dict[str, Any]:
        return {}

    def shown(
        self,
        service: str,
        operation: str,
        answer: Mapping[str, Any],
        spelling: Spelling = Spelling.OPTIMIZED,
    ) -> JsonObject:
        return {}


class KilledAfterCall(Journal):
    """The process is killed when the answer is to be noted."""

    def answer(self, task_id: str, answer: JsonObject) -> None:
        raise Killed


@pytest.fixture
def records(tmp_path: Path) -> Iterator[RecordStore]:
    with home(tmp_path) as platform:
        yield platform.records


@pytest.fixture
def service() -> Service:
    return Service()


def create(service: Service, journal: Journal, operation: str = "CreateModel") -> JsonObject:
    named = "batch" if operation == "SubmitJob" else "sagemaker"
    return Creating(service, journal, lambda response: response.members).create(named, operation, TASK, MODEL)


def test_a_second_time_the_first_answer_is_given(service: Service, records: RecordStore) -> None:
    first = create(service, Journal(records))
    assert create(service, Journal(records)) == first == {"ModelArn": "arn:churn"}
    assert service.calls == ["CreateModel"]


def test_what_was_made_before_the_process_was_killed_is_known_again(
    service: Service, records: RecordStore
) -> None:
    with pytest.raises(Killed):
        create(service, KilledAfterCall(records))
    assert create(service, Journal(records)) == {"ModelArn": "arn:churn"}
    assert list(service.made) == ["churn"]
    # And now it is noted.
    count = len(service.calls)
    create(service, Journal(records))
    assert len(service.calls) == count


def test_what_was_there_before_the_task_began_is_not_its_own(service: Service, records: RecordStore) -> None:
    service.made["churn"] = 1_000
    Journal(records).begin(TASK.id, EXECUTION)
    with pytest.raises(ApiCallError, match="The name is taken"):
        create(service, Journal(records))


def test_a_name_that_is_taken_is_refused_at_once_when_the_task_is_new(
    service: Service, records: RecordStore
) -> None:
    service.made["churn"] = service.now_ms
    with pytest.raises(ApiCallError):
        create(service, Journal(records))
    assert service.calls == ["CreateModel"]
    assert records.list("state-task").records == ()


@pytest.mark.parametrize(
    ("error", "is_kept"),
    [
        (ApiCallError("ValidationException", "No."), False),
        (WrongParametersError(["No."]), False),
        # It may have been done all the same.
        (ApiCallError("InternalFailure", "No.", status=500), True),
    ],
)
def test_only_what_was_surely_not_begun_is_forgotten(
    service: Service, records: RecordStore, error: Exception, is_kept: bool
) -> None:
    service.fails = error
    with pytest.raises(type(error)):
        create(service, Journal(records))
    assert bool(records.list("state-task").records) is is_kept


def test_a_job_without_a_name_of_its_own_is_known_by_the_task(service: Service, records: RecordStore) -> None:
    with pytest.raises(Killed):
        create(service, KilledAfterCall(records), "SubmitJob")
    first = create(service, Journal(records), "SubmitJob")
    again = create(service, Journal(records), "SubmitJob")
    assert first == again == {"JobId": f"job-of-{TASK.id}"}
    # Asked again each time, so that the service goes on with the job.
    assert service.tokens == [TASK.id] * 3


def test_an_answer_is_found_by_the_task_alone(service: Service, records: RecordStore) -> None:
    journal = Journal(records)
    assert journal.answer_of(TASK.id) is None
    create(service, journal)
    assert journal.answer_of(TASK.id) == {"ModelArn": "arn:churn"}
    assert journal.answer_of("run/Other/1") is None


def test_an_id_of_any_length_is_an_id(records: RecordStore) -> None:
    journal = Journal(records)
    long = "run/" + "x" * 3000
    assert journal.begin(long, EXECUTION).is_new
    assert not journal.begin(long, EXECUTION).is_new
    journal.forget(long)
    journal.forget(long)
    assert journal.begin(long, EXECUTION).is_new


@pytest.mark.parametrize(
    ("service", "operation", "makes"),
    [
        ("sagemaker", "CreateTrainingJob", True),
        ("stepfunctions", "StartExecution", True),
        ("batch", "SubmitJob", True),
        ("sqs", "SendMessage", False),
        ("sagemaker", "DescribeModel", False),
    ],
)
def test_which_operations_make_something(service: str, operation: str, makes: bool) -> None:
    assert has_creating(service, operation) is makes
