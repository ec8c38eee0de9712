"""Jobs run for real: scripts, sandbox, store and records together."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.compute.local.compute import LocalCompute
from stepmill.core.arns import Arns
from stepmill.core.clock import SystemClock
from stepmill.core.settings import Isolation
from stepmill.core.tasks import Task, TaskFailed, TaskReport, TaskStarted, TaskStopped, TaskSucceeded
from stepmill.jobs import processing, training
from stepmill.jobs.describing import describe
from stepmill.jobs.handler import JobHandler
from stepmill.jobs.packages import Packages
from stepmill.jobs.processing import processing_handler
from stepmill.jobs.services import JobServices
from stepmill.jobs.training import training_handler
from stepmill.storage.objects.uri import S3Uri
from support.fake_compute import FakeImages, Reports, task_for
from support.job_data import (
    channel,
    open_store,
    processing_document,
    processing_input,
    processing_output,
    put,
    training_document,
)
from support.package_index import package_index
from support.transforms import archive

# Far longer than anything here takes on the slowest machine.
LIMIT_S = 120


class Awaited:
    """Collects reports; lets a test wait for the last one."""

    def __init__(self) -> None:
        self.reports = Reports()
        self._done = threading.Event()

    def __call__(self, report: TaskReport) -> None:
        self.reports(report)
        if not isinstance(report, TaskStarted):
            self._done.set()

    def wait(self) -> TaskReport:
        assert self._done.wait(LIMIT_S), f"no final report: {self.reports.all}"
        return self.reports.last


class House:
    """Real handlers over a real store and real compute."""

    def __init__(self, folder: Path, isolation: Isolation) -> None:
        self.folder = folder
        self.isolation = isolation
        self.store, self.records = open_store(folder / "home", "data")
        self.compute = LocalCompute(hidden=[folder / "home"])
        self.images = FakeImages()
        self.handlers: list[JobHandler[Any]] = []
        self.keeps_packages = False

    def handler(self, task: Task) -> JobHandler[Any]:
        make = processing_handler if task.resource == processing.RESOURCE else training_handler
        services = JobServices(
            objects=self.store,
            records=self.records,
            compute=self.compute,
            images=self.images,
            clock=SystemClock(),
            arns=Arns("us-west-2", "123456789012"),
            folder=self.folder / "home" / "jobs",
            project=self.folder,
            isolation=self.isolation,
            packages=Packages(self.folder / "home" / "environments", self.compute)
            if self.keeps_packages
            else None,
        )
        self.handlers.append(make(services))
        return self.handlers[-1]

    def run(self, task: Task) -> Any:
        awaited = Awaited()
        self.handler(task).start(task, awaited)
        return awaited.wait()

    def keys(self) -> list[str]:
        return [info.key for info in self.store.all(S3Uri("data"))]

    def read(self, key: str) -> bytes:
        return self.store.read_bytes(S3Uri("data", key))

    def close(self) -> None:
        for handler in self.handlers:
            handler.close()
        self.compute.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, Isolation.AUTO)
    yield house
    house.close()


def script(house: House, text: str, *, name: str = "job-1", **changes: Any) -> Task:
    """A processing task that runs this Python script; input ``data``, output ``out``."""
    put(house.store, **{f"code/{name}/script.py": text})
    inputs = [
        processing_input("code", f"s3://data/code/{name}/script.py"),
        *changes.pop("ProcessingInputs", []),
    ]
    outputs = changes.pop("outputs", [processing_output("out", "s3://data/out", "/opt/ml/processing/out")])
    document = processing_document(
        ProcessingInputs=inputs, ProcessingOutputConfig={"Outputs": outputs}, **changes
    )
    return task_for(document, processing.RESOURCE, name)


def framework(house: House, source: dict[str, str]) -> Task:
    """A processing task as ``FrameworkProcessor`` makes it: a shell script unpacks the source and runs it."""
    entry = (
        "cd /opt/ml/processing/input/code/\ntar -xzf sourcedir.tar.gz\nset -e\n"
        "if [[ -f 'requirements.txt' ]]; then python -m pip install -r requirements.txt; fi\npython main.py\n"
    )
    put(house.store, **{"framework/sourcedir.tar.gz": archive(source), "framework/runproc.sh": entry})
    document = processing_document(
        AppSpecification={
            "ImageUri": "i",
            "ContainerEntrypoint": ["/bin/bash", "/opt/ml/processing/input/entrypoint/runproc.sh"],
        },
        ProcessingInputs=[
            processing_input("code", "s3://data/framework/sourcedir.tar.gz"),
            processing_input("entrypoint", "s3://data/framework/runproc.sh"),
        ],
    )
    return task_for(document, processing.RESOURCE, "framework")


def train(
    house: House, text: str, *, name: str = "job-1", source: dict[str, str] | None = None, **changes: Any
) -> Task:
    """A training task in script mode."""
    folder = house.folder / f"source-{name}"
    folder.mkdir(exist_ok=True)
    for file, content in {"train.py": text, **(source or {})}.items():
        (folder / file).write_text(content)
    parameters = {
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": json.dumps(str(folder)),
        **changes.pop("HyperParameters", {}),
    }
    return task_for(training_document(HyperParameters=parameters, **changes), training.RESOURCE, name)


COPY = """
import pathlib, shutil, sys
out = pathlib.Path('/opt/ml/processing/out')
for path in sorted(pathlib.Path('/opt/ml/processing/input/data').rglob('*.csv')):
    shutil.copy(path, out / path.name)
