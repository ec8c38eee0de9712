"""Queries with boto3: Athena over files in S3, feature groups among them."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from support.s3 import Bucket
from support.wire import Wire

LIMIT_S = 60.0
UNRESOLVED = "cannot be resolved or requester is not authorized to access requested resources"
NOT_GROUPED = "must be an aggregate expression or appear in GROUP BY clause"


class Asked:
    """Asks Athena, with results and files in a bucket of its own.

    Args:
        wire: The server.
        bucket: Of the test.
    """

    def __init__(self, wire: Wire, bucket: Bucket) -> None:
        self.athena = wire.client("athena")
        self.s3 = wire.client("s3")
        self.bucket = bucket.name
        self.output = f"s3://{self.bucket}/results/"
        # Tables are everybody's.
        self.prefix = f"t{uuid4().hex[:12]}"

    def start(self, query: str, **more: Any) -> str:
        given = {"ResultConfiguration": {"OutputLocation": self.output}, **more}
        return str(self.athena.start_query_execution(QueryString=query, **given)["QueryExecutionId"])

    def end(self, id_: str) -> Any:
        until_s = time.monotonic() + LIMIT_S
        while time.monotonic() < until_s:
            found = self.athena.get_query_execution(QueryExecutionId=id_)["QueryExecution"]
            if found["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return found
        raise AssertionError(found)

    def run(self, query: str, **more: Any) -> Any:
        found = self.end(self.start(query, **more))
        assert found["Status"]["State"] == "SUCCEEDED", found["Status"]
        return found

    def reason(self, query: str, **more: Any) -> str:
        found = self.end(self.start(query, **more))
        assert found["Status"]["State"] == "FAILED", found["Status"]
        return str(found["Status"]["StateChangeReason"])

    def rows(self, query: str, **more: Any) -> list[list[str | None]]:
        """Return the rows without the names."""
        id_ = self.run(query, **more)["QueryExecutionId"]
        pages = self.athena.get_paginator("get_query_results").paginate(QueryExecutionId=id_)
        rows = [
            [one.get("VarCharValue") for one in row["Data"]]
            for page in pages
            for row in page["ResultSet"]["Rows"]
        ]
        return rows[1:]

    def put(self, key: str, data: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=data)

    def text(self, address: str) -> str:
        key = address.removeprefix(f"s3://{self.bucket}/")
        return str(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read().decode())


@pytest.fixture
def asked(wire: Wire, bucket: Bucket) -> Asked:
    return Asked(wire, bucket)


def refused(do: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        do()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_result_is_a_file_of_quoted_values(asked: Asked) -> None:
    query = "SELECT 1 AS n, 'a \"b\"' AS text, NULL AS nothing, '' AS empty, 'é' AS \"Ü\", 1e7 AS d"
    found = asked.run(query)
    assert found["ResultConfiguration"]["OutputLocation"] == f"{asked.output}{found['QueryExecutionId']}.csv"
    text = asked.text(found["ResultConfiguration"]["OutputLocation"])
    assert text == '"n","text","nothing","empty","Ü","d"\n"1","a ""b""",,"","é","1.0E7"\n'
    assert found["Query"] == query
    assert (found["StatementType"], found["SubstatementType"]) == ("DML", "SELECT")
    assert found["EngineVersion"]["EffectiveEngineVersion"] == "Athena engine version 3"
    assert found["Statistics"]["DataScannedInBytes"] == 0
    assert (
        found["Statistics"]["EngineExecutionTimeInMillis"]
        <= found["Statistics"]["TotalExecutionTimeInMillis"]
    )
    assert found["Status"]["CompletionDateTime"] >= found["Status"]["SubmissionDateTime"]


def test_a_result_is_told_with_the_types_of_its_columns(asked: Asked) -> None:
    id_ = asked.run("SELECT 1 AS n, 'x' AS text, NULL AS nothing, 1.50 AS d")["QueryExecutionId"]
    result = asked.athena.get_query_results(QueryExecutionId=id_)["ResultSet"]
    columns = result["ResultSetMetadata"]["ColumnInfo"]
    assert [(one["Name"], one["Type"], one["Precision"], one["Scale"]) for one in columns] == [
        ("n", "integer", 10, 0),
        ("text", "varchar", 2147483647, 0),
        ("nothing", "unknown", 0, 0),
        ("d", "decimal", 3, 2),
    ]
    assert result["Rows"][0]["Data"] == [{"VarCharValue": one["Name"]} for one in columns]
    assert result["Rows"][1]["Data"] == [
        {"VarCharValue": "1"},
        {"VarCharValue": "x"},
        {},
        {"VarCharValue": "1.50"},
    ]


