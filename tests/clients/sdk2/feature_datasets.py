"""Training sets out of feature groups by SDK 2.x: ``create_dataset``, ``athena_query``, ``as_hive_ddl``.

``features.py`` calls it: a program of its own would have to load the SDK and a server again.
"""

import datetime as dt

import boto3
import pandas as pd
from sagemaker.feature_store.dataset_builder import JoinComparatorEnum, JoinTypeEnum
from sagemaker.feature_store.feature_group import FeatureGroup
from sagemaker.feature_store.feature_store import FeatureStore

MOMENT = dt.datetime
# 2024-01-01 and the days after it; the second group counts seconds.
FIRST, SECOND, THIRD, FOURTH = (f"2024-01-0{day}T00:00:00Z" for day in (1, 2, 3, 4))
NEW_YEAR_S = 1704067200.0
DAY_S = 86400.0


def check(session, role, wait_while):
    """Build training sets of two groups in every way that the SDK has.

    Args:
        session: Of the SDK.
        role: Its ARN.
        wait_while: As in ``features.py``.
    """
    bucket = session.default_bucket()
    output = f"s3://{bucket}/queries"
    ages = _made(
        FeatureGroup("ages-sdk2", session),
        pd.DataFrame({"who": ["1", "1", "2"], "age": [20, 21, 30], "at": [FIRST, THIRD, FIRST]}),
        bucket, role, wait_while,
    )  # fmt: skip
    spends = _made(
        FeatureGroup("spends-sdk2", session),
        pd.DataFrame(
            {
                "who": ["1", "2", "3"],
                "spend": [1.5, 2.5, 9.0],
                "at": [NEW_YEAR_S, NEW_YEAR_S + 2 * DAY_S, NEW_YEAR_S],
            }
        ),
        bucket, role, wait_while,
    )  # fmt: skip
    # Told again, and gone: 3 is deleted.
    ages.put_record(_values(who="2", age="31", at=FIRST))
    session.sagemaker_featurestore_runtime_client.delete_record(
        FeatureGroupName=spends.name,
        RecordIdentifierValueAsString="3",
        EventTime=str(NEW_YEAR_S + DAY_S),
    )
    store = FeatureStore(sagemaker_session=session)
    _check_one_group(store, ages, spends, output)
    _check_joins(store, ages, spends, output)
    _check_frames(store, ages, output)
    _check_queries(ages, output)


def _check_one_group(store, ages, spends, output):
    def of(group):
        return store.create_dataset(base=group, output_path=output)

    one, two, newer = [1, 20, FIRST], [2, 31, FIRST], [1, 21, THIRD]
    kept = [[1, 1.5, NEW_YEAR_S], [2, 2.5, NEW_YEAR_S + 2 * DAY_S]]
    gone = [3, 9.0, NEW_YEAR_S]
    assert _rows(of(ages)) == [one, newer, two]
    assert _rows(of(ages).include_duplicated_records()) == [one, newer, [2, 30, FIRST], two]
    assert _rows(of(spends).include_deleted_records()) == [*kept, gone]
    both = of(ages).include_deleted_records().include_duplicated_records()
    assert _rows(both) == [one, newer, [2, 30, FIRST], two]
    assert _rows(of(ages).with_number_of_recent_records_by_record_identifier(1)) == [newer, two]
    assert len(_rows(of(ages).with_number_of_records_from_query_results(1))) == 1
    assert _rows(of(ages).as_of(MOMENT(2000, 1, 1))) == []
    assert _rows(of(ages).with_event_time_range(MOMENT(2024, 1, 2), MOMENT(2024, 1, 5))) == [newer]


def _check_joins(store, ages, spends, output):
    def join(base, other, **how):
        return store.create_dataset(base=base, output_path=output).with_feature_group(other, **how)

    one, two = [1, 1.5, NEW_YEAR_S], [2, 2.5, NEW_YEAR_S + 2 * DAY_S]
    pairs = [[1, 20, FIRST, *one], [1, 21, THIRD, *one], [2, 31, FIRST, *two]]
    # What 2 spent, it spent later.
    assert _rows(join(ages, spends).point_in_time_accurate_join()) == pairs[:2]
    assert _rows(join(ages, spends, join_type=JoinTypeEnum.FULL_JOIN)) == pairs
    assert _rows(join(spends, ages, join_type=JoinTypeEnum.RIGHT_JOIN)) == [
        [*one, 1, 20, FIRST], [*one, 1, 21, THIRD], [*two, 2, 31, FIRST],
    ]  # fmt: skip
    unlike = join(ages, spends, join_comparator=JoinComparatorEnum.NOT_EQUAL_TO)
    assert _rows(unlike) == [[1, 20, FIRST, *two], [1, 21, THIRD, *two], [2, 31, FIRST, *one]]


def _check_frames(store, ages, output):
    frame = pd.DataFrame({"buyer": ["1", "2"], "bought": [SECOND, FOURTH]}, dtype=object)

    def of_frame():
        return store.create_dataset(
            base=frame,
            output_path=output,
            record_identifier_feature_name="buyer",
            event_time_identifier_feature_name="bought",
        )

    joined = of_frame().with_feature_group(ages, "buyer", ["age"]).point_in_time_accurate_join()
    assert _rows(joined) == [[1, SECOND, 20], [2, FOURTH, 31]]


def _check_queries(ages, output):
    query = ages.athena_query()
    query.run(f'SELECT who, max(age) AS age FROM "{query.table_name}" GROUP BY 1 ORDER BY 1', output)
    query.wait()
    assert query.as_dataframe().values.tolist() == [[1, 21], [2, 31]]
    query.run(ages.as_hive_ddl(table_name="my_ages"), output)
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
    frame, text = FeatureStore(ages.sagemaker_session).create_dataset(ages, output).to_dataframe()
    assert list(frame) == ["who", "age", "at"], frame
    assert len(frame) == 3, frame
    assert "SELECT" in text, text


def _made(group, frame, bucket, role, wait_while):
    texts = {name: "string" for name in frame if not pd.api.types.is_numeric_dtype(frame[name])}
    frame = frame.astype(texts)
    group.load_feature_definitions(data_frame=frame)
    group.create(
        s3_uri=f"s3://{bucket}/features",
        record_identifier_name="who",
        event_time_feature_name="at",
        role_arn=role,
        enable_online_store=True,
    )
    wait_while("FeatureGroupStatus", group.describe)
    group.ingest(data_frame=frame, max_workers=1, wait=True)
    return group


def _values(**named):
    from sagemaker.feature_store.inputs import FeatureValue

    return [FeatureValue(name, value) for name, value in named.items()]


def _rows(builder):
    # ``to_dataframe`` reads the same file, and asks for the account before: a fifth of a second each time.
    file, text = builder.to_csv_file()
    assert "SELECT" in text
    bucket, _, key = file.removeprefix("s3://").partition("/")
    written = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"]
    frame = pd.read_csv(written)
    return sorted(frame.drop(columns="row_recent", errors="ignore").values.tolist())