print('copied')
"""


PEERS = """
import json, os, pathlib, socket, threading, time
here, hosts = os.environ['SM_CURRENT_HOST'], json.loads(os.environ['SM_HOSTS'])
heard = set()

def listen(server):
    while len(heard) < len(hosts):
        peer, _ = server.accept()
        with peer:
            heard.add(peer.recv(100).decode())

# All hosts listen on one port, each under its own name.
with socket.create_server((here, 29876)) as server:
    listener = threading.Thread(target=listen, args=(server,))
    listener.start()
    for host in hosts:
        for attempt in range(600):
            try:
                peer = socket.create_connection((host, 29876))
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        peer.sendall(here.encode())
        peer.close()
    listener.join()
model = pathlib.Path(os.environ['SM_MODEL_DIR'])
shard = sorted(path.name for path in pathlib.Path(os.environ['SM_CHANNEL_TRAIN']).iterdir())
(model / here).write_text(json.dumps([sorted(heard), shard]))
(model / 'same').write_text(here)
print('size=2;' if here == 'algo-2' else 'size=1;')
"""


class TestHosts:
    def test_they_find_each_other_by_name_and_leave_one_model(self, house: House) -> None:
        put(house.store, **{f"raw/{n}": "x" for n in "abc"})
        train_channel = channel("train", "s3://data/raw")
        train_channel["DataSource"]["S3DataSource"]["S3DataDistributionType"] = "ShardedByS3Key"
        last = house.run(
            train(
                house,
                PEERS,
                InputDataConfig=[train_channel],
                ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1},
                AlgorithmSpecification={
                    **training_document()["AlgorithmSpecification"],
                    "MetricDefinitions": [{"Name": "size", "Regex": "size=([0-9]);"}],
                },
            )
        )
        assert isinstance(last, TaskSucceeded), last
        house.store.path(S3Uri("data", "models/job-1/output/model.tar.gz"))
        with tarfile.open(house.store.path(S3Uri("data", "models/job-1/output/model.tar.gz"))) as archive:
            members = {name: archive.extractfile(name) for name in archive.getnames()}
            texts = {name: file.read().decode() for name, file in members.items() if file}
        assert json.loads(texts["algo-1"]) == [["algo-1", "algo-2"], ["a", "c"]]
        assert json.loads(texts["algo-2"]) == [["algo-1", "algo-2"], ["b"]]
        assert texts["same"] == "algo-1"
        assert last.output["FinalMetricDataList"][0]["Value"] in (1, 2)

    def test_a_processing_job_shares_the_input_and_leaves_what_all_have_made(self, house: House) -> None:
        put(house.store, **{f"raw/{n}.csv": n for n in "abc"})
        data = processing_input("data", "s3://data/raw")
        data["S3Input"]["S3DataDistributionType"] = "ShardedByS3Key"
        cluster = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
        text = COPY + "host = __import__('json').load(open('/opt/ml/config/resourceconfig.json'))\n"
        text += "(out / host['current_host']).write_text(' '.join(sorted(p.name for p in out.iterdir())))"
        last = house.run(
            script(house, text, ProcessingInputs=[data], ProcessingResources={"ClusterConfig": cluster})
        )
        assert isinstance(last, TaskSucceeded), last
        found = {key: house.read(key) for key in sorted(house.keys()) if key.startswith("out/")}
        assert found == {
            "out/a.csv": b"a",
            "out/b.csv": b"b",
            "out/c.csv": b"c",
            "out/algo-1": b"a.csv c.csv",
            "out/algo-2": b"b.csv",
        }

    def test_torchrun_joins_them_and_gloo_sums_over_all(self, house: House) -> None:
        pytest.importorskip("torch", reason="needs the extra pytorch")
        text = """
