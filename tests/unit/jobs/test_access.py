from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.compute.spec import Mount
from stepmill.core.endpoint import PLUGIN_FOLDER
from stepmill.core.errors import UnsupportedError
from stepmill.jobs.access import (
    PLUGIN_PLACE,
    NoDoor,
    Visitor,
    access_by,
    access_of,
    check_access,
    role_name,
)
from stepmill.jobs.requests.training import read_training_request
from support.doors import FakeDoor
from support.job_data import training_document

DRIVER = "/opt/ml/input/data/sagemaker_remote_function_bootstrap/job_driver.sh"


def visitor(role: str = "", session: str = "job") -> Visitor:
    lasts = timedelta(hours=1)
    return Visitor.of(
        "training-job", "job", "task-1", role=role, session=session, folder=Path("/jobs/job"), lasts=lasts
    )


def request(*entrypoint: str, **changes: Any) -> Any:
    algorithm = {"TrainingImage": "python:3", "ContainerEntrypoint": list(entrypoint or ("true",))}
    document = training_document(AlgorithmSpecification=algorithm, **changes)
    return read_training_request(document, PLUGIN_FOLDER)


def test_a_job_gets_address_region_keys_and_the_plugin() -> None:
    access = access_by(FakeDoor(notes=("a remark",)), visitor())
    environment = access.environment({})
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:7070"
    assert environment["AWS_ACCESS_KEY_ID"] == "ASIAX"
    assert environment["AWS_SECRET_ACCESS_KEY"] == "secret"
    assert environment["AWS_SESSION_TOKEN"] == "a-token"
    assert environment["BOTOCORE_EXPERIMENTAL__PLUGINS"] == "stepmill=stepmill_endpoint"
    assert environment["PYTHONPATH"] == PLUGIN_PLACE
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"
    assert access.mounts == (Mount(PLUGIN_FOLDER, PLUGIN_PLACE, read_only=True),)
    assert access.notes == ("a remark",)
    assert (PLUGIN_FOLDER / "stepmill_endpoint.py").is_file()


def test_what_the_request_gives_comes_first() -> None:
    given = {"AWS_ENDPOINT_URL": "http://mine", "PYTHONPATH": "/a:/b"}
    environment = access_by(FakeDoor(), visitor()).environment(given)
    assert environment["AWS_ENDPOINT_URL"] == "http://mine"
    assert environment["PYTHONPATH"] == f"/a:/b:{PLUGIN_PLACE}"


def test_without_an_endpoint_nothing_is_added() -> None:
    access = access_by(NoDoor(), visitor())
    assert access.environment({"A": "1"}) == {"A": "1"}
    assert access.mounts == ()
    assert not access.is_there


def test_a_job_without_network_gets_none_and_no_key_is_made_for_it() -> None:
    door = FakeDoor()
    assert not access_of(request(EnableNetworkIsolation=True), door, visitor()).is_there
    assert door.came == []
    assert access_of(request(), door, visitor()).is_there
    assert door.came == [visitor()]
    assert not access_of(request(), NoDoor(), visitor()).is_there


def test_functions_of_the_sdk_need_one() -> None:
    assert access_of(request("/bin/bash", DRIVER), FakeDoor(), visitor()).is_there
    with pytest.raises(UnsupportedError, match=r"does not answer them.*stepmill serve"):
        access_of(request("/bin/bash", DRIVER), NoDoor(), visitor())
    with pytest.raises(UnsupportedError, match=r"may not use the network.*EnableNetworkIsolation"):
        access_of(request("/bin/bash", DRIVER, EnableNetworkIsolation=True), FakeDoor(), visitor())


def test_looking_whether_a_job_can_be_done_makes_no_key() -> None:
    door = FakeDoor()
    check_access(request("/bin/bash", DRIVER), door)
    check_access(request(), NoDoor())
    assert door.came == []


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:iam::111122223333:role/Trainer", "Trainer"),
        ("arn:aws:iam::111122223333:role/service-role/deep/Trainer", "Trainer"),
        ("Trainer", "Trainer"),
        ("", "StepmillExecutionRole"),
        ("arn:aws:iam::111122223333:role/", "StepmillExecutionRole"),
        ("arn:aws:iam::111122223333:role/a b", "StepmillExecutionRole"),
        ("x" * 129, "StepmillExecutionRole"),
    ],
)
def test_a_role_is_known_by_its_name(arn: str, name: str) -> None:
    assert role_name(arn) == name
    assert visitor(arn).role == name


def test_a_session_has_a_name_that_sts_would_take() -> None:
    assert visitor(session="my job/with ü").session == "my-job-with--"
    assert len(visitor(session="x" * 200).session) == 64


def test_jobs_of_one_name_are_told_apart_by_their_tasks() -> None:
    other = Visitor.of(
        "training-job", "job", "task-2", role="", session="job", folder=Path("/jobs/job"), lasts=None
    )
    assert other.job != visitor().job
    assert other.job.name == visitor().job.name
