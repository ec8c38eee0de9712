from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.catalog.features.configs import told_configs
from stepmill.catalog.features.group import part, ttl_micros
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, UnsupportedError
from stepmill.storage.features import OnlineRow
from stepmill.storage.records import Selection
from support.features import BUCKET, Stored, definition, group_request, make_group, stored

ARN = "arn:aws:sagemaker:us-west-2:123456789012:feature-group/customers"
EPOCH = 1767225600  # 2026-01-01T00:00:00Z, where the clock of tests begins


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Stored]:
    with stored(tmp_path) as opened:
        yield opened


def test_a_group_is_made_and_found(store: Stored) -> None:
    made = make_group(store, Tags=[{"Key": "team", "Value": "churn"}])
    groups = store.features.groups
    assert made.arn == ARN
    assert made == groups.get("Customers") == groups.get("CUSTOMERS") == groups.get(ARN)
    assert groups.find("other") is groups.find("arn:aws:sagemaker:us-west-2:123456789012:model/x") is None
    assert store.tags.of(ARN) == {"team": "churn"}
    assert made.offline is not None
    assert made.offline.table == f"customers_{EPOCH}"
    assert str(made.offline.data).endswith(f"/offline-store/Customers-{EPOCH}/data")


def test_a_missing_group_is_told_as_sagemaker_does(store: Stored) -> None:
    with pytest.raises(NotFoundError, match="Amazon SageMaker can't find a FeatureGroup with name none"):
        store.features.groups.get("none")


def test_a_taken_name_is_a_conflict_whatever_its_case(store: Stored) -> None:
    make_group(store)
    with pytest.raises(ConflictError, match="FeatureGroup with name customers already exists"):
        make_group(store, FeatureGroupName="customers")


def test_configs_are_told_with_what_follows_from_them(store: Stored) -> None:
    told = told_configs(make_group(store), has_bucket=store.objects.bucket_exists)
    assert told == {
        "OnlineStoreConfig": {"EnableOnlineStore": True, "StorageType": "Standard"},
        "OfflineStoreConfig": {
            "S3StorageConfig": {
                "S3Uri": "s3://features/store",
                "ResolvedOutputS3Uri": "s3://features/store/123456789012/sagemaker/us-west-2/offline-store/"
                f"Customers-{EPOCH}/data",
            },
            "DisableGlueTableCreation": False,
            "DataCatalogConfig": {
                "TableName": f"customers_{EPOCH}",
                "Catalog": "AwsDataCatalog",
                "Database": "sagemaker_featurestore",
            },
        },
        "ThroughputConfig": {"ThroughputMode": "OnDemand"},
        "OfflineStoreStatus": {"Status": "Active"},
    }


def test_a_store_that_is_not_asked_for_is_not_told(store: Stored) -> None:
    request = group_request()
    del request["OfflineStoreConfig"]
    told = told_configs(store.features.groups.create(request), has_bucket=store.objects.bucket_exists)
    assert "OfflineStoreConfig" not in told
    assert told["OfflineStoreStatus"] == {"Status": "Disabled"}


