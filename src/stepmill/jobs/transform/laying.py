"""Lays out what a transform job finds: its programs, its models and what it is to do."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from stepmill.algorithms.laying import INFERENCE_MODULE, lay_out_programs
from stepmill.core.errors import NotFoundError
from stepmill.core.json import Json, write_json
from stepmill.images.families import shipped_image
from stepmill.images.reference import ImageReference
from stepmill.jobs import toolkit
from stepmill.jobs.archives import unpack
from stepmill.jobs.channels import read_manifest
from stepmill.jobs.kinds import Startable, Workplace
from stepmill.jobs.locations import Location, read_location
from stepmill.jobs.requests.data import DataType
from stepmill.jobs.requirement_places import NAME as REQUIREMENTS
from stepmill.jobs.services import Images
from stepmill.jobs.streams import file_of
from stepmill.jobs.toolkit.stepmill_batch.containers import TOOLKIT
from stepmill.jobs.transform.containers import ModelContainer, ServedModel
from stepmill.jobs.transform.request import TransformRequest
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.transfer import fetch
from stepmill.storage.objects.uri import S3Uri

PROGRAM = "/opt/ml/toolkit/transform.py"
OUTPUT_FOLDER = "/opt/ml/output/data"
CAPTURE_FOLDER = "/opt/ml/output/capture"
# In the job's own folder, where the job itself does not see it.
MODEL = "model.json"
_PROGRAMS = ("serve.py", "transform.py", "stepmill_batch", "stepmill_serving")
_SUBMIT_DIRECTORY = "SAGEMAKER_SUBMIT_DIRECTORY"
_MODULE = "STEPMILL_SERVING_MODULE"
_NOT_COPIED = shutil.ignore_patterns(".git", ".stepmill", ".venv", "__pycache__")


def lay_out(
    request: TransformRequest, place: Workplace, objects: ObjectStore, project: Path, images: Images
) -> None:
    """Make the folders and files of a job, its input excepted.

    Raises:
        NotFoundError: If model data or code is not there.
        InvalidInputError: If an archive is refused.
    """
    for folder in ("input/data", "output/data", "output/unfinished", "output/capture"):
        (place.ml / folder).mkdir(parents=True)
    lay_out_model(request.model, request.own_environment, place, objects, project)
    config = place.ml / "toolkit" / "transform.json"
    config.write_text(write_json(_config(request, objects, images)))


def lay_out_model(
    model: ServedModel, own: Mapping[str, str], place: Workplace, objects: ObjectStore, project: Path
) -> None:
    """Put the containers of a model into a job's folder, with what serves them.

    Args:
        model: That the job begins with; kept, for it goes on with the same one.
        own: Variables that the job itself gives to every container.
        place: Where the job is done.
        objects: Where ``s3://`` addresses lead.
        project: Folder that relative paths start from.

    Raises:
        NotFoundError: If model data or code is not there.
        InvalidInputError: If an archive is refused.
    """
    _copy_programs(place.ml / "toolkit")
    if any(_MODULE in family_variables(container) for container in model.containers):
        lay_out_programs(place.ml / "toolkit")
    for number, container in enumerate(model.containers):
        base = place.ml / base_of(number)
        (base / "model").mkdir(parents=True)
        _lay_out_data(container, base / "model", objects)
        submitted = _code_address(container, own)
        if submitted.startswith(("s3://", "file://")):
            (base / "code").mkdir()
            _lay_out_code(submitted, base / "code", objects, project)
    unfinished = place.folder / f"{MODEL}.partial"
    unfinished.write_text(write_json(model.description))
    unfinished.replace(place.folder / MODEL)


def containers_document(containers: Sequence[ModelContainer], own: Mapping[str, str], images: Images) -> Json:
    """Return what starts containers inside the job: where each lies, its command and its variables.

    Args:
        containers: Of the model.
        own: Variables that the job itself gives to every container.
        images: Says what an image has to start.
    """
    return [
        {
            "base": base_of(number),
            "command": list(command_of(images.offer(container.image))),
            "environment": {**family_variables(container), **container.environment, **own},
        }
        for number, container in enumerate(containers)
    ]


def base_of(number: int) -> str:
    """Return what a container has for ``/opt/ml``, below ``/opt/ml``: the first one all of it."""
    return "." if number == 0 else f"containers/{number}"


def inference_script(request: TransformRequest, place: Workplace) -> Path | None:
    """Return the file of the first container's code, on this machine, as far as that is known."""
    program = request.environment.get("SAGEMAKER_PROGRAM", "inference.py")
    for folder in (place.ml / "code", place.ml / "model" / "code", place.ml / "model"):
        if (folder / program).is_file():
            return folder / program
    return None


def requirements_of_model(request: TransformRequest, place: Workplace, images: Images) -> Path | None:
    """Return the ``requirements.txt`` that the server of the framework images installs, if there is one."""
    container = request.containers[0]
    is_ours = command_of(images.offer(container.image)) == (TOOLKIT,)
    if not is_ours or _MODULE in family_variables(container):
        return None
    submitted = _code_address(container, request.own_environment)
    if submitted.startswith("s3://"):
        folder = "code"
    elif submitted in ("", "/opt/ml/model/code"):
        folder = "model/code"
    else:
        return None
    found = place.ml / folder / REQUIREMENTS
    return found if found.is_file() else None


