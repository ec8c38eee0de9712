"""The shapes of AWS's requests and answers, as botocore ships them."""

from __future__ import annotations

import pytest

from stepmill.core.errors import NotFoundError
from stepmill.core.service_models import ServiceModel, service_model


@pytest.fixture(scope="module")
def sagemaker() -> ServiceModel:
    return service_model("sagemaker")


def test_a_request_has_its_members_and_the_required_ones(sagemaker: ServiceModel) -> None:
    request = sagemaker.request("CreateTrainingJob")
    assert request.kind == "structure"
    assert {"HyperParameters", "InputDataConfig"} <= set(request.members)
    assert {"TrainingJobName", "RoleArn", "OutputDataConfig"} <= set(request.required)


def test_lists_and_maps_know_what_they_hold(sagemaker: ServiceModel) -> None:
    request = sagemaker.request("CreateTrainingJob")
    channels = sagemaker.shape(request.members["InputDataConfig"])
    assert (channels.kind, channels.element, channels.minimum) == ("list", "Channel", 1)
    hyperparameters = sagemaker.shape(request.members["HyperParameters"])
    assert (hyperparameters.kind, hyperparameters.key) == ("map", "HyperParameterKey")
    assert sagemaker.shape(hyperparameters.element).kind == "string"


def test_enums_are_there(sagemaker: ServiceModel) -> None:
    status = sagemaker.shape(sagemaker.answer("DescribeTrainingJob").members["TrainingJobStatus"])
    assert {"InProgress", "Completed", "Failed", "Stopping", "Stopped"} <= set(status.enum)


def test_what_the_model_lacks_is_said(sagemaker: ServiceModel) -> None:
    with pytest.raises(NotFoundError, match="no operation 'CreateCoffee'"):
        sagemaker.request("CreateCoffee")
    with pytest.raises(NotFoundError, match="no shape 'Coffee'"):
        sagemaker.shape("Coffee")
    with pytest.raises(NotFoundError, match="no service 'coffee'"):
        service_model("coffee")
