"""Functions over the wire, as boto3 makes, changes, lists and removes them."""

from __future__ import annotations

import base64
import io
import json
import re
import urllib.request
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from hashlib import sha256
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepmill.storage.objects.uri import S3Uri
from support.functions import ECHO, ROLE, code, create, invoke, zipped
from support.wire import Wire


@pytest.fixture
def lambda_(wire: Wire) -> Any:
    return wire.client("lambda")


def refused(do: Callable[[], Any]) -> tuple[str, int, str]:
    """Return code, HTTP status and text of the error that a call gets."""
    with pytest.raises(ClientError) as caught:
        do()
    response = caught.value.response
    error, status = response["Error"], response["ResponseMetadata"]["HTTPStatusCode"]
    return error["Code"], status, error["Message"]


class TestCreate:
    def test_what_is_made_is_what_was_asked_for(self, lambda_: Any, wire: Wire) -> None:
        package = code()
        made = lambda_.create_function(
            FunctionName="made", Runtime="python3.9", Role=ROLE, Handler="app.handler",
            Code={"ZipFile": package}, Description="It echoes.", Timeout=30, MemorySize=256,
            Environment={"Variables": {"AB": "1"}}, Tags={"team": "a"}, VpcConfig={}, Layers=[],
            Architectures=["arm64"],
        )  # fmt: skip
        assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
        arns = wire.platform.settings.arns
        wanted = {
            "FunctionName": "made", "FunctionArn": arns.function("made"), "Runtime": "python3.9",
            "Role": ROLE,
            "Handler": "app.handler", "CodeSize": len(package), "Description": "It echoes.", "Timeout": 30,
            "MemorySize": 256, "CodeSha256": base64.b64encode(sha256(package).digest()).decode(),
            "Version": "$LATEST", "Environment": {"Variables": {"AB": "1"}}, "State": "Active",
            "LastUpdateStatus": "Successful", "PackageType": "Zip", "Architectures": ["arm64"],
        }  # fmt: skip
        assert {name: made[name] for name in wanted} == wanted
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", made["LastModified"])
        assert datetime.fromisoformat(made["LastModified"])
        got = lambda_.get_function(FunctionName="made")
        assert got["Configuration"]["RevisionId"] == made["RevisionId"]
        assert got["Tags"] == {"team": "a"}
        plain = lambda_.get_function_configuration(FunctionName=made["FunctionArn"])
        assert {name: plain[name] for name in wanted} == wanted

    def test_lambdas_defaults(self, lambda_: Any) -> None:
        lambda_.create_function(
            FunctionName="defaults", Runtime="python3.12", Role=ROLE, Handler="a.b", Code={"ZipFile": code()}
        )
        got = lambda_.get_function_configuration(FunctionName="defaults")
        assert (got["Timeout"], got["MemorySize"], got["Description"]) == (3, 128, "")

    def test_the_waiters_of_boto3_find_it_ready(self, lambda_: Any) -> None:
        create(lambda_, "ready")
        for waiter in ("function_exists", "function_active", "function_active_v2", "function_updated_v2"):
            lambda_.get_waiter(waiter).wait(FunctionName="ready")

    def test_a_taken_name(self, lambda_: Any) -> None:
        create(lambda_, "taken")
        error, status, text = refused(lambda: create(lambda_, "taken"))
        assert (error, status) == ("ResourceConflictException", 409)
        assert "Function already exist: taken" in text

    def test_a_name_is_given_once_however_many_ask(self, wire: Wire, lambda_: Any) -> None:
        def make(_: int) -> str:
            try:
                create(lambda_, "raced")
            except ClientError as error:
                return str(error.response["Error"]["Code"])
            return "made"

        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(make, range(6))) == ["ResourceConflictException"] * 5 + ["made"]

    def test_code_from_a_bucket(self, lambda_: Any, wire: Wire) -> None:
        package = code()
        put(wire, "code-bucket", "lambda/made/code", package)
        made = create(lambda_, "from-bucket", Code={"S3Bucket": "code-bucket", "S3Key": "lambda/made/code"})
        assert made["CodeSha256"] == base64.b64encode(sha256(package).digest()).decode()
        assert invoke(lambda_, "from-bucket", 7) == 7

    @pytest.mark.parametrize(
        ("more", "error", "words"),
        [
            ({"Runtime": "nodejs22.x"}, "UnsupportedOperation", "nodejs22.x"),
            ({"PackageType": "Image"}, "UnsupportedOperation", "container images"),
            ({"Layers": ["arn:aws:lambda:us-west-2:123456789012:layer:a:1"]},
             "UnsupportedOperation", "Layers"),
            ({"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-west-2:123456789012:q"}},
             "UnsupportedOperation", "DeadLetterConfig"),
            ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, "UnsupportedOperation", "SnapStart"),
            ({"LoggingConfig": {"LogFormat": "JSON"}}, "UnsupportedOperation", "LoggingConfig"),
            ({"Code": {"ImageUri": "a/b:c"}}, "UnsupportedOperation", "ImageUri"),
            ({"Code": {}}, "InvalidParameterValueException", "source for function code"),
            ({"Code": {"S3Bucket": "nowhere", "S3Key": "k"}}, "InvalidParameterValueException", "NoSuchKey"),
            ({"Code": {"ZipFile": code(), "S3Key": "k"}}, "InvalidParameterValueException", "ZipFile"),
            ({"Code": {"ZipFile": b"no zip"}}, "InvalidParameterValueException", "no zip"),
            ({"Environment": {"Variables": {"AWS_REGION": "x", "LAMBDA_TASK_ROOT": "y"}}},
             "InvalidParameterValueException", "AWS_REGION, LAMBDA_TASK_ROOT"),
            ({"Environment": {"Variables": {"A-B": "x"}}}, "", ""),
            ({"FunctionName": "a b"}, "", ""),
            ({"Role": "R"}, "", ""),
            ({"Timeout": 0}, "", ""),
        ],
    )  # fmt: skip
    def test_what_is_refused(self, wire: Wire, more: dict[str, Any], error: str, words: str) -> None:
        client = wire.client("lambda", parameter_validation=False)
        code_, status, text = refused(lambda: create(client, **{"name": "refused", **renamed(more)}))
        assert status == 400
        assert code_ == error or (
            not error and code_ in ("InvalidParameterValueException", "ValidationException")
        )
        assert words in text
        assert all(f["FunctionName"] != "refused" for f in client.list_functions()["Functions"])

    @pytest.mark.parametrize("missing", ["Runtime", "Handler"])
    def test_runtime_and_handler_are_needed(self, lambda_: Any, missing: str) -> None:
        given = {"Runtime": "python3.12", "Handler": "a.b"}
        del given[missing]
        error, _, text = refused(
            lambda: lambda_.create_function(FunctionName="x", Role=ROLE, Code={"ZipFile": code()}, **given)
        )
        assert error == "InvalidParameterValueException"
        assert "mandatory" in text

    @pytest.mark.parametrize(
        "package",
        [
            zipped(("../app.py", "x")),
            zipped(("/etc/cron.d/x", "x")),
            zipped(("a/../../b", "x")),
            zipped(("a\\b", "x")),
            zipped(("a", "x"), ("a/b", "x")),
            zipped(),
            zipped(("x" * 300, "x")),
        ],
        ids=["up", "root", "inside", "backslash", "below-a-file", "empty", "long"],
    )
    def test_a_hostile_zip_is_refused(self, lambda_: Any, package: bytes) -> None:
        error, status, _ = refused(lambda: create(lambda_, "hostile", Code={"ZipFile": package}))
        assert (error, status) == ("InvalidParameterValueException", 400)

    def test_a_link_in_a_zip_is_refused(self, lambda_: Any) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            link = zipfile.ZipInfo("app.py")
            link.external_attr = 0o120777 << 16
            archive.writestr(link, "/etc/passwd")
        assert refused(lambda: create(lambda_, "link", Code={"ZipFile": packed.getvalue()}))[:2] == (
            "InvalidParameterValueException",
            400,
        )

    def test_a_zip_that_would_fill_the_disk_is_refused(self, lambda_: Any) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(3):
                archive.writestr(f"{number}", bytes(100 * 1024 * 1024))
        assert len(packed.getvalue()) < 1024 * 1024
        error, _, text = refused(lambda: create(lambda_, "bomb", Code={"ZipFile": packed.getvalue()}))
        assert error == "InvalidParameterValueException"
        assert "262144000 bytes" in text


