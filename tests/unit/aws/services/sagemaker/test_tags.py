from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.aws.service import Call, Caller
from stepmill.aws.services.sagemaker.service import sagemaker
from stepmill.aws.wire import Request
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.settings import Settings
from stepmill.jobs.records import JobRecords, JobState
from stepmill.platform import Platform

OWN = "arn:aws:sagemaker:us-west-2:123456789012"


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with Platform(Settings(home=tmp_path / ".stepmill", project=tmp_path)) as opened:
        yield opened


def ask(platform: Platform, operation: str, **parameters: Any) -> Any:
    call = Call(operation, parameters, Caller("AKIA", "default"), Request("POST", "/"))
    return sagemaker(platform).handlers[operation](call)


def arn(platform: Platform, kind: str, name: str) -> str:
    return platform.settings.arns.sagemaker(kind, name)


def test_tags_are_added_listed_and_deleted(platform: Platform) -> None:
    platform.models.groups.create({"ModelPackageGroupName": "Churn"})
    group = arn(platform, "model-package-group", "Churn")
    a, b = {"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}
    assert ask(platform, "AddTags", ResourceArn=group, Tags=[b]) == {"Tags": [b]}
    assert ask(platform, "AddTags", ResourceArn=group, Tags=[a]) == {"Tags": [a, b]}
    assert ask(platform, "ListTags", ResourceArn=group) == {"Tags": [a, b]}
    assert ask(platform, "DeleteTags", ResourceArn=group, TagKeys=["a", "z"]) == {}
    assert ask(platform, "ListTags", ResourceArn=group, MaxResults=50) == {"Tags": [b]}


def test_tags_are_listed_in_pages(platform: Platform) -> None:
    platform.models.groups.create({"ModelPackageGroupName": "Churn"})
    group = arn(platform, "model-package-group", "Churn")
    platform.tags.add(group, {"a": "", "b": "", "c": ""})
    first = ask(platform, "ListTags", ResourceArn=group, MaxResults=2)
    rest = ask(platform, "ListTags", ResourceArn=group, MaxResults=2, NextToken=first["NextToken"])
    assert [tag["Key"] for tag in (*first["Tags"], *rest["Tags"])] == ["a", "b", "c"]
    assert "NextToken" not in rest


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("model", "a"), ("model-package", "a/1"), ("model-package-group", "a"), ("pipeline", "a"),
        ("pipeline", "a/execution/abcdefghijkl"), ("training-job", "a"), ("processing-job", "a"),
        ("code-repository", "a"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("operation", ["AddTags", "ListTags", "DeleteTags"])
def test_what_is_not_there_has_no_tags(platform: Platform, operation: str, kind: str, name: str) -> None:
    resource = arn(platform, kind, name)
    with pytest.raises(NotFoundError, match="Could not find"):
        ask(platform, operation, ResourceArn=resource, Tags=[], TagKeys=["a"])


@pytest.mark.parametrize("text", ["", "churn", "arn:aws:s3:::bucket", f"{OWN}:model", f"{OWN}:model/"])
def test_what_is_no_arn_of_a_resource_is_refused(platform: Platform, text: str) -> None:
    with pytest.raises(InvalidInputError, match="not the ARN of a resource"):
        ask(platform, "ListTags", ResourceArn=text)


def test_the_resource_of_another_account_is_not_found(platform: Platform) -> None:
    with pytest.raises(NotFoundError, match="999999999999"):
        ask(platform, "ListTags", ResourceArn="arn:aws:sagemaker:us-west-2:999999999999:model/a")


@pytest.mark.parametrize("kind", ["training-job", "processing-job"])
def test_jobs_are_found_whatever_the_case_of_their_names(platform: Platform, kind: str) -> None:
    state = JobState("task", arn(platform, kind, "My-Job"))
    JobRecords(platform.records, kind).open("My-Job", {}, state)
    assert ask(platform, "ListTags", ResourceArn=arn(platform, kind, "My-Job")) == {"Tags": []}
    with pytest.raises(NotFoundError):
        ask(platform, "ListTags", ResourceArn=arn(platform, kind, "My-Jo"))


def test_pipelines_can_be_tagged(platform: Platform) -> None:
    platform.pipelines.put("Abalone", "{}")
    pipeline = arn(platform, "pipeline", "Abalone")
    tag = {"Key": "a", "Value": "1"}
    assert ask(platform, "AddTags", ResourceArn=pipeline, Tags=[tag]) == {"Tags": [tag]}
