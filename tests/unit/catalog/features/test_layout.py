from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.features.offline.layout import (
    arrow_schema,
    data_uri,
    file_name,
    hive_columns,
    hour_folder,
    label_of,
    table_name,
)
from stepmill.catalog.features.schema import read_schema
from stepmill.catalog.features.values import EARLIEST_MICROS, LATEST_MICROS
from stepmill.core.errors import InvalidInputError
from support.features import ARNS, definition, group_request


@pytest.mark.parametrize("prefix", ["s3://bucket/my-prefix", "s3://bucket/my-prefix/"])
def test_files_lie_where_sagemaker_puts_them(prefix: str) -> None:
    where = data_uri(prefix, "Customers", 1593511200, ARNS)
    assert str(where) == (
        "s3://bucket/my-prefix/123456789012/sagemaker/us-west-2/offline-store/Customers-1593511200/data"
    )


def test_files_may_lie_at_the_top_of_a_bucket() -> None:
    assert (
        data_uri("s3://bucket", "c", 1, ARNS).key == "123456789012/sagemaker/us-west-2/offline-store/c-1/data"
    )


def test_another_address_is_refused() -> None:
    with pytest.raises(InvalidInputError):
        data_uri("https://b.s3.amazonaws.com/x", "c", 1, ARNS)


def test_a_table_is_named_after_group_and_second() -> None:
    assert table_name("My-Group_2", 1593511200) == "my_group_2_1593511200"


@given(st.integers(EARLIEST_MICROS, LATEST_MICROS))
def test_every_moment_has_a_folder_and_a_name(micros: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    parts = dict(part.split("=") for part in hour_folder(micros).split("/"))
    assert {key: int(value) for key, value in parts.items()} == {
        "year": moment.year, "month": moment.month, "day": moment.day, "hour": moment.hour,
    }  # fmt: skip
    assert len(parts["year"]) == 4
    stamp, _, label = file_name(micros, label_of("x")).removesuffix(".parquet").partition("_")
    assert datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) == moment.replace(microsecond=0)
    assert len(label) == 16


@given(st.text(), st.text())
def test_labels_tell_texts_apart(one: str, other: str) -> None:
    assert label_of(one).isalnum()
    assert (label_of(one) == label_of(other)) is (one == other)


def test_columns_are_the_features_and_three_more() -> None:
    schema = read_schema(
        group_request(
            FeatureDefinitions=[
                definition("Id"),
                definition("at", "Fractional"),
                definition("n", "Integral", CollectionType="List"),
            ],
            RecordIdentifierFeatureName="Id",
        )
    )
    moment = pa.timestamp("us")
    assert arrow_schema(schema) == pa.schema(
        [
            ("Id", pa.string()), ("at", pa.float64()), ("n", pa.list_(pa.int64())),
            ("write_time", moment), ("api_invocation_time", moment), ("is_deleted", pa.bool_()),
        ]
    )  # fmt: skip
    assert hive_columns(schema) == [
        ("id", "string"), ("at", "double"), ("n", "array<bigint>"),
        ("write_time", "timestamp"), ("api_invocation_time", "timestamp"), ("is_deleted", "boolean"),
    ]  # fmt: skip
