"""The images that Stepmill stands in for, and those that it knows but does not offer. Data only.

Source: the image URI tables of the ``sagemaker`` SDK 2.257.7, by repository and tag.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from stepmill.images.reference import ImageReference


class ImageFamily(StrEnum):
    """What kind of software an image holds."""

    SKLEARN = "sklearn"
    XGBOOST = "xgboost"
    PYTORCH = "pytorch"
    TENSORFLOW = "tensorflow"
    LINEAR_LEARNER = "linear-learner"
    KMEANS = "kmeans"
    KNN = "knn"
    PCA = "pca"
    BLAZINGTEXT = "blazingtext"
    IMAGE_CLASSIFICATION = "image-classification"
    PYTHON = "python"
    CUSTOM = "custom"  # the user's own, from stepmill.toml


@dataclass(frozen=True)
class Package:
    """A library that an image is expected to hold.

    Args:
        names: Distributions of which any one will do.
        requirement: What is installed where none of them is there.
    """

    names: tuple[str, ...]
    requirement: str


@dataclass(frozen=True)
class ShippedImage:
    """A repository that Stepmill stands in for.

    Args:
        family: What it holds.
        packages: The libraries; the tag tells the version of the first.
        toolkit: Whether the image has the training toolkit: a ``train`` command for script mode.
        algorithm: The built-in algorithm that it runs where no script is given; empty if it has none.
        versioned: Whether the tag tells a version of the first library.
    """

    family: ImageFamily
    packages: tuple[Package, ...] = ()
    toolkit: bool = False
    algorithm: str = ""
    versioned: bool = True


def _algorithm(family: ImageFamily, *packages: Package) -> ShippedImage:
    # The tag of these images counts AWS's own revisions.
    return ShippedImage(family, packages, algorithm=family.value, versioned=False)


# Parquet as training data of built-in algorithms.
_PYARROW = Package(("pyarrow",), "pyarrow>=18")
_PANDAS = Package(("pandas",), "pandas>=2.1")
_SKLEARN = Package(("scikit-learn",), "scikit-learn>=1.4")
# xgboost-cpu is the same library without half a gigabyte of libraries for several GPUs.
_XGBOOST = Package(("xgboost", "xgboost-cpu"), "xgboost-cpu>=3.0")
# The package of fastText's authors is archived; the others are the same module, kept up.
_FASTTEXT = Package(("fasttext", "fasttext-community", "fasttext-wheel"), "fasttext-community>=0.11")
_TORCH = Package(("torch",), "torch>=2.5")
_PILLOW = Package(("pillow",), "pillow>=10")
_NUMPY = Package(("numpy",), "numpy>=1.26")
_TENSORFLOW = Package(("tensorflow", "tensorflow-cpu", "tensorflow-macos"), "tensorflow-cpu>=2.17")

# The requirements are those of the extras in pyproject.toml; a test compares the two.
_SHIPPED = {
    "sagemaker-scikit-learn": ShippedImage(ImageFamily.SKLEARN, (_SKLEARN, _PANDAS), toolkit=True),
    "sagemaker-xgboost": ShippedImage(
        ImageFamily.XGBOOST, (_XGBOOST, _PANDAS, _SKLEARN, _PYARROW), toolkit=True, algorithm="xgboost"
    ),
    "xgboost": ShippedImage(
        ImageFamily.XGBOOST, (_XGBOOST, _PANDAS, _SKLEARN, _PYARROW), algorithm="xgboost"
    ),
    "blazingtext": _algorithm(ImageFamily.BLAZINGTEXT, _FASTTEXT),
    "image-classification": _algorithm(ImageFamily.IMAGE_CLASSIFICATION, _TORCH, _PILLOW, _NUMPY),
    "linear-learner": _algorithm(ImageFamily.LINEAR_LEARNER, _SKLEARN),
    "kmeans": _algorithm(ImageFamily.KMEANS, _SKLEARN),
    "knn": _algorithm(ImageFamily.KNN, _SKLEARN),
    "pca": _algorithm(ImageFamily.PCA, _SKLEARN),
    "pytorch-training": ShippedImage(ImageFamily.PYTORCH, (_TORCH,), toolkit=True),
    "pytorch-inference": ShippedImage(ImageFamily.PYTORCH, (_TORCH,)),
    "pytorch-inference-graviton": ShippedImage(ImageFamily.PYTORCH, (_TORCH,)),
    "sagemaker-pytorch": ShippedImage(ImageFamily.PYTORCH, (_TORCH,), toolkit=True),
    "tensorflow-training": ShippedImage(ImageFamily.TENSORFLOW, (_TENSORFLOW,), toolkit=True),
    "tensorflow-inference": ShippedImage(ImageFamily.TENSORFLOW, (_TENSORFLOW,)),
    "sagemaker-tensorflow": ShippedImage(ImageFamily.TENSORFLOW, (_TENSORFLOW,), toolkit=True),
    "sagemaker-tensorflow-scriptmode": ShippedImage(ImageFamily.TENSORFLOW, (_TENSORFLOW,), toolkit=True),
    "python": ShippedImage(ImageFamily.PYTHON),
    "stepmill-python": ShippedImage(ImageFamily.PYTHON, toolkit=True),
}
_BASE_PYTHON = re.compile(r"sagemaker-base-python-(?P<major>\d)(?P<minor>\d+)")

# What AWS publishes beside these: first-party algorithms, frameworks, services. Each is known by
# name, so that the refusal can say what it is.
_ALGORITHMS = re.compile(
    r"linear-learner|kmeans|knn|pca|ntm|lda|factorization-machines|randomcutforest|ipinsights|object2vec|"
    r"seq2seq|blazingtext|forecasting-deepar|image-classification|object-detection|semantic-segmentation|"
    r"xgboost"
)
_SERVICES = re.compile(
    r"sagemaker-(clarify-processing|model-monitor-analyzer|debugger-rules|data-wrangler-container)|"
    r"detailed-profiler-processing"
)
_FRAMEWORKS = re.compile(
    r"(mxnet|huggingface|autogluon|tei|djl|stabilityai)(-.+)?|sagemaker-(mxnet|chainer|rl|spark|sparkml|"
    r"tritonserver|geospatial|distribution|inference|tensorflow|neo)(-.+)?|smdistributed-.+|"
    r".+-(neo|neuronx?|trcomp-training)"
)

_FRAMEWORK_VERSION = re.compile(r"\d+(?:\.\d+)*(?:-\d+(?=-|$))?")
_PYTHON_TAG = re.compile(r"(?:^|-)py(\d)(\d+)(?:-|$)")


def shipped_image(image: ImageReference) -> ShippedImage | None:
    """Return what Stepmill puts in the place of an image; ``None`` if nothing."""
    if _BASE_PYTHON.fullmatch(image.published_name):
        return ShippedImage(ImageFamily.PYTHON)
    return _SHIPPED.get(image.published_name)


def known_kind(image: ImageReference) -> str:
    """Return what AWS publishes under that name: ``built-in algorithm``; empty if unknown."""
    name = image.published_name
    if _ALGORITHMS.fullmatch(name):
        return "built-in algorithm"
    if _SERVICES.fullmatch(name):
        return "service image"
    return "framework image" if _FRAMEWORKS.fullmatch(name) else ""


def asked_version(image: ImageReference) -> str:
    """Return the framework's version as the tag tells it, or an empty string.

    Example:
        >>> asked_version(ImageReference.parse("sagemaker-scikit-learn:1.2-1-cpu-py3"))
        '1.2-1'
    """
    match = _FRAMEWORK_VERSION.match(image.tag)
    return match[0] if match else ""


def asked_python(image: ImageReference) -> str:
    """Return the version of Python that the name or the tag tells (``3.11``), or an empty string.

    Example:
        >>> asked_python(ImageReference.parse("pytorch-training:2.8.0-gpu-py312"))
        '3.12'
    """
    if base := _BASE_PYTHON.fullmatch(image.published_name):
        return f"{base['major']}.{base['minor']}"
    if image.published_name in ("python", "stepmill-python"):
        return asked_version(image)
    match = _PYTHON_TAG.search(image.tag)
    return f"{match[1]}.{match[2]}" if match else ""


def is_for_gpus(image: ImageReference) -> bool:
    """Return whether the tag says that the image is the one for GPUs."""
    return "gpu" in image.tag.split("-")


def is_version(asked: str, found: str) -> bool:
    """Return whether a found version is the asked one, or a more exact form of it.

    Example:
        >>> is_version("1.2-1", "1.2.2"), is_version("1.2-1", "1.20.0")
        (True, False)
    """
    wanted = re.match(r"\d+(?:\.\d+)*", asked)
    have = re.match(r"\d+(?:\.\d+)*", found)
    if wanted is None or have is None:
        return asked == found
    parts = wanted[0].split(".")
    return have[0].split(".")[: len(parts)] == parts
