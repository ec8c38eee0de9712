"""``aws dynamodb`` against tables, and what no client can send but a hostile one."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from support.clients import aws_program, run_client
from support.wire import Wire
from support.wire_pipelines import own_name


def post(wire: Wire, operation: str, body: bytes) -> Any:
    """Send a body as it is, signed."""
    request = AWSRequest(
        "POST",
        wire.url,
        data=body,
        headers={
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
        },
    )
    credentials = Credentials(wire.key.id, wire.key.secret)
    SigV4Auth(credentials, "dynamodb", wire.platform.settings.region).add_auth(request)
    return URLLib3Session().send(request.prepare())


@pytest.fixture
def table(wire: Wire) -> str:
    name = own_name("raw")
    wire.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def test_aws_puts_and_gets(wire: Wire, table: str, tmp_path: Path) -> None:
    def aws(*words: str) -> str:
        return run_client([aws_program(), "dynamodb", *words], wire.endpoint, tmp_path)

    item = {"id": {"S": "a"}, "b": {"BOOL": True}, "n": {"N": "1.5"}}
    aws("put-item", "--table-name", table, "--item", json.dumps(item))
    found = aws("get-item", "--table-name", table, "--key", '{"id": {"S": "a"}}')
    assert json.loads(found)["Item"] == item
    aws("wait", "table-exists", "--table-name", table)
    assert json.loads(aws("scan", "--table-name", table))["Count"] == 1


def test_answers_carry_their_checksum(wire: Wire, table: str) -> None:
    for operation in ("DescribeTable", "GetItem"):
        answer = post(wire, operation, json.dumps({"TableName": table}).encode())
        assert answer.headers["x-amz-crc32"] == str(zlib.crc32(answer.content))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ('{"L": [' * 90 + '{"S": "x"}' + "]}" * 90, "ValidationException"),
        ('{"L": [' * 5000 + '{"S": "x"}' + "]}" * 5000, "SerializationException"),
        ('{"M": {"a": ' * 60 + '{"S": "x"}' + "}}" * 60, "ValidationException"),
        ('{"N": 5}', "SerializationException"),
        ('{"S": null}', "ValidationException"),
        ("{}", "ValidationException"),
        ("null", "ValidationException"),
        ('{"B": "%%%"}', "SerializationException"),
        ('{"SS": [null]}', "ValidationException"),
        ('{"L": [null]}', "ValidationException"),
        ('{"S": "\\ud800"}', "SerializationException"),
    ],
)
def test_what_is_no_value_is_refused(wire: Wire, table: str, value: str, code: str) -> None:
    body = f'{{"TableName": "{table}", "Item": {{"id": {{"S": "a"}}, "v": {value}}}}}'
    answer = post(wire, "PutItem", body.encode())
    assert answer.status_code == 400
    assert json.loads(answer.content)["__type"] == code


@pytest.mark.parametrize(
    "expression", ["(" * 4096, "NOT " * 1000 + "a = :v", "a = :v OR " * 1000, "\x00", "a[9" + "9" * 3000]
)
def test_hostile_expressions_are_refused(wire: Wire, table: str, expression: str) -> None:
    given = {
        "TableName": table,
        "FilterExpression": expression,
        "ExpressionAttributeValues": {":v": {"S": "x"}},
    }
    answer = post(wire, "Scan", json.dumps(given).encode())
    assert answer.status_code == 400
    told = json.loads(answer.content)
    assert told["__type"] == "ValidationException"
    assert len(told["message"]) < 6000
