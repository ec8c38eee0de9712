"""Streams of events, checked against botocore's reader."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from stepmill.aws.protocol.codec import codec_of
from stepmill.aws.protocol.eventstream import Message, decode, encode
from stepmill.aws.protocol.problems import Unreadable
from support.botocore_wire import botocore_model, parsed

HEADERS = {
    "text": "ä",
    "yes": True,
    "no": False,
    "whole": -5,
    "large": 1 << 40,
    "raw": b"\x00",
    "when": datetime(2026, 2, 3, tzinfo=UTC),
    "who": UUID(int=7),
}


def pieces(raw: bytes, size: int) -> list[bytes]:
    return [raw[start : start + size] for start in range(0, len(raw), size)]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_messages_survive_in_pieces_of_any_size(size: int) -> None:
    messages = [Message(HEADERS, b"payload"), Message({}), Message({"a": "b"}, bytes(300))]
    raw = b"".join(map(encode, messages))
    assert list(decode(pieces(raw, size))) == messages


def test_botocore_reads_what_is_written() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(encode(Message({"text": "ä", "whole": -5, "yes": True, "raw": b"\x00"}, b"p")))
    event = buffer.next()
    assert event.headers == {"text": "ä", "whole": -5, "yes": True, "raw": b"\x00"}
    assert event.payload == b"p"


@given(st.binary(max_size=64), st.integers(0, 200))
def test_no_bytes_raise_anything_but_unreadable(noise: bytes, position: int) -> None:
    raw = encode(Message(HEADERS, b"payload"))
    for hostile in (noise, raw[:position], raw[:position] + noise + raw[position:]):
        try:
            list(decode([hostile]))
        except Unreadable:
            pass


def test_a_wrong_checksum_is_told() -> None:
    raw = encode(Message(HEADERS, b"payload"))
    with pytest.raises(Unreadable, match="checksum"):
        list(decode([raw[:-1] + bytes([raw[-1] ^ 1])]))
    with pytest.raises(Unreadable, match="prelude"):
        list(decode([b"\xff" + raw[1:]]))


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
