from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from stepmill.cli.exit_codes import ExitCode
from support.cli import Cli
from support.features import BUCKET, group_request


def _make_group(cli: Cli) -> None:
    with cli.platform() as platform:
        platform.objects.create_bucket(BUCKET)
        platform.features.groups.create(group_request())


def test_a_table_goes_in_and_is_read_as_of_moments(cli: Cli) -> None:
    _make_group(cli)
    rows = ("id,at,age,score", "1,2026-01-01T00:00:00Z,30,0.5", "1,2026-01-02T00:00:00Z,31,")
    cli.write("rows.csv", "\n".join([*rows, "2,2026-01-01T00:00:00Z,,1"]))
    assert "Customers" in cli("features", "list").ok().out
    shown = cli("features", "show", "customers").ok().out
    assert "record identifier" in shown
    table = shown.split("Table of SQL: sagemaker_featurestore.")[1].strip()
    assert f"Did you mean '{table}'?" in cli("sql", "SELECT * FROM Customers").err
    done = cli("features", "ingest", "Customers", "rows.csv", "--json").ok().json
    assert (done["rows"], done["online"], done["new"]) == (3, 2, True)
    again = cli("features", "ingest", "Customers", "rows.csv").ok()
    assert "taken in before" in again.out
    assert again.err == ""  # the bar is for terminals
    assert cli("features", "get", "Customers", "1", "--json").ok().json["age"] == "31"
    then = cli("features", "snapshot", "Customers", "--as-of", "2026-01-01T12:00:00", "--json").ok().json
    assert [row["age"] for row in then] == [30, None]
    cli.write(
        "labels.csv",
        "id,ts,bought\n1,2026-01-01T06:00:00Z,1\n1,2026-01-03T00:00:00Z,0\n3,2026-01-03T00:00:00Z,0\n",
    )
    answer = cli("features", "join", "labels.csv", "Customers", "--event-time", "ts", "--out", "out.parquet")
    assert "3 rows" in answer.ok().out
    joined: pa.Table = pq.read_table(cli.folder / "out.parquet")
    assert joined["age"].to_pylist() == [30, 31, None]


def test_what_is_wrong_is_told_with_the_documented_codes(cli: Cli) -> None:
    _make_group(cli)
    cli.write("rows.csv", "id,at,age\n1,yesterday,x\n")
    refused = cli("features", "ingest", "Customers", "rows.csv")
    assert refused.code == ExitCode.REFUSED
    assert "WRONG_TYPE" in refused.err
    assert "WRONG_EVENT_TIME" in refused.err
    assert cli("features", "show", "Nobody").code == ExitCode.NOT_FOUND
    assert cli("features", "get", "Customers", "1").code == ExitCode.NOT_FOUND
    assert cli("features", "ingest", "Customers", "none.csv").code == ExitCode.NOT_FOUND