import os, torch, torch.distributed as dist
dist.init_process_group('gloo')
value = torch.tensor([float(dist.get_rank() + 1)])
dist.all_reduce(value)
with open(os.path.join(os.environ['SM_MODEL_DIR'], os.environ['SM_CURRENT_HOST']), 'w') as file:
    file.write(f'{dist.get_rank()} of {dist.get_world_size()}: {value.item()}')
dist.destroy_process_group()
"""
        resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
        parameters = {"sagemaker_torch_distributed_enabled": "true"}
        output = {"S3OutputPath": "s3://data/models", "CompressionType": "NONE"}
        last = house.run(
            train(house, text, HyperParameters=parameters, ResourceConfig=resources, OutputDataConfig=output)
        )
        assert isinstance(last, TaskSucceeded), last
        assert house.read("models/job-1/output/model/algo-1") == b"0 of 2: 3.0"
        assert house.read("models/job-1/output/model/algo-2") == b"1 of 2: 3.0"

    def test_the_failure_of_one_ends_the_other(self, house: House) -> None:
        text = """
import os, sys, time
if os.environ['SM_CURRENT_HOST'] == 'algo-2':
    sys.exit('no more')
time.sleep(600)
"""
        resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
        last = house.run(train(house, text, ResourceConfig=resources))
        assert isinstance(last, TaskFailed)
        assert last.cause.startswith("AlgorithmError: algo-2: ExecuteUserScriptError")
        assert "no more" in last.cause


class TestProcessing:
    def test_a_script_end_to_end(self, house: House) -> None:
        put(house.store, **{"raw/a.csv": "1,2", "raw/sub/b.csv": "3"})
        last = house.run(script(house, COPY, ProcessingInputs=[processing_input("data", "s3://data/raw")]))
        assert isinstance(last, TaskSucceeded), last
        assert (house.read("out/a.csv"), house.read("out/b.csv")) == (b"1,2", b"3")
        assert last.output["ProcessingJobStatus"] == "Completed"
        assert last.output["ProcessingStartTime"] <= last.output["ProcessingEndTime"]

    def test_the_working_directory_is_the_root_and_thrown_away(self, house: House) -> None:
        text = """
import os
assert os.getcwd() == '/'
open('model.joblib', 'w').write('x')
print(open('opt/ml/config/resourceconfig.json').read())
open('opt/ml/processing/out/a', 'w').write(os.environ['PYTHONUNBUFFERED'])
"""
        last = house.run(script(house, text))
        assert isinstance(last, TaskSucceeded), last
        assert house.read("out/a") == b"1"
        assert not Path("/model.joblib").exists()

    def test_an_artifact_goes_from_job_to_job_without_a_copy(self, house: House) -> None:
        text = "open('/opt/ml/processing/out/big', 'wb').write(b'x' * 5_000_000)"
        assert isinstance(house.run(script(house, text)), TaskSucceeded)
        inode = house.store.path(S3Uri("data", "out/big")).stat().st_ino
        text = """
