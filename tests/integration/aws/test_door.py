"""What the door does before any service is asked: hostile, broken and unknown requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Service
from stepmill.core.errors import InvalidInputError, StorageError
from support.raw_http import RawConnection
from support.wire import AnybodyAdmission, Wire, running_server

JSON = "application/x-amz-json-1.1"
TARGET = "SageMaker.DescribeModel"
MODEL = b'{"ModelName":"m"}'


class Scripted:
    """A handler that does what a test says, by the name that is asked for."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.go_on = threading.Event()
        self.began = threading.Semaphore(0)

    def describe_model(self, call: Call) -> dict[str, Any]:
        self.calls.append(call)
        name = call.parameters["ModelName"]
        if name == "waits":
            self.began.release()
            assert self.go_on.wait(60)
        if name == "breaks":
            raise RuntimeError("the secret inside")
        if name == "input":
            raise InvalidInputError("The name is odd.", where="ModelName", mend="Take another.")
        if name == "disk":
            raise StorageError("The disk refused.")
        if name == "api":
            raise ApiError("ValidationException", "Could not find model.")
        return {"ModelName": name, "ModelArn": "arn:aws:sagemaker:::model/m", "CreationTime": 0}


@pytest.fixture(scope="module")
def script() -> Scripted:
    return Scripted()


