"""A job from its task to its final report, with a compute whose jobs are functions."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stepmill.catalog.experiments import Experiments
from stepmill.catalog.tags import Tags
from stepmill.compute.spec import Ending, JobSpec, Mount
from stepmill.core.arns import Arns
from stepmill.core.errors import (
    ComputeClosedError,
    ComputeError,
    InvalidInputError,
    StorageError,
    StorageFullError,
    UnsupportedError,
)
from stepmill.core.tasks import Task, TaskFailed, TaskStarted, TaskStopped, TaskSucceeded
from stepmill.jobs import processing, training
from stepmill.jobs.describing import describe
from stepmill.jobs.handler import JobHandler
from stepmill.jobs.packages import Packages
from stepmill.jobs.processing import processing_handler
from stepmill.jobs.records import PROCESSING_JOB, state_of
from stepmill.jobs.services import JobServices
from stepmill.jobs.surroundings import Environments
from stepmill.jobs.tracking import ExperimentTracker
from stepmill.jobs.training import training_handler
from stepmill.storage.objects.uri import S3Uri
from stepmill.storage.sql_series import SqlSeriesStore
from support.fake_compute import FakeCompute, FakeImages, Reports, task_for
from support.job_data import (
    SteppingClock,
    channel,
    open_store,
    processing_document,
    processing_input,
    processing_output,
    put,
    training_document,
)
from support.written_logs import WrittenLog

ARN = "arn:aws:sagemaker:us-west-2:123456789012"


class House:
    """Handlers, and all that they need, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store, self.records = open_store(folder / "home", "data")
        self.compute = FakeCompute()
        self.images = FakeImages()
        self.handlers: list[JobHandler[Any]] = []
        self.groups: set[str] = set()
        self.packages: Packages | None = None

    @property
    def services(self) -> JobServices:
        return JobServices(
            objects=self.store,
            records=self.records,
            compute=self.compute,
            images=self.images,
            clock=SteppingClock(),
            arns=Arns("us-west-2", "123456789012"),
            folder=self.folder / "home" / "jobs",
            project=self.folder,
            private=self.folder / "home",
            has_group=self.groups.__contains__,
            packages=self.packages,
        )

    def handler(self, task: Task) -> JobHandler[Any]:
        make = processing_handler if task.resource == processing.RESOURCE else training_handler
        self.handlers.append(make(self.services))
        return self.handlers[-1]

    def run(self, task: Task, reports: Reports | None = None) -> Any:
        """Do the task with a handler of its own, as after a restart; return the last report."""
        reports = reports or Reports()
        handler = self.handler(task)
        handler.start(task, reports)
        handler.close()
        return reports.last

    def keys(self) -> list[str]:
        return [info.key for info in self.store.all(S3Uri("data"))]

    def read(self, key: str) -> bytes:
        return self.store.read_bytes(S3Uri("data", key))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    for handler in house.handlers:
        handler.close()


def processing_task(name: str = "job-1", **changes: Any) -> Task:
    return task_for(processing_document(**changes), processing.RESOURCE, name)


def training_task(name: str = "job-1", **changes: Any) -> Task:
    return task_for(training_document(**changes), training.RESOURCE, name)


def ml(spec: JobSpec) -> Path:
    return spec.mounts[0].source


WITH_OUTPUT = {"ProcessingOutputConfig": {"Outputs": [processing_output("train", "s3://data/out")]}}
SCRIPT = {"HyperParameters": {"sagemaker_program": "train.py", "sagemaker_submit_directory": "source"}}


def writes(path: str, text: str = "x", code: int = 0) -> Any:
    def program(spec: JobSpec) -> int:
        (ml(spec) / path).parent.mkdir(parents=True, exist_ok=True)
        (ml(spec) / path).write_text(text)
        return code

    return program