def test_without_its_bucket_the_offline_store_is_blocked(store: Stored) -> None:
    group = make_group(store)
    store.objects.delete_bucket(BUCKET)
    told = told_configs(group, has_bucket=store.objects.bucket_exists)
    assert told["OfflineStoreStatus"] == {
        "Status": "Blocked",
        "BlockedReason": "The S3 bucket 'features' does not exist. Records wait until it does.",
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"FeatureGroupName": "a b"}, "not a possible name"),
        (
            {"OnlineStoreConfig": {}, "OfflineStoreConfig": None},
            "at least one of OnlineStoreConfig and OfflineStoreConfig",
        ),
        (
            {"OnlineStoreConfig": {"EnableOnlineStore": True, "TtlDuration": {"Unit": "Years", "Value": 1}}},
            "has a Unit",
        ),
        (
            {"OnlineStoreConfig": {"EnableOnlineStore": True, "TtlDuration": {"Unit": "Days", "Value": 0}}},
            "at least 1",
        ),
        (
            {"OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": "s3://none/x"}}},
            "bucket 'none' of the offline store does not",
        ),
        (
            {"OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": "https://features/x"}}},
            "is not an S3 address",
        ),
        (
            {"OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": f"s3://{BUCKET}/{'x' * 800}"}}},
            "longer than 724 bytes",
        ),
        (
            {"ThroughputConfig": {"ThroughputMode": "Provisioned", "ProvisionedReadCapacityUnits": 1}},
            "ProvisionedWriteCapacityUnits must be specified",
        ),
        (
            {"ThroughputConfig": {"ThroughputMode": "OnDemand", "ProvisionedReadCapacityUnits": 1}},
            "can only be specified when ThroughputMode is Provisioned",
        ),
    ],
)
def test_groups_that_are_refused(store: Stored, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        make_group(store, **changes)
    assert store.features.groups.list()[0] == []


def test_iceberg_is_refused_by_name(store: Stored) -> None:
    config = {**group_request()["OfflineStoreConfig"], "TableFormat": "Iceberg"}
    with pytest.raises(UnsupportedError, match="Iceberg is not offered"):
        make_group(store, OfflineStoreConfig=config)


def test_the_table_may_be_named_or_left_out(store: Stored) -> None:
    base = group_request()["OfflineStoreConfig"]
    catalog = {"TableName": "My Table", "Catalog": "c", "Database": "d"}
    named = make_group(store, name="n", OfflineStoreConfig={**base, "DataCatalogConfig": catalog})
    without = make_group(store, name="w", OfflineStoreConfig={**base, "DisableGlueTableCreation": True})
    groups = store.features.groups
    assert groups.of_table("D", "my table") == named
    assert (
        "DataCatalogConfig"
        not in told_configs(without, has_bucket=store.objects.bucket_exists)["OfflineStoreConfig"]
    )  # type: ignore[operator]
    assert [group.name for group in groups.tables()] == ["n"]


def test_a_group_is_updated(store: Stored) -> None:
    make_group(store)
    groups = store.features.groups
    store.clock.advance(timedelta(minutes=1))
    new = groups.update(
        "customers",
        {
            "FeatureGroupName": "customers",
            "FeatureAdditions": [definition("city")],
            "OnlineStoreConfig": {"TtlDuration": {"Unit": "Hours", "Value": 2}},
            "ThroughputConfig": {
                "ThroughputMode": "Provisioned",
                "ProvisionedReadCapacityUnits": 1,
                "ProvisionedWriteCapacityUnits": 2,
            },
        },
    )
    assert new == groups.get("Customers")
    assert new.schema.features[-1].name == "city"
    assert new.online is not None
    assert new.online.ttl_micros == 7_200_000_000
    assert new.modified_at > new.created_at
    assert part(new.request, "ThroughputConfig")["ProvisionedWriteCapacityUnits"] == 2
    of_table = groups.of_table("sagemaker_featurestore", f"customers_{EPOCH}")
    assert of_table is not None
    assert of_table.schema == new.schema
    back = groups.update("customers", {"ThroughputConfig": {"ThroughputMode": "OnDemand"}})
    assert back.request["ThroughputConfig"] == {"ThroughputMode": "OnDemand"}


def test_a_refused_update_changes_nothing(store: Stored) -> None:
    group = make_group(store)
    with pytest.raises(InvalidInputError, match="Duplicate feature name"):
        store.features.groups.update("customers", {"FeatureAdditions": [definition("age")]})
    with pytest.raises(NotFoundError):
        store.features.groups.update("none", {"FeatureAdditions": [definition("x")]})
    assert store.features.groups.get("customers") == group


def test_the_time_to_live_of_a_store_that_is_none_is_refused(store: Stored) -> None:
    make_group(store, OnlineStoreConfig={"EnableOnlineStore": False})
    with pytest.raises(InvalidInputError, match="online store of the feature group is not enabled"):
        store.features.groups.update(
            "customers", {"OnlineStoreConfig": {"TtlDuration": {"Unit": "Days", "Value": 1}}}
        )


def test_a_group_made_anew_never_sees_the_former_ones_rows(store: Stored) -> None:
    groups = store.features.groups
    former = make_group(store, Tags=[{"Key": "a", "Value": "b"}])
    store.rows.put(former.id, OnlineRow("1", 0, None, False, b""))
    groups.metadata.update(former, "age", {"Description": "in years"})
    groups.delete(ARN)
    with pytest.raises(NotFoundError):
        groups.get("customers")
    with pytest.raises(NotFoundError):
        groups.delete("customers")
    new = make_group(store)
    assert groups.get("customers") == new
    assert new.id != former.id
    assert store.rows.get(former.id, "1") is store.rows.get(new.id, "1") is None
    assert store.tags.of(ARN) == {}
    assert "Description" not in groups.metadata.describe(new, "age")
    # Made within the same second: its files lie elsewhere all the same.
    assert new.offline is not None
    assert former.offline is not None
    assert new.offline.data != former.offline.data
    assert groups.of_table("sagemaker_featurestore", former.offline.table) == former
    assert groups.of_file(f"{former.offline.data}/year=2026/x.parquet") == former
    assert groups.of_file(str(new.offline.data)) == new


def test_the_group_of_a_file_is_told_by_all_of_its_address(store: Stored) -> None:
    group = make_group(store)
    assert group.offline is not None
    data = str(group.offline.data)
    for address in (data, f"{data}/", f"{data}/year=2026/x.parquet", data.removesuffix("/data")):
        assert store.features.groups.of_file(address) == group, address
    others = (
        data.replace("s3://", "s3://other-"), data.replace("/data", "0/data"), data.replace("/store/", "/x/"),
        data.rpartition("/")[0].rpartition("/")[0], "s3://features", "", "/x/offline-store/x",
        "s3://" + "/" * 900,
    )  # fmt: skip
    for address in others:
        assert store.features.groups.of_file(address) is None, address


def test_another_process_is_heard(store: Stored, tmp_path: Path) -> None:
    make_group(store)
    assert store.features.groups.get("customers").schema.features[-1].name == "score"
    with stored(tmp_path) as other:
        other.features.groups.update("customers", {"FeatureAdditions": [definition("city")]})
        assert store.features.groups.get("customers").schema.features[-1].name == "city"
        other.features.groups.delete("customers")
        assert store.features.groups.find("customers") is None
        anew = make_group(other)
        assert store.features.groups.get("customers").id == anew.id


def test_groups_are_listed_by_name(store: Stored) -> None:
    for name in ("b", "A", "c"):
        make_group(store, FeatureGroupName=name)
    groups = store.features.groups
    assert (
        [group.name for group in groups.list()[0]]
        == [group.name for group in groups.all()]
        == ["A", "b", "c"]
    )
    assert [group.name for group in groups.list(Selection(name_contains="B"))[0]] == ["b"]


def test_features_are_described_with_what_is_said_of_them(store: Stored) -> None:
    group = make_group(store)
    metadata = store.features.groups.metadata
    assert metadata.describe(group, "age") == {
        "FeatureGroupArn": ARN,
        "FeatureGroupName": "Customers",
        "FeatureName": "age",
        "FeatureType": "Integral",
        "CreationTime": group.created_at,
        "LastModifiedTime": group.created_at,
    }
    store.clock.advance(timedelta(seconds=5))
    said = [{"Key": "unit", "Value": "years"}, {"Key": "pii", "Value": "no"}]
    metadata.update(group, "age", {"Description": "of the customer", "ParameterAdditions": said})
    described = metadata.describe(group, "age")
    assert described["Description"] == "of the customer"
    assert described["Parameters"] == said
    assert described["LastModifiedTime"] == store.clock.now()
    more = [{"Key": "unit", "Value": "months"}]
    metadata.update(group, "age", {"ParameterAdditions": more, "ParameterRemovals": ["pii", "none"]})
    assert metadata.describe(group, "age")["Parameters"] == more
    assert metadata.describe(group, "age")["Description"] == "of the customer"
    assert [each["FeatureName"] for each in metadata.all(group)] == ["id", "at", "age", "score"]


def test_a_feature_has_at_most_25_parameters(store: Stored) -> None:
    group, metadata = make_group(store), store.features.groups.metadata
    many = [{"Key": f"k{number}", "Value": "v"} for number in range(25)]
    metadata.update(group, "age", {"ParameterAdditions": many})
    with pytest.raises(InvalidInputError, match="at most 25 parameters"):
        metadata.update(group, "age", {"ParameterAdditions": [{"Key": "one-more", "Value": "v"}]})
    with pytest.raises(InvalidInputError, match="a Key and a Value"):
        metadata.update(group, "age", {"ParameterAdditions": [{"Key": "k0"}]})
    assert metadata.describe(group, "age")["Parameters"] == many


def test_a_feature_that_is_none_is_not_found(store: Stored) -> None:
    group, metadata = make_group(store), store.features.groups.metadata
    for ask in (metadata.describe, lambda *names: metadata.update(*names, {"Description": "x"})):
        with pytest.raises(
            NotFoundError, match="can't find a feature with name none in FeatureGroup Customers"
        ):
            ask(group, "none")


@pytest.mark.parametrize(
    ("unit", "micros"),
    [
        ("Seconds", 10**6),
        ("Minutes", 60 * 10**6),
        ("Hours", 3600 * 10**6),
        ("Days", 86400 * 10**6),
        ("Weeks", 604800 * 10**6),
    ],
)
def test_times_to_live_have_units(unit: str, micros: int) -> None:
    assert ttl_micros({"Unit": unit, "Value": 3}) == 3 * micros


def test_a_hostile_time_to_live_stays_within_64_bits() -> None:
    found = ttl_micros({"Unit": "Weeks", "Value": 10**30})
    assert found is not None
    assert found < 2**62
