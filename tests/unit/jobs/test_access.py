from __future__ import annotations

from typing import Any

import pytest

from stepmill.compute.spec import Mount
from stepmill.core.endpoint import PLUGIN_FOLDER, AccessKey, Endpoint
from stepmill.core.errors import UnsupportedError
from stepmill.jobs.access import PLUGIN_PLACE, access_of, access_to
from stepmill.jobs.requests.training import read_training_request
from support.job_data import training_document

ENDPOINT = Endpoint("http://127.0.0.1:7070", "us-west-2", AccessKey("AKIAX", "secret", "jobs"))
DRIVER = "/opt/ml/input/data/sagemaker_remote_function_bootstrap/job_driver.sh"


def request(*entrypoint: str, **changes: Any) -> Any:
    algorithm = {"TrainingImage": "python:3", "ContainerEntrypoint": list(entrypoint or ("true",))}
    document = training_document(AlgorithmSpecification=algorithm, **changes)
    return read_training_request(document, PLUGIN_FOLDER)


def test_a_job_gets_address_region_keys_and_the_plugin() -> None:
    access = access_to(ENDPOINT)
    environment = access.environment({})
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:7070"
    assert environment["AWS_ACCESS_KEY_ID"] == "AKIAX"
    assert environment["AWS_SECRET_ACCESS_KEY"] == "secret"
    assert environment["BOTOCORE_EXPERIMENTAL__PLUGINS"] == "stepmill=stepmill_endpoint"
    assert environment["PYTHONPATH"] == PLUGIN_PLACE
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"
    assert access.mounts == (Mount(PLUGIN_FOLDER, PLUGIN_PLACE, read_only=True),)
    assert (PLUGIN_FOLDER / "stepmill_endpoint.py").is_file()


def test_what_the_request_gives_comes_first() -> None:
    environment = access_to(ENDPOINT).environment({"AWS_ENDPOINT_URL": "http://mine", "PYTHONPATH": "/a:/b"})
    assert environment["AWS_ENDPOINT_URL"] == "http://mine"
    assert environment["PYTHONPATH"] == f"/a:/b:{PLUGIN_PLACE}"


def test_without_an_endpoint_nothing_is_added() -> None:
    access = access_to(None)
    assert access.environment({"A": "1"}) == {"A": "1"}
    assert access.mounts == ()
    assert not access.is_there


def test_a_job_without_network_gets_none() -> None:
    assert access_of(request(), ENDPOINT).is_there
    assert not access_of(request(EnableNetworkIsolation=True), ENDPOINT).is_there
    assert not access_of(request(), None).is_there


def test_functions_of_the_sdk_need_one() -> None:
    assert access_of(request("/bin/bash", DRIVER), ENDPOINT).is_there
    with pytest.raises(UnsupportedError, match=r"there is no server here.*stepmill serve"):
        access_of(request("/bin/bash", DRIVER), None)
    with pytest.raises(UnsupportedError, match=r"may not use the network.*EnableNetworkIsolation"):
        access_of(request("/bin/bash", DRIVER, EnableNetworkIsolation=True), ENDPOINT)
