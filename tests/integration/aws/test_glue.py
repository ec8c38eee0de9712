"""The catalog of data with boto3: Glue's databases, tables and partitions."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from support.wire import Wire


@pytest.fixture
def glue(wire: Wire) -> Any:
    return wire.client("glue")


def table(name: str, **more: Any) -> dict[str, Any]:
    serde = {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}
    storage = {"Columns": [{"Name": "a", "Type": "int"}], "Location": "s3://b/x/", "SerdeInfo": serde}
    return {"Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage, **more}


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_database_is_made_listed_and_deleted_with_its_tables(glue: Any) -> None:
    name = f"d{uuid4().hex[:8]}"
    glue.create_database(DatabaseInput={"Name": name.upper(), "Description": "mine"})
    assert glue.get_database(Name=name)["Database"]["Description"] == "mine"
    names = [
        one["Name"] for page in glue.get_paginator("get_databases").paginate() for one in page["DatabaseList"]
    ]
    assert {name, "default", "sagemaker_featurestore"} <= set(names)
    with pytest.raises(ClientError) as caught:
        glue.create_database(DatabaseInput={"Name": name})
    assert code_of(caught) == "AlreadyExistsException"
    glue.create_table(DatabaseName=name, TableInput=table("t"))
    glue.delete_database(Name=name)
    with pytest.raises(ClientError) as caught:
        glue.get_table(DatabaseName=name, Name="t")
    assert code_of(caught) == "EntityNotFoundException"


def test_a_table_is_made_changed_listed_and_deleted(glue: Any) -> None:
    name = f"t{uuid4().hex[:8]}"
    glue.create_table(DatabaseName="default", TableInput=table(name.upper()))
    told = glue.get_table(DatabaseName="default", Name=name)["Table"]
    assert (told["Name"], told["DatabaseName"]) == (name, "default")
    assert told["StorageDescriptor"]["Columns"] == [{"Name": "a", "Type": "int"}]
    glue.update_table(DatabaseName="default", TableInput=table(name, Description="new"))
    assert glue.get_table(DatabaseName="default", Name=name)["Table"]["Description"] == "new"
    found = glue.get_tables(DatabaseName="default", Expression=f"{name}*")["TableList"]
    assert [one["Name"] for one in found] == [name]
    with pytest.raises(ClientError) as caught:
        glue.create_table(DatabaseName="default", TableInput=table(name))
    assert code_of(caught) == "AlreadyExistsException"
    glue.delete_table(DatabaseName="default", Name=name)
    errors = glue.batch_delete_table(DatabaseName="default", TablesToDelete=[name])["Errors"]
    assert [one["ErrorDetail"]["ErrorCode"] for one in errors] == ["EntityNotFoundException"]


def test_partitions_are_made_listed_and_deleted(glue: Any) -> None:
    name = f"t{uuid4().hex[:8]}"
    given = table(name, PartitionKeys=[{"Name": "year", "Type": "int"}])
    glue.create_table(DatabaseName="default", TableInput=given)
    of = {"DatabaseName": "default", "TableName": name}
    one = {"Values": ["2020"], "StorageDescriptor": {"Location": "s3://b/x/year=2020/"}}
    glue.create_partition(**of, PartitionInput=one)
    answer = glue.batch_create_partition(**of, PartitionInputList=[one, {**one, "Values": ["2021"]}])
    assert [error["PartitionValues"] for error in answer["Errors"]] == [["2020"]]
    values = [found["Values"] for found in glue.get_partitions(**of)["Partitions"]]
    assert sorted(values) == [["2020"], ["2021"]]
    with pytest.raises(ClientError) as caught:
        glue.create_partition(**of, PartitionInput={"Values": ["1", "2"]})
    assert code_of(caught) == "InvalidInputException"
    glue.delete_partition(**of, PartitionValues=["2020"])
    with pytest.raises(ClientError) as caught:
        glue.get_partition(**of, PartitionValues=["2020"])
    assert code_of(caught) == "EntityNotFoundException"
