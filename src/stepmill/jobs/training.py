"""Training jobs: the handler of ``sagemaker:createTrainingJob``.

Source: container contract, C1 and C2.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from stepmill.algorithms.laying import PACKAGE, TRAINING_PROGRAM, lay_out_programs
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import Json, read_json
from stepmill.jobs import algorithms, toolkit
from stepmill.jobs.archives import pack_together, regular_files, unpack
from stepmill.jobs.contract import inside, lay_out_training, training_environment
from stepmill.jobs.handler import JobHandler
from stepmill.jobs.host_folders import merged_log
from stepmill.jobs.kinds import Collected, Startable, Workplace
from stepmill.jobs.locations import Location, read_location
from stepmill.jobs.metrics import read_metrics
from stepmill.jobs.outputs import Delivery, host_folder, joined
from stepmill.jobs.places import workplaces
from stepmill.jobs.records import TRAINING_JOB
from stepmill.jobs.requests.data import Output
from stepmill.jobs.requests.training import TrainingRequest, read_training_request, refuse_pipes
from stepmill.jobs.requirement_places import requirements_of
from stepmill.jobs.services import JobServices
from stepmill.jobs.streams import file_of
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

RESOURCE = "sagemaker:createTrainingJob"

_MODEL = "/opt/ml/model"
_DATA = "/opt/ml/output/data"
_INTERMEDIATE = "/opt/ml/output/intermediate"
_SUBMIT_DIRECTORY = "sagemaker_submit_directory"
# Inside the job; the folder lies in /opt/ml so that it is there under every isolation.
_TOOLKIT = "/opt/ml/toolkit/train.py"
_TOOLKIT_FILES = ("train.py", "launchers.py", "stepmill_serving/packages.py")
_ALGORITHM = f"/opt/ml/toolkit/{TRAINING_PROGRAM}"
# Not part of anybody's source, and sometimes gigabytes.
_NOT_SOURCE = shutil.ignore_patterns(".git", ".stepmill", ".venv", "__pycache__")


class TrainingKind:
    """What is special about training jobs."""

    record_kind = TRAINING_JOB
    member = "TrainingJob"
    phases = True
    inputs_first = True
    logs_versions = True
    hosts_work_together = True

    def read(self, document: Json, project: Path) -> TrainingRequest:
        """See ``JobKind``."""
        return read_training_request(document, project)

    def lay_out(
        self, request: TrainingRequest, place: Workplace, objects: ObjectStore, project: Path
    ) -> None:
        """See ``JobKind``."""
        lay_out_training(place.ml, request, place.host)
        if _program(request):
            lay_out_toolkit(inside(place.ml, _TOOLKIT).parent)
            _fetch_source(request, place.ml / "code", objects, project)
        elif request.algorithm:
            lay_out_programs(inside(place.ml, _ALGORITHM).parent)
        if request.checkpoints is not None and request.checkpoints.destination is not None:
            folder = inside(place.ml, request.checkpoints.path)
            _fetch_checkpoints(request.checkpoints.destination, folder, objects)

    def command(self, request: TrainingRequest, image: Startable) -> tuple[str, ...]:
        """See ``JobKind``."""
        if request.entrypoint:
            return (*request.entrypoint, *request.arguments)
        if image.toolkit and _program(request):
            return ("python", _TOOLKIT)
        if image.algorithm and not _program(request):
            algorithms.check_hosts(image.algorithm, request, request.hyperparameters)
            algorithms.check_request(image.algorithm, request.hyperparameters, request.channels)
            return ("python", _ALGORITHM, image.algorithm)
        # The user may have set an image of their own in the place of an algorithm's.
        refuse_pipes(request.channels)
        if image.entrypoint or image.oci_image:
            return (*image.entrypoint, *(request.arguments or ("train",)))
        raise InvalidInputError(
            f"Nothing says which program to run: the image {request.image!r} has no algorithm here.",
            where="AlgorithmSpecification.ContainerEntrypoint",
            mend="Name it there, or give a script by the hyperparameters sagemaker_program and "
            "sagemaker_submit_directory, as the SDK's estimators do for entry_point and source_dir.",
        )

    def source(self, request: TrainingRequest, place: Workplace) -> Path | None:
        """See ``JobKind``."""
        if request.algorithm:
            return algorithms.program_of(request.algorithm, inside(place.ml, _ALGORITHM).parent / PACKAGE)
        program = _decoded(_program(request))
        return place.ml / "code" / program if program.endswith(".py") and not request.entrypoint else None

    def requirements(
        self, request: TrainingRequest, place: Workplace, shown: Mapping[str, Path]
    ) -> Path | None:
        """See ``JobKind``."""
        words = (*request.entrypoint, *request.arguments) if request.entrypoint else ()
        return requirements_of(_decoded(_program(request)), words, place.ml / "code", shown)

    def environment(self, request: TrainingRequest, place: Workplace) -> Mapping[str, str]:
        """See ``JobKind``."""
        del request
        return training_environment(place.name, place.arn)

    def outputs(self, request: TrainingRequest, place: Workplace) -> tuple[Output, ...]:
        """See ``JobKind``."""
        root = joined(request.output, place.name, "output")
        intermediate = Output("intermediate", _INTERMEDIATE, joined(root, "intermediate"), continuous=True)
        asked = (request.checkpoints, request.tensorboard)
        named = [output for output in asked if output is not None]
        if request.compress:
            return (*named, intermediate)
        folders = [("model", _MODEL), ("data", _DATA)]
        return (*named, intermediate, *(Output(name, path, joined(root, name)) for name, path in folders))

    def destinations(self, request: TrainingRequest) -> tuple[Location, ...]:
        """See ``JobKind``."""
        return (request.output,)

    def collect(
        self, request: TrainingRequest, place: Workplace, *, succeeded: bool, stopped: bool
    ) -> Collected:
        """See ``JobKind``."""
        root = joined(request.output, place.name, "output")
        places = workplaces(request, place)
        lines = ((line.at, line.text) for line in merged_log(place.folder))
        metrics, notes = read_metrics(request.metrics, lines)
        if not (succeeded or stopped):
            return Collected(metrics=metrics, notes=notes)
        if not any(_has_model(each) for each in places):
            notes = (*notes, f"the script has left nothing in {_MODEL}: the model is empty")
        if not request.compress:
            return Collected((), f"{joined(root, 'model')}/", metrics, notes=notes)
        archives = _archives(root, place, places)
        return Collected(archives, str(joined(root, "model.tar.gz")), metrics, notes=notes)


def lay_out_toolkit(folder: Path) -> None:
    """Put the program that runs users' scripts, with its parts, into a new folder."""
    for name in _TOOLKIT_FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(toolkit.__file__).parent / name, folder / name)