def test_a_long_result_comes_in_pages(asked: Asked) -> None:
    query = (
        "SELECT x, IF(x % 2 = 0, NULL, 'a\nb,\"c\"') AS y FROM UNNEST(sequence(1, 2500)) AS u(x) ORDER BY x"
    )
    id_ = asked.run(query)["QueryExecutionId"]
    first = asked.athena.get_query_results(QueryExecutionId=id_, MaxResults=10)
    assert len(first["ResultSet"]["Rows"]) == 10
    rows = asked.rows(query)
    assert len(rows) == 2500
    assert rows[0] == ["1", 'a\nb,"c"']
    assert rows[-1] == ["2500", None]
    code, _ = refused(lambda: asked.athena.get_query_results(QueryExecutionId=id_, NextToken="x"))
    assert code == "InvalidRequestException"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (
            "SELECT x FROM (VALUES 1) AS t(a)",
            f"COLUMN_NOT_FOUND: line 1:8: Column 'x' {UNRESOLVED}",
        ),
        ("SELECT foo(1)", "FUNCTION_NOT_FOUND: line 1:8: Function 'foo' not registered"),
        (
            "SELECT 1 FROM nodatabase.t",
            "SCHEMA_NOT_FOUND: line 1:26: Schema 'nodatabase' does not exist",
        ),
        (
            "SELECT 1 FROM nope",
            "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.default.nope' does not exist",
        ),
        ("SELECT 1 / (SELECT 0)", "DIVISION_BY_ZERO: Division by zero"),
        (
            "SELECT cast(a AS integer) FROM (VALUES 'b') AS t(a)",
            "INVALID_CAST_ARGUMENT: Cannot cast 'b' to INT",
        ),
        (
            "SELECT from_iso8601_timestamp(a) FROM (VALUES 'b') AS t(a)",
            'INVALID_FUNCTION_ARGUMENT: Invalid format: "b"',
        ),
        (
            "SELECT a, count(*) FROM (VALUES 1) AS t(a)",
            f"EXPRESSION_NOT_AGGREGATE: line 1:8: 'a' {NOT_GROUPED}",
        ),
        (
            "SELECT a FROM (VALUES 1) AS t(a), (VALUES 1) AS u(a)",
            "AMBIGUOUS_NAME: line 1:8: Column 'a' is ambiguous",
        ),
        ("SELECT 9223372036854775807 + 1", "NUMERIC_VALUE_OUT_OF_RANGE: bigint addition overflow"),
    ],
)
def test_a_query_that_fails_says_why(asked: Asked, query: str, reason: str) -> None:
    assert asked.reason(query) == reason


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("SELCT 1", "line 1:1: mismatched input 'SELCT'. Expecting: 'ALTER', "),
        ("SELECT a b c", "line 1:12: mismatched input 'c'"),
        ("SELECT * FROM read_csv('/etc/passwd')", "line 1:15: mismatched input 'read_csv'"),
        ("COPY x TO 'y'", "line 1:1: mismatched input 'COPY'"),
        ("EXPLAIN SELECT 1", "NOT_SUPPORTED: line 1:1: EXPLAIN is not supported"),
    ],
)
def test_what_is_no_statement_is_refused_at_once(asked: Asked, query: str, text: str) -> None:
    with pytest.raises(ClientError) as caught:
        asked.start(query)
    error = caught.value.response
    assert error["Error"]["Code"] == "InvalidRequestException"
    assert error["Error"]["Message"].startswith(text)
    assert error["AthenaErrorCode"] == "MALFORMED_QUERY"


def test_the_same_token_asks_for_the_same_execution(asked: Asked) -> None:
    token = uuid4().hex
    first = asked.start("SELECT 1", ClientRequestToken=token)
    assert asked.start("SELECT 1", ClientRequestToken=token) == first
    code, text = refused(lambda: asked.start("SELECT 2", ClientRequestToken=token))
    assert (code, text) == ("InvalidRequestException", "Idempotent parameters do not match")


def test_a_query_that_would_run_for_ever_is_stopped(asked: Asked) -> None:
    many = "UNNEST(sequence(1, 10000000))"
    id_ = asked.start(f"SELECT count(*) FROM {many} AS a(x), {many} AS b(y), {many} AS c(z) WHERE x + y < z")
    asked.athena.stop_query_execution(QueryExecutionId=id_)
    found = asked.end(id_)
    assert found["Status"]["State"] == "CANCELLED"
    assert found["Status"]["StateChangeReason"] == "Query cancelled by user"
    # Whoever comes next is answered.
    assert asked.rows("SELECT 1") == [["1"]]
    _, text = refused(lambda: asked.athena.get_query_results(QueryExecutionId=id_))
    assert text == "Query did not finish successfully. Final query state: CANCELLED"