import os
path = '/opt/ml/processing/input/data/big'
open('/opt/ml/processing/out/inode', 'w').write(str(os.stat(path).st_ino))
"""
        outputs = [processing_output("out", "s3://data/second", "/opt/ml/processing/out")]
        inputs = [processing_input("data", "s3://data/out/big")]
        last = house.run(script(house, text, name="job-2", ProcessingInputs=inputs, outputs=outputs))
        assert isinstance(last, TaskSucceeded), last
        assert house.read("second/inode") == str(inode).encode()

    def test_inputs_cannot_be_written_to_and_the_reason_says_so(self, house: House) -> None:
        put(house.store, **{"raw/a.csv": "1"})
        text = "open('/opt/ml/processing/input/data/a.csv', 'w').write('2')"
        last = house.run(script(house, text, ProcessingInputs=[processing_input("data", "s3://data/raw")]))
        assert isinstance(last, TaskFailed)
        assert last.error == "AlgorithmError"
        assert house.read("raw/a.csv") == b"1"
        assert "inputs are read-only here" in last.cause

    def test_code_inputs_can_be_written_to(self, house: House) -> None:
        put(
            house.store, **{"drivers/run.sh": "echo ran > /opt/ml/processing/out/ran", "drivers/lib.txt": "x"}
        )
        document = processing_document(
            AppSpecification={
                "ImageUri": "i",
                "ContainerEntrypoint": ["/bin/bash"],
                "ContainerArguments": [
                    "-c",
                    "cd /opt/ml/processing/input/drivers/ && chmod +x run.sh && ./run.sh",
                ],
            },
            ProcessingInputs=[processing_input("drivers", "s3://data/drivers")],
            ProcessingOutputConfig={
                "Outputs": [processing_output("out", "s3://data/out", "/opt/ml/processing/out")]
            },
        )
        last = house.run(task_for(document, processing.RESOURCE))
        assert isinstance(last, TaskSucceeded), last
        assert house.read("out/ran") == b"ran\n"

    def test_a_script_that_raises_tells_why_with_its_last_lines(self, house: House) -> None:
        last = house.run(script(house, "print('reading')\nraise ValueError('no rows')"))
        assert isinstance(last, TaskFailed)
        assert last.cause.startswith("AlgorithmError: ")
        assert "ValueError: no rows, exit code: 1" in last.cause
        assert last.cause.count("ValueError: no rows") == 1, "said once"
        assert "reading\n" in last.cause
        assert house.keys() == ["code/job-1/script.py"]

    def test_a_program_that_is_not_there(self, house: House) -> None:
        application = {"ImageUri": "i", "ContainerEntrypoint": ["/no/such/program"]}
        last = house.run(task_for(processing_document(AppSpecification=application), processing.RESOURCE))
        assert isinstance(last, TaskFailed)
        assert "/no/such/program" in last.cause

    def test_time_runs_out(self, house: House) -> None:
        text = "import time\nprint('waiting', flush=True)\ntime.sleep(3600)"
        last = house.run(script(house, text, StoppingCondition={"MaxRuntimeInSeconds": 1}))
        assert isinstance(last, TaskFailed)
        assert "MaxRuntimeInSeconds (1)" in last.cause
        assert house.records.get("processing-job", "job-1").status == "Stopped"

    def test_stop(self, house: House) -> None:
        text = """
import signal, sys, time
def end(*_):
    open('/opt/ml/processing/out/saved', 'w').write('x')
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
open('/opt/ml/processing/out/begun', 'w').close()
while True: time.sleep(0.05)
"""
        task, awaited = script(house, text), Awaited()
        handler = house.handler(task)
        handler.start(task, awaited)
        begun = handler.folder("job-1") / "ml" / "processing" / "out" / "begun"
        wait_for(begun)
        handler.stop(task)
        assert isinstance(awaited.wait(), TaskStopped)
        assert house.read("out/saved") == b"x"

    def test_links_to_other_files_are_not_taken(self, house: House) -> None:
        text = """
