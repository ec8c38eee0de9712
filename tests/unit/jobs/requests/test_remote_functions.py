from __future__ import annotations

import pytest

from stepmill.images.needs import NO_NEEDS, Needs
from stepmill.jobs.requests.remote_functions import needs_of

DRIVER = ["/bin/bash", "/opt/ml/input/data/sagemaker_remote_function_bootstrap/job_driver.sh"]


@pytest.mark.parametrize(
    ("version", "libraries"),
    [
        ("2.257.7", ("sagemaker==2.257.7",)),
        ("2.100.dev0", ("sagemaker==2.100.dev0",)),
        ("3.27.0", ("sagemaker-core>=2",)),
        ("3.0.0.dev0", ("sagemaker-core>=2",)),
        ("", ("sagemaker",)),
        ("2.0 --index-url http://evil", ("sagemaker",)),
        ("-r /etc/passwd", ("sagemaker",)),
    ],
)
def test_a_function_needs_the_sdk_of_its_client(version: str, libraries: tuple[str, ...]) -> None:
    arguments = ["--s3_base_uri", "s3://b/f", "--client_sagemaker_pysdk_version", version, "--region", "r"]
    assert needs_of(DRIVER, arguments) == Needs("", libraries)


def test_a_function_that_does_not_say_gets_some_sdk() -> None:
    assert needs_of(DRIVER, []) == Needs("", ("sagemaker",))


def test_other_jobs_need_nothing() -> None:
    assert needs_of(["python3", "train.py"], ["--client_sagemaker_pysdk_version", "2.257.7"]) == NO_NEEDS


@pytest.mark.parametrize(
    ("given", "python"), [("3.10", "3.10"), ("3.8", "3.8"), ("3", ""), ("../bin/python", ""), ("3.10\n", "")]
)
def test_a_function_needs_the_python_of_its_client(given: str, python: str) -> None:
    assert needs_of(DRIVER, ["--region", "r", "--client_python_version", given]).python == python
