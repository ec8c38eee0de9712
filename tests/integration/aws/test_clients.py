"""The clients that the tests of the wire are made with are what they claim to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepmill.core.endpoint import AccessKey, Endpoint
from support.clients import aws_program, run_client, run_script

# Nobody listens there.
NOWHERE = Endpoint("http://127.0.0.1:9", "us-west-2", AccessKey("AKIA0000000000000000", "secret", "default"))

ABOUT = """
import sys
from importlib.metadata import version

import boto3

client = boto3.client("sagemaker")
print(version("sagemaker"), client.meta.endpoint_url, client.meta.region_name, *sys.argv[1:])
"""


@pytest.mark.parametrize("generation", [2, 3])
def test_a_script_has_the_sdk_of_its_generation_and_the_endpoint(generation: int, tmp_path: Path) -> None:
    said = run_script(generation, ABOUT, NOWHERE, tmp_path, "an argument")
    version, *rest = said.split(maxsplit=3)
    assert version.split(".")[0] == str(generation)
    assert rest == [NOWHERE.url, "us-west-2", "an argument\n"]


def test_a_script_that_fails_shows_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"(?s)ended with 1.*before.*KeyError: 'gone'"):
        run_script(2, "print('before')\n{}['gone']\n", NOWHERE, tmp_path)


def test_aws_dials_the_endpoint(tmp_path: Path) -> None:
    command = [aws_program(), "sagemaker", "list-pipelines", "--cli-connect-timeout", "1"]
    with pytest.raises(AssertionError, match=NOWHERE.url):
        run_client(command, NOWHERE, tmp_path, variables={"AWS_MAX_ATTEMPTS": "1"})
