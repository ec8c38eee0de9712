"""Transform jobs, as boto3 sees them."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import ClassVar

import pytest
from botocore.exceptions import ClientError

from stepmill.storage.objects.uri import S3Uri
from support.package_index import package_index
from support.transforms import WireTransforms, archive
from support.wire import Wire
from support.wire_jobs import BUCKET

ARN = "arn:aws:sagemaker:us-west-2:123456789012:transform-job"


@pytest.fixture(scope="session")
def jobs(wire: Wire) -> WireTransforms:
    return WireTransforms(wire)


@pytest.fixture(scope="session")
def sums(jobs: WireTransforms) -> str:
    return jobs.model()


class TestAJobThatCompletes:
    def test_from_create_to_the_output(self, jobs: WireTransforms, sums: str) -> None:
        source = jobs.inputs({"a.csv": "1,2\n3,4\n", "deep/b.csv": "5,6"})
        request = jobs.request(sums, source, Environment={"A": "1"})
        answer = jobs.client.create_transform_job(**request, Tags=[{"Key": "team", "Value": "churn"}])
        name = request["TransformJobName"]
        assert answer["TransformJobArn"] == f"{ARN}/{name}"
        found = jobs.transformed(name)
        assert found["TransformJobStatus"] == "Completed", found
        assert jobs.outputs(found) == {"a.csv.out": "3\n7\n", "deep/b.csv.out": "11\n"}
        assert found["DataProcessing"] == {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
        for member in ("ModelName", "Environment", "TransformResources"):
            assert found[member] == request[member]
        assert found["TransformInput"] == {"CompressionType": "None", **request["TransformInput"]}
        assert found["TransformOutput"] == {"KmsKeyId": "", **request["TransformOutput"]}
        assert found["CreationTime"] <= found["TransformStartTime"] <= found["TransformEndTime"]
        tags = jobs.client.list_tags(ResourceArn=answer["TransformJobArn"])["Tags"]
        assert tags == [{"Key": "team", "Value": "churn"}]
        jobs.client.get_waiter("transform_job_completed_or_stopped").wait(TransformJobName=name)
        (first, *_) = jobs.client.list_transform_jobs(NameContains=name)["TransformJobSummaries"]
        assert (first["TransformJobName"], first["TransformJobStatus"]) == (name, "Completed")
        streams = jobs.wire.client("logs").describe_log_streams(
            logGroupName="/aws/sagemaker/TransformJobs", logStreamNamePrefix=f"{name}/"
        )["logStreams"]
        assert len(streams) == 1
        log = jobs.wire.client("logs").get_log_events(
            logGroupName="/aws/sagemaker/TransformJobs", logStreamName=streams[0]["logStreamName"]
        )["events"]
        assert any("2 of 2 objects transformed" in event["message"] for event in log)

    def test_join_filter_gzip_and_single_records(self, jobs: WireTransforms, sums: str) -> None:
        source = jobs.inputs({"a.csv.gz": gzip.compress(b"id1,1,2\r\nid2,3,4\r\n")})
        found = jobs.transform(
            sums,
            source,
            TransformInput={"CompressionType": "Gzip"},
            BatchStrategy="SingleRecord",
            MaxConcurrentTransforms=4,
            DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
            DataCaptureConfig={"DestinationS3Uri": f"s3://{BUCKET}/marked", "GenerateInferenceId": True},
        )
        assert found["TransformJobStatus"] == "Completed", found
        (answers,) = jobs.outputs(found).values()
        marked = r"id1,3,[0-9a-f-]{36},(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ)\nid2,7,[0-9a-f-]{36},\1\n"
        assert re.fullmatch(marked, answers), answers

    def test_manifest_one_object_and_a_prefix_that_ends_within_a_name(
        self, jobs: WireTransforms, sums: str
    ) -> None:
        source = jobs.inputs({"data1.csv": "1", "data2.csv": "2", "other.csv": "3"})
        manifest = jobs.put(
            f"{source.rpartition('/')[2]}.manifest", json.dumps([{"prefix": source}, "/data2.csv"])
        )
        data = {"DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": manifest}}}
        folder = f"s3://{BUCKET}/{jobs.name('captured')}"
        capture = {"DestinationS3Uri": folder, "KmsKeyId": "alias/x"}
        found = jobs.transform(sums, "", TransformInput=data, DataCaptureConfig=capture)
        assert jobs.outputs(found) == {"data2.csv.out": "2\n"}
        assert found["DataCaptureConfig"] == capture
        (inputs,), (outputs,) = (
            [one.uri for one in jobs.wire.platform.objects.all(S3Uri.parse(f"{folder}/{kind}/"))]
            for kind in ("input", "output")
        )
        assert re.search(r"/input/20\d\d/\d\d/\d\d/\d\d/[^/]+\.json$", str(inputs)), inputs
        assert json.loads(jobs.read(str(inputs))) == [{"prefix": f"{source}/"}, "data2.csv"]
        # What was captured can be gone over again.
        data = {"DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": str(outputs)}}}
        again = jobs.outputs(jobs.transform(sums, "", TransformInput=data))
        assert again == {"data2.csv.out.out": "2\n"}
        found = jobs.outputs(jobs.transform(sums, f"{source}/data"))
        assert found == {"data1.csv.out": "1\n", "data2.csv.out": "2\n"}

    def test_pipeline_of_containers(self, jobs: WireTransforms) -> None:
        code = (
            "import os\ndef model_fn(d): return float(os.environ['FACTOR'])\n"
            "def transform_fn(m, b, c, a):\n"
            "    return f'{float(b.split()[0]) * m:g} {c} {a}', 'text/x-' + os.environ['FACTOR']"
        )
        data = jobs.put("chain/model.tar.gz", archive({"code/inference.py": code}))
        name = jobs.name("chain")
        jobs.client.create_model(
            ModelName=name,
            ExecutionRoleArn="arn:aws:iam::123456789012:role/Any",
            Containers=[
                {"Image": "python:3.11", "ModelDataUrl": data, "Environment": {"FACTOR": factor}}
                for factor in ("2", "5")
            ],
        )
        found = jobs.transform(name, jobs.inputs({"a": "3"}))
        assert found["TransformJobStatus"] == "Completed", found
        assert jobs.outputs(found) == {"a.out": "30 text/x-2 text/csv\n"}


def test_what_a_model_asks_for_is_installed_once(jobs: WireTransforms, tmp_path: Path) -> None:
    code = (
        "import stepmill_kept\ndef model_fn(d): ...\n"
        "def transform_fn(m, b, c, a): return stepmill_kept.__file__[:18] + stepmill_kept.version, c"
    )
    (tmp_path / "index").mkdir()
    with package_index(tmp_path / "index") as index:
        index.add("stepmill_kept", "1.0")
        requirements = f"--index-url {index.url}\nstepmill-kept==1.0\n"
        name = jobs.name("kept")
        files = {"code/inference.py": code, "code/requirements.txt": requirements}
        data = jobs.put(f"{name}/model.tar.gz", archive(files))
        jobs.client.create_model(
            ModelName=name,
            ExecutionRoleArn="arn:aws:iam::123456789012:role/Any",
            PrimaryContainer={"Image": "python:3.11", "ModelDataUrl": data},
        )
        for _ in range(2):
            found = jobs.transform(name, jobs.inputs({"a": "1"}))
            assert found["TransformJobStatus"] == "Completed", found
            assert jobs.outputs(found) == {"a.out": "/opt/stepmill/kept1.0\n"}
        assert index.downloads == ["stepmill_kept-1.0-py3-none-any.whl"]


class TestSeveralHosts:
    RESOURCES: ClassVar[dict[str, object]] = {"InstanceType": "ml.m5.large", "InstanceCount": 3}

    def test_objects_are_dealt_and_a_bad_one_keeps_nobody_from_the_others(
        self, jobs: WireTransforms, sums: str
    ) -> None:
        # Of three hosts the second gets what it cannot read, and the third one less than the others.
        objects = {f"{n}.csv": f"{n},1\n" * 3 for n in range(5)} | {"1.csv": "x"}
        found = jobs.transform(
            sums,
            jobs.inputs(objects),
            TransformResources=self.RESOURCES,
            ModelClientConfig={"InvocationsMaxRetries": 0},
        )
        assert found["TransformJobStatus"] == "Failed", found
        assert "algo-2" in found["FailureReason"]
        assert "/1.csv: line 1: " in found["FailureReason"]
        assert jobs.outputs(found) == {f"{n}.csv.out": f"{n + 1}\n" * 3 for n in (0, 2, 3, 4)}
        name = found["TransformJobName"]
        streams = jobs.wire.client("logs").describe_log_streams(
            logGroupName="/aws/sagemaker/TransformJobs", logStreamNamePrefix=f"{name}/"
        )["logStreams"]
        assert len(streams) == 3

    def test_hosts_without_an_object_have_nothing_to_do(self, jobs: WireTransforms, sums: str) -> None:
        found = jobs.transform(sums, jobs.inputs({"a.csv": "1,2\n"}), TransformResources=self.RESOURCES)
        assert found["TransformJobStatus"] == "Completed", found
        assert jobs.outputs(found) == {"a.csv.out": "3\n"}


class TestAJobThatFails:
    def test_bad_record_keeps_the_other_objects(self, jobs: WireTransforms, sums: str) -> None:
        source = jobs.inputs({"good.csv": "1,2\n", "bad.csv": "1\n2\nthree\n"})
        found = jobs.transform(
            sums, source, BatchStrategy="SingleRecord", ModelClientConfig={"InvocationsMaxRetries": 0}
        )
        assert found["TransformJobStatus"] == "Failed"
        assert (
            f"AlgorithmError: {source}/bad.csv: line 3: Bad HTTP status received from algorithm: 500"
            in found["FailureReason"]
        )
        assert "could not convert string to float: 'three'" in found["FailureReason"]
        assert jobs.outputs(found) == {"good.csv.out": "3\n"}

    def test_wrong_content_type(self, jobs: WireTransforms, sums: str) -> None:
        source = jobs.inputs({"a": "x"})
        found = jobs.transform(sums, source, TransformInput={"ContentType": "text/xml"})
        assert found["TransformJobStatus"] == "Failed"
        assert (
            f"ClientError: {source}/a: line 1: 415: Content type text/xml is not supported."
            in found["FailureReason"]
        )

    def test_no_inference_code(self, jobs: WireTransforms) -> None:
        name = jobs.name("bare")
        data = jobs.put("bare/model.tar.gz", archive({"weights.bin": "0"}))
        jobs.client.create_model(
            ModelName=name,
            ExecutionRoleArn="arn:aws:iam::123456789012:role/Any",
            PrimaryContainer={"Image": "python:3.11", "ModelDataUrl": data},
        )
        found = jobs.transform(name, jobs.inputs({"a": "1"}))
        assert found["TransformJobStatus"] == "Failed"
        assert "There is no inference code: no 'inference.py'" in found["FailureReason"]

    def test_no_input(self, jobs: WireTransforms, sums: str) -> None:
        found = jobs.transform(sums, f"s3://{BUCKET}/nothing-there")
        assert found["TransformJobStatus"] == "Failed"
        assert "Nothing is at s3://" in found["FailureReason"]

    def test_oversized_record_and_broken_json_line(self, jobs: WireTransforms, sums: str) -> None:
        source = jobs.inputs({"large.csv": "1," * 600_000 + "1", "b.csv": "1\n"})
        found = jobs.transform(sums, source, MaxPayloadInMB=1)
        assert "Too much data for max payload size: line 1" in found["FailureReason"]
        assert list(jobs.outputs(found)) == ["b.csv.out"]
        lines = jobs.inputs({"a.jsonl": '{"a": 1}\n{"a": \n'})
        found = jobs.transform(
            sums,
            lines,
            TransformInput={"ContentType": "application/jsonlines"},
            DataProcessing={"InputFilter": "$.a"},
        )
        assert found["TransformJobStatus"] == "Failed"
        assert "a.jsonl: line 2: This is not JSON" in found["FailureReason"]


class TestRefusals:
    def test_model_that_is_not_there(self, jobs: WireTransforms) -> None:
        with pytest.raises(ClientError, match=r"ValidationException.*Could not find model"):
            jobs.client.create_transform_job(**jobs.request("nobody", "s3://b/k"))

    def test_job_that_is_not_there(self, jobs: WireTransforms) -> None:
        with pytest.raises(
            ClientError, match=r"ValidationException.*Could not find requested job with name: nobody"
        ):
            jobs.client.describe_transform_job(TransformJobName="nobody")

    def test_name_that_is_taken(self, jobs: WireTransforms, sums: str) -> None:
        request = jobs.request(sums, jobs.inputs({"a": "1"}))
        jobs.client.create_transform_job(**request)
        with pytest.raises(ClientError, match=r"ResourceInUse.*already exists"):
            jobs.client.create_transform_job(**request)
        jobs.transformed(request["TransformJobName"])


def test_stop_keeps_what_is_whole(jobs: WireTransforms) -> None:
    slow = jobs.model(
        "import time\ndef model_fn(d): ...\n"
        "def transform_fn(m, b, c, a):\n"
        "    if b == 'slow':\n        print('I sleep', flush=True)\n        time.sleep(600)\n"
        "    return b, c"
    )
    request = jobs.request(slow, jobs.inputs({"a": "quick", "b": "slow"}))
    jobs.client.create_transform_job(**request)
    name = request["TransformJobName"]
    jobs.logged(name, "I sleep")
    jobs.client.stop_transform_job(TransformJobName=name)
    found = jobs.transformed(name)
    assert found["TransformJobStatus"] == "Stopped"
    assert jobs.outputs(found) == {"a.out": "quick\n"}


def test_model_of_a_built_in_algorithm(jobs: WireTransforms) -> None:
    xgboost = pytest.importorskip("xgboost")
    numpy = pytest.importorskip("numpy")
    rows = numpy.random.default_rng(0).normal(size=(200, 3)).round(3)
    booster = xgboost.train({"max_depth": 3}, xgboost.DMatrix(rows, label=rows[:, 0]), num_boost_round=5)
    name = jobs.name("boosted")
    data = jobs.put(f"{name}/model.tar.gz", archive({"xgboost-model": bytes(booster.save_raw("ubj"))}))
    jobs.client.create_model(
        ModelName=name,
        ExecutionRoleArn="arn:aws:iam::123456789012:role/Any",
        PrimaryContainer={
            "Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
            "ModelDataUrl": data,
        },
    )
    text = "".join(",".join(map(str, row)) + "\n" for row in rows.tolist())
    found = jobs.transform(name, jobs.inputs({"rows.csv": text}))
    assert found["TransformJobStatus"] == "Completed", found
    told = [float(line) for line in jobs.outputs(found)["rows.csv.out"].split()]
    assert numpy.allclose(told, booster.predict(xgboost.DMatrix(rows)), atol=1e-5)


def test_code_of_a_model_reaches_the_services_with_a_key_of_its_own(jobs: WireTransforms) -> None:
    code = (
        "import boto3, os\n"
        "def model_fn(d): return boto3.client('sagemaker')\n"
        "def transform_fn(client, b, c, a):\n"
        "    name = os.environ['TRANSFORM_JOB_NAME']\n"
        "    return client.describe_transform_job(TransformJobName=name)['TransformJobStatus'], c"
    )
    found = jobs.transform(jobs.model(code), jobs.inputs({"a": "1"}))
    assert found["TransformJobStatus"] == "Completed", found
    assert jobs.outputs(found) == {"a.out": "InProgress\n"}


def test_lineage_leads_from_the_answers_to_the_model_and_its_data(jobs: WireTransforms, sums: str) -> None:
    found = jobs.transform(sums, jobs.inputs({"a.csv": "1"}))
    lineage = jobs.wire.client("sagemaker")
    (answers,) = lineage.list_artifacts(SourceUri=found["TransformOutput"]["S3OutputPath"])[
        "ArtifactSummaries"
    ]
    told = lineage.query_lineage(StartArns=[answers["ArtifactArn"]], Direction="Ascendants", MaxDepth=10)
    kinds = {(vertex["Type"], vertex["LineageType"]) for vertex in told["Vertices"]}
    assert {("TransformJob", "TrialComponent"), ("Model", "Artifact"), ("ModelData", "Artifact")} <= kinds