def put(wire: Wire, bucket: str, key: str, data: bytes) -> None:
    wire.platform.objects.create_bucket(bucket, exist_ok=True)
    wire.platform.objects.put_bytes(S3Uri(bucket, key), data)


def renamed(more: dict[str, Any]) -> dict[str, Any]:
    given = dict(more)
    if "FunctionName" in given:
        given["name"] = given.pop("FunctionName")
    return given


class TestUpdate:
    def test_new_code_runs_from_then_on(self, lambda_: Any) -> None:
        made = create(lambda_, "updated")
        changed = lambda_.update_function_code(
            FunctionName=made["FunctionArn"], ZipFile=code("def handler(e, c): return 'new'")
        )
        assert changed["RevisionId"] != made["RevisionId"]
        assert changed["CodeSha256"] != made["CodeSha256"]
        lambda_.get_waiter("function_updated_v2").wait(FunctionName="updated")
        assert invoke(lambda_, "updated") == "new"

    def test_code_by_chance_the_same_as_before(self, lambda_: Any) -> None:
        made = create(lambda_, "same")
        assert (
            lambda_.update_function_code(FunctionName="same", ZipFile=code())["CodeSha256"]
            == made["CodeSha256"]
        )

    def test_a_rehearsal_changes_nothing_and_still_checks(self, lambda_: Any) -> None:
        made = create(lambda_, "dry")
        lambda_.update_function_code(FunctionName="dry", ZipFile=code("x = 1"), DryRun=True)
        assert lambda_.get_function_configuration(FunctionName="dry")["CodeSha256"] == made["CodeSha256"]
        assert (
            refused(lambda: lambda_.update_function_code(FunctionName="dry", ZipFile=b"no", DryRun=True))[0]
            == "InvalidParameterValueException"
        )

    def test_a_configuration_is_changed_member_by_member(self, lambda_: Any) -> None:
        made = create(lambda_, "configured", Environment={"Variables": {"AB": "1"}})
        changed = lambda_.update_function_configuration(FunctionName="configured", Timeout=20)
        assert (changed["Timeout"], changed["Environment"]) == (20, {"Variables": {"AB": "1"}})
        changed = lambda_.update_function_configuration(
            FunctionName="configured", Environment={}, Description="New.", Handler="other.handler"
        )
        assert (changed.get("Environment"), changed["Description"], changed["Handler"]) == (
            None,
            "New.",
            "other.handler",
        )
        assert changed["CodeSha256"] == made["CodeSha256"]
        assert refused(
            lambda: lambda_.update_function_configuration(FunctionName="configured", Runtime="java21")
        )[0] == "UnsupportedOperation"  # fmt: skip

    @pytest.mark.parametrize("what", ["code", "configuration"])
    def test_a_change_of_what_someone_else_changed(self, lambda_: Any, what: str) -> None:
        made = create(lambda_, f"revised-{what}")
        lambda_.update_function_configuration(FunctionName=made["FunctionName"], Description="Changed.")

        def change() -> Any:
            given = {"FunctionName": made["FunctionName"], "RevisionId": made["RevisionId"]}
            if what == "code":
                return lambda_.update_function_code(ZipFile=code("x = 1"), **given)
            return lambda_.update_function_configuration(Timeout=7, **given)

        assert refused(change)[:2] == ("PreconditionFailedException", 412)

    @pytest.mark.parametrize(
        "do",
        [
            lambda c: c.get_function(FunctionName="nobody"),
            lambda c: c.get_function_configuration(FunctionName="nobody:prod"),
            lambda c: c.update_function_code(FunctionName="nobody", ZipFile=code()),
            lambda c: c.update_function_configuration(FunctionName="nobody", Timeout=3),
            lambda c: c.delete_function(FunctionName="nobody"),
            lambda c: c.invoke(FunctionName="nobody"),
            lambda c: c.invoke(FunctionName="nobody", InvocationType="Event"),
            lambda c: c.publish_version(FunctionName="nobody"),
            lambda c: c.list_versions_by_function(FunctionName="nobody"),
            lambda c: c.get_alias(FunctionName="nobody", Name="prod"),
            lambda c: c.get_policy(FunctionName="nobody"),
            lambda c: c.list_tags(Resource="arn:aws:lambda:us-west-2:123456789012:function:nobody"),
        ],
    )
    def test_of_what_is_not_there(self, lambda_: Any, do: Callable[[Any], Any]) -> None:
        error, status, text = refused(lambda: do(lambda_))
        assert (error, status) == ("ResourceNotFoundException", 404)
        assert "Function not found: arn:aws:lambda:" in text


