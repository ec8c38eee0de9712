"""Short names of images, and the addresses in AWS's registries that they stand for.

Source: "Docker registry paths" in the SageMaker documentation; the image tables of the ``sagemaker``
SDK 2.257.7.
"""

from __future__ import annotations

from dataclasses import dataclass

from stepmill.core.errors import InvalidInputError
from stepmill.sdk.names import nearest

_CLASSICS = {
    "ap-northeast-1": "354813040037",
    "ap-northeast-2": "366743142698",
    "ap-south-1": "720646828776",
    "ap-southeast-1": "121021644041",
    "ap-southeast-2": "783357654285",
    "ca-central-1": "341280168497",
    "eu-central-1": "492215442770",
    "eu-north-1": "662702820516",
    "eu-west-1": "141502667606",
    "eu-west-2": "764974769150",
    "eu-west-3": "659782779980",
    "sa-east-1": "737474898029",
    "us-east-1": "683313688378",
    "us-east-2": "257758044811",
    "us-west-1": "746614075791",
    "us-west-2": "246618743249",
}
_DEEP_LEARNING = dict.fromkeys(_CLASSICS, "763104351884")
_BASE_PYTHON = {
    "ap-northeast-1": "102112518831",
    "ap-northeast-2": "806072073708",
    "ap-south-1": "394103062818",
    "ap-southeast-1": "492261229750",
    "ap-southeast-2": "452832661640",
    "ca-central-1": "310906938811",
    "eu-central-1": "936697816551",
    "eu-north-1": "243637512696",
    "eu-west-1": "470317259841",
    "eu-west-2": "712779665605",
    "eu-west-3": "615547856133",
    "sa-east-1": "782484402741",
    "us-east-1": "081325390199",
    "us-east-2": "429704687514",
    "us-west-1": "742091327244",
    "us-west-2": "236514542706",
}

_CLARIFY = {
    "ap-northeast-1": "377024640650",
    "ap-northeast-2": "263625296855",
    "ap-south-1": "452307495513",
    "ap-southeast-1": "834264404009",
    "ap-southeast-2": "007051062584",
    "ca-central-1": "675030665977",
    "eu-central-1": "017069133835",
    "eu-north-1": "763603941244",
    "eu-west-1": "131013547314",
    "eu-west-2": "440796970383",
    "eu-west-3": "341593696636",
    "sa-east-1": "520018980103",
    "us-east-1": "205585389593",
    "us-east-2": "211330385671",
    "us-west-1": "740489534195",
    "us-west-2": "306415355426",
}
_MODEL_MONITOR = {
    "ap-northeast-1": "574779866223",
    "ap-northeast-2": "709848358524",
    "ap-south-1": "126357580389",
    "ap-southeast-1": "245545462676",
    "ap-southeast-2": "563025443158",
    "ca-central-1": "536280801234",
    "eu-central-1": "048819808253",
    "eu-north-1": "895015795356",
    "eu-west-1": "468650794304",
    "eu-west-2": "749857270468",
    "eu-west-3": "680080141114",
    "sa-east-1": "539772159869",
    "us-east-1": "156813124566",
    "us-east-2": "777275614652",
    "us-west-1": "890145073186",
    "us-west-2": "159807026194",
}


@dataclass(frozen=True)
class _Image:
    """One short name.

    Args:
        repository: In the registry.
        version: The one meant if none is named.
        tag: With ``{}`` for the version; without it, no other version can be named.
        accounts: Region -> account of the registry.
        toolkit: Whether its ``train`` command runs scripts (script mode).
        serving: Repository of the image that serves models, if another.
        serving_tag: Its whole tag.
        downloads_code: Whether the serving image fetches the code that its environment names.
    """

    repository: str
    version: str
    tag: str
    accounts: dict[str, str]
    toolkit: bool = True
    serving: str = ""
    serving_tag: str = ""
    downloads_code: bool = True


_IMAGES = {
    "sklearn": _Image("sagemaker-scikit-learn", "1.2-1", "{}-cpu-py3", _CLASSICS),
    "xgboost": _Image("sagemaker-xgboost", "1.7-1", "{}", _CLASSICS),
    "pytorch": _Image(
        "pytorch-training",
        "",
        "2.8.0-cpu-py312",
        _DEEP_LEARNING,
        serving="pytorch-inference",
        serving_tag="2.6.0-cpu-py312",
        downloads_code=False,
    ),
    "tensorflow": _Image(
        "tensorflow-training",
        "",
        "2.19.0-cpu-py312",
        _DEEP_LEARNING,
        serving="tensorflow-inference",
        serving_tag="2.19.0-cpu",
        downloads_code=False,
    ),
    "python": _Image("sagemaker-base-python-310", "", "1.0", _BASE_PYTHON, toolkit=False),
    "clarify": _Image("sagemaker-clarify-processing", "1.0", "{}", _CLARIFY, toolkit=False),
    "model-monitor": _Image("sagemaker-model-monitor-analyzer", "", "latest", _MODEL_MONITOR, toolkit=False),
}


def image_uri(image: str, region: str, where: str, *, serving: bool = False) -> str:
    """Return the address of an image.

    Args:
        image: A short name (``sklearn``, ``sklearn:1.2-1``, ``xgboost``, ``pytorch``, ``tensorflow``,
            ``python``), or any address, which is handed on as it is.
        region: Of the registry.
        where: Named by errors.
        serving: Whether the image is for serving models.

    Raises:
        InvalidInputError: If the name is unknown, or the registry's account in the region is.

    Example:
        >>> image_uri("sklearn", "us-west-2", "")
        '246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3'
        >>> image_uri("team/trainer:7", "us-west-2", "")
        'team/trainer:7'
    """
    name, _, version = image.partition(":")
    known = _IMAGES.get(name)
    if known is None:
        if "/" in image or ":" in image or "." in image:
            return image
        raise InvalidInputError(
            f"There is no image {image!r}.",
            where=where,
            mend=f"{nearest(image, _IMAGES)} Or give a whole address.",
        )
    if version and "{}" not in known.tag:
        raise InvalidInputError(
            f"The address of {image!r} does not follow from its version.",
            where=where,
            mend=f"Say {name!r} for {known.tag!r}, or give the image's whole address.",
        )
    if region not in known.accounts:
        raise InvalidInputError(
            f"The registry of image {image!r} in {region!r} is not known here.",
            where=where,
            mend="Give the image's whole address; AWS's page 'Docker registry paths' lists them.",
        )
    host = f"{known.accounts[region]}.dkr.ecr.{region}.amazonaws.com"
    if serving and known.serving:
        return f"{host}/{known.serving}:{known.serving_tag}"
    return f"{host}/{known.repository}:{known.tag.format(version or known.version)}"


def runs_scripts(image: str) -> bool:
    """Return whether the image's ``train`` command runs a user's script; unknown images do."""
    known = _IMAGES.get(image.partition(":")[0])
    return known is None or known.toolkit


def downloads_code(image: str) -> bool:
    """Return whether the image, when serving, fetches the code that its environment names."""
    known = _IMAGES.get(image.partition(":")[0])
    return known is None or known.downloads_code
