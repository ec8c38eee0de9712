"""What the ResultWriter of a distributed Map leaves in a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.catalog.state_machine_records import MachineContent
from stepmill.core.json import read_json, write_json
from stepmill.engine.machines import results
from stepmill.engine.machines.summaries import MachineExecution
from stepmill.platform import Platform, load_settings
from stepmill.storage.objects.uri import S3Uri

ROLE = "arn:aws:iam::123456789012:role/r"
BUCKET = "results"
# Odd numbers fail.
_CHOICE = {
    "Type": "Choice",
    "Choices": [{"Variable": "$", "NumericEquals": 1, "Next": "Odd"}],
    "Default": "Even",
}
_STATES = {
    "Look": _CHOICE,
    "Odd": {"Type": "Fail", "Error": "Odd", "Cause": "It is odd."},
    "Even": {"Type": "Pass", "Result": [1, 2], "End": True},
}


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with Platform(load_settings(tmp_path, {}), serves=True) as platform:
        platform.objects.create_bucket(BUCKET)
        yield platform


def _run(platform: Platform, items: str, writer: dict[str, Any]) -> MachineExecution:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    processor = {"ProcessorConfig": config, "StartAt": "Look", "States": _STATES}
    each = {
        "Type": "Map",
        "Label": "Each",
        "ToleratedFailurePercentage": 100,
        "ItemProcessor": processor,
        "ResultWriter": writer,
        "End": True,
    }
    text = write_json({"StartAt": "Each", "States": {"Each": each}})
    machine = platform.state_machines.create("Spread", MachineContent(text, ROLE))
    return platform.machine_control.wait(platform.start_machine(machine, input=items).id)


def _writer(bucket: str = BUCKET, **config: str) -> dict[str, Any]:
    resource = "arn:aws:states:::s3:putObject"
    made: dict[str, Any] = {"Resource": resource, "Parameters": {"Bucket": bucket, "Prefix": "out"}}
    return {**made, "WriterConfig": config} if config else made


def _document(platform: Platform, key: str) -> Any:
    return read_json(platform.objects.read_bytes(S3Uri(BUCKET, key)))


def _output(platform: Platform, execution: MachineExecution) -> Any:
    return read_json(platform.machine_executions.output(execution.id) or "null")


def test_the_output_names_a_manifest_that_names_files_by_status(platform: Platform) -> None:
    output = _output(platform, _run(platform, "[0,1,2]", _writer()))
    run = output["MapRunArn"]
    key = f"out/{run.rpartition(':')[2]}/manifest.json"
    assert output["ResultWriterDetails"] == {"Bucket": BUCKET, "Key": key}
    manifest = _document(platform, key)
    assert (manifest["DestinationBucket"], manifest["MapRunArn"]) == (BUCKET, run)
    files = manifest["ResultFiles"]
    assert [len(files[kind]) for kind in ("FAILED", "PENDING", "SUCCEEDED")] == [1, 0, 1]
    assert files["SUCCEEDED"][0]["Key"] == key.replace("manifest.json", "SUCCEEDED_0.json")
    for kind in ("FAILED", "SUCCEEDED"):
        size = platform.objects.head(S3Uri(BUCKET, files[kind][0]["Key"])).size_bytes
        assert files[kind][0]["Size"] == size
    (failed,) = _document(platform, files["FAILED"][0]["Key"])
    assert (failed["Status"], failed["Error"], failed["Cause"]) == ("FAILED", "Odd", "It is odd.")
    assert (failed["Input"], failed["RedriveStatus"]) == ("1", "REDRIVABLE_BY_MAP_RUN")
    assert "Output" not in failed
    succeeded = _document(platform, files["SUCCEEDED"][0]["Key"])
    assert sorted(each["Input"] for each in succeeded) == ["0", "2"]
    assert succeeded[0]["Output"] == "[1,2]"
    assert succeeded[0]["StateMachineArn"].endswith(":stateMachine:Spread/Each")
    assert succeeded[0]["StopDate"].endswith("Z")


@pytest.mark.parametrize(
    ("config", "suffix", "text"),
    [
        ({"Transformation": "COMPACT", "OutputType": "JSON"}, "json", "[[1,2],[1,2]]"),
        ({"Transformation": "FLATTEN", "OutputType": "JSON"}, "json", "[1,2,1,2]"),
        ({"Transformation": "COMPACT", "OutputType": "JSONL"}, "jsonl", "[1,2]\n[1,2]"),
    ],
)
def test_outputs_are_written_as_the_config_says(
    platform: Platform, config: dict[str, str], suffix: str, text: str
) -> None:
    output = _output(platform, _run(platform, "[0,2]", _writer(**config)))
    key = output["ResultWriterDetails"]["Key"].replace("manifest.json", f"SUCCEEDED_0.{suffix}")
    assert platform.objects.read_bytes(S3Uri(BUCKET, key)).decode() == text


def test_without_a_bucket_the_results_are_the_output(platform: Platform) -> None:
    config = {"WriterConfig": {"Transformation": "NONE", "OutputType": "JSON"}}
    output = _output(platform, _run(platform, "[0,2]", config))
    assert [(each["Status"], each["Input"], each["Output"]) for each in output] == [
        ("SUCCEEDED", "0", "[1,2]"),
        ("SUCCEEDED", "2", "[1,2]"),
    ]


def test_a_bucket_that_is_not_there_fails_the_map(platform: Platform) -> None:
    ended = _run(platform, "[0]", _writer("nowhere"))
    assert (ended.status.value, ended.details.error) == ("FAILED", results.FAILED)


def test_a_full_file_is_followed_by_another(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "LARGEST_FILE", 8)
    output = _output(platform, _run(platform, "[0,2,4]", _writer(Transformation="COMPACT")))
    manifest = _document(platform, output["ResultWriterDetails"]["Key"])
    keys = [each["Key"].rpartition("/")[2] for each in manifest["ResultFiles"]["SUCCEEDED"]]
    assert keys == ["SUCCEEDED_0.json", "SUCCEEDED_1.json", "SUCCEEDED_2.json"]
