from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import stepmill
from stepmill import FeaturesOf, FeatureStore
from stepmill.core.errors import (
    ConflictError,
    InvalidInputError,
    InvalidRowsError,
    NotFoundError,
    StepmillError,
    UnsupportedError,
    WrongStateError,
)

BASE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _outside_of_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STEPMILL_HOME", "TRAINING_JOB_NAME", "PROCESSING_JOB_NAME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FeatureStore]:
    with FeatureStore(tmp_path) as opened:
        yield opened


def day(number: float) -> datetime:
    return BASE + timedelta(days=number)


def customers() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer": ["ada", "bob", "ada"],
            "at": pd.to_datetime([day(0), day(0), day(2)]),
            "orders": [1, 9, 3],
            "spent": [7.0, 1.5, 40.0],
        }
    )


def made(store: FeatureStore, name: str = "customers", **more: Any) -> str:
    store.create_group(name, customers(), identifier="customer", event_time="at", **more)
    return name


def labels() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer": ["ada", "bob", "ada", "eve"],
            "when": pd.to_datetime([day(1), day(1), day(3), day(3)]),
            "left": pd.Categorical(["no", "yes", "no", "yes"]),
        },
        index=[7, 7, 3, 1],
    )


def test_a_group_is_made_like_a_dataframe_and_told(store: FeatureStore) -> None:
    described = store.create_group(
        "customers",
        customers(),
        identifier="customer",
        event_time="at",
        ttl=timedelta(days=400),
        description="Who buys",
    )
    assert described == store.describe("customers")
    assert described["FeatureDefinitions"] == [
        {"FeatureName": "customer", "FeatureType": "String"},
        {"FeatureName": "at", "FeatureType": "String"},
        {"FeatureName": "orders", "FeatureType": "Integral"},
        {"FeatureName": "spent", "FeatureType": "Fractional"},
    ]
    assert described["OnlineStoreConfig"]["TtlDuration"] == {"Unit": "Seconds", "Value": 400 * 86_400}
    assert described["OfflineStoreConfig"]["S3StorageConfig"]["S3Uri"].endswith("/feature-store")
    assert described["Description"] == "Who buys"
    assert described["FeatureGroupArn"].endswith("feature-group/customers")
    assert store.groups() == ["customers"]
    assert store.snapshot("customers").num_rows == 0
    with pytest.raises(ConflictError):
        made(store)
    store.delete_group("customers")
    assert store.groups() == []
    with pytest.raises(NotFoundError):
        store.describe("customers")


def test_a_training_set_sees_no_future_and_leaves_the_labels_as_they_are(store: FeatureStore) -> None:
    made(store)
    told: list[tuple[str, int]] = []
    done = store.ingest("customers", customers(), progress=lambda what, rows: told.append((what, rows)))
    assert (done.rows, done.online, done.is_new) == (3, 2, True)
    assert told[0] == ("read", 3)
    assert told[-1] == ("online", 2)
    assert not store.ingest("customers", customers()).is_new
    given = labels()
    joined = store.training_data(given, ["customers"], event_time="when")
    assert joined["orders"].fillna(0).tolist() == [1, 9, 3, 0]
    pd.testing.assert_frame_equal(joined[["customer", "when", "left"]], given)
    assert list(joined.columns) == ["customer", "when", "left", "orders", "spent"]


def test_arrow_and_files_give_arrow(store: FeatureStore, tmp_path: Path) -> None:
    made(store)
    path = tmp_path / "customers.parquet"
    customers().to_parquet(path)
    store.ingest("customers", path)
    rows = pa.table({"customer": ["ada"], "when": ["2026-01-02T00:00:00Z"]})
    pq.write_table(rows, tmp_path / "labels.parquet")
    expected = [{"customer": "ada", "when": "2026-01-02T00:00:00Z", "orders": 1, "spent": 7.0}]
    given: list[Any] = [rows, tmp_path / "labels.parquet", str(tmp_path / "labels.parquet"), rows.to_pylist()]
    for each in given:
        joined = store.training_data(each, "customers", event_time="when")
        assert joined.to_pylist() == expected


def test_groups_can_be_joined_in_detail(store: FeatureStore) -> None:
    made(store)
    made(store, "others")
    for name in ("customers", "others"):
        store.ingest(name, customers())
    rows = pa.table({"who": ["ada", "bob"], "when": [day(2.5), day(2.5)]})
    young = FeaturesOf("customers", ["orders"], on="who", max_age=timedelta(days=1))
    other = FeaturesOf("others", ["orders"], on="who", prefix="other_")
    joined = store.training_data(rows, [young, other], event_time="when")
    assert joined.select(["orders", "other_orders"]).to_pydict() == {
        "orders": [3, None],
        "other_orders": [3, 9],
    }
    with pytest.raises(InvalidInputError, match="Two columns of the result"):
        store.training_data(
            rows, [FeaturesOf("customers", on="who"), FeaturesOf("others", on="who")], event_time="when"
        )


