"""How script mode starts a script that is to run distributed: the SDK's ``distribution``.

Lies beside ``train.py`` in a job, and is loaded where a launcher is asked for: standard library only,
Python 3.8 or newer.

Source: sagemaker-training-toolkit and the toolkits of PyTorch and TensorFlow, for the hyperparameters and
what they start; sagemaker SDK 2, ``_distribution_configuration``.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

# Each starts the script by torchrun. The last is what the SDK makes of "pytorchddp".
_BY_TORCHRUN = (
    "sagemaker_torch_distributed_enabled",
    "sagemaker_pytorch_ddp_enabled",
    "sagemaker_distributed_dataparallel_enabled",
)
_MPI = "sagemaker_mpi_enabled"
_MIRRORED = "sagemaker_multi_worker_mirrored_strategy_enabled"
_PARAMETER_SERVER = "sagemaker_parameter_server_enabled"
_XLA = "sagemaker_pytorch_xla_multi_worker_enabled"
_PROCESSES = "sagemaker_mpi_num_of_processes_per_host"
_GROUPS = "sagemaker_distribution_instance_groups"
_FIRST_PORT, _PORTS = 10_000, 20_000


class LaunchError(Exception):
    """The script cannot be started as asked for."""


class Launch(NamedTuple):
    """How to start a script.

    Args:
        command: A program and its arguments; empty: as ever.
        variables: To be set before.
    """

    command: Sequence[str] = ()
    variables: Mapping[str, str] = {}


def port_of(job: str) -> int:
    """Return a port for the hosts of a job: the same for all, and hardly that of another job.

    SageMaker's images take a fixed one. Jobs of one machine share its ports, and two at once would clash.
    """
    return _FIRST_PORT + zlib.crc32(job.encode()) % _PORTS


def variables_of(resources: Mapping[str, Any], job: str) -> dict[str, str]:
    """Return what scripts for several hosts find in SageMaker's images for PyTorch; nothing for one host."""
    hosts = resources.get("hosts", [])
    if len(hosts) < 2:
        return {}
    interface = resources.get("network_interface_name", "lo")
    return {
        "MASTER_ADDR": hosts[0],
        "MASTER_PORT": str(port_of(job)),
        "NCCL_SOCKET_IFNAME": interface,
        # What hosts are called on a laptop often leads nowhere; gloo would look there.
        "GLOO_SOCKET_IFNAME": interface,
    }


def launch_of(
    framework: Mapping[str, Any],
    resources: Mapping[str, Any],
    script: Sequence[str],
    *,
    job: str,
    gpus: int,
) -> Launch:
    """Return how to start a script.

    Args:
        framework: Hyperparameters for the toolkit, decoded.
        resources: Content of ``resourceconfig.json``.
        script: Its file, and its arguments.
        job: Name of the job.
        gpus: How many this host has: without a wish there is one process for each, or one.

    Raises:
        LaunchError: If a launcher is asked for that is not to be had.
    """
    hosts, here = _hosts_of(framework, resources)
    if here not in hosts:
        return Launch()
    processes = int(framework.get(_PROCESSES) or gpus or 1)
    if any(framework.get(key) for key in _BY_TORCHRUN):
        return Launch(_torchrun(hosts, here, processes, job) + list(script))
    if framework.get(_MPI):
        return Launch(
            _mpirun(hosts, processes, str(framework.get("sagemaker_mpi_custom_mpi_options") or ""))
            + list(script)
        )
    if framework.get(_MIRRORED):
        return Launch(variables={"TF_CONFIG": json.dumps(_tf_config(hosts, here, port_of(job)))})
    if framework.get(_PARAMETER_SERVER) and len(hosts) > 1:
        raise LaunchError(
            "Parameter servers on several hosts are not offered. Use multi_worker_mirrored_strategy, "
            "or one host."
        )
    if framework.get(_XLA):
        raise LaunchError("The launcher of PyTorch/XLA is not offered. Use torch_distributed.")
    return Launch()


def _hosts_of(framework: Mapping[str, Any], resources: Mapping[str, Any]) -> tuple[list[str], str]:
    """Return the hosts that take part, and the name of this one."""
    groups = framework.get(_GROUPS) or []
    chosen = [each for each in resources.get("instance_groups", []) if each["instance_group_name"] in groups]
    hosts = [host for each in chosen for host in each["hosts"]] if groups else resources.get("hosts", [])
    return list(hosts), str(resources.get("current_host", ""))


def _torchrun(hosts: Sequence[str], here: str, processes: int, job: str) -> list[str]:
    if importlib.util.find_spec("torch") is None:
        raise LaunchError("torchrun is asked for, and the image's environment has no PyTorch.")
    command = [sys.executable, "-m", "torch.distributed.run"]
    command += ["--nnodes", str(len(hosts)), "--nproc_per_node", str(processes)]
    if len(hosts) > 1:
        command += ["--master_addr", hosts[0], "--master_port", str(port_of(job))]
        command += ["--node_rank", str(hosts.index(here))]
    return command


def _mpirun(hosts: Sequence[str], processes: int, options: str) -> list[str]:
    if len(hosts) > 1:
        raise LaunchError(
            "MPI on several hosts is not offered: mpirun reaches the others by SSH. Use one host with "
            "processes_per_host, or torch_distributed."
        )
    if shutil.which("mpirun") is None:
        raise LaunchError("mpirun is asked for, and this machine has none. Install Open MPI and mpi4py.")
    command = ["mpirun", "-np", str(processes), "--allow-run-as-root", "--oversubscribe"]
    return [*command, *options.split(), sys.executable, "-m", "mpi4py"]


def _tf_config(hosts: Sequence[str], here: str, port: int) -> dict[str, Any]:
    # TensorFlow listens on all addresses of the machine that the hosts share: each needs a port of its own.
    workers = [f"{host}:{port + index}" for index, host in enumerate(hosts)]
    task = {"type": "worker", "index": hosts.index(here)}
    return {"cluster": {"worker": workers}, "environment": "cloud", "task": task}