def test_the_code_can_be_fetched_with_a_link_and_nothing_else(lambda_: Any) -> None:
    create(lambda_, "fetched")
    found = lambda_.get_function(FunctionName="fetched")["Code"]
    assert found["RepositoryType"] == "S3"
    with urllib.request.urlopen(found["Location"]) as answer:
        packed = zipfile.ZipFile(io.BytesIO(answer.read()))
    assert packed.read("app.py").decode() == ECHO


class TestList:
    def test_all_functions_come_in_pages(self, lambda_: Any) -> None:
        names = [f"listed-{number}" for number in range(5)]
        for name in names:
            create(lambda_, name)
        pages = list(lambda_.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}))
        assert all(len(page["Functions"]) <= 2 for page in pages)
        found = [function["FunctionName"] for page in pages for function in page["Functions"]]
        assert found == sorted(set(found))
        assert set(names) <= set(found)
        assert refused(lambda: lambda_.list_functions(Marker="what"))[0] == "InvalidParameterValueException"

    def test_what_there_is_of_an_account(self, lambda_: Any) -> None:
        before = lambda_.get_account_settings()["AccountUsage"]
        made = create(lambda_, "counted")
        after = lambda_.get_account_settings()["AccountUsage"]
        assert after["FunctionCount"] == before["FunctionCount"] + 1
        assert after["TotalCodeSize"] == before["TotalCodeSize"] + made["CodeSize"]