import os
os.symlink('/etc/passwd', '/opt/ml/processing/out/passwd')
os.mkfifo('/opt/ml/processing/out/pipe')
open('/opt/ml/processing/out/good', 'w').write('x')
"""
        assert isinstance(house.run(script(house, text)), TaskSucceeded)
        assert house.keys() == ["code/job-1/script.py", "out/good"]

    def test_local_paths_all_the_way(self, house: House) -> None:
        (house.folder / "raw").mkdir()
        (house.folder / "raw" / "a.csv").write_text("1")
        (house.folder / "script.py").write_text(COPY)
        document = processing_document(
            ProcessingInputs=[processing_input("data", "raw"), processing_input("code", "script.py")],
            ProcessingOutputConfig={
                "Outputs": [
                    processing_output("out", f"file://{house.folder}/results", "/opt/ml/processing/out")
                ]
            },
        )
        last = house.run(task_for(document, processing.RESOURCE))
        assert isinstance(last, TaskSucceeded), last
        assert (house.folder / "results" / "a.csv").read_text() == "1"

    def test_a_network_of_its_own(self, house: House) -> None:
        text = """
import socket
try:
    socket.create_connection(('192.0.2.1', 80), timeout=5)
except OSError as error:
    open('/opt/ml/processing/out/error', 'w').write(str(error))
"""
        last = house.run(script(house, text, NetworkConfig={"EnableNetworkIsolation": True}))
        if isinstance(last, TaskFailed):
            assert last.error == "ClientError"
            pytest.skip(f"no isolated network here: {last.cause}")
        assert b"unreachable" in house.read("out/error")

    def test_without_isolation_the_folder_is_where_the_variable_says(self, tmp_path: Path) -> None:
        house = House(tmp_path, Isolation.NONE)
        text = """
import os, pathlib
base = pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'])
(base / 'processing/out/a').write_text((base / 'processing/input/data/a.csv').read_text())
"""
        put(house.store, **{"raw/a.csv": "1"})
        last = house.run(script(house, text, ProcessingInputs=[processing_input("data", "s3://data/raw")]))
        house.close()
        assert isinstance(last, TaskSucceeded), last
        assert house.read("out/a") == b"1"
        state: Any = house.records.get("processing-job", "job-1").body["state"]
        assert state["isolation"] == "none"


TRAIN = """
import argparse, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument('--epochs', type=int)
parser.add_argument('--model-dir', default=os.environ['SM_MODEL_DIR'])
args = parser.parse_args()
rows = sum(1 for _ in open(os.path.join(os.environ['SM_CHANNEL_TRAIN'], 'a.csv')))
for epoch in range(args.epochs):
    print(f'epoch={epoch} loss={1 / (epoch + 1)}', flush=True)
pathlib.Path(args.model_dir, 'model.txt').write_text(str(rows))
pathlib.Path(os.environ['SM_OUTPUT_DATA_DIR'], 'notes.txt').write_text('fine')
"""


class TestTraining:
    def test_script_mode_end_to_end(self, house: House) -> None:
        put(house.store, **{"train/a.csv": "1\n2\n3\n"})
        algorithm = {
            "TrainingImage": "i",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": r"loss=([0-9.]+)"}],
        }
        task = train(
            house,
            TRAIN,
            AlgorithmSpecification=algorithm,
            HyperParameters={"epochs": "4"},
            InputDataConfig=[channel("train", "s3://data/train")],
        )
        last = house.run(task)
        assert isinstance(last, TaskSucceeded), last
        output = last.output
        assert output["ModelArtifacts"]["S3ModelArtifacts"] == "s3://data/models/job-1/output/model.tar.gz"
        assert [(m["MetricName"], m["Value"]) for m in output["FinalMetricDataList"]] == [("loss", 0.25)]
        assert content(house, "models/job-1/output/model.tar.gz") == {"model.txt": b"3"}
        assert content(house, "models/job-1/output/output.tar.gz") == {"notes.txt": b"fine"}
        assert output["TrainingTimeInSeconds"] >= 1
        state: Any = house.records.get("training-job", "job-1").body["state"]
        values = [value for _, value in state["metrics"][0]["points"]]
        assert values == [1.0, 0.5, pytest.approx(1 / 3), 0.25]

    def test_the_same_training_gives_the_same_archive(self, house: House) -> None:
        put(house.store, **{"train/a.csv": "1\n"})
        for name in ("job-1", "job-2"):
            changes = {
                "HyperParameters": {"epochs": "1"},
                "InputDataConfig": [channel("train", "s3://data/train")],
            }
            assert isinstance(house.run(train(house, TRAIN, name=name, **changes)), TaskSucceeded)
        first, second = (S3Uri("data", f"models/job-{n}/output/model.tar.gz") for n in (1, 2))
        assert house.store.digest(first) == house.store.digest(second)

    def test_a_failure_is_told_in_the_toolkits_words(self, house: House) -> None:
        last = house.run(train(house, "raise RuntimeError('diverged')"))
        assert isinstance(last, TaskFailed)
        assert last.cause.startswith(
            'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "RuntimeError: diverged'
        )
        record = describe(house.records.get("training-job", "job-1"))
        assert (record["TrainingJobStatus"], record["SecondaryStatus"]) == ("Failed", "Failed")
        assert record["FailureReason"].endswith(", exit code: 1")
        assert len(record["FailureReason"]) <= 1024

    def test_a_script_that_computes_in_the_environment(self, house: House) -> None:
        pytest.importorskip("sklearn")
        text = """
