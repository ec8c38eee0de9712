"""Training sets out of feature groups by SDK 3.x: ``DatasetBuilder``, ``AthenaQuery``, ``as_hive_ddl``.

``features.py`` calls it: a program of its own would have to load the SDK again.
"""

import datetime as dt

import boto3
import pandas as pd
from sagemaker.mlops.feature_store import (
    DatasetBuilder,
    FeatureGroup,
    FeatureValue,
    JoinComparatorEnum,
    JoinTypeEnum,
    OfflineStoreConfig,
    OnlineStoreConfig,
    S3StorageConfig,
    as_hive_ddl,
    create_athena_query,
    ingest_dataframe,
    load_feature_definitions_from_dataframe,
)

MOMENT = dt.datetime
# The first days of 2024. Of event times that are texts, 3.27 asks as if they were numbers.
FIRST, SECOND, THIRD = (1704067200.0 + day * 86400.0 for day in range(3))


def check(session, role):
    """Build training sets of two groups in every way that the SDK has.

    Args:
        session: Of the SDK.
        role: Its ARN.
    """
    bucket = session.default_bucket()
    output = f"s3://{bucket}/queries"
    ages = _made(
        "ages-sdk3",
        pd.DataFrame({"who": ["1", "1", "2"], "age": [20, 21, 30], "at": [FIRST, THIRD, FIRST]}),
        bucket, role,
    )  # fmt: skip
    spends = _made(
        "spends-sdk3",
        pd.DataFrame(
            {
                "who": ["1", "2", "3"],
                "spend": [1.5, 2.5, 9.0],
                "at": [FIRST, THIRD, FIRST],
            }
        ),
        bucket, role,
    )  # fmt: skip
    # Told again, and gone: 3 is deleted.
    again = {"who": "2", "age": "31", "at": str(FIRST)}
    ages.put_record(
        record=[FeatureValue(feature_name=name, value_as_string=value) for name, value in again.items()]
    )
    spends.delete_record(record_identifier_value_as_string="3", event_time=str(SECOND))

    def of(base, **more):
        return DatasetBuilder(_sagemaker_session=session, _base=base, _output_path=output, **more)

    _check_one_group(of, ages, spends)
    _check_joins(of, ages, spends)
    _check_frames(of, ages)
    _check_queries(session, ages, output)


def _check_one_group(of, ages, spends):
    one, two, newer = [1, 20, FIRST], [2, 31, FIRST], [1, 21, THIRD]
    kept = [[1, 1.5, FIRST], [2, 2.5, THIRD]]
    frame, text = of(ages).to_dataframe()
    assert sorted(frame.values.tolist()) == [one, newer, two], frame
    assert "SELECT" in text, text
    assert _rows(of(ages).include_duplicated_records()) == [one, newer, [2, 30, FIRST], two]
    assert _rows(of(spends).include_deleted_records()) == [*kept, [3, 9.0, FIRST]]
    both = of(ages).include_deleted_records().include_duplicated_records()
    assert _rows(both) == [one, newer, [2, 30, FIRST], two]
    assert _rows(of(ages).with_number_of_recent_records_by_record_identifier(1)) == [newer, two]
    assert len(_rows(of(ages).with_number_of_records_from_query_results(1))) == 1
    assert _rows(of(ages).as_of(MOMENT(2000, 1, 1))) == []
    # Of two bounds 3.27 makes `is_deletedAND`, which is no SQL.
    assert _rows(of(ages).with_event_time_range(MOMENT(2024, 1, 2))) == [newer]


def _check_joins(of, ages, spends):
    one, two = [1, 1.5, FIRST], [2, 2.5, THIRD]
    pairs = [[1, 20, FIRST, *one], [1, 21, THIRD, *one], [2, 31, FIRST, *two]]
    # What 2 spent, it spent later.
    assert _rows(of(ages).with_feature_group(spends).point_in_time_accurate_join()) == pairs[:2]
    assert _rows(of(ages).with_feature_group(spends, join_type=JoinTypeEnum.FULL_JOIN)) == pairs
    unlike = of(ages).with_feature_group(spends, join_comparator=JoinComparatorEnum.NOT_EQUAL_TO)
    assert _rows(unlike) == [[1, 20, FIRST, *two], [1, 21, THIRD, *two], [2, 31, FIRST, *one]]


def _check_frames(of, ages):
    bought = ["2024-01-02T00:00:00Z", "2024-01-04T00:00:00Z"]
    frame = pd.DataFrame({"buyer": ["1", "2"], "bought": bought}, dtype=object)
    builder = of(frame, _record_identifier_feature_name="buyer", _event_time_identifier_feature_name="bought")
    joined = builder.with_feature_group(ages, "buyer", ["age"]).point_in_time_accurate_join()
    assert _rows(joined) == [[1, bought[0], 20], [2, bought[1], 31]]


def _check_queries(session, ages, output):
    query = create_athena_query(ages.feature_group_name, session)
    query.run(f'SELECT who, max(age) AS age FROM "{query.table_name}" GROUP BY 1 ORDER BY 1', output)
    query.wait()
    assert query.as_dataframe().values.tolist() == [[1, 21], [2, 31]]
    query.run(as_hive_ddl(ages.feature_group_name, table_name="my_ages"), output)
    query.wait()
    query.run("SELECT who, age, is_deleted FROM sagemaker_featurestore.my_ages ORDER BY 1, 2", output)
    query.wait()
    assert query.as_dataframe().values.tolist() == [
        [1, 20, False], [1, 21, False], [2, 30, False], [2, 31, False],
    ]  # fmt: skip
    query.run("SELECT nothing FROM nowhere", output)
    query.wait()
    status = query.get_query_execution()["QueryExecution"]["Status"]
    assert status["State"] == "FAILED", status
    assert "TABLE_NOT_FOUND" in status["StateChangeReason"], status


def _made(name, frame, bucket, role):
    group = FeatureGroup.create(
        feature_group_name=name,
        record_identifier_feature_name="who",
        event_time_feature_name="at",
        feature_definitions=load_feature_definitions_from_dataframe(frame),
        online_store_config=OnlineStoreConfig(enable_online_store=True),
        offline_store_config=OfflineStoreConfig(
            s3_storage_config=S3StorageConfig(s3_uri=f"s3://{bucket}/features")
        ),
        role_arn=role,
    )
    group.wait_for_status("Created")
    ingest_dataframe(name, frame)
    return group


def _rows(builder):
    file, text = builder.to_csv_file()
    assert "SELECT" in text
    bucket, _, key = file.removeprefix("s3://").partition("/")
    frame = pd.read_csv(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"])
    return sorted(frame.drop(columns="row_recent", errors="ignore").values.tolist())