def test_executions_are_listed_by_work_group(asked: Asked) -> None:
    group = f"g{uuid4().hex[:8]}"
    place = {"OutputLocation": asked.output + "group/"}
    asked.athena.create_work_group(Name=group, Configuration={"ResultConfiguration": place})
    id_ = asked.start("SELECT 1", WorkGroup=group, ResultConfiguration={})
    found = asked.end(id_)
    assert found["WorkGroup"] == group
    assert found["ResultConfiguration"]["OutputLocation"] == f"{asked.output}group/{id_}.csv"
    assert asked.athena.list_query_executions(WorkGroup=group)["QueryExecutionIds"] == [id_]
    assert group in [one["Name"] for one in asked.athena.list_work_groups()["WorkGroups"]]
    asked.athena.update_work_group(WorkGroup=group, State="DISABLED", Description="off")
    told = asked.athena.get_work_group(WorkGroup=group)["WorkGroup"]
    assert (told["State"], told["Description"]) == ("DISABLED", "off")
    assert refused(lambda: asked.start("SELECT 1", WorkGroup=group))[1] == "WorkGroup is disabled."
    asked.athena.delete_work_group(WorkGroup=group, RecursiveDeleteOption=True)
    assert refused(lambda: asked.athena.get_work_group(WorkGroup=group))[1] == "WorkGroup is not found."
    both = asked.athena.batch_get_query_execution(QueryExecutionIds=[id_, "nothing"])
    assert [one["QueryExecutionId"] for one in both["QueryExecutions"]] == [id_]
    assert [one["QueryExecutionId"] for one in both["UnprocessedQueryExecutionIds"]] == ["nothing"]


def test_parameters_stand_for_question_marks(asked: Asked) -> None:
    query = "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t(n, x) WHERE n = ? AND x = ?"
    assert asked.rows(query, ExecutionParameters=["2", "'b'"]) == [["2", "b"]]


def test_a_bucket_that_is_not_there_is_refused(asked: Asked) -> None:
    place = {"OutputLocation": "s3://no-such-bucket-anywhere/x/"}
    code, text = refused(lambda: asked.start("SELECT 1", ResultConfiguration=place))
    assert (code, text) == (
        "InvalidRequestException",
        "Unable to verify/create output bucket no-such-bucket-anywhere",
    )


def test_a_table_over_csv_is_asked_described_and_dropped(asked: Asked) -> None:
    name = f"{asked.prefix}_csv"
    asked.put("base/a.csv", b'1,x y,1577836800000,true\n2,`a,"b"`,0,no\n')
    asked.put("base/_hidden.csv", b"9,9,9,9\n")
    asked.put("base2/other.csv", b"8,8,8,true\n")
    asked.run(
        f"CREATE EXTERNAL TABLE {name} (id INT, text STRING, at TIMESTAMP, ok BOOLEAN) "
        "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' "
        'WITH SERDEPROPERTIES ("separatorChar" = ",", "quoteChar" = "`", "escapeChar" = "\\\\") '
        f"LOCATION 's3://{asked.bucket}/base';"
    )
    assert asked.rows(f"SELECT * FROM {name} ORDER BY id") == [
        ["1", "x y", "2020-01-01 00:00:00.000", "true"],
        ["2", 'a,"b"', "1970-01-01 00:00:00.000", "false"],
    ]
    shown = asked.run(f"SHOW TABLES '{asked.prefix}*'")
    assert shown["ResultConfiguration"]["OutputLocation"].endswith(".txt")
    assert asked.text(shown["ResultConfiguration"]["OutputLocation"]) == f"{name}\n"
    described = asked.run(f"DESCRIBE {name}")["QueryExecutionId"]
    rows = asked.athena.get_query_results(QueryExecutionId=described)["ResultSet"]["Rows"]
    assert rows[0]["Data"] == [{"VarCharValue": f"{'id':<20}\t{'int':<20}\t{'':<20}"}]
    told = asked.athena.get_table_metadata(
        CatalogName="AwsDataCatalog", DatabaseName="default", TableName=name
    )["TableMetadata"]
    assert [column["Name"] for column in told["Columns"]] == ["id", "text", "at", "ok"]
    assert "already exists" in asked.reason(
        f"CREATE EXTERNAL TABLE {name} (id INT) LOCATION 's3://{asked.bucket}/base'"
    )
    asked.run(f"DROP TABLE {name}")
    assert asked.reason(f"SELECT * FROM {name}").startswith("TABLE_NOT_FOUND: ")
    asked.run(f"DROP TABLE IF EXISTS {name}")