import os, pickle
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
x, y = load_diabetes(return_X_y=True)
model = Ridge().fit(x, y)
print('r2:', model.score(x, y))
pickle.dump(model, open(os.path.join(os.environ['SM_MODEL_DIR'], 'model.pkl'), 'wb'))
"""
        last = house.run(train(house, text))
        assert isinstance(last, TaskSucceeded), last
        assert list(content(house, "models/job-1/output/model.tar.gz")) == ["model.pkl"]

    def test_what_requirements_ask_for_is_installed_once(self, house: House, tmp_path: Path) -> None:
        text = (
            "import stepmill_kept\n"
            "print(stepmill_kept.version, stepmill_kept.__file__.startswith('/opt/stepmill/kept'))\n"
            "try:\n"
            "    open(stepmill_kept.__file__, 'a')\n"
            "except OSError as error:\n"
            "    print(error.strerror)\n"
        )
        (tmp_path / "index").mkdir()
        house.keeps_packages = True
        with package_index(tmp_path / "index") as index:
            index.add("stepmill_kept", "1.0")
            index.add("stepmill_kept", "2.0")

            def log_of(name: str, version: str) -> list[str]:
                lines = f"--index-url {index.url}\nstepmill-kept=={version}\n"
                last = house.run(train(house, text, name=name, source={"requirements.txt": lines}))
                assert isinstance(last, TaskSucceeded), last
                folder = house.folder / "home" / "jobs" / "training-job" / name
                return (folder / "log").read_text().splitlines()

            first = log_of("first", "1.0")
            assert first == [
                "Stepmill: requirements.txt is kept installed: stepmill-kept 1.0.",
                "1.0 True",
                "Read-only file system",
            ]
            assert log_of("second", "1.0") == first
            assert index.downloads == ["stepmill_kept-1.0-py3-none-any.whl"]
            # pip finds them there, where a job of FrameworkProcessor asks for the same.
            lines = f"--index-url {index.url}\nstepmill-kept==1.0\n"
            last = house.run(framework(house, {"main.py": text, "requirements.txt": lines}))
            assert isinstance(last, TaskSucceeded), last
            log = (house.folder / "home/jobs/processing-job/framework/log").read_text().splitlines()
            assert log[0] == first[0]
            assert log[-2:] == first[1:]
            assert len(index.downloads) == 1
            # Another file is another thing.
            assert log_of("third", "2.0")[1] == "2.0 True"
            assert len(index.downloads) == 2

    def test_a_shell_script_as_entry_point(self, house: House) -> None:
        source = {"run.sh": "echo $SM_HP_EPOCHS > $SM_MODEL_DIR/epochs; pwd > $SM_MODEL_DIR/pwd"}
        parameters = {"sagemaker_program": "run.sh", "epochs": "7"}
        last = house.run(train(house, "", source=source, HyperParameters=parameters))
        assert isinstance(last, TaskSucceeded), last
        found = content(house, "models/job-1/output/model.tar.gz")
        assert found["epochs"] == b"7\n"
        assert found["pwd"].endswith(b"/ml/code\n")

    def test_compressed_channels_are_unpacked(self, house: House) -> None:
        put(house.store, **{"train/a.csv.gz": gzip.compress(b"1\n2\n")})
        task = train(
            house,
            TRAIN,
            HyperParameters={"epochs": "1"},
            InputDataConfig=[channel("train", "s3://data/train", CompressionType="Gzip")],
        )
        assert isinstance(house.run(task), TaskSucceeded)
        assert content(house, "models/job-1/output/model.tar.gz") == {"model.txt": b"2"}

    def test_memory_runs_out(self, house: House) -> None:
        text = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
        last = house.run(train(house, text))
        assert isinstance(last, TaskFailed)
        assert "exit code: 137" in last.cause


SERVER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from integration.jobs.test_real_jobs import House, train
from stepmill.core.settings import Isolation
house = House(Path({folder!r}), Isolation.AUTO)
task = train(house, {script!r}, ResourceConfig={resources!r})
house.handler(task).start(task, lambda report: None)
import time
time.sleep(3600)
"""