def _code_address(container: ModelContainer, own: Mapping[str, str]) -> str:
    """Return where a container's code comes from; empty if it lies beside the model."""
    return {**container.environment, **own}.get(_SUBMIT_DIRECTORY, "")


def _copy_programs(target: Path) -> None:
    target.mkdir(exist_ok=True)
    source = Path(toolkit.__file__).parent
    for name in _PROGRAMS:
        if name.endswith(".py"):
            shutil.copyfile(source / name, target / name)
        else:
            shutil.copytree(source / name, target / name, ignore=_NOT_COPIED)


def _lay_out_data(container: ModelContainer, folder: Path, objects: ObjectStore) -> None:
    data = container.data
    if data is None:
        return
    if container.is_archive and not (isinstance(data, Path) and data.is_dir()):
        _unpack(data, folder, objects, f"{container.where}: the model archive")
    elif isinstance(data, S3Uri):
        fetch(objects, data, folder)
    elif data.is_dir():
        shutil.copytree(data, folder, dirs_exist_ok=True)
    elif data.is_file():
        shutil.copyfile(data, folder / data.name)
    else:
        raise NotFoundError(f"There is no model data at {str(data)!r}.", where=container.where)


def _lay_out_code(address: str, folder: Path, objects: ObjectStore, project: Path) -> None:
    location = read_location(address, project, _SUBMIT_DIRECTORY)
    if isinstance(location, Path) and location.is_dir():
        shutil.copytree(location, folder, dirs_exist_ok=True, ignore=_NOT_COPIED)
    else:
        _unpack(location, folder, objects, f"{_SUBMIT_DIRECTORY}: the code")


def _unpack(location: Location, folder: Path, objects: ObjectStore, what: str) -> None:
    try:
        opened = location.open("rb") if isinstance(location, Path) else file_of(objects.chunks(location))
        with opened as archive:
            unpack(archive, folder, name=str(location))
    except (NotFoundError, FileNotFoundError) as error:
        raise NotFoundError(f"{what} {location} is not there.", mend="Upload it first.") from error


def _config(request: TransformRequest, objects: ObjectStore, images: Images) -> Json:
    processing = request.processing
    prefix, beginning = _addresses(request.inputs[0].source, objects, request.inputs[0].data_type)
    return {
        "containers": containers_document(request.containers, request.own_environment, images),
        "prefix": prefix,
        "beginning": beginning,
        "content_type": request.content_type,
        "accept": request.accept,
        "compression": str(request.compression),
        "split": str(request.split),
        "assemble": str(request.assembly),
        "strategy": str(request.strategy) if request.strategy else None,
        "max_payload_mb": request.payload_mb,
        "max_concurrent": request.at_once,
        "timeout_s": request.timeout_s,
        "retries": request.retries,
        "input_filter": processing.input_filter,
        "output_filter": processing.output_filter,
        "join": processing.join,
        "capture": _capture(request, prefix),
    }


def _capture(request: TransformRequest, inputs: str) -> Json:
    if request.capture is None:
        return None
    outputs = f"{str(request.output).rstrip('/')}/"
    return {"inputs": inputs, "outputs": outputs, "mark": request.capture.mark}


def command_of(image: Startable) -> tuple[str, ...]:
    """Return what serves a model in an image: its own program, else that of the framework images."""
    if image.entrypoint or image.oci_image:
        return (*image.entrypoint, "serve")
    return (TOOLKIT,)


def family_variables(container: ModelContainer) -> Mapping[str, str]:
    """Return the variables that tell the server of the framework images what it is.

    An image of a built-in algorithm runs that where no script is named, as in training.
    """
    shipped = shipped_image(ImageReference.parse(container.image))
    if shipped is None:
        return {}
    family = {"STEPMILL_SERVING_FAMILY": str(shipped.family)}
    if shipped.algorithm and not container.environment.get("SAGEMAKER_PROGRAM"):
        return {**family, _MODULE: INFERENCE_MODULE.removesuffix(".py")}
    return family


def _addresses(source: Location | None, objects: ObjectStore, data_type: DataType) -> tuple[str, str]:
    """Return what the addresses of the objects begin with, and what of their names is not in the folder."""
    if source is None:
        return "", ""
    if data_type is DataType.MANIFEST:
        start, keys = read_manifest(source, objects)
        return f"{start}/" if keys[0].startswith("/") else start, ""
    if isinstance(source, Path):
        return f"{source.parent if source.is_file() else source}/", ""
    if not source.key or source.key.endswith("/"):
        return str(source), ""
    folder, _, name = source.key.rpartition("/")
    parent = str(S3Uri(source.bucket, f"{folder}/" if folder else ""))
    first = next(iter(objects.list(source.bucket, source.key, limit=1)), None)
    if first is None or first.key == source.key:
        return f"{parent.rstrip('/')}/", ""
    if first.key.startswith(f"{source.key}/"):
        return f"{source}/", ""
    # A prefix that ends within a name: what stands behind it alone is no name.
    return f"{parent.rstrip('/')}/", name