def _program(request: TrainingRequest) -> str:
    return request.hyperparameters.get(algorithms.PROGRAM) or request.environment.get("SAGEMAKER_PROGRAM", "")


def _has_model(place: Workplace) -> bool:
    folder = host_folder(place.ml, _MODEL)
    return folder is not None and next(regular_files(folder), None) is not None


def _archives(root: Location, place: Workplace, hosts: Sequence[Workplace]) -> tuple[Delivery, ...]:
    """Pack the model, even an empty one, and the other output if there is any: all hosts' in one."""
    place.collected.mkdir(exist_ok=True)
    archives = []
    for name, path in (("model", _MODEL), ("output", _DATA)):
        folders = [folder for each in hosts if (folder := host_folder(each.ml, path)) is not None]
        archive = place.collected / f"{name}.tar.gz"
        count = pack_together(folders, archive)
        if count or name == "model":
            archives.append((joined(root, archive.name), archive))
    return tuple(archives)


def _fetch_source(request: TrainingRequest, code: Path, objects: ObjectStore, project: Path) -> None:
    """Put the user's code where the toolkit looks for it. The script may write beside it."""
    raw = request.hyperparameters.get(_SUBMIT_DIRECTORY) or request.environment.get(
        "SAGEMAKER_SUBMIT_DIRECTORY"
    )
    if not raw:
        return
    where = f"HyperParameters[{_SUBMIT_DIRECTORY!r}]"
    source = read_location(_decoded(raw), project, where)
    if isinstance(source, S3Uri):
        try:
            chunks = objects.chunks(source)
        except NotFoundError as error:
            raise NotFoundError(
                f"The source archive {source} is not there.", where=where, mend="Upload it first."
            ) from error
        with file_of(chunks) as archive:
            unpack(archive, code, name=str(source))
    elif source.is_dir():
        shutil.copytree(source, code, dirs_exist_ok=True, ignore=_NOT_SOURCE, ignore_dangling_symlinks=True)
    elif source.is_file():
        with source.open("rb") as archive:
            unpack(archive, code, name=str(source))
    else:
        raise NotFoundError(
            f"There is no source folder {str(source)!r}.", where=where, mend="Check the path."
        )


def _decoded(text: str) -> str:
    """Undo the JSON quotes that SDK 2 puts around hyperparameters."""
    try:
        value = read_json(text)
    except InvalidInputError:
        return text
    return value if isinstance(value, str) else text


def _fetch_checkpoints(source: Location, folder: Path, objects: ObjectStore) -> None:
    """Copy earlier checkpoints into the job's folder: it may replace them."""
    if isinstance(source, Path):
        if source.is_dir():
            shutil.copytree(source, folder, dirs_exist_ok=True)
        return
    if not objects.bucket_exists(source.bucket):
        return
    prefix = S3Uri(source.bucket, source.key.rstrip("/") + "/") if source.key else source
    for info in objects.all(prefix):
        name = info.key[len(prefix.key) :]
        parts = name.split("/")
        if not name or any(part in ("", ".", "..") for part in parts):
            continue
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            for chunk in objects.chunks(info.uri):
                file.write(chunk)


def training_handler(services: JobServices) -> JobHandler[TrainingRequest]:
    """Return the handler of training steps."""
    return JobHandler(services, TrainingKind())