LONG = """
import os, time
open('/opt/ml/output/begun', 'w').close()
while not os.path.exists('/opt/ml/output/go'): time.sleep(0.05)
model = os.path.join(os.environ['SM_MODEL_DIR'], os.environ['SM_CURRENT_HOST'])
open(model, 'w').write(os.environ['TRAINING_JOB_NAME'])
"""


class TestServerKilled:
    @pytest.mark.parametrize("count", [1, 2])
    def test_a_running_training_job_goes_on_and_is_picked_up(self, house: House, count: int) -> None:
        tests = str(Path(__file__).parents[2])
        resources = {"InstanceType": "ml.m5.large", "InstanceCount": count, "VolumeSizeInGB": 1}
        code = SERVER.format(tests=tests, folder=str(house.folder), script=LONG, resources=resources)
        job = house.folder / "home" / "jobs" / "training-job" / "job-1"
        outputs = [folder / "ml" / "output" for folder in (job, job / "hosts" / "algo-2")[:count]]
        with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as server:
            try:
                for output in outputs:
                    wait_for(output / "begun")
            finally:
                os.kill(server.pid, signal.SIGKILL)
        task, awaited = train(house, LONG, ResourceConfig=resources), Awaited()
        house.handler(task).start(task, awaited)
        for output in outputs:
            (output / "go").touch()
        last = awaited.wait()
        assert isinstance(last, TaskSucceeded), last
        found = content(house, "models/job-1/output/model.tar.gz")
        assert found == {f"algo-{number + 1}": b"job-1" for number in range(count)}


def content(house: House, key: str) -> dict[str, bytes]:
    with tarfile.open(house.store.path(S3Uri("data", key))) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive}  # type: ignore[union-attr]


def wait_for(path: Path) -> None:
    pause = threading.Event()
    for _ in range(LIMIT_S * 50):
        if path.exists():
            return
        pause.wait(0.02)
    pytest.fail(f"{path} never came")


class TestAlgorithms:
    """Built-in algorithms in the sandbox: their programs find their modules and their libraries there."""

    @pytest.mark.parametrize("count", [1, 2])
    def test_xgboost_trains_and_its_metrics_are_kept(self, house: House, count: int) -> None:
        pytest.importorskip("xgboost")
        house.images.algorithm = "xgboost"
        rows = [f"{number % 7},{number % 7},{number % 3}\n" for number in range(60)]
        put(house.store, **{"train/a.csv": "".join(rows[:25]), "train/b.csv": "".join(rows[25:])})
        data = {**channel("train", "s3://data/train"), "ContentType": "text/csv"}
        data["DataSource"]["S3DataSource"]["S3DataDistributionType"] = "ShardedByS3Key"
        document = training_document(
            AlgorithmSpecification={
                "TrainingImage": "sagemaker-xgboost:1.7-1",
                "TrainingInputMode": "File",
            },
            HyperParameters={"num_round": "4", "eta": "1", "eval_metric": "rmse"},
            InputDataConfig=[data],
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": count, "VolumeSizeInGB": 1},
        )
        last = house.run(task_for(document, training.RESOURCE, "job-1"))
        assert isinstance(last, TaskSucceeded), last
        output: Any = last.output
        (metric,) = output["FinalMetricDataList"]
        # Labels are known to a model of all shares, and not to one of a share.
        assert (metric["MetricName"], metric["Value"] < 0.5) == ("train:rmse", True)
        assert list(content(house, "models/job-1/output/model.tar.gz")) == ["xgboost-model"]
