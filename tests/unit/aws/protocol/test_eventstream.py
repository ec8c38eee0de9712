"""Streams of events, checked against botocore's reader."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import EventStreamError

from stepmill.aws.protocol.codec import codec_of
from stepmill.aws.protocol.eventstream import Message, encode
from support.botocore_wire import botocore_model, parsed


def test_botocore_reads_what_is_written() -> None:
    headers = {
        "text": "ä",
        "yes": True,
        "no": False,
        "whole": -5,
        "large": 1 << 40,
        "raw": b"\x00",
        "when": datetime(2026, 2, 3, tzinfo=UTC),
    }
    buffer = EventStreamBuffer()
    for message in (Message(headers, b"payload"), Message({}), Message({"a": "b"}, bytes(300))):
        buffer.add_data(encode(message))
    first, second, third = buffer
    assert first.headers == {**headers, "when": 1_770_076_800_000}
    assert (first.payload, second.headers, third.payload) == (b"payload", {}, bytes(300))


def test_an_answer_of_a_rest_service_is_a_stream_of_its_events() -> None:
    operation = botocore_model("sagemaker-runtime").operation_model("InvokeEndpointWithResponseStream")
    events = [
        {"PayloadPart": {"Bytes": b"one"}},
        {"PayloadPart": {"Bytes": b"two"}},
    ]
    answer = {"Body": iter(events), "ContentType": "text/csv"}
    response = codec_of("sagemaker-runtime").answer("InvokeEndpointWithResponseStream", answer, "id")
    assert parsed(operation, response) == {"Body": events, "ContentType": "text/csv"}


def test_an_event_is_written_when_it_happens() -> None:
    drawn: list[int] = []

    def events():  # type: ignore[no-untyped-def]
        for number in (1, 2):
            drawn.append(number)
            yield {"PayloadPart": {"Bytes": b"x"}}

    response = codec_of("sagemaker-runtime").answer(
        "InvokeEndpointWithResponseStream", {"Body": events()}, "id"
    )
    assert drawn == []
    next(iter(response.body))  # type: ignore[call-overload]
    assert drawn == [1]


def test_a_json_service_tells_the_other_members_first() -> None:
    operation = botocore_model("logs").operation_model("StartLiveTail")
    events = [{"sessionUpdate": {"sessionResults": [{"message": "ä", "timestamp": 5}]}}]
    response = codec_of("logs").answer("StartLiveTail", {"responseStream": events}, "id")
    assert parsed(operation, response) == {"responseStream": events}
    assert dict(response.headers)["Content-Type"] == "application/vnd.amazon.eventstream"


def test_an_exception_within_a_stream_is_one_to_the_client() -> None:
    operation = botocore_model("sagemaker-runtime").operation_model("InvokeEndpointWithResponseStream")
    events = [{"ModelStreamError": {"Message": "No more.", "ErrorCode": "ModelInvocationTimeExceeded"}}]
    response = codec_of("sagemaker-runtime").answer(
        "InvokeEndpointWithResponseStream", {"Body": events}, "id"
    )
    with pytest.raises(EventStreamError, match=r"ModelStreamError.*No more"):
        parsed(operation, response)
