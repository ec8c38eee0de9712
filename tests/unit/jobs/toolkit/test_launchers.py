"""How a distributed script is started."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from stepmill.jobs.toolkit import launchers
from stepmill.jobs.toolkit.launchers import Launch, LaunchError, launch_of, port_of, variables_of

ONE = {"current_host": "algo-1", "hosts": ["algo-1"]}
TWO = {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"], "network_interface_name": "lo"}
SCRIPT = ["train.py", "--epochs", "3"]


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launchers.importlib.util, "find_spec", lambda _name: object())


def launch(framework: dict[str, Any], resources: dict[str, Any] = TWO, gpus: int = 0) -> Launch:
    return launch_of(framework, resources, SCRIPT, job="job", gpus=gpus)


def test_without_a_wish_a_script_runs_as_ever() -> None:
    assert launch({}) == launch({"sagemaker_torch_distributed_enabled": False}) == Launch()


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize(
    "key",
    [
        "sagemaker_torch_distributed_enabled",
        "sagemaker_pytorch_ddp_enabled",
        "sagemaker_distributed_dataparallel_enabled",
    ],
)
def test_torchrun_on_several_hosts(key: str) -> None:
    assert launch({key: True}).command == [
        *(sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc_per_node", "1"),
        *("--master_addr", "algo-1", "--master_port", str(port_of("job")), "--node_rank", "1"),
        *SCRIPT,
    ]


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize(
    ("wish", "gpus", "processes"),
    [({}, 4, "4"), ({"sagemaker_mpi_num_of_processes_per_host": 3}, 4, "3"), ({}, 0, "1")],
)
def test_torchrun_on_one_host(wish: dict[str, Any], gpus: int, processes: str) -> None:
    command = launch({"sagemaker_torch_distributed_enabled": True, **wish}, ONE, gpus).command
    assert command[3:] == ["--nnodes", "1", "--nproc_per_node", processes, *SCRIPT]


@pytest.mark.usefixtures("torch")
def test_only_hosts_of_the_groups_that_are_named_take_part() -> None:
    wish = {"sagemaker_torch_distributed_enabled": True, "sagemaker_distribution_instance_groups": ["dnn"]}
    groups = [
        {"instance_group_name": "data", "hosts": ["algo-1"]},
        {"instance_group_name": "dnn", "hosts": ["algo-2", "algo-3"]},
    ]
    resources = {"hosts": ["algo-1", "algo-2", "algo-3"], "instance_groups": groups}
    command = launch(wish, {**resources, "current_host": "algo-3"}).command
    assert command[command.index("--master_addr") + 1] == "algo-2"
    assert command[command.index("--node_rank") + 1] == "1"
    assert launch(wish, {**resources, "current_host": "algo-1"}) == Launch()


def test_workers_of_tensorflow_have_a_port_each() -> None:
    told = launch({"sagemaker_multi_worker_mirrored_strategy_enabled": True}).variables["TF_CONFIG"]
    port = port_of("job")
    assert json.loads(told) == {
        "cluster": {"worker": [f"algo-1:{port}", f"algo-2:{port + 1}"]},
        "environment": "cloud",
        "task": {"type": "worker", "index": 1},
    }


@pytest.mark.parametrize(
    ("framework", "resources", "text"),
    [
        ({"sagemaker_mpi_enabled": True}, TWO, "MPI on several hosts"),
        ({"sagemaker_mpi_enabled": True}, ONE, "this machine has none"),
        ({"sagemaker_parameter_server_enabled": True}, TWO, "Parameter servers"),
        ({"sagemaker_pytorch_xla_multi_worker_enabled": True}, ONE, "PyTorch/XLA"),
        ({"sagemaker_torch_distributed_enabled": True}, ONE, "has no PyTorch"),
    ],
)
def test_what_is_not_to_be_had_is_refused(
    monkeypatch: pytest.MonkeyPatch, framework: dict[str, Any], resources: dict[str, Any], text: str
) -> None:
    monkeypatch.setattr(launchers.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(launchers.shutil, "which", lambda _name: None)
    with pytest.raises(LaunchError, match=text):
        launch(framework, resources)


def test_parameter_servers_of_one_host_are_none() -> None:
    assert launch({"sagemaker_parameter_server_enabled": True}, ONE) == Launch()


def test_hosts_meet_at_the_first() -> None:
    assert variables_of(ONE, "job") == {}
    found = variables_of(TWO, "job")
    assert (found["MASTER_ADDR"], found["MASTER_PORT"]) == ("algo-1", str(port_of("job")))


def test_jobs_have_ports_of_their_own_that_systems_do_not_give_away() -> None:
    ports = {port_of(f"job-{number}") for number in range(100)}
    assert len(ports) > 90
    assert all(10_000 <= port < 30_000 for port in ports)


class TestTensorFlow:
    """What sagemaker-tensorflow-training tells a script: the same members, other ports."""

    WISH = {"sagemaker_multi_worker_mirrored_strategy_enabled": True}

    def told(self, resources: dict[str, Any], **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(launch({**self.WISH, **more}, resources).variables["TF_CONFIG"])
        return found

    def test_all_hosts_are_workers_in_the_same_order(self) -> None:
        hosts = ["algo-1", "algo-2", "algo-3"]
        each = [self.told({"current_host": host, "hosts": hosts}) for host in hosts]
        assert [config["task"] for config in each] == [{"type": "worker", "index": n} for n in range(3)]
        assert len({json.dumps(config["cluster"]) for config in each}) == 1
        assert [address.partition(":")[0] for address in each[0]["cluster"]["worker"]] == hosts
        # The first is the chief because of its index: no task is called master or chief.
        assert set(each[0]["cluster"]) == {"worker"}
        assert each[0]["environment"] == "cloud"

    def test_one_host_is_a_cluster_too(self) -> None:
        assert self.told(ONE)["cluster"] == {"worker": [f"algo-1:{port_of('job')}"]}

    def test_hosts_of_other_groups_are_none(self) -> None:
        groups = [
            {"instance_group_name": "data", "hosts": ["algo-1"]},
            {"instance_group_name": "dnn", "hosts": ["algo-2", "algo-3"]},
        ]
        resources = {"current_host": "algo-3", "hosts": ["algo-1", "algo-2", "algo-3"]}
        more = {"sagemaker_distribution_instance_groups": ["dnn"]}
        found = self.told({**resources, "instance_groups": groups}, **more)
        assert [address.partition(":")[0] for address in found["cluster"]["worker"]] == ["algo-2", "algo-3"]
        assert found["task"] == {"type": "worker", "index": 1}

    def test_the_script_is_started_as_ever(self) -> None:
        assert launch(self.WISH).command == ()
