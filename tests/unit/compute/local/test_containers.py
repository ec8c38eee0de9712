from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.compute.local import containers
from stepmill.compute.local.containers import container_name, plan_container
from stepmill.compute.spec import JobSpec, Mount, Resources
from stepmill.core.errors import ComputeError, UnsupportedError
from stepmill.core.settings import Isolation


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs, first of all a podman that works."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "podman").write_text("#!/bin/sh\nexit 0\n")
    (programs / "podman").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return programs


def _spec(tmp_path: Path, **fields: Any) -> JobSpec:
    settings: dict[str, Any] = {
        "command": ("python3", "/opt/ml/a.py", "--x"),
        "environment": {},
        "isolation": Isolation.PODMAN,
        "oci_image": "localhost/x:1",
        **fields,
    }
    return JobSpec("job", tmp_path / "job", python=Path("/usr/bin/python3"), **settings)


def test_a_job_as_a_command_of_the_engine(engine: Path, tmp_path: Path) -> None:
    spec = _spec(
        tmp_path,
        mounts=(Mount(tmp_path, "/opt/ml", read_only=True), Mount(tmp_path, "/opt/ml/model")),
        resources=Resources(cpus=1.5, memory_bytes=1 << 30),
        network=False,
        working_directory="/work",
        timeout=timedelta(hours=1),
    )
    order = plan_container(spec, {})
    line = " ".join(order.argv)
    assert line.startswith(f"{engine}/podman run --name stepmill-job-")
    assert f"--mount type=bind,source={tmp_path},destination=/opt/ml,readonly=true" in line
    assert f"--mount type=bind,source={tmp_path},destination=/opt/ml/model --" in line
    assert "--network none --memory 1073741824 --cpus 1.5 --workdir /work" in line
    assert line.endswith("--entrypoint python3 localhost/x:1 /opt/ml/a.py --x")
    assert order.container == (f"{engine}/podman", container_name(spec))
    assert (order.timeout_seconds, order.plan, order.isolation) == (3600.0, None, "podman")


@pytest.mark.parametrize(
    ("network", "loopback", "words"),
    [(True, True, ["host"]), (True, False, []), (False, False, ["none"]), (False, True, ["none"])],
)
def test_the_machines_loopback_is_reached_only_where_it_must_be(
    engine: Path, tmp_path: Path, network: bool, loopback: bool, words: list[str]
) -> None:
    argv = plan_container(_spec(tmp_path, network=network, loopback=loopback), {}).argv
    assert [argv[index + 1] for index, word in enumerate(argv) if word == "--network"] == words


def test_hosts_of_a_job_know_each_other_in_containers_too(engine: Path, tmp_path: Path) -> None:
    names = (("algo-1", "127.16.3.1"), ("algo-2", "127.16.3.2"))
    line = " ".join(plan_container(_spec(tmp_path, names=names), {}).argv)
    # Their addresses are the machine's: a container with a network of its own would find nobody there.
    assert "--network host --add-host algo-1:127.16.3.1 --add-host algo-2:127.16.3.2" in line


def test_values_of_variables_stay_out_of_the_command_where_they_can(engine: Path, tmp_path: Path) -> None:
    spec = _spec(tmp_path, environment={"TOKEN": "s3cr3t", "PATH": "/inside"})
    order = plan_container(spec, {"PATH": "/usr/bin", "HOME": "/home/u"})
    assert "s3cr3t" not in " ".join(order.argv)
    assert order.environment == {"PATH": "/usr/bin", "HOME": "/home/u", "TOKEN": "s3cr3t"}
    assert "PATH=/inside" in order.argv


@pytest.mark.parametrize(
    "name",
    ["LD_PRELOAD", "DOCKER_HOST", "CONTAINERS_CONF", "BASH_ENV", "PYTHONPATH", "XDG_RUNTIME_DIR", "AWS_*"],
)
def test_variables_that_would_act_on_the_engines_client_never_reach_it(
    engine: Path, tmp_path: Path, name: str
) -> None:
    order = plan_container(_spec(tmp_path, environment={name: "evil"}), {"PATH": "/usr/bin"})
    assert order.environment == {"PATH": "/usr/bin"}
    assert order.argv[order.argv.index("--env") + 1] == f"{name}=evil"


def test_an_image_that_reads_like_an_option_is_refused(engine: Path, tmp_path: Path) -> None:
    with pytest.raises(ComputeError, match="for an option"):
        plan_container(_spec(tmp_path, oci_image="--privileged"))


def test_without_a_command_the_image_decides(engine: Path, tmp_path: Path) -> None:
    order = plan_container(_spec(tmp_path, command=()))
    assert order.argv[-1] == "localhost/x:1"
    assert "--entrypoint" not in order.argv


def test_the_same_job_in_another_home_has_another_name(tmp_path: Path) -> None:
    assert container_name(_spec(tmp_path)) == container_name(_spec(tmp_path))
    assert container_name(_spec(tmp_path)) != container_name(_spec(tmp_path / "other"))


def test_a_job_without_an_image_is_refused(engine: Path, tmp_path: Path) -> None:
    with pytest.raises(ComputeError, match="its image is none that an engine could run"):
        plan_container(_spec(tmp_path, oci_image=""))


@pytest.mark.parametrize("name", ["a,b", 'a"b', "a\nb"])
def test_a_path_that_the_engine_would_misread_is_refused(engine: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(ComputeError, match="cannot take the path"):
        plan_container(_spec(tmp_path, mounts=(Mount(tmp_path / name, "/opt/ml"),)))


def test_an_engine_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnsupportedError, match="docker is not installed"):
        plan_container(_spec(tmp_path, isolation=Isolation.DOCKER))


def test_an_engine_that_does_not_work_is_told(engine: Path, tmp_path: Path) -> None:
    (engine / "docker").write_text("#!/bin/sh\necho 'Cannot connect to the daemon' >&2; exit 1\n")
    (engine / "docker").chmod(0o755)
    with pytest.raises(UnsupportedError, match="Cannot connect to the daemon"):
        plan_container(_spec(tmp_path, isolation=Isolation.DOCKER))


@pytest.mark.parametrize(
    ("uid", "may_raise", "expected"),
    [
        (0, True, ""),
        (0, False, "--ulimit nofile=1024:1024 --ulimit nproc=1000:1000"),
        (1000, False, "--ulimit host"),
    ],
)
def test_limits_that_the_user_cannot_raise_are_not_asked_for(
    engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid: int, may_raise: bool, expected: str
) -> None:
    monkeypatch.setattr(containers.os, "geteuid", lambda: uid)
    monkeypatch.setattr(containers, "may_raise_limits", lambda: may_raise)
    line = " ".join(plan_container(_spec(tmp_path)).argv)
    assert expected in line
    assert ("--ulimit" in line) == bool(expected)