@pytest.fixture(scope="module")
def served(script: Scripted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    services = (Service("sagemaker", {"DescribeModel": script.describe_model}),)
    folder = tmp_path_factory.mktemp("door")
    with running_server(folder, services=services, admission=AnybodyAdmission()) as wire:
        yield wire


@pytest.fixture
def raw(served: Wire) -> Iterator[RawConnection]:
    with RawConnection(served.url) as connection:
        yield connection


def describe(connection: RawConnection, **headers: str) -> Any:
    named = {"x_amz_target": TARGET, "content_type": JSON, **headers}
    return connection.request("POST", "/", MODEL, **named)


def code_of(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


# ---- who may speak to us ---------------------------------------------------------------------------


def test_a_good_request_is_answered_with_its_id(raw: RawConnection) -> None:
    reply = describe(raw)
    assert reply.status == 200
    assert reply.document["ModelName"] == "m"
    assert len(reply.headers["x-amzn-requestid"]) == 36
    assert describe(raw).headers["x-amzn-requestid"] != reply.headers["x-amzn-requestid"]


def test_the_name_of_another_site_is_refused_in_plain_words(raw: RawConnection, script: Scripted) -> None:
    before = len(script.calls)
    reply = describe(raw, host="evil.example:80")
    assert reply.status == 403
    assert b"does not answer to the name 'evil.example:80'" in reply.body
    assert describe(raw).status == 200, "and the connection can still be used"
    assert len(script.calls) == before + 1


def test_no_host_and_two_hosts_are_refused(served: Wire) -> None:
    with RawConnection(served.url) as raw:
        raw.send(b"GET / HTTP/1.1\r\n\r\n")
        assert raw.reply().status == 400
    with RawConnection(served.url) as raw:
        raw.send(f"GET / HTTP/1.1\r\nHost: {raw.host}\r\nHost: evil.example\r\n\r\n".encode())
        assert raw.reply().status == 400


def test_health_needs_no_key(raw: RawConnection) -> None:
    reply = raw.request("GET", "/_stepmill/health")
    assert (reply.status, reply.document) == (200, {"status": "ok"})
    assert raw.request("HEAD", "/_stepmill/health").status == 200
    assert raw.request("GET", "/_stepmill/other").status == 404


def test_what_sdks_tell_of_their_users_is_dropped(raw: RawConnection) -> None:
    host = "sm-pysdk-t-us-west-2.s3.us-west-2.amazonaws.com"
    reply = raw.request("GET", "/telemetry?x-accountId=1&x-failureReason=x", host=host)
    assert (reply.status, reply.body) == (200, b"")
    assert raw.request("GET", "/other", host=host).status == 400


def test_what_nobody_signed_is_refused_in_the_form_of_its_service(wire: Wire) -> None:
    with RawConnection(wire.url) as raw:
        reply = describe(raw)
        assert reply.status in (400, 403)
        assert "Missing" in reply.document["__type"]
        reply = raw.request("POST", "/", b"{}", x_amz_target="SageMaker.NoSuch", content_type=JSON)
        assert "Missing" in reply.document["__type"], "what is offered is nobody's business"


def test_what_is_signed_with_a_key_of_the_home_is_let_in(wire: Wire) -> None:
    assert wire.client("sts").get_caller_identity()["Account"] == wire.platform.settings.account
    stranger = replace(wire, key=replace(wire.key, secret="another"), _clients={})
    with pytest.raises(ClientError) as caught:
        stranger.client("sts").get_caller_identity()
    assert code_of(caught) == ("SignatureDoesNotMatch", 403)


# ---- sizes and slowness ----------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2000])
def test_headers_beyond_the_bound_are_refused(served: Wire, count: int) -> None:
    with RawConnection(served.url) as raw:
        value = "v" * (100_000 // count)
        lines = [f"x-{number}: {value}\r\n" for number in range(count)]
        raw.send(f"GET / HTTP/1.1\r\nHost: {raw.host}\r\n{''.join(lines)}\r\n".encode())
        assert raw.reply().status == 431


def test_a_header_that_never_ends_is_cut_off(served: Wire) -> None:
    with RawConnection(served.url) as raw:
        raw.send(f"GET / HTTP/1.1\r\nHost: {raw.host}\r\nX-Long: ".encode())
        with pytest.raises(OSError):
            raw.send(b"v" * 2**26)


def test_a_body_that_is_announced_too_large_is_refused_unread(raw: RawConnection, script: Scripted) -> None:
    before = len(script.calls)
    raw.send_head("POST", "/", x_amz_target=TARGET, content_length=str(10**12), expect="100-continue")
    status, headers = raw.head()
    assert (status, headers["connection"]) == (413, "close")
    assert headers["content-type"] == JSON
    assert len(script.calls) == before


def test_a_body_that_grows_too_large_is_refused(raw: RawConnection) -> None:
    raw.send_head("POST", "/", x_amz_target=TARGET, transfer_encoding="chunked")
    for _ in range(9):
        raw.send(b"100000\r\n", b" " * 2**20, b"\r\n")
    raw.send(b"0\r\n\r\n")
    reply = raw.reply()
    assert reply.status == 413
    assert reply.document["__type"] == "RequestEntityTooLarge"


def test_a_slow_body_holds_up_nobody_else(served: Wire) -> None:
    with RawConnection(served.url) as slow, RawConnection(served.url) as quick:
        slow.send_head("POST", "/", x_amz_target=TARGET, content_type=JSON, content_length=str(len(MODEL)))
        slow.send(MODEL[:5])
        assert describe(quick).status == 200
        slow.send(MODEL[5:])
        assert slow.reply().status == 200


def test_a_client_that_goes_away_in_the_middle_is_no_trouble(served: Wire, script: Scripted) -> None:
    before = len(script.calls)
    with RawConnection(served.url) as raw:
        raw.send_head("POST", "/", x_amz_target=TARGET, content_length="100")
        raw.send(b"{")
    with RawConnection(served.url) as raw:
        assert describe(raw).status == 200
    assert len(script.calls) == before + 1


@pytest.mark.parametrize(
    "start",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_refused_and_the_connection_closed(served: Wire, start: bytes) -> None:
    with RawConnection(served.url) as raw:
        raw.send(start)
        assert raw.reply().status in (400, 403)
        raw.socket.shutdown(1)
        assert raw.is_closed()
    with RawConnection(served.url) as raw:
        assert raw.request("GET", "/_stepmill/health").status == 200


# ---- what is not offered ---------------------------------------------------------------------------


def test_an_operation_that_is_not_offered_is_refused_by_name(served: Wire) -> None:
    with pytest.raises(ClientError, match=r"Stepmill does not offer sagemaker\.ListApps") as caught:
        served.client("sagemaker").list_apps()
    assert "docs/reference/aws-operations.md" in caught.value.response["Error"]["Message"]
    assert code_of(caught) == ("UnsupportedOperation", 400)


@pytest.mark.parametrize(
    ("service", "operation", "named"),
    [
        ("dynamodb", "list_tables", "dynamodb.ListTables"),
        ("sns", "list_topics", "sns.ListTopics"),
        ("batch", "describe_job_queues", "batch"),
        ("s3", "list_buckets", "s3"),
        ("cloudfront", "list_distributions", "cloudfront"),
    ],
)
def test_a_service_that_is_not_offered_is_refused_in_its_own_protocol(
    served: Wire, service: str, operation: str, named: str
) -> None:
    with pytest.raises(ClientError, match=f"Stepmill does not offer {named}\\.") as caught:
        getattr(served.client(service), operation)()
    assert code_of(caught) == ("UnsupportedOperation", 400)


@pytest.mark.parametrize(
    "target", ["nonsense", ".", "SageMaker.", "SageMaker.NoSuch", "a.b.c" * 2000, "\xff.\xfe"]
)
def test_an_odd_target_is_refused_in_a_short_answer(raw: RawConnection, target: str) -> None:
    reply = raw.request("POST", "/", b"{}", x_amz_target=target, content_type=JSON)
    assert reply.status in (400, 404)
    assert len(reply.body) < 1000
    assert reply.document["__type"]


def test_a_body_that_is_no_json_is_told_so(raw: RawConnection) -> None:
    reply = raw.request("POST", "/", b"{not json", x_amz_target=TARGET, content_type=JSON)
    assert (reply.status, reply.document["__type"]) == (400, "SerializationException")


# ---- errors ----------------------------------------------------------------------------------------


def test_errors_say_what_where_and_how_to_mend_it(served: Wire) -> None:
    with pytest.raises(ClientError) as caught:
        served.client("sagemaker").describe_model(ModelName="input")
    assert code_of(caught) == ("ValidationException", 400)
    assert caught.value.response["Error"]["Message"] == "The name is odd. (at ModelName) Take another."


@pytest.mark.parametrize(("name", "code"), [("api", "ValidationException"), ("disk", "InternalFailure")])
def test_errors_have_the_codes_of_the_table(served: Wire, name: str, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        served.client("sagemaker").describe_model(ModelName=name)
    assert code_of(caught) == (code, 500 if code == "InternalFailure" else 400)


def test_a_bug_is_logged_and_not_shown(served: Wire, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ClientError) as caught:
        served.client("sagemaker").describe_model(ModelName="breaks")
    assert code_of(caught) == ("InternalFailure", 500)
    message = caught.value.response["Error"]["Message"]
    request_id = caught.value.response["ResponseMetadata"]["RequestId"]
    assert "secret" not in message
    assert request_id in message
    (record,) = [record for record in caplog.records if request_id in record.getMessage()]
    assert record.exc_info is not None
    assert "the secret inside" in str(record.exc_info[1])


# ---- many at once ----------------------------------------------------------------------------------


def test_calls_run_beside_one_another(served: Wire, script: Scripted) -> None:
    client = served.client("sagemaker", max_pool_connections=16)
    script.go_on.clear()
    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(client.describe_model, ModelName="waits") for _ in range(8)]
        for _ in waiting:
            assert script.began.acquire(timeout=60)
        assert not any(call.done() for call in waiting)
        script.go_on.set()
        assert {call.result(60)["ModelName"] for call in waiting} == {"waits"}


def test_requests_on_one_connection_are_answered_in_order(raw: RawConnection) -> None:
    names = [f"n{number}" for number in range(5)]
    for name in names:
        body = b'{"ModelName":"%s"}' % name.encode()
        raw.send_head("POST", "/", x_amz_target=TARGET, content_type=JSON, content_length=str(len(body)))
        raw.send(body)
    assert [raw.reply().document["ModelName"] for _ in names] == names
