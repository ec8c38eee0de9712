from __future__ import annotations

import pytest

from stepmill.core.arns import Arns, SageMakerArn

ARNS = Arns("us-west-2", "123456789012")


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        (ARNS.sagemaker("training-job", "My-Job"), "training-job", "my-job"),
        (ARNS.model_package("Churn", 3), "model-package", "churn/3"),
        (ARNS.execution("Abalone", "abc"), "pipeline", "abalone/execution/abc"),
        ("arn:aws-us-gov:sagemaker:us-west-2:123456789012:model/m", "model", "m"),
    ],
)
def test_an_arn_is_read_into_its_parts(text: str, kind: str, name: str) -> None:
    assert SageMakerArn.read(text) == SageMakerArn("us-west-2", "123456789012", kind, name)


@pytest.mark.parametrize(
    "text",
    [
        "", "churn", ARNS.role("r"), ARNS.function("f"), "arn:aws:sagemaker:us-west-2:123456789012:model",
        "arn:aws:sagemaker:us-west-2:123456789012:model/", "arn:aws:sagemaker:us-west-2:12345678901:model/m",
        "arn:aws:sagemaker:us-west-2:123456789012:model/a b",
        "arn:aws:sagemaker:us-west-2:123456789012:model/m\n",
    ],
)  # fmt: skip
def test_what_is_no_arn_of_sagemakers_is_none(text: str) -> None:
    assert SageMakerArn.read(text) is None


def test_an_arn_of_another_account_or_region_is_not_own() -> None:
    own = SageMakerArn("us-west-2", "123456789012", "model", "m")
    assert ARNS.is_own(own)
    assert not Arns("eu-west-1", "123456789012").is_own(own)
    assert not Arns("us-west-2", "999999999999").is_own(own)