class TestProcessing:
    def test_a_job_end_to_end(self, house: House) -> None:
        put(house.store, **{"raw/a.csv": "1", "code/script.py": "pass"})
        house.compute.program = writes("processing/output/train/a.csv")
        document = processing_document(
            ProcessingInputs=[
                processing_input("data", "s3://data/raw"),
                processing_input("code", "s3://data/code/script.py"),
            ],
            StoppingCondition={"MaxRuntimeInSeconds": 60},
            Environment={"A": "1"},
            **WITH_OUTPUT,
        )
        reports = Reports()
        last = house.run(task_for(document, processing.RESOURCE), reports)
        assert isinstance(last, TaskSucceeded)
        assert last.metadata == {"ProcessingJob": {"Arn": f"{ARN}:processing-job/job-1"}}
        assert reports.all[0] == TaskStarted("execution/job-1/1", last.metadata)
        output: Any = last.output
        assert output["ProcessingJobStatus"] == "Completed"
        assert output["ProcessingOutputConfig"] == document["ProcessingOutputConfig"]
        assert house.read("out/a.csv") == b"x"
        assert last.output == describe(house.records.get("processing-job", "job-1"))
        (spec,) = house.compute.specs
        assert spec.command == ("python3", "/opt/ml/processing/input/code/script.py")
        assert spec.warm
        assert spec.source is None
        assert spec.environment["A"] == "1"
        assert spec.environment["PROCESSING_JOB_NAME"] == "job-1"
        folder = house.folder / "home" / "jobs" / "processing-job" / "job-1"
        assert spec.mounts == (
            Mount(folder / "ml", "/opt/ml"),
            Mount(folder / "inputs" / "1", "/opt/ml/processing/input/code"),
            Mount(folder / "inputs" / "0", "/opt/ml/processing/input/data", read_only=True),
        )

    def test_what_is_not_needed_any_more_is_removed(self, house: House) -> None:
        put(house.store, **{"raw/a.csv": "1"})
        house.run(processing_task(ProcessingInputs=[processing_input("data", "s3://data/raw")]))
        (folder,) = (spec.folder for spec in house.compute.specs)
        assert {path.name for path in folder.iterdir()} <= {"spec.json", "staged.json", "root"}

    def test_a_failure_keeps_what_was_written_and_stores_nothing(self, house: House) -> None:
        house.compute.program = writes("processing/output/train/a.csv", code=3)
        last = house.run(processing_task(**WITH_OUTPUT))
        assert isinstance(last, TaskFailed)
        assert (last.error, last.cause) == ("AlgorithmError", "AlgorithmError: , exit code: 3")
        assert house.keys() == []
        assert (ml(house.compute.specs[0]) / "processing/output/train/a.csv").exists()
        record = describe(house.records.get("processing-job", "job-1"))
        assert (record["ProcessingJobStatus"], record["FailureReason"]) == ("Failed", last.cause)

    def test_continuous_outputs_are_kept_even_then(self, house: House) -> None:
        house.compute.program = writes("processing/output/train/a.csv", code=3)
        outputs = [processing_output("train", "s3://data/out", S3UploadMode="Continuous")]
        house.run(processing_task(ProcessingOutputConfig={"Outputs": outputs}))
        assert house.keys() == ["out/a.csv"]

    def test_the_exit_message(self, house: House) -> None:
        house.compute.program = writes("output/message", "m" * 2000)
        last = house.run(processing_task())
        assert last.output["ExitMessage"] == "m" * 1024

    def test_a_pipe_in_the_place_of_the_message_holds_nobody_up(self, house: House) -> None:
        def program(spec: JobSpec) -> int:
            os.mkfifo(ml(spec) / "output" / "message")
            os.mkfifo(ml(spec) / "output" / "failure")
            return 0

        house.compute.program = program
        assert "ExitMessage" not in house.run(processing_task()).output

    def test_no_output_at_all_is_no_failure(self, house: House) -> None:
        assert isinstance(house.run(processing_task(**WITH_OUTPUT)), TaskSucceeded)
        assert house.keys() == []

    def test_a_local_destination_and_an_input_of_the_project(self, house: House) -> None:
        (house.folder / "raw").mkdir()
        house.compute.program = writes("processing/output/train/a.csv")
        outputs = {"Outputs": [processing_output("train", "results/train")]}
        house.run(
            processing_task(
                ProcessingInputs=[processing_input("data", "raw")], ProcessingOutputConfig=outputs
            )
        )
        assert (house.folder / "results" / "train" / "a.csv").read_text() == "x"
        assert (
            Mount(house.folder / "raw", "/opt/ml/processing/input/data", read_only=True)
            in house.compute.specs[0].mounts
        )

    def test_an_output_below_an_input(self, house: House) -> None:
        put(house.store, **{"raw/a.csv": "1"})
        house.compute.program = writes("processing/input/data/out/b.csv")
        house.run(
            processing_task(
                ProcessingInputs=[processing_input("data", "s3://data/raw")],
                ProcessingOutputConfig={
                    "Outputs": [processing_output("o", "s3://data/out", "/opt/ml/processing/input/data/out")]
                },
            )
        )
        assert house.read("out/b.csv") == b"x"
        mount = house.compute.specs[0].mounts[-1]
        assert (mount.target, mount.read_only) == ("/opt/ml/processing/input/data/out", False)

    def test_two_inputs_may_share_a_folder(self, house: House) -> None:
        put(house.store, **{"a/x": "1", "b/y": "2"})
        seen: list[str] = []

        def program(spec: JobSpec) -> int:
            seen.extend(sorted(path.name for path in spec.mounts[1].source.iterdir()))
            return 0

        house.compute.program = program
        path = "/opt/ml/processing/in"
        inputs = [processing_input("a", "s3://data/a", path), processing_input("b", "s3://data/b", path)]
        house.run(processing_task(ProcessingInputs=inputs))
        assert seen == ["x", "y"]

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"AppSpecification": {"ImageUri": "x"}}, "no entry point"),
            (
                {"ProcessingInputs": [processing_input("data", "s3://data/none")]},
                "Nothing is at s3://data/none",
            ),
            ({"ProcessingInputs": [processing_input("data", "none")]}, "There is no file or folder"),
        ],
    )
    def test_what_cannot_be_started_fails_with_the_reason(
        self, house: House, changes: Any, text: str
    ) -> None:
        last = house.run(processing_task(**changes))
        assert isinstance(last, TaskFailed)
        assert last.error == "ClientError"
        assert text in last.cause
        assert house.compute.specs == []
        assert describe(house.records.get("processing-job", "job-1"))["ProcessingJobStatus"] == "Failed"

    def test_a_wrong_request_makes_no_job(self, house: House) -> None:
        last = house.run(processing_task(AppSpecification={}))
        assert isinstance(last, TaskFailed)
        assert "AppSpecification.ImageUri" in last.cause
        assert house.records.find("processing-job", "job-1") is None

    def test_a_name_of_another_task_is_refused(self, house: House) -> None:
        house.run(processing_task())
        other = Task("other/1", processing.RESOURCE, processing_document(), "arn:x", "P", "S", "job-1")
        last = house.run(other)
        assert isinstance(last, TaskFailed)
        assert "already" in last.cause

    @pytest.mark.parametrize(
        ("error", "name"),
        [
            (UnsupportedError("no isolated network here"), "ClientError"),
            (ComputeError("no fork"), "SageMaker.JOB_INTERNAL_ERROR"),
        ],
    )
    def test_compute_refuses(self, house: House, error: Exception, name: str) -> None:
        house.compute.error = error
        last = house.run(processing_task())
        assert isinstance(last, TaskFailed)
        assert last.error == name
        assert str(error) in last.cause

    def test_a_job_that_could_not_be_started_because_this_process_ends_is_left_to_the_next(
        self, house: House
    ) -> None:
        reports = Reports()
        house.compute.error = ComputeClosedError("This compute is closed.")
        house.run(processing_task(), reports)
        assert not reports.ended
        house.compute.error = None
        assert house.run(processing_task(), reports).output["ProcessingJobStatus"] == "Completed"

    def test_an_output_that_is_a_feature_group_is_left_to_the_job(self, house: House) -> None:
        group = {
            "OutputName": "g",
            "AppManaged": True,
            "FeatureStoreOutput": {"FeatureGroupName": "customers"},
        }
        outputs = {"Outputs": [group, processing_output("o", "s3://data/o")]}
        house.compute.program = writes("processing/output/o/a.csv")
        missing = house.run(processing_task("early", ProcessingOutputConfig=outputs))
        assert isinstance(missing, TaskFailed)
        assert "the feature group 'customers', and there is none of that name" in missing.cause
        assert house.compute.specs == []
        house.groups.add("customers")
        assert isinstance(house.run(processing_task(ProcessingOutputConfig=outputs)), TaskSucceeded)
        assert house.keys() == ["o/a.csv"]

    def test_network_isolation_is_handed_on(self, house: House) -> None:
        house.run(processing_task(NetworkConfig={"EnableNetworkIsolation": True}))
        assert not house.compute.specs[0].network

    def test_notes_reach_the_record_and_the_report(self, house: House) -> None:
        house.images.notes = ("another version",)
        house.images.lines = ("building", "Collecting x", "Downloading x-1.whl (123.4 MB)")
        reports = Reports()
        house.run(
            processing_task(ProcessingOutputConfig={"Outputs": [processing_output("o", "s3://fresh/x")]}),
            reports,
        )
        told = [note for report in reports.all if isinstance(report, TaskStarted) for note in report.notes]
        assert told == [
            "building",
            "Downloading x-1.whl (123.4 MB)",
            "another version",
            "the bucket fresh was not there and has been made",
            "fake isolation",
        ]

    def test_what_is_downloaded_is_told_to_those_who_have_the_job_described(self, house: House) -> None:
        house.images.lines = ("building", "Collecting x", "Downloading x-1.whl (123.4 MB)")
        house.run(processing_task())
        transitions = state_of(house.records.get(PROCESSING_JOB, "job-1")).transitions
        told = {transition.status: transition.message for transition in transitions if transition.message}
        assert told == {"Downloading": "Preparing the image: Downloading x-1.whl (123.4 MB)"}