class TestDelete:
    def test_nothing_is_left(self, lambda_: Any) -> None:
        create(lambda_, "deleted", Tags={"a": "b"}, Publish=True)
        lambda_.add_permission(
            FunctionName="deleted", StatementId="s", Action="lambda:*", Principal="s3.amazonaws.com"
        )
        assert lambda_.delete_function(FunctionName="deleted")["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert refused(lambda: lambda_.get_function(FunctionName="deleted"))[1] == 404
        create(lambda_, "deleted")
        assert "Tags" not in lambda_.get_function(FunctionName="deleted")
        versions = lambda_.list_versions_by_function(FunctionName="deleted")["Versions"]
        assert [version["Version"] for version in versions] == ["$LATEST"]
        assert refused(lambda: lambda_.get_policy(FunctionName="deleted"))[1] == 404

    def test_a_version_goes_alone(self, lambda_: Any) -> None:
        create(lambda_, "deleted-version", Publish=True)
        lambda_.delete_function(FunctionName="deleted-version", Qualifier="1")
        assert refused(lambda: lambda_.get_function(FunctionName="deleted-version", Qualifier="1"))[1] == 404
        lambda_.get_function(FunctionName="deleted-version")
        assert (
            refused(lambda: lambda_.delete_function(FunctionName="deleted-version", Qualifier="$LATEST"))[0]
            == "InvalidParameterValueException"
        )


class TestVersions:
    def test_versions_and_an_alias(self, lambda_: Any) -> None:
        made = create(lambda_, "versioned", "def handler(e, c): return 1", Publish=True)
        assert made["Version"] == "1"
        assert made["FunctionArn"].endswith(":function:versioned:1")
        lambda_.update_function_code(FunctionName="versioned", ZipFile=code("def handler(e, c): return 2"))
        second = lambda_.publish_version(FunctionName="versioned", Description="Second.")
        assert (second["Version"], second["Description"]) == ("2", "Second.")
        alias = lambda_.create_alias(FunctionName="versioned", Name="prod", FunctionVersion="1")
        assert invoke(lambda_, "versioned", Qualifier="prod") == 1
        assert lambda_.invoke(FunctionName=alias["AliasArn"])["ExecutedVersion"] == "1"
        changed = lambda_.update_alias(FunctionName="versioned", Name="prod", FunctionVersion="2")
        assert changed["RevisionId"] != alias["RevisionId"]
        assert invoke(lambda_, "versioned:prod") == 2
        assert [a["Name"] for a in lambda_.list_aliases(FunctionName="versioned")["Aliases"]] == ["prod"]
        assert lambda_.list_aliases(FunctionName="versioned", FunctionVersion="1")["Aliases"] == []
        listed = lambda_.list_versions_by_function(FunctionName="versioned")["Versions"]
        assert [version["Version"] for version in listed] == ["$LATEST", "1", "2"]
        assert refused(lambda: lambda_.delete_function(FunctionName="versioned", Qualifier="2"))[1] == 409
        lambda_.delete_alias(FunctionName="versioned", Name="prod")
        assert refused(lambda: lambda_.get_alias(FunctionName="versioned", Name="prod"))[1] == 404

    def test_only_the_code_that_was_seen_is_published(self, lambda_: Any) -> None:
        made = create(lambda_, "seen")
        digest = base64.b64encode(sha256(b"other").digest()).decode()
        for wrong in ({"CodeSha256": digest}, {"CodeSha256": "%"}):
            assert refused(lambda w=wrong: lambda_.publish_version(FunctionName="seen", **w))[0] == (
                "InvalidParameterValueException"
            )
        assert refused(lambda: lambda_.publish_version(FunctionName="seen", RevisionId="x"))[1] == 412
        lambda_.publish_version(
            FunctionName="seen", CodeSha256=made["CodeSha256"], RevisionId=made["RevisionId"]
        )

    def test_a_published_version_does_not_change(self, lambda_: Any) -> None:
        create(lambda_, "fixed", Publish=True)
        for do in (
            lambda: lambda_.update_function_code(FunctionName="fixed:1", ZipFile=code()),
            lambda: lambda_.update_function_configuration(FunctionName="fixed:1", Timeout=3),
        ):
            assert refused(do)[0] == "InvalidParameterValueException"

    def test_two_qualifiers_that_differ(self, lambda_: Any) -> None:
        create(lambda_, "twice", Publish=True)
        error, _, text = refused(lambda: lambda_.get_function(FunctionName="twice:1", Qualifier="$LATEST"))
        assert error == "InvalidParameterValueException"
        assert "does not match" in text

    def test_an_alias_of_two_versions_is_refused_by_name(self, lambda_: Any) -> None:
        create(lambda_, "routed", Publish=True)
        routing = {"AdditionalVersionWeights": {"1": 0.5}}
        error, _, text = refused(
            lambda: lambda_.create_alias(
                FunctionName="routed", Name="a", FunctionVersion="1", RoutingConfig=routing
            )
        )
        assert error == "UnsupportedOperation"
        assert "two versions" in text


class TestPermissions:
    def test_what_was_said_is_given_back(self, lambda_: Any) -> None:
        arn = create(lambda_, "permitted")["FunctionArn"]
        given = {
            "FunctionName": "permitted", "StatementId": "s3-calls", "Action": "lambda:InvokeFunction",
            "Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::bucket",
            "SourceAccount": "123456789012",
        }  # fmt: skip
        statement = json.loads(lambda_.add_permission(**given)["Statement"])
        assert statement == {
            "Sid": "s3-calls",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": arn,
            "Condition": {
                "StringEquals": {"AWS:SourceAccount": "123456789012"},
                "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"},
            },
        }
        policy = lambda_.get_policy(FunctionName="permitted")
        assert json.loads(policy["Policy"])["Statement"] == [statement]
        assert refused(lambda: lambda_.add_permission(**given))[:2] == ("ResourceConflictException", 409)
        assert (
            refused(
                lambda: lambda_.remove_permission(
                    FunctionName="permitted", StatementId="s3-calls", RevisionId="x"
                )
            )[1]
            == 412
        )
        lambda_.remove_permission(
            FunctionName="permitted", StatementId="s3-calls", RevisionId=policy["RevisionId"]
        )
        assert refused(lambda: lambda_.get_policy(FunctionName="permitted"))[1] == 404


