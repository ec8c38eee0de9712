"""Image classification.

Source: developer guide, "Image Classification - MXNet", "Image Classification Hyperparameters", "Tune an
Image Classification Model".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stepmill.algorithms.algorithm import Algorithm, Channel, Channels, Metric
from stepmill.algorithms.parameters import UNIT, Interval, choice, flag, integer, number, text

_IMAGES = ("application/x-image", "image/png", "image/jpeg")
_RECORDS = "application/x-recordio"
_SMALL, _LARGE = (20, 32, 44, 56, 110), (18, 34, 50, 101, 152, 200)
_MOST_PIXELS = 4096


def _is_shape(value: str) -> bool:
    parts = [part.strip() for part in value.split(",")]
    if len(parts) != 3 or not all(part.isdigit() and len(part) < 6 for part in parts):
        return False
    channels, height, width = map(int, parts)
    return channels in (1, 3) and 0 < height <= _MOST_PIXELS and 0 < width <= _MOST_PIXELS


def _are_epochs(value: str) -> bool:
    return all(part.strip().isdigit() and len(part) < 10 for part in value.split(","))


def _pretrained(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if given.get("use_pretrained_model") == "1":
        yield (
            "use_pretrained_model",
            "use_pretrained_model=1 is not offered: Stepmill has no trained weights.",
        )


def _checkpoints(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if int(given.get("checkpoint_frequency", "1")) > int(given.get("epochs", "30")):
        yield "checkpoint_frequency", "checkpoint_frequency must be no greater than epochs."


def _resize(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    sides = given.get("image_shape", "3,224,224").split(",")[1:]
    if "resize" in given and int(given["resize"]) < max(map(int, sides)):
        yield "resize", "resize must not be smaller than height and width of image_shape."


def _images(given: Mapping[str, str], channels: Channels) -> Iterator[tuple[str, str]]:
    kinds = {
        settings.get("ContentType", "").partition(";")[0].strip().lower() for settings in channels.values()
    }
    if "resize" not in given and kinds.intersection(_IMAGES):
        yield "resize", "resize is required when using image content types."


IMAGE_CLASSIFICATION = Algorithm(
    name="image-classification",
    several_hosts=True,
    channels=(
        Channel("train", (_RECORDS, *_IMAGES), required=True, piped=(_RECORDS,)),
        Channel("validation", (_RECORDS, *_IMAGES), required=True, piped=(_RECORDS,)),
        Channel("train_lst", _IMAGES, _IMAGES[0]),
        Channel("validation_lst", _IMAGES, _IMAGES[0]),
    ),
    metrics=(
        Metric("train:accuracy", r"Epoch\[\d+\] Train-accuracy=(\S+)"),
        Metric("validation:accuracy", r"Epoch\[\d+\] Validation-accuracy=(\S+)"),
    ),
    rules=(_pretrained, _checkpoints, _resize),
    joint_rules=(_images,),
    parameters=(
        integer("num_classes", required=True),
        integer("num_training_samples", required=True),
        choice("augmentation_type", "crop", "crop_color", "crop_color_transform"),
        number("beta_1", UNIT, default="0.9"),
        number("beta_2", UNIT, default="0.999"),
        integer("checkpoint_frequency"),
        flag("early_stopping", default="false"),
        integer("early_stopping_min_epochs", default="10"),
        integer("early_stopping_patience", default="5"),
        number("early_stopping_tolerance", UNIT, default="0"),
        integer("epochs", default="30"),
        number("eps", UNIT, default="1e-8"),
        number("gamma", UNIT, default="0.9"),
        text("image_shape", _is_shape, "'num_channels,height,width'", default="3,224,224"),
        choice("kv_store", "dist_sync", "dist_async"),
        number("learning_rate", UNIT, default="0.1"),
        number("lr_scheduler_factor", UNIT, default="0.1"),
        text("lr_scheduler_step", _are_epochs, "epochs, separated by commas"),
        integer("mini_batch_size", default="32"),
        number("momentum", UNIT, default="0.9"),
        choice("multi_label", "0", "1", default="0"),
        choice("num_layers", *map(str, sorted((*_SMALL, *_LARGE))), default="152"),
        choice("optimizer", "sgd", "adam", "rmsprop", "nag", default="sgd"),
        choice("precision_dtype", "float32", "float16", default="float32"),
        integer("resize"),
        integer("top_k", Interval(2)),
        choice("use_pretrained_model", "0", "1", default="0"),
        choice("use_weighted_loss", "0", "1", default="0"),
        number("weight_decay", UNIT, default="0.0001"),
        text("_tuning_objective_metric"),
    ),
)