class TestTraining:
    @pytest.fixture(autouse=True)
    def source(self, house: House) -> None:
        (house.folder / "source" / ".git").mkdir(parents=True)
        (house.folder / "source" / "train.py").write_text("pass")

    def test_other_versions_than_the_tag_tells_stand_in_the_log(self, house: House) -> None:
        house.images.notes = ("the image asks for torch 2.8.0, this environment has 2.13.0", "for GPUs")
        house.images.differences = house.images.notes[:1]
        house.run(training_task(**SCRIPT))
        # A processing job seldom has to do with the framework; its record says it all the same.
        house.run(processing_task("job-2"))
        assert [spec.remarks for spec in house.compute.specs] == [
            ("Stepmill: the image asks for torch 2.8.0, this environment has 2.13.0.",),
            (),
        ]

    def test_requirements_are_kept_where_the_network_may_be_used(self, house: House, tmp_path: Path) -> None:
        (house.folder / "source" / "requirements.txt").write_text("rich\n")

        def program(spec: JobSpec) -> int:
            for mount in spec.mounts:
                if mount.target == "/opt/stepmill/kept" and not mount.read_only:
                    (mount.source / "lib/python3.11/site-packages/rich-14.0.dist-info").mkdir(parents=True)
            return 0

        house.compute.program = program
        house.packages = Packages(tmp_path / "kept", house.compute)
        house.images.python = Path("/nowhere/bin/python")
        assert isinstance(house.run(training_task("job-1", **SCRIPT)), TaskSucceeded)
        installs, job = house.compute.specs
        assert installs.job_id.startswith("packages-")
        assert job.packages == "/opt/stepmill/kept/lib/python3.11/site-packages"
        assert job.remarks == ("Stepmill: requirements.txt is kept installed: rich 14.0.",)
        assert not job.warm
        house.packages = Packages(tmp_path / "kept", house.compute)
        house.run(training_task("job-2", EnableNetworkIsolation=True, **SCRIPT))
        assert house.compute.specs[-1].packages == ""
        assert len(house.compute.specs) == 3

    def test_requirements_of_the_drivers_are_kept_too(self, house: House, tmp_path: Path) -> None:
        """SDK 3 names its driver in the arguments of a shell."""
        put(
            house.store,
            **{
                "code/requirements.txt": "rich\n",
                "drivers/sm_train.sh": "",
                "drivers/sourcecode.json": '{"requirements": "requirements.txt"}',
            },
        )
        house.packages = Packages(tmp_path / "kept", house.compute)
        house.images.python = Path("/nowhere/bin/python")
        driver = "/opt/ml/input/data/sm_drivers/sm_train.sh"
        algorithm = {
            "TrainingImage": "i",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["/bin/bash"],
            "ContainerArguments": ["-c", f"chmod +x {driver} && {driver}"],
        }
        channels = [channel("code", "s3://data/code/"), channel("sm_drivers", "s3://data/drivers/")]
        house.run(training_task(AlgorithmSpecification=algorithm, InputDataConfig=channels))
        # Nothing is installed here, so the job is begun all the same, and does it itself.
        assert [spec.job_id.partition("-")[0] for spec in house.compute.specs] == ["packages", "job"]
        asked = house.compute.specs[0].environment["STEPMILL_PACKAGES"]
        assert asked == "/opt/stepmill/kept"
        assert house.compute.specs[1].packages == ""

    def test_a_job_end_to_end(self, house: House) -> None:
        def program(spec: JobSpec) -> int:
            assert (ml(spec) / "code" / "train.py").read_text() == "pass"
            assert not (ml(spec) / "code" / ".git").exists()
            assert (ml(spec) / "toolkit" / "train.py").exists()
            (ml(spec) / "model" / "model.bin").write_text("weights")
            (ml(spec) / "output" / "data" / "plot.txt").write_text("plot")
            return 0

        put(house.store, **{"train/a.csv": "1"})
        house.compute.program = program
        task = training_task(**SCRIPT, InputDataConfig=[channel("train", "s3://data/train")])
        last = house.run(task)
        assert isinstance(last, TaskSucceeded), last
        output: Any = last.output
        assert output["ModelArtifacts"]["S3ModelArtifacts"] == "s3://data/models/job-1/output/model.tar.gz"
        with tarfile.open(house.store.path(S3Uri("data", "models/job-1/output/model.tar.gz"))) as archive:
            assert archive.getnames() == ["model.bin"]
        with tarfile.open(house.store.path(S3Uri("data", "models/job-1/output/output.tar.gz"))) as archive:
            assert archive.getnames() == ["plot.txt"]
        (spec,) = house.compute.specs
        assert spec.command == ("python", "/opt/ml/toolkit/train.py")
        # A warm parent imports what the user's script does, not what the toolkit does.
        assert spec.source == ml(spec) / "code" / "train.py"
        assert spec.environment["TRAINING_JOB_ARN"] == f"{ARN}:training-job/job-1"
        statuses = [entry["Status"] for entry in output["SecondaryStatusTransitions"]]
        assert statuses == ["Starting", "Downloading", "Training", "Uploading", "Completed"]

    def test_without_compression_the_files_are_moved(self, house: House) -> None:
        house.compute.program = writes("model/sub/model.bin", "weights")
        output = {"S3OutputPath": "s3://data/models/", "CompressionType": "NONE"}
        last = house.run(training_task(**SCRIPT, OutputDataConfig=output))
        assert last.output["ModelArtifacts"]["S3ModelArtifacts"] == "s3://data/models/job-1/output/model/"
        assert house.keys() == ["models/job-1/output/model/sub/model.bin"]

    def test_an_empty_model_is_said(self, house: House) -> None:
        assert isinstance(house.run(training_task(**SCRIPT)), TaskSucceeded)
        state: Any = house.records.get("training-job", "job-1").body["state"]
        assert any("nothing in /opt/ml/model" in note for note in state["notes"])
        assert house.keys() == ["models/job-1/output/model.tar.gz"]

    def test_the_failure_file_is_the_reason(self, house: House) -> None:
        house.compute.program = writes("output/failure", "ValueError: no data", code=1)
        last = house.run(training_task(**SCRIPT))
        assert isinstance(last, TaskFailed)
        assert last.cause == "AlgorithmError: ValueError: no data, exit code: 1"
        assert house.keys() == []

    def test_a_job_that_ran_out_of_time_is_stopped_and_its_model_saved(self, house: House) -> None:
        house.compute.program = writes("model/model.bin", code=143)
        house.compute.ending = Ending.TIMED_OUT
        last = house.run(training_task(**SCRIPT))
        assert isinstance(last, TaskFailed)
        assert "MaxRuntimeInSeconds (3600)" in last.cause
        record = describe(house.records.get("training-job", "job-1"))
        assert (record["TrainingJobStatus"], record["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
        assert house.keys() == ["models/job-1/output/model.tar.gz"]

    def test_source_archives_are_unpacked(self, house: House) -> None:
        archive = house.folder / "source.tar.gz"
        with tarfile.open(archive, "w:gz") as file:
            file.add(house.folder / "source" / "train.py", "train.py")
        put(house.store, **{"code/source.tar.gz": archive.read_bytes()})

        def program(spec: JobSpec) -> int:
            return 0 if (ml(spec) / "code" / "train.py").exists() else 1

        house.compute.program = program
        for number, place in enumerate(
            ['"s3://data/code/source.tar.gz"', f"file://{archive}", "source.tar.gz"]
        ):
            parameters = {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": place}
            last = house.run(training_task(f"job-{number}", HyperParameters=parameters))
            assert isinstance(last, TaskSucceeded), last

    @pytest.mark.parametrize("place", ["s3://data/none.tar.gz", "nowhere"])
    def test_a_missing_source_is_named(self, house: House, place: str) -> None:
        parameters = {"sagemaker_program": "train.py", "sagemaker_submit_directory": place}
        last = house.run(training_task(HyperParameters=parameters))
        assert isinstance(last, TaskFailed)
        assert place.removeprefix("s3://") in last.cause
        assert "sagemaker_submit_directory" in last.cause

    def test_a_hostile_source_archive_is_refused(self, house: House) -> None:
        archive = house.folder / "evil.tar.gz"
        with tarfile.open(archive, "w:gz") as file:
            file.add(house.folder / "source" / "train.py", "../../evil.py")
        parameters = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "evil.tar.gz"}
        last = house.run(training_task(HyperParameters=parameters))
        assert isinstance(last, TaskFailed)
        assert "'../../evil.py' would land outside" in last.cause

    def test_an_entry_point_of_the_request_runs_as_it_is(self, house: House) -> None:
        algorithm = {**training_document()["AlgorithmSpecification"], "ContainerEntrypoint": ["/bin/sh"]}
        house.run(training_task(AlgorithmSpecification={**algorithm, "ContainerArguments": ["-c", "true"]}))
        assert house.compute.specs[0].command == ("/bin/sh", "-c", "true")
        assert not house.compute.specs[0].warm

    def test_an_image_with_a_program_of_its_own_is_told_to_train(self, house: House) -> None:
        house.images.entrypoint = ("/usr/bin/algorithm",)
        house.run(training_task())
        assert house.compute.specs[0].command == ("/usr/bin/algorithm", "train")

    def test_nothing_to_run_is_explained(self, house: House) -> None:
        last = house.run(training_task())
        assert isinstance(last, TaskFailed)
        assert "sagemaker_program" in last.cause

    def test_checkpoints_come_and_go(self, house: House) -> None:
        put(house.store, **{"ck/1.pt": "old", "ck/../evil": "x"})
        seen: list[str] = []

        def program(spec: JobSpec) -> int:
            folder = ml(spec) / "checkpoints"
            seen.extend(path.name for path in folder.iterdir())
            (folder / "1.pt").write_text("new")
            (folder / "2.pt").write_text("more")
            return 1

        house.compute.program = program
        house.run(training_task(**SCRIPT, CheckpointConfig={"S3Uri": "s3://data/ck"}))
        assert seen == ["1.pt"]
        assert (house.read("ck/1.pt"), house.read("ck/2.pt")) == (b"new", b"more")

    def test_local_checkpoints(self, house: House) -> None:
        (house.folder / "ck").mkdir()
        (house.folder / "ck" / "1.pt").write_text("old")
        house.compute.program = writes("checkpoints/2.pt")
        house.run(training_task(**SCRIPT, CheckpointConfig={"S3Uri": "ck"}))
        assert sorted(path.name for path in (house.folder / "ck").iterdir()) == ["1.pt", "2.pt"]


class TestStopping:
    def test_a_running_job_is_asked_to_end(self, house: House) -> None:
        house.compute.held = True
        task, reports = processing_task(**WITH_OUTPUT), Reports()
        handler = house.handler(task)
        handler.start(task, reports)
        handler.stop(task)
        assert house.compute.stopped == [house.compute.specs[0].folder]
        assert house.records.get("processing-job", "job-1").status == "Stopping"
        house.compute.ending = Ending.STOPPED
        house.compute.program = writes("processing/output/train/a.csv", code=143)
        house.compute.release()
        handler.close()
        assert isinstance(reports.last, TaskStopped)
        assert house.records.get("processing-job", "job-1").status == "Stopped"
        assert house.keys() == ["out/a.csv"]

    def test_stopping_what_is_unknown_or_ended_does_nothing(self, house: House) -> None:
        task = processing_task()
        house.handler(task).stop(task)
        house.run(task)
        house.handler(task).stop(task)
        assert house.compute.stopped == []

    def test_a_job_asked_to_stop_before_it_ran_never_runs(self, house: House) -> None:
        task, reports = training_task(**SCRIPT), Reports()
        (house.folder / "source").mkdir()
        (house.folder / "source" / "train.py").touch()
        handler = house.handler(task)
        house.images.lines = ("building",)
        resolve = house.images.resolve

        def stopping(*arguments: Any) -> Any:
            handler.stop(task)
            return resolve(*arguments)

        house.images.resolve = stopping  # type: ignore[method-assign]
        handler.start(task, reports)
        assert isinstance(reports.last, TaskStopped)
        assert house.compute.specs == []


class Crash(BaseException):
    """The server is killed: nothing that comes after happens."""


class TestCrashes:
    """After a crash the same task is handed over again."""

    def test_a_running_job_is_followed(self, house: House) -> None:
        house.compute.held = True
        task = processing_task(**WITH_OUTPUT)
        house.handler(task).start(task, Reports())
        house.compute.held = False
        house.compute.program = writes("processing/output/train/a.csv")
        assert isinstance(house.run(task), TaskSucceeded)
        assert house.compute.specs[0].mounts == house.compute.specs[1].mounts
        assert house.read("out/a.csv") == b"x"

    def test_a_job_that_has_ended_is_reported_again_and_not_run_again(self, house: House) -> None:
        first = house.run(processing_task())
        assert house.run(processing_task()) == first
        house.compute.program = lambda _spec: 1
        failed = house.run(processing_task("job-2"))
        assert house.run(processing_task("job-2")) == failed
        assert len(house.compute.specs) == 2

    def test_half_staged_inputs_are_staged_anew(self, house: House) -> None:
        put(house.store, **{"raw/a": "1", "raw/b": "2"})
        task = processing_task(ProcessingInputs=[processing_input("data", "s3://data/raw")])
        left = house.folder / "home/jobs/processing-job/job-1/inputs/0"
        left.mkdir(parents=True)
        house.store.link(S3Uri("data", "raw/a"), left / "a")
        assert isinstance(house.run(task), TaskSucceeded)

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_outputs_are_collected_once(
        self, house: House, monkeypatch: pytest.MonkeyPatch, moment: str
    ) -> None:
        put_files = house.store.put_files

        def crashing(*arguments: Any, **options: Any) -> Any:
            if moment == "after":
                put_files(*arguments, **options)
            raise StorageFullError("the power went")

        house.compute.program = writes("model/model.bin", "weights")
        (house.folder / "source").mkdir()
        (house.folder / "source" / "train.py").touch()
        output = {"S3OutputPath": "s3://data/models", "CompressionType": "NONE"}
        task = training_task(**SCRIPT, OutputDataConfig=output)
        monkeypatch.setattr(house.store, "put_files", crashing)
        # Nobody hears of it, as when the process is killed.
        monkeypatch.setattr(JobHandler, "_fail", lambda *_: None)
        house.handler(task).start(task, Reports())
        house.handlers[-1].close()
        monkeypatch.undo()
        house.compute.program = lambda _spec: 0
        last = house.run(task)
        assert isinstance(last, TaskSucceeded), last
        assert house.keys() == ["models/job-1/output/model/model.bin"]
        assert house.read(house.keys()[0]) == b"weights"


class TestFullDisk:
    def test_it_fails_the_job_and_registers_nothing(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_arguments: Any, **_options: Any) -> Any:
            raise StorageFullError("The disk is full; nothing was stored.")

        house.compute.program = writes("processing/output/train/a.csv")
        monkeypatch.setattr(house.store, "put_files", full)
        last = house.run(processing_task(**WITH_OUTPUT))
        assert isinstance(last, TaskFailed)
        assert last.error == "SageMaker.CAPACITY_ERROR"
        assert "The disk is full" in last.cause
        assert house.keys() == []
        assert (ml(house.compute.specs[0]) / "processing/output/train/a.csv").exists()

    def test_the_execution_hears_of_it_even_if_the_record_cannot_be_written(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_arguments: Any, **_options: Any) -> Any:
            raise StorageFullError("The disk is full; nothing was written.")

        def program(_spec: JobSpec) -> int:
            monkeypatch.setattr(house.records, "update", full)
            return 0

        house.compute.program = program
        last = house.run(processing_task())
        assert isinstance(last, TaskFailed)
        assert last.error == "SageMaker.CAPACITY_ERROR"


@pytest.mark.parametrize(
    "changes",
    [
        {"ProcessingInputs": [processing_input("in", "home/objects")]},
        {"ProcessingInputs": [processing_input("in", "link/stepmill.db")]},
        {"ProcessingOutputConfig": {"Outputs": [processing_output("out", "data/../home/objects/blobs")]}},
    ],
)
def test_no_path_leads_into_stepmills_own_folder(tmp_path: Path, changes: dict[str, Any]) -> None:
    house = House(tmp_path)
    (tmp_path / "link").symlink_to("home")
    (tmp_path / "data").mkdir()
    task = task_for(processing_document(**changes), processing.RESOURCE)
    report = house.run(task)
    assert isinstance(report, TaskFailed)
    assert report.error == "ClientError"
    assert "Stepmill's own folder" in report.cause


def test_no_copy_of_stepmills_own_folder_is_made_for_a_job(tmp_path: Path) -> None:
    house = House(tmp_path)
    seen: list[Mount] = []

    def look(spec: JobSpec) -> int:
        seen.extend(mount for mount in spec.mounts if mount.target == "/opt/ml/processing/input/code")
        return 0

    house.compute.program = look
    document = processing_document(ProcessingInputs=[processing_input("code", str(tmp_path))])
    house.run(task_for(document, processing.RESOURCE))
    assert seen == [Mount(tmp_path, "/opt/ml/processing/input/code", read_only=True)]


class TestHosts:
    """Several hosts that do a job together."""

    def task(self, house: House, count: int, **changes: Any) -> Task:
        cluster = {"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": count}}
        return processing_task(ProcessingResources=cluster, **changes)

    def test_each_gets_its_shard_and_leaves_its_files(self, house: House) -> None:
        put(house.store, **{f"raw/{n}": str(n) for n in range(5)})

        def program(spec: JobSpec) -> int:
            told = json.loads((ml(spec) / "config" / "resourceconfig.json").read_text())
            shown = next(m.source for m in spec.mounts if m.target == "/opt/ml/processing/input/data")
            names = ",".join(sorted(path.name for path in shown.iterdir()))
            (ml(spec) / "processing" / "output" / "out" / told["current_host"]).write_text(names)
            (ml(spec) / "output" / "message").write_text(f"{told['current_host']};")
            return 0

        house.compute.program = program
        last = house.run(
            self.task(
                house,
                2,
                ProcessingInputs=[
                    processing_input("data", "s3://data/raw", S3DataDistributionType="ShardedByS3Key")
                ],
                ProcessingOutputConfig={"Outputs": [processing_output("out", "s3://data/out")]},
            )
        )
        assert isinstance(last, TaskSucceeded), last
        assert house.read("out/algo-1") == b"0,2,4"
        assert house.read("out/algo-2") == b"1,3"
        assert last.output["ExitMessage"] == "algo-1;algo-2;"
        assert [spec.job_id for spec in house.compute.specs] == ["job-1", "job-1-algo-2"]
        assert {name for name, _ in house.compute.specs[0].names} == {"algo-1", "algo-2"}

    def test_the_failure_of_one_is_told_with_its_name(self, house: House) -> None:
        def program(spec: JobSpec) -> int:
            if spec.job_id == "job-1":
                return 0
            (ml(spec) / "output" / "failure").write_text("no peer")
            return 3

        house.compute.program = program
        last = house.run(self.task(house, 2))
        assert isinstance(last, TaskFailed)
        assert last.cause.startswith("AlgorithmError: algo-2: no peer, exit code: 3")

    def test_whoever_picks_it_up_after_a_crash_hears_of_all(self, house: House) -> None:
        house.compute.held = True
        task = self.task(house, 2)
        house.handler(task).start(task, Reports())
        begun = [spec.folder for spec in house.compute.specs]
        reports = Reports()
        handler = house.handler(task)
        handler.start(task, reports)
        assert [spec.folder for spec in house.compute.specs[2:]] == begun
        house.compute.program = lambda spec: int(spec.job_id != "job-1")
        # Only the listeners of the living.
        house.compute._listeners = house.compute._listeners[2:]
        house.compute.release()
        handler.close()
        assert isinstance(reports.last, TaskFailed)
        assert reports.last.cause.startswith("AlgorithmError: algo-2")

    def test_all_are_asked_to_stop(self, house: House) -> None:
        house.compute.held = True
        task, reports = self.task(house, 3), Reports()
        handler = house.handler(task)
        handler.start(task, reports)
        handler.stop(task)
        folder = handler.folder("job-1")
        assert house.compute.stopped == [folder, folder / "hosts/algo-2", folder / "hosts/algo-3"]
        house.compute.ending = Ending.STOPPED
        house.compute.release()
        handler.close()
        assert isinstance(reports.last, TaskStopped)


class TestExperiments:
    NAMES = {"ExperimentConfig": {"ExperimentName": "churn", "TrialName": "first"}}

    @pytest.fixture
    def experiments(self, house: House, monkeypatch: pytest.MonkeyPatch) -> Experiments:
        arns = house.services.arns
        series = SqlSeriesStore(house.records._database)
        experiments = Experiments(house.records, arns, Tags(house.records), series)
        plain = House.services.fget
        assert plain is not None
        services = property(
            lambda house: replace(
                plain(house), tracker=ExperimentTracker(experiments, Environments(house.records))
            )
        )
        monkeypatch.setattr(House, "services", services)
        return experiments

    def test_a_job_that_names_one_is_recorded_with_its_end(
        self, house: House, experiments: Experiments
    ) -> None:
        put(house.store, **{"raw/a.csv": "1"})
        last = house.run(processing_task(**self.NAMES))
        assert isinstance(last, TaskSucceeded)
        assert isinstance(last.output, Mapping)
        assert last.output["ExperimentConfig"] == self.NAMES["ExperimentConfig"]
        assert experiments.components.members("first") == ["job-1-aws-processing-job"]
        found: Any = experiments.components.describe("job-1-aws-processing-job")
        assert found["Status"]["PrimaryStatus"] == "Completed"

    def test_one_that_fails_is_recorded_too(self, house: House, experiments: Experiments) -> None:
        house.compute.program = lambda _: 3
        last = house.run(processing_task(**self.NAMES))
        assert isinstance(last, TaskFailed)
        found: Any = experiments.components.describe("job-1-aws-processing-job")
        assert found["Status"]["PrimaryStatus"] == "Failed"
        assert "exit code: 3" in found["Status"]["Message"].lower()

    def test_one_that_names_none_is_recorded_in_no_trial(
        self, house: House, experiments: Experiments
    ) -> None:
        house.run(processing_task())
        found = experiments.components.extra("job-1-aws-processing-job")["job"]
        assert isinstance(found, Mapping)
        assert found["exit_code"] == 0
        assert isinstance(found["machine"], Mapping)
        environment = house.records.get("environment", str(found["environment"]))
        assert isinstance(environment.body["packages"], Mapping)
        assert "pytest" in environment.body["packages"]
        assert house.records.list("experiment").records == ()

    def test_killed_before_both_are_written_neither_is(
        self, house: House, experiments: Experiments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(ExperimentTracker, "track", lambda *_: (_ for _ in ()).throw(StorageError("gone")))
            house.run(processing_task(**self.NAMES))
        assert not state_of(house.records.get(PROCESSING_JOB, "job-1")).status.is_final
        assert house.records.list("experiment-trial-component").records == ()


class TestAlgorithms:
    """Training jobs of built-in algorithms, up to the program that they start."""

    IMAGE = "1.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:1.7-1"

    @pytest.fixture(autouse=True)
    def data(self, house: House) -> None:
        house.images.algorithm = "xgboost"
        put(house.store, **{"train/a.csv": "1,2"})

    def task(self, hyperparameters: dict[str, str], **changes: Any) -> Task:
        specification = {"TrainingImage": self.IMAGE, "TrainingInputMode": "File"}
        train = {**channel("train", "s3://data/train"), "ContentType": "text/csv"}
        document = {
            "AlgorithmSpecification": specification,
            "HyperParameters": hyperparameters,
            "InputDataConfig": [train],
        }
        return training_task(**{**document, **changes})

    def test_the_program_is_put_into_the_job_and_its_metrics_are_read(self, house: House) -> None:
        def program(spec: JobSpec) -> int:
            toolkit = ml(spec) / "toolkit"
            assert (toolkit / "algorithm.py").exists()
            assert (toolkit / "stepmill_algorithms" / "xgboost_training.py").exists()
            assert spec.source == toolkit / "stepmill_algorithms" / "xgboost_training.py"
            WrittenLog(spec.folder).write([b"[0]\ttrain-rmse:2.5\tvalidation-rmse:3.5\n"])
            (ml(spec) / "model" / "xgboost-model").write_text("trees")
            return 0

        house.compute.program = program
        last = house.run(self.task({"num_round": "3"}))
        assert isinstance(last, TaskSucceeded), last
        (spec,) = house.compute.specs
        assert spec.command == ("python", "/opt/ml/toolkit/algorithm.py", "xgboost")
        output: Any = last.output
        found = {metric["MetricName"]: metric["Value"] for metric in output["FinalMetricDataList"]}
        assert found == {"train:rmse": 2.5, "validation:rmse": 3.5}
        # AWS tells them too, and the SDK's analytics look for them there.
        told = output["AlgorithmSpecification"]["MetricDefinitions"]
        assert {"train:rmse", "validation:auc"} < {definition["Name"] for definition in told}

    def test_all_that_is_wrong_is_told_before_anything_is_built(self, house: House) -> None:
        last = house.run(self.task({"num_rounds": "3", "eta": "2"}))
        assert isinstance(last, TaskFailed)
        assert last.error == "ClientError"
        for sentence in (
            "Missing required hyperparameter: num_round.",
            "Extraneous hyperparameter found: num_rounds. Did you mean 'num_round'?",
            "Hyperparameter eta: 2 is not in [0, 1].",
        ):
            assert sentence in last.cause
        assert house.images.asked == []
        assert house.compute.specs == []

    TWO = {"InstanceType": "ml.m5.large", "InstanceCount": 2}

    def test_several_hosts_get_the_program(self, house: House) -> None:
        house.run(self.task({"num_round": "3"}, ResourceConfig=self.TWO))
        assert [spec.command[1:] for spec in house.compute.specs] == [
            ("/opt/ml/toolkit/algorithm.py", "xgboost")
        ] * 2

    @pytest.mark.parametrize(
        ("name", "asked", "message"),
        [
            ("xgboost", {"_kfold": "3"}, "The algorithm xgboost trains on one host with _kfold here"),
            ("blazingtext", {"mode": "cbow"}, "The algorithm blazingtext trains on one host here"),
        ],
    )
    def test_what_trains_on_one_host(
        self, house: House, name: str, asked: dict[str, str], message: str
    ) -> None:
        house.images.algorithm = name
        last = house.run(self.task({"num_round": "3", **asked}, ResourceConfig=self.TWO))
        assert isinstance(last, TaskFailed)
        assert message in last.cause
        assert house.compute.specs == []

    def test_a_channel_is_for_all_hosts(self, house: House) -> None:
        groups = [
            {"InstanceGroupName": name, "InstanceType": "ml.m5.large", "InstanceCount": 1} for name in "ab"
        ]
        train = {**channel("train", "s3://data/train"), "ContentType": "text/csv"}
        train["DataSource"]["S3DataSource"]["InstanceGroupNames"] = ["a"]
        last = house.run(
            self.task({"num_round": "3"}, ResourceConfig={"InstanceGroups": groups}, InputDataConfig=[train])
        )
        assert isinstance(last, TaskFailed)
        assert "needs the channel 'train' on all hosts" in last.cause
        assert house.compute.specs == []

    def test_a_script_turns_the_algorithm_off(self, house: House) -> None:
        (house.folder / "source").mkdir()
        (house.folder / "source" / "train.py").write_text("pass")
        house.run(self.task({**SCRIPT["HyperParameters"], "anything": "1"}))
        (spec,) = house.compute.specs
        assert spec.command == ("python", "/opt/ml/toolkit/train.py")

    def test_a_command_turns_the_algorithm_off(self, house: House) -> None:
        specification = {
            "TrainingImage": self.IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "x.py"],
        }
        house.run(self.task({"anything": "1"}, AlgorithmSpecification=specification))
        (spec,) = house.compute.specs
        assert spec.command == ("python3", "x.py")
        record = describe(house.records.get("training-job", "job-1"))
        assert "MetricDefinitions" not in record["AlgorithmSpecification"]

    def test_whoever_asks_directly_hears_at_once(self, house: House) -> None:
        task = self.task({"eta": "2"})
        with pytest.raises(InvalidInputError, match="Missing required hyperparameter: num_round") as caught:
            house.handler(task).check({"TrainingJobName": "a", **task.payload})
        assert "eta: 2 is not in" in str(caught.value)

    def test_data_that_cannot_be_taken_is_the_fault_of_the_client(self, house: House) -> None:
        house.compute.program = writes("output/failure", "ClientError: Line 2 has 1 columns", code=2)
        last = house.run(self.task({"num_round": "3"}))
        assert isinstance(last, TaskFailed)
        assert (last.error, last.cause) == ("ClientError", "ClientError: Line 2 has 1 columns, exit code: 2")
