"""The images that Stepmill stands in for, and those that it knows but does not offer. Data only.

Source: the image URI tables of the ``sagemaker`` SDK 2.257.7, by repository and tag.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from stepmill.images.reference import ImageReference


class ImageFamily(StrEnum):
    """What kind of software an image holds."""

    SKLEARN = "sklearn"
    XGBOOST = "xgboost"
    PYTORCH = "pytorch"
    TENSORFLOW = "tensorflow"
    HUGGINGFACE = "huggingface"
    LINEAR_LEARNER = "linear-learner"
    KMEANS = "kmeans"
    KNN = "knn"
    PCA = "pca"
    BLAZINGTEXT = "blazingtext"
    DEEPAR = "forecasting-deepar"
    IMAGE_CLASSIFICATION = "image-classification"
    MODEL_MONITOR = "model-monitor"
    CLARIFY = "clarify"
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
        program: What a processing job runs where it names no entry point: ``analyzer``, ``clarify``;
            empty if nothing.
        versioned: Whether the tag tells a version of the first library.
        beside: What else is installed where an environment is built: scripts count on it, but many do
            without, so that an environment of the user's own need not have it.
    """

    family: ImageFamily
    packages: tuple[Package, ...] = ()
    toolkit: bool = False
    algorithm: str = ""
    program: str = ""
    versioned: bool = True
    beside: tuple[str, ...] = ()

    @property
    def requirements(self) -> tuple[str, ...]:
        """What an environment is built with."""
        return (*(package.requirement for package in self.packages), *self.beside)


def _algorithm(family: ImageFamily, *packages: Package) -> ShippedImage:
    # The tag of these images counts AWS's own revisions.
    return ShippedImage(family, packages, algorithm=family.value, versioned=False)


# Parquet as training data of built-in algorithms.
_PYARROW = Package(("pyarrow",), "pyarrow>=18")
_PANDAS = Package(("pandas",), "pandas>=2.1")
_JMESPATH = Package(("jmespath",), "jmespath>=1.0")
_SKLEARN = Package(("scikit-learn",), "scikit-learn>=1.4")
# xgboost-cpu is the same library without half a gigabyte of libraries for several GPUs.
_XGBOOST = Package(("xgboost", "xgboost-cpu"), "xgboost-cpu>=3.0")
# The package of fastText's authors is archived; the others are the same module, kept up.
_FASTTEXT = Package(("fasttext", "fasttext-community", "fasttext-wheel"), "fasttext-community>=0.11")
_TORCH = Package(("torch",), "torch>=2.5")
_GLUONTS = Package(("gluonts",), "gluonts[torch]>=0.16")
_PILLOW = Package(("pillow",), "pillow>=10")
_NUMPY = Package(("numpy",), "numpy>=1.26")
_TENSORFLOW = Package(("tensorflow", "tensorflow-cpu", "tensorflow-macos"), "tensorflow-cpu>=2.17")
_TRANSFORMERS = Package(("transformers",), "transformers>=4.46")
# From its fifth version on it is for PyTorch alone; the fourth needs Keras as it was before Keras 3.
_TRANSFORMERS_4 = Package(("transformers",), "transformers>=4.46,<5")
_TF_KERAS = Package(("tf-keras",), "tf-keras>=2.17")
_DATASETS = Package(("datasets",), "datasets>=3")
# Without it transformers' Trainer refuses to begin.
_ACCELERATE = Package(("accelerate",), "accelerate>=1.1")
# Source: the release notes of AWS's Deep Learning Containers list what their images hold.
_SCIENCE = ("numpy>=1.26", _PANDAS.requirement, _SKLEARN.requirement)
_IN_PYTORCH_IMAGES = (*_SCIENCE, "torchvision>=0.20")
_IN_HUGGINGFACE_IMAGES = (*_SCIENCE, "evaluate>=0.4", "sentencepiece>=0.2")

_PYTORCH = ShippedImage(ImageFamily.PYTORCH, (_TORCH,), toolkit=True, beside=_IN_PYTORCH_IMAGES)
_PYTORCH_INFERENCE = replace(_PYTORCH, toolkit=False)
_TENSORFLOW_TRAINING = ShippedImage(ImageFamily.TENSORFLOW, (_TENSORFLOW,), toolkit=True, beside=_SCIENCE)

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
    "forecasting-deepar": _algorithm(ImageFamily.DEEPAR, _TORCH, _GLUONTS, _PYARROW),
    "image-classification": _algorithm(ImageFamily.IMAGE_CLASSIFICATION, _TORCH, _PILLOW, _NUMPY),
    "linear-learner": _algorithm(ImageFamily.LINEAR_LEARNER, _SKLEARN),
    "kmeans": _algorithm(ImageFamily.KMEANS, _SKLEARN),
    "knn": _algorithm(ImageFamily.KNN, _SKLEARN),
    "pca": _algorithm(ImageFamily.PCA, _SKLEARN),
    "sagemaker-model-monitor-analyzer": ShippedImage(
        ImageFamily.MODEL_MONITOR, (_PANDAS, _PYARROW, _SKLEARN), program="analyzer", versioned=False
    ),
    "sagemaker-clarify-processing": ShippedImage(
        ImageFamily.CLARIFY, (_PANDAS, _PYARROW, _JMESPATH), program="clarify", versioned=False
    ),
    "pytorch-training": _PYTORCH,
    "pytorch-inference": _PYTORCH_INFERENCE,
    "pytorch-inference-graviton": _PYTORCH_INFERENCE,
    "sagemaker-pytorch": _PYTORCH,
    "tensorflow-training": _TENSORFLOW_TRAINING,
    "tensorflow-inference": replace(_TENSORFLOW_TRAINING, toolkit=False),
    "sagemaker-tensorflow": _TENSORFLOW_TRAINING,
    "sagemaker-tensorflow-scriptmode": _TENSORFLOW_TRAINING,
    "huggingface-pytorch-training": ShippedImage(
        ImageFamily.HUGGINGFACE,
        (_TORCH, _TRANSFORMERS, _DATASETS, _ACCELERATE),
        toolkit=True,
        beside=_IN_HUGGINGFACE_IMAGES,
    ),
    "huggingface-tensorflow-training": ShippedImage(
        ImageFamily.HUGGINGFACE,
        (_TENSORFLOW, _TRANSFORMERS_4, _TF_KERAS, _DATASETS),
        toolkit=True,
        beside=_IN_HUGGINGFACE_IMAGES,
    ),
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


def named_version(image: ImageReference, library: str) -> str:
    """Return the version that the tag tells behind the name of a library, or an empty string.

    Example:
        >>> tag = "2.8.0-transformers4.56.2-gpu-py312-cu129-ubuntu22.04"
        >>> named_version(ImageReference.parse(f"huggingface-pytorch-training:{tag}"), "transformers")
        '4.56.2'
    """
    match = re.search(rf"(?:^|-){re.escape(library)}(\d+(?:\.\d+)*)(?:-|$)", image.tag)
    return match[1] if match else ""


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
