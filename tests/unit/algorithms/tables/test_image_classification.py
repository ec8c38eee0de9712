from __future__ import annotations

import pytest

from stepmill.algorithms.checking import check_hyperparameters, check_job
from stepmill.algorithms.tables.image_classification import IMAGE_CLASSIFICATION

REQUIRED = {"num_classes": "10", "num_training_samples": "100"}
DOCUMENTED = {
    "num_classes": ("2", "0"),
    "num_training_samples": ("1", "0"),
    "augmentation_type": ("crop_color_transform", "flip"),
    "beta_1": ("0.9", "1.1"),
    "beta_2": ("0.999", "-0.1"),
    "checkpoint_frequency": ("1", "0"),
    "early_stopping": ("True", "1"),
    "early_stopping_min_epochs": ("10", "0"),
    "early_stopping_patience": ("5", "0"),
    "early_stopping_tolerance": ("0", "2"),
    "epochs": ("30", "0"),
    "eps": ("1e-8", "2"),
    "gamma": ("0.9", "-1"),
    "image_shape": ("3,28,28", "28,28"),
    "kv_store": ("dist_sync", "local"),
    "learning_rate": ("0.1", "1.5"),
    "lr_scheduler_factor": ("0.1", "1.5"),
    "lr_scheduler_step": ("10, 20", "ten"),
    "mini_batch_size": ("32", "0"),
    "momentum": ("0.9", "1.5"),
    "multi_label": ("1", "2"),
    "num_layers": ("20", "19"),
    "optimizer": ("nag", "adagrad"),
    "precision_dtype": ("float16", "float64"),
    "resize": ("256", "0"),
    "top_k": ("2", "1"),
    "use_pretrained_model": ("0", "2"),
    "use_weighted_loss": ("1", "2"),
    "weight_decay": ("0.0001", "2"),
}


def told(**given: str) -> list[str]:
    found = check_hyperparameters(IMAGE_CLASSIFICATION, {**REQUIRED, **given})
    return [finding.message for finding in found]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_each_documented_hyperparameter(name: str) -> None:
    right, wrong = DOCUMENTED[name]
    assert told(**{name: right}) == []
    (message,) = told(**{name: wrong})
    assert f"is not valid for the '{name}' hyperparameter" in message


def test_the_list_is_whole() -> None:
    assert set(IMAGE_CLASSIFICATION.names) == {*DOCUMENTED, "_tuning_objective_metric"}


@pytest.mark.parametrize(
    "shape", ["2,28,28", "3,0,28", "3,28", "3,9999999,28", "3,28,28,1", "a,b,c", "-3,28,28"]
)
def test_shapes_that_are_none(shape: str) -> None:
    assert len(told(image_shape=shape)) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"use_pretrained_model": "1"}, "Stepmill has no trained weights"),
        ({"epochs": "2", "checkpoint_frequency": "3"}, "no greater than epochs"),
        ({"image_shape": "3,28,30", "resize": "29"}, "resize must not be smaller"),
    ],
)
def test_what_does_not_go_together(given: dict[str, str], message: str) -> None:
    (found,) = told(**given)
    assert message in found


def test_both_channels_and_their_types_are_needed() -> None:
    found = [finding.message for finding in check_job(IMAGE_CLASSIFICATION, REQUIRED, {"train": {}})]
    assert found == ["Missing required channel: validation.", "Missing content type for channel: train."]


@pytest.mark.parametrize(
    "kind", ["application/x-image", "image/png", "image/jpeg; q=1", "application/x-recordio"]
)
def test_images_are_brought_to_one_size_before_the_job_starts(kind: str) -> None:
    channels = {name: {"ContentType": kind} for name in ("train", "validation")}
    findings = check_job(IMAGE_CLASSIFICATION, REQUIRED, channels)
    messages = [finding.message for finding in findings]
    is_image = kind != "application/x-recordio"
    assert messages == ["resize is required when using image content types."] * is_image
    assert check_job(IMAGE_CLASSIFICATION, {**REQUIRED, "resize": "256"}, channels) == ()
