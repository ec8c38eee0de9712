from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.jobs.cache_outputs import MOST_FILES_LISTED, KeptOutputs
from stepmill.jobs.records import PROCESSING_JOB, TRAINING_JOB
from stepmill.storage.objects.uri import S3Uri
from support.keeping import Keeping, keeping


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        opened.put("s3://bucket/out/a.csv", "1")
        opened.put("s3://bucket/out/sub/b.csv", "2")
        yield opened


@pytest.fixture
def outputs(kept: Keeping) -> KeptOutputs:
    return KeptOutputs(kept.objects, kept.folder)


def processing(*uris: str) -> dict[str, Any]:
    return {
        "ProcessingOutputConfig": {
            "Outputs": [{"OutputName": uri, "S3Output": {"S3Uri": uri}} for uri in uris]
        }
    }


def test_what_is_as_it_was_left(outputs: KeptOutputs) -> None:
    state = outputs.state(processing("s3://bucket/out"))
    assert set(state["s3://bucket/out"]) == {"a.csv", "sub/b.csv"}  # type: ignore[arg-type]
    assert outputs.change(state) == ""


def test_records_in_a_group_that_was_removed_or_made_anew_are_gone(kept: Keeping) -> None:
    groups = {"customers": "first"}
    outputs = KeptOutputs(kept.objects, kept.folder, lambda name: groups.get(name, ""))
    group = {"OutputName": "g", "FeatureStoreOutput": {"FeatureGroupName": "customers"}}
    state = outputs.state({"ProcessingOutputConfig": {"Outputs": [group]}})
    assert outputs.change(state) == ""
    groups["customers"] = "second"
    assert outputs.change(state) == "the feature group customers was made anew since"
    groups.clear()
    assert outputs.change(state) == "the feature group customers is gone"


def test_a_group_that_the_job_wrote_without_saying_so_counts_too(kept: Keeping) -> None:
    groups = {"customers": "first", "own": ""}
    written = {(PROCESSING_JOB, "prepare"): ["customers", "own"], (TRAINING_JOB, "prepare"): ["other"]}
    outputs = KeptOutputs(
        kept.objects, kept.folder, lambda name: groups.get(name, ""), lambda *job: written.get(job, ())
    )
    state = outputs.state({"ProcessingJobName": "prepare"})
    # One that the job has removed itself was gone before, too.
    assert outputs.change(state) == ""
    del groups["customers"]
    assert outputs.change(state) == "the feature group customers is gone"
    assert outputs.change(outputs.state({"TrainingJobName": "another"})) == ""


def test_what_is_gone(outputs: KeptOutputs, kept: Keeping) -> None:
    state = outputs.state(processing("s3://bucket/out/"))
    kept.objects.delete([S3Uri.parse("s3://bucket/out/sub/b.csv")])
    assert outputs.change(state) == "s3://bucket/out/sub/b.csv is gone"


def test_what_was_written_again(outputs: KeptOutputs, kept: Keeping) -> None:
    state = outputs.state(processing("s3://bucket/out"))
    kept.clock.advance(timedelta(seconds=1))
    kept.put("s3://bucket/out/a.csv", "9")
    assert outputs.change(state) == "s3://bucket/out/a.csv was written again since"


def test_what_came_to_lie_beside_does_not_matter(outputs: KeptOutputs, kept: Keeping) -> None:
    state = outputs.state(processing("s3://bucket/out"))
    kept.put("s3://bucket/out/c.csv", "3")
    kept.put("s3://bucket/out2/a.csv", "3")
    assert outputs.change(state) == ""


def test_an_output_that_was_empty_is_as_it_was_left(outputs: KeptOutputs) -> None:
    state = outputs.state(processing("s3://bucket/empty", "s3://nobucket/x"))
    assert state == {"s3://bucket/empty": {}, "s3://nobucket/x": {}}
    assert outputs.change(state) == ""


def test_a_training_job_left_its_model(outputs: KeptOutputs, kept: Keeping) -> None:
    described = {"TrainingJobName": "job", "OutputDataConfig": {"S3OutputPath": "s3://bucket/models/"}}
    kept.put("s3://bucket/models/job/output/model.tar.gz")
    kept.put("s3://bucket/models/job-2/output/model.tar.gz")
    state = outputs.state(described)
    assert {uri: set(files) for uri, files in state.items()} == {  # type: ignore[arg-type]
        "s3://bucket/models/job/output": {"model.tar.gz"}
    }
    kept.objects.delete([S3Uri.parse("s3://bucket/models/job/output/model.tar.gz")])
    assert outputs.change(state).endswith("model.tar.gz is gone")


def test_folders_of_this_machine(outputs: KeptOutputs, kept: Keeping) -> None:
    folder = kept.folder / "local" / "sub"
    folder.mkdir(parents=True)
    (folder / "a").write_text("1")
    (folder / "dangling").symlink_to("nowhere")
    state = outputs.state(processing("local"))
    assert outputs.change(state) == ""
    (folder / "a").write_text("22")
    assert outputs.change(state) == "local/sub/a was written again since"
    (folder / "a").unlink()
    assert outputs.change(state) == "local/sub/a is gone"


def test_many_files_are_remembered_together(outputs: KeptOutputs, kept: Keeping) -> None:
    folder = kept.folder / "many"
    folder.mkdir()
    for number in range(MOST_FILES_LISTED + 1):
        (folder / str(number)).touch()
    state = outputs.state(processing("many"))
    assert len(state["many"]) == 1  # type: ignore[arg-type]
    assert outputs.change(state) == ""
    (folder / "7").unlink()
    assert outputs.change(state) == "many is no longer as it was left"


@pytest.mark.parametrize(
    "document",
    [
        None,
        3,
        [],
        {},
        {"ProcessingOutputConfig": 3},
        {"ProcessingOutputConfig": {"Outputs": [3, {}]}},
        {"OutputDataConfig": {"S3OutputPath": 3}},
        processing("s3://B/bad", "http://x", ""),
    ],
)
def test_a_document_that_names_no_outputs_has_an_empty_state(outputs: KeptOutputs, document: Any) -> None:
    assert outputs.change(outputs.state(document)) == ""
