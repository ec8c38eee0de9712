from __future__ import annotations

import pytest

from stepmill.aws.errors import ApiError
from stepmill.aws.hosts import Destination, Hosts


@pytest.fixture
def hosts() -> Hosts:
    return Hosts("127.0.0.1", 7070, ["stepmill.lan", "tunnel.lan:9000"])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:7070",
        "127.9.9.9:7070",
        "localhost:7070",
        "LOCALHOST:7070",
        "[::1]:7070",
        "stepmill.lan",
        "stepmill.lan:443",
        "tunnel.lan:9000",
        "sts.us-west-2.amazonaws.com",
        "sagemaker.us-west-2.amazonaws.com:443",
        "api.sagemaker.us-west-2.amazonaws.com",
        "s3.us-west-2.amazonaws.com",
        "sts.cn-north-1.amazonaws.com.cn",
        "lambda.us-west-2.api.aws",
    ],
)
def test_names_of_ours_and_of_aws_are_answered(hosts: Hosts, host: str) -> None:
    assert hosts.read(host) == Destination()
    assert hosts.read(host) == Destination(), "and again, as it is remembered"


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("data.localhost:7070", "data"),
        ("my.data.localhost:7070", "my.data"),
        ("data.s3.us-west-2.amazonaws.com", "data"),
        ("my.data.s3.us-west-2.amazonaws.com", "my.data"),
        ("data.s3.amazonaws.com:443", "data"),
        ("data.s3-eu-west-1.amazonaws.com", "data"),
        ("data.s3.dualstack.eu-west-1.amazonaws.com", "data"),
        ("data.s3.cn-north-1.amazonaws.com.cn", "data"),
        ("s3.s3.us-west-2.amazonaws.com", "s3"),
    ],
)
def test_a_bucket_may_be_named_by_the_host(hosts: Hosts, host: str, bucket: str) -> None:
    assert hosts.read(host) == Destination(bucket)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:7070",
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:7071",
        "localhost",
        "data.localhost:80",
        "localhost.evil.example:7070",
        "amazonaws.com",
        "evilamazonaws.com",
        "sts.us-west-2.amazonaws.com.evil.example",
        "192.168.0.1:7070",
        "0.0.0.0:7070",
        "stepmill.lan.evil.example",
        "tunnel.lan:9001",
        "[::2]:7070",
    ],
)
def test_any_other_name_is_refused_as_forbidden(hosts: Hosts, host: str) -> None:
    with pytest.raises(ApiError, match="does not answer to the name") as caught:
        hosts.read(host)
    assert (caught.value.code, caught.value.status) == ("InvalidHost", 403)
    assert "--allow-host" in caught.value.mend


@pytest.mark.parametrize(
    "host", ["", " ", "a b:7070", "localhost:7070,localhost:7070", "local/host", "a:b", ":7070"]
)
def test_what_is_no_name_is_refused(hosts: Hosts, host: str) -> None:
    with pytest.raises(ApiError, match="missing, or is no host name") as caught:
        hosts.read(host)
    assert caught.value.status == 400


def test_a_server_on_all_addresses_answers_to_any_address_but_to_no_name() -> None:
    hosts = Hosts("0.0.0.0", 7070)
    assert hosts.read("192.168.0.1:7070") == Destination()
    assert hosts.read("[2001:db8::1]:7070") == Destination()
    with pytest.raises(ApiError):
        hosts.read("evil.example:7070")


def test_a_server_on_one_address_answers_to_that() -> None:
    hosts = Hosts("192.168.0.1", 7070)
    assert hosts.read("192.168.0.1:7070") == Destination()
    with pytest.raises(ApiError):
        hosts.read("192.168.0.2:7070")


def test_the_bucket_of_the_sdks_telemetry_is_known(hosts: Hosts) -> None:
    assert hosts.read("sm-pysdk-t-us-west-2.s3.us-west-2.amazonaws.com").is_telemetry
    assert not hosts.read("data.s3.us-west-2.amazonaws.com").is_telemetry


def test_names_without_end_fill_no_memory(hosts: Hosts) -> None:
    for number in range(2000):
        hosts.read(f"b{number}.localhost:7070")
    assert len(hosts._known) <= 256