def test_views_and_tables_are_made_of_queries(asked: Asked) -> None:
    table, view = f"{asked.prefix}_made", f"{asked.prefix}_view"
    made = asked.run(
        f"CREATE TABLE {table} AS SELECT x AS n, 'v' || cast(x AS varchar) AS t FROM (VALUES 1, 2) AS u(x)"
    )
    assert made["SubstatementType"] == "CREATE_TABLE_AS_SELECT"
    asked.run(f"CREATE OR REPLACE VIEW {view} AS SELECT sum(n) AS total FROM {table}")
    assert asked.rows(f"SELECT total FROM {view}") == [["3"]]
    inserted = asked.run(f"INSERT INTO {table} SELECT 40, NULL")
    answer = asked.athena.get_query_results(QueryExecutionId=inserted["QueryExecutionId"])
    assert answer["UpdateCount"] == 1
    assert asked.rows(f"SELECT total FROM {view}") == [["43"]]
    assert asked.rows(f"SELECT n, t FROM {table} WHERE n > 1 ORDER BY n") == [["2", "v2"], ["40", None]]
    assert "already exists" in asked.reason(f"CREATE TABLE {table} AS SELECT 1 AS n")
    assert "Column name not specified at position 1" in asked.reason(f"CREATE VIEW {view}2 AS SELECT 1")
    assert "DROP VIEW" in asked.reason(f"DROP TABLE {view}")
    asked.run(f"DROP VIEW {view}")


def test_partitions_are_found_in_the_names_of_folders(asked: Asked) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = f"{asked.prefix}_parts"
    for year in (2020, 2021):
        buffer = io.BytesIO()
        pq.write_table(pa.table({"N": [year, 1]}), buffer)
        asked.put(f"parts/year={year}/a.parquet", buffer.getvalue())
    asked.run(
        f"CREATE EXTERNAL TABLE {name} (n BIGINT, missing STRING) PARTITIONED BY (year INT) "
        f"STORED AS PARQUET LOCATION 's3://{asked.bucket}/parts/'"
    )
    assert asked.rows(f"SELECT * FROM {name}") == []
    asked.run(f"MSCK REPAIR TABLE {name}")
    assert asked.rows(f"SELECT n, missing, year FROM {name} WHERE year = 2021 ORDER BY n DESC") == [
        ["2021", None, "2021"],
        ["1", None, "2021"],
    ]
    shown = asked.run(f"SHOW PARTITIONS {name}")
    assert asked.text(shown["ResultConfiguration"]["OutputLocation"]) == "year=2020\nyear=2021\n"
    asked.run(f"ALTER TABLE {name} DROP PARTITION (year = 2020)")
    assert asked.rows(f"SELECT count(*) FROM {name}") == [["2"]]


def test_names_and_values_may_be_anything(asked: Asked) -> None:
    name = f'{asked.prefix} it\'s "ü"'
    quoted = '"' + name.replace('"', '""') + '"'
    asked.run(f'CREATE TABLE {quoted} AS SELECT \'o\'\'clock "☃"\' AS "a \'b\' ""ü"""')
    assert asked.rows(f"SELECT * FROM {quoted}") == [['o\'clock "☃"']]


def test_a_huge_result_is_streamed(asked: Asked) -> None:
    query = "SELECT x, 'a text of some length' AS y FROM UNNEST(sequence(1, 1000000)) AS u(x)"
    found = asked.run(query)
    key = found["ResultConfiguration"]["OutputLocation"].removeprefix(f"s3://{asked.bucket}/")
    assert asked.s3.head_object(Bucket=asked.bucket, Key=key)["ContentLength"] > 30_000_000


def test_named_queries_and_prepared_statements_are_kept(asked: Asked) -> None:
    made = asked.athena.create_named_query(Name="n", Database="default", QueryString="SELECT 1")
    id_ = made["NamedQueryId"]
    assert asked.athena.get_named_query(NamedQueryId=id_)["NamedQuery"]["QueryString"] == "SELECT 1"
    assert id_ in asked.athena.list_named_queries()["NamedQueryIds"]
    asked.athena.delete_named_query(NamedQueryId=id_)
    name = f"p{uuid4().hex[:8]}"
    given = {"StatementName": name, "WorkGroup": "primary"}
    asked.athena.create_prepared_statement(QueryStatement="SELECT ?", **given)
    told = asked.athena.get_prepared_statement(**given)["PreparedStatement"]
    assert told["QueryStatement"] == "SELECT ?"
    asked.athena.delete_prepared_statement(**given)
    assert refused(lambda: asked.athena.get_prepared_statement(**given))[0] == "ResourceNotFoundException"
