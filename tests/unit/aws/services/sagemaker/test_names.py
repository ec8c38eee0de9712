from __future__ import annotations

import pytest

from stepmill.aws.services.sagemaker.names import arn_of, name_of
from stepmill.core.arns import Arns
from stepmill.core.errors import InvalidInputError, NotFoundError

ARNS = Arns("us-west-2", "123456789012")
GROUP = "model-package-group"


def test_a_name_stays_as_it_is_and_an_arn_gives_its_name() -> None:
    assert name_of({"Group": "Churn"}, "Group", GROUP, ARNS) == "Churn"
    assert name_of({"Group": ARNS.sagemaker(GROUP, "Churn")}, "Group", GROUP, ARNS) == "churn"
    version = ARNS.model_package("Churn", 3)
    assert name_of({"P": version}, "P", "model-package", ARNS) == "churn/3"


@pytest.mark.parametrize(
    "text",
    [
        ARNS.sagemaker("model", "churn"),
        "arn:aws:s3:::bucket",
        "arn:aws:sagemaker:us-west-2:12:model-package-group/churn",
        "arn:",
        "arn:aws:sagemaker:us-west-2:123456789012:model-package-group/",
    ],
)
def test_the_arn_of_something_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="not the ARN of a model-package-group") as caught:
        name_of({"Group": text}, "Group", GROUP, ARNS)
    assert caught.value.where == "Group"
    assert ARNS.sagemaker(GROUP, "NAME") in caught.value.mend


@pytest.mark.parametrize("other", [Arns("eu-west-1", "123456789012"), Arns("us-west-2", "999999999999")])
def test_what_is_elsewhere_is_not_found(other: Arns) -> None:
    with pytest.raises(NotFoundError, match="account 123456789012 in us-west-2"):
        arn_of(other.sagemaker(GROUP, "churn"), "Group", GROUP, ARNS)
