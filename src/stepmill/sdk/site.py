"""For which place a pipeline is compiled: addresses, account, role; and what has to be brought there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from stepmill.core.arns import Arns
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json
from stepmill.sdk.assets import Asset, Files, FunctionAsset, digest_of, files_below, pack
from stepmill.sdk.parameters import execution
from stepmill.sdk.values import Join, Value, render

DEFAULT_REGION = "us-west-2"
DEFAULT_ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Site:
    """A place, and the assets gathered for it while a pipeline is compiled.

    Args:
        pipeline: Name of the pipeline.
        prefix: ``s3://bucket`` or ``s3://bucket/prefix``, below which all of its files go.
        folder: Where relative local paths begin.
        arns: The builder of ARNs, with region and account.
        role: ARN of the role that jobs run under.
        cache: For steps that say nothing of caching themselves: what Pipeline(cache=...) was given.
        in_loop: Whether the step stands in a ForEach, where its outputs need an address per job.
        assets: Filled by ``add_...``.
        functions: Filled by ``add_function``.
    """

    pipeline: str
    prefix: str
    folder: Path
    arns: Arns
    role: str
    cache: object = False
    in_loop: bool = False
    assets: dict[str, Asset] = field(default_factory=dict)
    functions: dict[str, FunctionAsset] = field(default_factory=dict)

    def training_uri(self, step: str) -> Join:
        """Return below which address a training step's jobs put folders named for themselves."""
        return Join([self.prefix, self.pipeline, execution.id, step], on="/")

    def checkpoint_uri(self, step: str) -> Join:
        """Return where a training step keeps its checkpoints: an own address in each execution."""
        once = [execution.training_job_name] if self.in_loop else []
        return Join([self.prefix, self.pipeline, execution.id, step, *once, "checkpoints"], on="/")

    def output_uri(self, step: str, output: str) -> Join:
        """Return where an output of a processing step goes: an own address in each execution."""
        once = [execution.processing_job_name] if self.in_loop else []
        return Join([self.prefix, self.pipeline, execution.id, step, *once, "output", output], on="/")

    def transform_uri(self, step: str) -> Join:
        """Return where the answers of a Transform step go: an own address in each execution.

        Raises:
            InvalidInputError: In a loop, whose iterations would have the same one: a definition has no word
                for the name of a transform job.
        """
        if self.in_loop:
            raise InvalidInputError(
                "In a loop the answers of all iterations would go to the same address.",
                where=f"step {step!r}",
                mend="Give output_path, made with current_item: Join([base, current_item], on='/').",
            )
        return Join([self.prefix, self.pipeline, execution.id, step, "output"], on="/")

    def local(self, path: str | Path, where: str) -> Path:
        """Return the absolute path of something local.

        Raises:
            InvalidInputError: If it does not exist.
        """
        found = (self.folder / Path(path).expanduser()).absolute()
        if not found.exists():
            raise InvalidInputError(
                f"{str(path)!r} does not exist in {str(self.folder)!r}.",
                where=where,
                mend="Correct the path, or give an s3:// address.",
            )
        return found

    def source_uri(self, source: object, where: str) -> Json:
        """Return the address of an input: a value, an ``s3://`` address, or a local path made an asset.

        Raises:
            InvalidInputError: If it is none of them.
        """
        if isinstance(source, Value):
            return render(source)
        if isinstance(source, str) and "://" in source:
            if not source.startswith("s3://"):
                raise InvalidInputError(
                    f"{source!r} is no s3:// address.", where=where, mend="Download it, or copy it to s3://."
                )
            return source
        if not isinstance(source, (str, Path)):
            raise InvalidInputError(
                f"{source!r} is no input.",
                where=where,
                mend="Give a local path, an s3:// address, or a value such as step.outputs['name'].",
            )
        path = self.local(source, where)
        files: Mapping[str, Path] = {path.name: path} if path.is_file() else files_below(path)
        return self.add_files("input", files, folder=path.is_dir())

    def add_files(self, kind: str, files: Files, *, folder: bool = True) -> str:
        """Make files assets, and return the address of their folder, or of the only one."""
        base = f"{self.prefix}/{self.pipeline}/{kind}/{digest_of(files)}/"
        for name, content in files.items():
            self._add(base + name, content)
        return base if folder else base + next(iter(files))

    def add_archive(self, files: Files) -> str:
        """Make a ``sourcedir.tar.gz`` of files an asset, and return its address."""
        uri = f"{self.prefix}/{self.pipeline}/code/{digest_of(files)}/sourcedir.tar.gz"
        if uri not in self.assets:
            self._add(uri, pack(files))
        return uri

    def _add(self, uri: str, content: Path | bytes) -> None:
        path = content if isinstance(content, Path) else None
        data = content if isinstance(content, bytes) else None
        self.assets[uri] = Asset(uri, path, data)

    def code_files(
        self, code: str | Path, source_dir: str | Path | None, requirements: object, where: str
    ) -> tuple[str, Files]:
        """Return the entry point's path, and all files that go with it.

        Raises:
            InvalidInputError: If one of them is missing.
        """
        files: dict[str, Path | bytes] = {}
        if source_dir is None:
            entry = self.local(code, where)
            if not entry.is_file():
                raise InvalidInputError(
                    f"{str(code)!r} is not a file.", where=where, mend="Give source_dir, too."
                )
            name = entry.name
            files[name] = entry
        else:
            folder = self.local(source_dir, where)
            if not folder.is_dir():
                raise InvalidInputError(f"{str(source_dir)!r} is not a folder.", where=where)
            files.update(files_below(folder))
            name = PurePosixPath(Path(code).as_posix()).as_posix()
            if name not in files:
                raise InvalidInputError(
                    f"{name!r} is not in {str(source_dir)!r}.",
                    where=where,
                    mend="Give the script's path within source_dir.",
                )
        return name, files | self.requirements_file(requirements, where)

    def requirements_file(self, requirements: object, where: str) -> dict[str, Path | bytes]:
        """Return the ``requirements.txt`` that goes with code, from a file or a list; empty without any.

        Raises:
            InvalidInputError: If the file is missing, or it is neither.
        """
        if not requirements:
            return {}
        if isinstance(requirements, (str, Path)):
            return {"requirements.txt": self.local(requirements, where)}
        if isinstance(requirements, (list, tuple)):
            return {"requirements.txt": "".join(f"{line}\n" for line in requirements).encode()}
        raise InvalidInputError(
            f"{requirements!r} are no requirements.",
            where=where,
            mend="Give a file, or a list of requirements.",
        )

    def add_function(self, function: FunctionAsset) -> None:
        """Add a Lambda function to what must exist.

        Raises:
            InvalidInputError: If there is another of the same name.
        """
        known = self.functions.setdefault(function.name, function)
        if known != function:
            raise InvalidInputError(
                f"Two functions are named {function.name!r}.",
                where=f"{known.code} and {function.code}",
                mend="Rename one.",
            )