def test_snapshots_and_histories_of_a_moment(store: FeatureStore) -> None:
    made(store)
    store.ingest("customers", customers())

    def orders(**more: Any) -> dict[str, int]:
        rows = store.snapshot("customers", ["customer", "orders"], **more).to_pylist()
        return {row["customer"]: row["orders"] for row in rows}

    assert orders() == {"ada": 3, "bob": 9}
    assert orders(as_of=day(1)) == {"ada": 1, "bob": 9}
    # A moment without a zone is UTC.
    assert orders(as_of=day(2).replace(tzinfo=None)) == {"ada": 3, "bob": 9}
    assert orders(written_by=BASE - timedelta(days=9999)) == {}
    store.delete("customers", "bob", day(5))
    assert orders() == {"ada": 3}
    assert store.history("customers", ["orders"])["orders"].to_pylist() == [1, 3]
    kept = store.history("customers", ["customer"], deleted=True)
    assert kept["is_deleted"].to_pylist().count(True) == 1


def test_single_records_are_typed(store: FeatureStore) -> None:
    frame = pd.DataFrame({"id": [1], "at": [BASE], "n": [1], "x": [0.5], "tags": [["a"]]})
    store.create_group("g", frame, identifier="id", event_time="at")
    record = {"id": 7, "at": day(1), "n": 3.0, "x": 1, "tags": ["b", "c"]}
    store.put("g", record)
    expected = {"id": 7, "at": "2026-01-02T00:00:00Z", "n": 3, "x": 1.0, "tags": ["b", "c"]}
    assert store.get("g", 7) == expected
    assert store.get("g", "7", ["x"]) == {"x": 1.0}
    assert store.get("g", 8) is None
    store.put("g", {"id": 7, "at": "2026-01-03T00:00:00Z", "n": None, "x": float("nan")})
    found = store.get("g", 7)
    assert found is not None
    assert found.keys() == {"id", "at", "x"}
    assert store.snapshot("g", ["id", "n"]).to_pylist() == [{"id": 7, "n": None}]
    store.delete("g", 7, "2026-01-04T00:00:00Z")
    assert store.get("g", 7) is None


def test_event_times_in_seconds(store: FeatureStore) -> None:
    store.create_group("g", pd.DataFrame({"id": ["a"], "at": [0]}), identifier="id", event_time="at")
    store.put("g", {"id": "a", "at": day(1)})
    store.put("g", {"id": "b", "at": 1_767_225_600.25})
    assert store.get("g", "a") == {"id": "a", "at": day(1).timestamp()}
    assert store.get("g", "b") == {"id": "b", "at": 1_767_225_600.25}
    store.delete("g", "b", 1_767_225_601)
    assert store.get("g", "b") is None


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"customer": "a", "at": BASE, "orders": "many"}, "'orders' takes no 'many': it is Integral"),
        ({"customer": "a", "at": BASE, "orders": [1]}, "takes no"),
        ({"customer": "a", "at": BASE, "size": 1}, "no feature 'size'"),
        ({"customer": "a"}, "at"),
        ({"customer": "a", "at": "yesterday"}, "at"),
    ],
)
def test_a_record_that_is_wrong_is_refused(store: FeatureStore, record: dict[str, Any], says: str) -> None:
    made(store)
    with pytest.raises(InvalidInputError, match=says):
        store.put("customers", record)
    assert store.get("customers", "a") is None
    assert store.history("customers").num_rows == 0


def test_what_cannot_be_done_is_told(store: FeatureStore) -> None:
    made(store, "online", offline=False)
    made(store, "offline", online=False)
    with pytest.raises(WrongStateError, match="no offline store"):
        store.snapshot("online")
    with pytest.raises(InvalidInputError, match="not enabled"):
        store.get("offline", "ada")
    with pytest.raises(InvalidRowsError, match="orders"):
        store.ingest("offline", customers().assign(orders="many"))
    with pytest.raises(NotFoundError):
        store.training_data(labels(), ["nobody"], event_time="when")
    with pytest.raises(InvalidInputError, match="named by a text"):
        store.snapshot(customers())  # type: ignore[arg-type]
    for wrong in (7, [1, 2], object()):
        with pytest.raises(InvalidInputError, match="is no table"):
            store.training_data(wrong, ["offline"], event_time="when")


def test_what_was_written_is_there_for_the_next_one_without_closing(tmp_path: Path) -> None:
    first = FeatureStore(tmp_path)
    made(first)
    first.put("customers", {"customer": "ada", "at": day(9), "orders": 4})
    with FeatureStore(tmp_path) as second:
        assert second.snapshot("customers", ["orders"])["orders"].to_pylist() == [4]
    first.close()
    assert repr(first) == f"<FeatureStore {tmp_path / '.stepmill'}>"


@pytest.mark.parametrize("variable", ["TRAINING_JOB_NAME", "PROCESSING_JOB_NAME"])
def test_a_job_has_no_store_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "train")
    with pytest.raises(UnsupportedError, match="only by the wire"):
        FeatureStore(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_all_its_errors_are_public() -> None:
    assert issubclass(InvalidRowsError, stepmill.InvalidInputError)
    assert issubclass(UnsupportedError, StepmillError)


def test_naming_it_loads_nothing_heavy() -> None:
    code = "import sys; from stepmill import FeatureStore, FeaturesOf; FeaturesOf('a'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert {"pandas", "pyarrow", "numpy"}.isdisjoint(loaded.split())