class TestTags:
    def test_tags_come_and_go(self, lambda_: Any) -> None:
        arn = create(lambda_, "tagged", Tags={"a": "1"})["FunctionArn"]
        lambda_.tag_resource(Resource=arn, Tags={"b": "2", "a": "3"})
        assert lambda_.list_tags(Resource=arn)["Tags"] == {"a": "3", "b": "2"}
        lambda_.untag_resource(Resource=arn, TagKeys=["a", "nothing"])
        assert lambda_.list_tags(Resource=arn)["Tags"] == {"b": "2"}
        assert refused(lambda: lambda_.tag_resource(Resource=arn, Tags={"aws:x": "1"}))[1] == 400


@pytest.mark.parametrize(
    ("do", "name"),
    [
        (lambda c: c.list_layers(), "ListLayers"),
        (lambda c: c.invoke_async(FunctionName="a", InvokeArgs=b"{}"), "InvokeAsync"),
        (
            lambda c: c.create_function_url_config(FunctionName="a", AuthType="NONE"),
            "CreateFunctionUrlConfig",
        ),
        (lambda c: c.list_event_source_mappings(), "ListEventSourceMappings"),
        (
            lambda c: c.put_function_concurrency(FunctionName="a", ReservedConcurrentExecutions=1),
            "PutFunctionConcurrency",
        ),
    ],
)
def test_what_is_not_offered_is_refused_by_name(lambda_: Any, do: Callable[[Any], Any], name: str) -> None:
    error, _, text = refused(lambda: do(lambda_))
    assert error == "UnsupportedOperation"
    assert f"lambda.{name}" in text
