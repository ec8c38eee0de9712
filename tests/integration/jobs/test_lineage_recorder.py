"""What the system records by itself: of jobs, models and executions, once, by address and content."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from stepmill.catalog.lineage.kept_code import KeptFile
from stepmill.catalog.package_reviews import ModelApprovalStatus
from stepmill.core.json import digest
from stepmill.core.statuses import JobStatus
from stepmill.jobs.lineage.recorder import ExecutionView
from stepmill.jobs.lineage.touches import Way
from stepmill.jobs.records import PROCESSING_JOB, TRAINING_JOB, body_of, request_of, state_of
from stepmill.storage.executions import PIPELINES, ExecutionDetails, NewExecution
from stepmill.storage.lineage import LineageKind
from stepmill.storage.objects.uri import S3Uri
from stepmill.storage.sql_executions import SqlExecutionStore
from support.keeping import EXECUTION
from support.lineage import SECOND, Recording, label, processing, recording, training


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Recording]:
    with recording(tmp_path) as home:
        yield home


def write(path: Path, text: str) -> None:
    """Write a file that is older than all that tests do."""
    path.write_text(text)
    os.utime(path, (0, 0))


class TestJobs:
    def test_a_model_is_traced_to_data_code_image_and_execution(self, home: Recording) -> None:
        home.kept.put("s3://bucket/raw/a.csv")
        home.kept.put("s3://bucket/code.tar.gz", "code")
        home.process("prepare", {"raw": "s3://bucket/raw"}, {"train": "s3://bucket/train"})
        model = home.train("fit", {"train": "s3://bucket/train"}, "s3://bucket/code.tar.gz")
        package = home.register("churn", model)
        home.recorder.catch_up()
        assert home.edges() == {
            ("s3://bucket/raw", "ContributedTo", "prepare"),
            ("image:1", "ContributedTo", "prepare"),
            ("p-abcdefghijkl-aws-pipeline-execution", "AssociatedWith", "prepare"),
            ("prepare", "Produced", "s3://bucket/train"),
            ("s3://bucket/train", "ContributedTo", "fit"),
            ("s3://bucket/code.tar.gz", "ContributedTo", "fit"),
            ("image:1", "ContributedTo", "fit"),
            ("p-abcdefghijkl-aws-pipeline-execution", "AssociatedWith", "fit"),
            ("fit", "Produced", model),
            (model, "ContributedTo", package),
            ("image:1", "ContributedTo", package),
            (package, "AssociatedWith", "churn-aws-model-package-group"),
            ("fit", "ContributedTo", "churn-aws-model-package-group"),
            (home.all(LineageKind.ACTION)[0].name, "ContributedTo", package),
        }
        assert {"s3://bucket/raw", "s3://bucket/code.tar.gz"} <= set(home.up(home.artifact(package).arn))
        assert {model, package, "churn-aws-model-package-group"} <= set(
            home.down(home.artifact("s3://bucket/raw").arn)
        )
        types = {one.type for one in home.all()}
        assert types == {"DataSet", "Code", "Image", "Model", "ModelPackage"}

    def test_what_is_recorded_again_stays_as_it_is(self, home: Recording) -> None:
        home.kept.put("s3://bucket/raw/a.csv")
        home.process("prepare", {"raw": "s3://bucket/raw"}, {"train": "s3://bucket/train"})
        home.recorder.catch_up()
        before = home.all(), home.edges()
        home.new_recorder().catch_up()
        home.recorder.note(PROCESSING_JOB, "prepare")
        home.recorder.catch_up()
        assert (home.all(), home.edges()) == before

    def test_a_running_job_shows_what_it_takes(self, home: Recording) -> None:
        home.kept.put("s3://bucket/raw/a.csv")
        home.begin(PROCESSING_JOB, "prepare", processing({"raw": "s3://bucket/raw"}, {"o": "s3://bucket/o"}))
        home.recorder.note(PROCESSING_JOB, "prepare")
        home.recorder.close()
        assert ("s3://bucket/raw", "ContributedTo", "prepare") in home.edges()
        home.kept.clock.advance(SECOND)
        home.kept.put("s3://bucket/raw/b.csv")
        home.kept.put("s3://bucket/o/x")
        home.end(PROCESSING_JOB, "prepare")
        home.recorder.catch_up()
        # What was put there later is no input of it.
        assert [one.source_uri for one in home.all(of_type="DataSet")] == ["s3://bucket/raw", "s3://bucket/o"]

    def test_a_failed_job_gave_nothing(self, home: Recording) -> None:
        home.begin(PROCESSING_JOB, "bad", processing({"raw": "s3://bucket/raw"}, {"o": "s3://bucket/o"}))
        home.kept.put("s3://bucket/o/x")
        home.end(PROCESSING_JOB, "bad", JobStatus.FAILED)
        home.recorder.catch_up()
        assert not [edge for edge in home.edges() if edge[1] == "Produced"]

    def test_one_that_cannot_be_read_keeps_none_from_being_recorded(self, home: Recording) -> None:
        home.kept.records.create(PROCESSING_JOB, "odd", {"state": {}}, status="Completed")
        home.kept.put("s3://bucket/raw/a.csv")
        home.process("prepare", {"raw": "s3://bucket/raw"}, {"train": "s3://bucket/train"})
        home.recorder.catch_up()
        assert ("prepare", "Produced", "s3://bucket/train") in home.edges()

    def test_a_job_of_that_name_that_was_deleted_is_another(self, home: Recording) -> None:
        for data in ("one", "two"):
            home.kept.clock.advance(SECOND)
            home.kept.put("s3://bucket/raw/a.csv", data)
            home.process("same", {"raw": "s3://bucket/raw"}, {"o": "s3://bucket/o"}, data)
            home.recorder.catch_up()
            home.kept.records.delete(PROCESSING_JOB, "same")
        assert len([one for one in home.all() if one.source_uri == "s3://bucket/raw"]) == 2
        assert len(home.all(LineageKind.COMPONENT)) == 1


class TestContent:
    def test_other_data_under_the_same_address_is_another_artifact(self, home: Recording) -> None:
        for number, data in enumerate(("old", "new", "new")):
            home.kept.put("s3://bucket/raw/a.csv", data)
            home.kept.clock.advance(SECOND)
            home.train(f"fit-{number}", {"train": "s3://bucket/raw"})
            home.recorder.catch_up()
        versions = [one for one in home.all(of_type="DataSet") if one.source_uri == "s3://bucket/raw"]
        assert len({one.digest for one in versions}) == len(versions) == 2
        trained = [[name for name in home.down(one.arn) if name.startswith("fit")] for one in versions]
        assert trained == [["fit-0"], ["fit-1", "fit-2"]]

    def test_the_same_content_at_two_addresses_is_found_as_the_same(self, home: Recording) -> None:
        home.kept.put("s3://bucket/raw/a.csv", "x")
        home.process("copy", {"raw": "s3://bucket/raw"}, {"o": "s3://bucket/o"})
        home.kept.put("s3://bucket/mine/part.csv", "made s3://bucket/o")
        home.kept.put("s3://bucket/empty-1/a.csv", "")
        home.kept.put("s3://bucket/empty-2/a.csv", "")
        home.kept.clock.advance(SECOND)
        home.train("fit", {f"c{n}": f"s3://bucket/{place}" for n, place in enumerate(("mine", "empty-1"))})
        home.train("fit-2", {"c": "s3://bucket/empty-2"})
        home.recorder.catch_up()
        home.digesting.complete()
        same = [edge for edge in home.edges() if edge[1] == "SameAs"]
        assert same == [("s3://bucket/o", "SameAs", "s3://bucket/mine")]
        assert "fit" in home.down(home.artifact("s3://bucket/raw").arn)

    def test_what_lies_in_what_a_job_made_came_of_it(self, home: Recording) -> None:
        home.process("prepare", {}, {"all": "s3://bucket/all"})
        home.train("one", {"c": "s3://bucket/all/part.csv"})
        home.train("bucket", {"c": "s3://bucket/"})
        home.train("slash", {"c": "s3://bucket/all/"})
        home.recorder.catch_up()
        made = home.artifact("s3://bucket/all")
        assert {"one", "bucket", "slash"} <= set(home.down(made.arn))

    def test_what_was_changed_before_it_was_looked_at_is_not_taken_for_what_the_job_saw(
        self, home: Recording
    ) -> None:
        home.kept.put("s3://bucket/raw/a.csv", "old")
        home.train("fit", {"train": "s3://bucket/raw", "gone": "s3://bucket/gone"})
        home.kept.clock.advance(SECOND)
        home.kept.put("s3://bucket/raw/a.csv", "new")
        home.recorder.catch_up()
        raw, gone = home.artifact("s3://bucket/raw"), home.artifact("s3://bucket/gone")
        assert (raw.digest, gone.digest) == ("", "")
        assert "changed" in str(raw.body["Properties"])
        assert "nothing" in str(gone.body["Properties"])

    def test_deleting_data_keeps_lineage(self, home: Recording) -> None:
        home.kept.put("s3://bucket/raw/a.csv", "old")
        model = home.train("fit", {"train": "s3://bucket/raw"})
        home.recorder.catch_up()
        home.kept.objects.delete([S3Uri.parse("s3://bucket/raw/a.csv"), S3Uri.parse(model)])
        home.digesting.complete()
        digest = home.artifact("s3://bucket/raw").digest
        assert digest.startswith("sha256:")
        assert "fit" in home.down(home.artifact("s3://bucket/raw").arn)

    def test_files_of_this_machine(self, home: Recording) -> None:
        folder = home.kept.folder / "my data %41"
        folder.mkdir()
        write(folder / "a.csv", "x")
        home.train("fit", {"train": "my data %41", "one": str(folder / "a.csv")})
        home.recorder.catch_up()
        home.digesting.complete()
        found = home.all(of_type="DataSet")
        assert {one.source_uri for one in found} == {folder.as_uri(), (folder / "a.csv").as_uri()}
        assert all(one.digest.startswith("sha256:") for one in found)

    def test_large_data_is_left_for_later(self, home: Recording) -> None:
        write(home.kept.folder / "large", "12345")
        home.train("fit", {"train": "large"})
        home.recorder.catch_up()
        assert home.digesting.complete(largest_bytes=4) == 1
        assert home.digesting.complete(largest_bytes=5) == 0


class TestCode:
    def test_it_stays_when_its_address_is_overwritten(self, home: Recording) -> None:
        home.kept.put("s3://bucket/code/train.py", "print(1)")
        home.kept.put("s3://bucket/code/lib/x.py", "x = 1")
        home.train("fit", {"code": "s3://bucket/code"})
        home.recorder.catch_up()
        home.kept.put("s3://bucket/code/train.py", "print(2)")
        home.kept.objects.delete([S3Uri.parse("s3://bucket/code/lib/x.py")])
        home.kept.objects.collect_garbage()
        [code] = home.all(of_type="Code")
        files = KeptFile.read(code.body["code"])
        told = {file.name: home.code.path(file).read_text() for file in files}
        assert told == {"lib/x.py": "x = 1", "train.py": "print(1)"}

    def test_code_of_this_machine_is_copied(self, home: Recording) -> None:
        script = home.kept.folder / "run.py"
        write(script, "print(1)")
        request = processing({"code": "run.py"}, {})
        home.begin(PROCESSING_JOB, "p", request)
        home.end(PROCESSING_JOB, "p")
        home.recorder.catch_up()
        with script.open("a") as handle:
            handle.write("\nprint(2)")
        [file] = KeptFile.read(home.all(of_type="Code")[0].body["code"])
        assert home.code.path(file).read_text() == "print(1)"

    def test_too_many_files_are_said_to_be_missing(
        self, home: Recording, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("stepmill.catalog.lineage.kept_code.MOST_FILES", 1)
        for name in "ab":
            home.kept.put(f"s3://bucket/code/{name}.py", name)
        kept, problem = home.code.keep("s3://bucket/code")
        assert ([file.name for file in kept], "only the first 1" in problem) == (["a.py"], True)
        monkeypatch.setattr("stepmill.catalog.lineage.kept_code.LARGEST_BYTES", 0)
        assert home.code.keep("s3://bucket/code")[0] == []
        assert "could not be kept" in home.code.keep("s3://nowhere/x")[1]


class TestGroups:
    def test_what_one_job_put_into_a_group_and_another_read_led_to_its_model(self, home: Recording) -> None:
        home.kept.put("s3://bucket/raw/a.csv")
        home.process("prepare", {"raw": "s3://bucket/raw"}, {})
        home.touch("prepare", "Shells", Way.WRITTEN, PROCESSING_JOB)
        home.begin(TRAINING_JOB, "fit", training({}))
        home.touch("fit", "Shells", Way.READ)
        home.recorder.catch_up()
        # What it reads is told when it has ended: the edge says until when.
        assert not [edge for edge in home.edges() if edge[0].startswith("Shells")]
        model = home.kept.put("s3://bucket/models/fit/output/model.tar.gz")
        home.end(TRAINING_JOB, "fit", model=model)
        home.recorder.catch_up()
        assert {
            ("prepare", "ContributedTo", "Shells-aws-feature-group"),
            ("Shells-aws-feature-group", "ContributedTo", "fit"),
        } <= home.edges()
        assert {"prepare", "s3://bucket/raw"} <= set(home.up(home.artifact(model).arn))
        assert {"fit", model} <= set(home.down(home.artifact("s3://bucket/raw").arn))
        (group,) = [one for one in home.all(LineageKind.CONTEXT) if one.type == "FeatureGroup"]
        assert group.source_uri == "arn:aws:sagemaker:us-west-2:123456789012:feature-group/shells"

    def test_what_was_put_there_later_led_to_nothing_of_before(self, home: Recording) -> None:
        models = {}
        for number in (1, 2):
            raw = home.kept.put(f"s3://bucket/raw-{number}/a.csv", str(number))
            home.process(f"prepare-{number}", {"raw": raw}, {})
            home.touch(f"prepare-{number}", "shells", Way.WRITTEN, PROCESSING_JOB)
            home.begin(TRAINING_JOB, f"fit-{number}", training({}))
            home.touch(f"fit-{number}", "shells", Way.READ)
            models[number] = home.kept.put(f"s3://bucket/models/fit-{number}/output/model.tar.gz")
            home.end(TRAINING_JOB, f"fit-{number}", model=models[number])
            home.recorder.catch_up()
        led = {number: set(home.up(home.artifact(model).arn)) for number, model in models.items()}
        assert "prepare-1" in led[1] & led[2]
        assert "prepare-2" in led[2] - led[1]
        came = {number: home.down(home.artifact(f"s3://bucket/raw-{number}/a.csv").arn) for number in (1, 2)}
        assert "fit-1" in came[1]
        assert "fit-2" in came[1]
        assert "fit-1" not in came[2]
        assert "fit-2" in came[2]

    def test_a_job_that_failed_has_written_all_the_same(self, home: Recording) -> None:
        home.begin(PROCESSING_JOB, "bad", processing({}, {}))
        home.touch("bad", "shells", Way.WRITTEN, PROCESSING_JOB)
        home.end(PROCESSING_JOB, "bad", JobStatus.FAILED)
        home.recorder.catch_up()
        assert ("bad", "ContributedTo", "shells-aws-feature-group") in home.edges()

    def test_what_was_noted_when_the_job_had_been_drawn_is_drawn_too_once(self, home: Recording) -> None:
        home.train("fit", {})
        home.recorder.catch_up()
        home.touch("fit", "shells", Way.READ)
        home.touch("gone", "shells", Way.READ)
        home.recorder.catch_up()
        before = home.all(), home.edges()
        assert ("shells-aws-feature-group", "ContributedTo", "fit") in home.edges()
        home.new_recorder().catch_up()
        assert (home.all(), home.edges()) == before

    def test_a_job_of_the_same_name_is_another(self, home: Recording) -> None:
        home.touch("fit", "shells", Way.READ)
        home.begin(TRAINING_JOB, "fit", training({}))
        home.kept.records.update(
            TRAINING_JOB,
            "fit",
            lambda old: replace(
                old, body=body_of(request_of(old), msgspec.structs.replace(state_of(old), task_id="another"))
            ),
        )
        home.end(TRAINING_JOB, "fit")
        home.recorder.catch_up()
        assert not [edge for edge in home.edges() if "feature-group" in edge[0]]

    def test_an_input_that_is_made_of_groups_is_read_from_them(self, home: Recording) -> None:
        home.train("fit", {"files": "s3://bucket/store", "other": "s3://bucket/other"})
        home.behind["s3://bucket/store"] = ["shells", "orders"]
        home.recorder.catch_up()
        assert {edge[0] for edge in home.edges() if edge[2] == "fit"} >= {
            "shells-aws-feature-group",
            "orders-aws-feature-group",
        }

    def test_an_output_that_names_a_group_went_there(self, home: Recording) -> None:
        group = {"OutputName": "g", "AppManaged": True, "FeatureStoreOutput": {"FeatureGroupName": "Shells"}}
        request = {**processing({}, {}), "ProcessingOutputConfig": {"Outputs": [group]}}
        home.begin(PROCESSING_JOB, "prepare", request)
        home.touch("prepare", "Shells", Way.WRITTEN, PROCESSING_JOB)
        home.end(PROCESSING_JOB, "prepare")
        home.recorder.catch_up()
        written = [edge for edge in home.edges() if edge[2] == "Shells-aws-feature-group"]
        assert written == [("prepare", "ContributedTo", "Shells-aws-feature-group")]


class TestModels:
    def test_each_decision_is_an_action(self, home: Recording) -> None:
        package = home.register("churn", home.train("fit", {}))
        home.recorder.catch_up()
        home.kept.clock.advance(SECOND)
        home.kept.registry.set_approval(package, ModelApprovalStatus.APPROVED, description="good")
        home.recorder.catch_up()
        told = [str(one.body["Properties"]) for one in home.all(LineageKind.ACTION)]
        assert len(told) == 2
        assert ["'Approved'" in one for one in told] == [False, True]
        assert home.all(LineageKind.ACTION)[-1].body["Description"] == "good"
        assert len([one for one in home.all() if one.source_uri == package]) == 1

    def test_the_same_decision_twice_in_a_second_is_two_actions(self, home: Recording) -> None:
        package = home.register("churn", home.train("fit", {}), step="Register")
        for _ in range(2):
            home.kept.registry.set_approval(package, ModelApprovalStatus.REJECTED)
        home.recorder.catch_up()
        actions = home.all(LineageKind.ACTION)
        told = [str(one.body["Properties"]) for one in actions]
        assert sum("Rejected" in one for one in told) == 2
        assert home.artifact(package).body["Properties"] == {"StepName": "Register"}
        edges = [edge for edge in home.edges() if edge[2] == package and edge[0].startswith("churn-1-")]
        assert {kind for _, kind, _ in edges} == {"ContributedTo"}
        assert len(edges) == len(actions) == 3

    def test_each_stage_is_an_action(self, home: Recording) -> None:
        stage = {"Stage": "Staging", "StageStatus": "Tested", "StageDescription": "all green"}
        package = home.register("churn", home.train("fit", {}), ModelLifeCycle=stage)
        home.recorder.catch_up()
        home.kept.clock.advance(SECOND)
        home.kept.registry.update(package, {"ModelLifeCycle": {**stage, "Stage": "Production"}}, by="ann")
        home.recorder.catch_up()
        stages = [one for one in home.all(LineageKind.ACTION) if one.type == "ModelLifeCycle"]
        assert [one.body["Properties"] for one in stages] == [
            {"Stage": "Staging", "StageStatus": "Tested"},
            {"Stage": "Production", "StageStatus": "Tested", "By": "ann"},
        ]
        assert stages[0].body["Description"] == "all green"
        assert {one.source_uri for one in stages} == {package}

    def test_a_model_is_made_of_data_and_image(self, home: Recording) -> None:
        data = home.kept.put("s3://bucket/mine/model.tar.gz")
        container = {"Image": "image:2", "ModelDataUrl": data}
        home.kept.models.create({"ModelName": "m", "PrimaryContainer": container})
        home.recorder.catch_up()
        arn = home.artifact("arn:aws:sagemaker:us-west-2:123456789012:model/m").arn
        assert set(home.up(arn)) == {data, "image:2"}
        assert home.artifact(data).type == "ModelData"


class TestExecutions:
    def test_a_reused_result_is_that_of_before(self, home: Recording) -> None:
        model, now = home.train("fit", {}), home.kept.clock.now()
        details = ExecutionDetails("arn", digest("{}"))
        new = NewExecution("second", PIPELINES, "p", "Succeeded", "", now, details, "{}", "{}")
        SqlExecutionStore(home.kept.database).create(new)
        arn = EXECUTION.replace("abcdefghijkl", "second")
        metadata = {"TrainingJob": {"Arn": "arn:aws:sagemaker:us-west-2:123456789012:training-job/fit"}}
        step = {"StepName": "Fit", "Metadata": metadata}
        home.views["second"] = ExecutionView(arn, now, "Succeeded", {"rate": 0.5}, [step, {"StepName": "x"}])
        home.recorder.catch_up()
        context = next(one for one in home.all(LineageKind.CONTEXT) if one.source_uri == arn)
        assert context.body["Properties"] == {"Status": "Succeeded", "Parameter.rate": "0.5"}
        assert home.down(context.arn) == ["fit", model]


def test_a_recorder_that_is_closed_draws_what_waits(home: Recording) -> None:
    home.kept.put("s3://bucket/raw/a.csv")
    home.train("fit", {"train": "s3://bucket/raw"})
    home.recorder.note(TRAINING_JOB, "fit")
    home.recorder.close()
    home.recorder.close()
    assert {label(one) for one in home.all(LineageKind.COMPONENT)} == {"fit"}
    home.recorder.note(TRAINING_JOB, "missing")
    home.recorder.catch_up()
