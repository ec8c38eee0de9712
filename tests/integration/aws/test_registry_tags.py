"""Tags of every kind of resource, as boto3 sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.registry import own_name, put_model_data, refused
from support.wire import Wire

A, B = {"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}


@pytest.fixture
def sagemaker(wire: Wire) -> Any:
    return wire.client("sagemaker")


def _model(sagemaker: Any, wire: Wire) -> str:
    container = {"Image": "x", "ModelDataUrl": put_model_data(wire)}
    return str(sagemaker.create_model(ModelName=own_name("m"), PrimaryContainer=container)["ModelArn"])


def _group(sagemaker: Any, _: Wire) -> str:
    made = sagemaker.create_model_package_group(ModelPackageGroupName=own_name("g"))
    return str(made["ModelPackageGroupArn"])


def _version(sagemaker: Any, wire: Wire) -> str:
    group = _group(sagemaker, wire)
    return str(sagemaker.create_model_package(ModelPackageGroupName=group)["ModelPackageArn"])


def _experiment(sagemaker: Any, _: Wire) -> str:
    return str(sagemaker.create_experiment(ExperimentName=own_name("e"))["ExperimentArn"])


def _trial(sagemaker: Any, wire: Wire) -> str:
    experiment = _experiment(sagemaker, wire).rpartition("/")[2]
    return str(sagemaker.create_trial(TrialName=own_name("t"), ExperimentName=experiment)["TrialArn"])


def _component(sagemaker: Any, _: Wire) -> str:
    return str(sagemaker.create_trial_component(TrialComponentName=own_name("c"))["TrialComponentArn"])


def _pipeline(_: Any, wire: Wire) -> str:
    return wire.platform.pipelines.put(own_name("p"), "{}").arn


KINDS = {
    "model": _model, "group": _group, "version": _version, "experiment": _experiment, "trial": _trial,
    "component": _component, "pipeline": _pipeline,
}  # fmt: skip


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_each_kind_is_tagged(wire: Wire, sagemaker: Any, make: Callable[[Any, Wire], str]) -> None:
    arn = make(sagemaker, wire)
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == []
    assert sagemaker.add_tags(ResourceArn=arn, Tags=[B])["Tags"] == [B]
    assert sagemaker.add_tags(ResourceArn=arn, Tags=[A])["Tags"] == [A, B]
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["b", "never-there"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [A]


def test_tags_that_aws_refuses_are_refused(wire: Wire, sagemaker: Any) -> None:
    arn = _experiment(sagemaker, wire)
    for tags in ([{"Key": "aws:x", "Value": ""}], [A, A], [{"Key": "a*", "Value": ""}]):
        assert refused(sagemaker.add_tags, ResourceArn=arn, Tags=tags).code == "ValidationException"
    many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    sagemaker.add_tags(ResourceArn=arn, Tags=many)
    error = refused(sagemaker.add_tags, ResourceArn=arn, Tags=[A])
    assert (error.code, "at most 50" in error.message) == ("ValidationException", True)
    assert len(sagemaker.list_tags(ResourceArn=arn)["Tags"]) == 50


def test_what_is_not_there_is_not_found(wire: Wire, sagemaker: Any) -> None:
    arns = wire.platform.settings.arns
    for kind in ("model", "model-package-group", "pipeline", "training-job", "experiment", "endpoint"):
        error = refused(sagemaker.list_tags, ResourceArn=arns.sagemaker(kind, "never-made"))
        assert error.code == "ResourceNotFound"
    assert refused(sagemaker.list_tags, ResourceArn="no-arn").code == "ValidationException"
