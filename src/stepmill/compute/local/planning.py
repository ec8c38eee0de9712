"""Turns a ``JobSpec`` into an ``Order``: chooses the isolation, and says what is weaker than asked for."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from stepmill.compute.local import containers
from stepmill.compute.local.bubblewrap import (
    PROGRAM_DEPTH,
    bubblewrap_argv,
    find_bubblewrap,
    is_for_linker,
    trouble_with_bubblewrap,
)
from stepmill.compute.local.host import host_view, may_administer
from stepmill.compute.local.names import refuse_names, with_names
from stepmill.compute.local.plain import (
    MOVED_NOTE,
    WRITABLE_NOTE,
    lay_out_plainly,
    plain_environment,
)
from stepmill.compute.local.pythons import PythonFacts, Pythons
from stepmill.compute.local.sandbox import command_inside, environment_inside, place_on_host, plan_sandbox
from stepmill.compute.local.scripts import Imports, ImportScanner, script_of
from stepmill.compute.spec import JobSpec
from stepmill.compute.supervision.layout import skeleton
from stepmill.compute.supervision.order import Order, SandboxPlan
from stepmill.compute.supervision.roots import take_root, tidy
from stepmill.core.errors import ComputeError, UnsupportedError
from stepmill.core.settings import Isolation

NAMESPACES = "namespaces"


@dataclass(frozen=True)
class Planned:
    """An order, and where to have it carried out.

    Args:
        order: For the supervisor.
        python: Interpreter of the nursery that shall fork it; None: any will do.
        imports: What that nursery should have imported.
    """

    order: Order
    python: Path | None = None
    imports: Imports = field(default_factory=Imports)


class Planner:
    """Plans jobs on this machine; finds out once what the machine can do.

    Args:
        hidden: Folders that no job may see into.
        probe_namespaces: Tries a plan out and returns why it cannot be carried out here, empty if it can.
        warm: Whether jobs may be forked warm at all.
        roots: Store of throw-away roots; None: beside the jobs' folders.
    """

    def __init__(
        self,
        *,
        hidden: tuple[Path, ...],
        probe_namespaces: Callable[[SandboxPlan], str],
        warm: bool,
        roots: Path | None = None,
    ) -> None:
        self._hidden = tuple(path.resolve() for path in hidden)
        self._probe_namespaces = probe_namespaces
        self._warm = warm
        self._roots = roots
        self._pythons = Pythons()
        self._scanner = ImportScanner()
        self._bubblewrap = find_bubblewrap()
        self._new_user = not may_administer()
        self._lock = threading.Lock()
        self._tidied: set[Path] = set()
        self._troubles: dict[tuple[str, bool], str] = {}

    def plan(self, spec: JobSpec) -> Planned:
        """Plan a job.

        Raises:
            UnsupportedError: If the isolation asked for, or an isolated network, is not to be had.
            ComputeError: If the job cannot be started as it is described.
        """
        if not spec.command and not spec.oci_image:
            raise ComputeError("There is nothing to run: the job has no command.", where=spec.job_id)
        if spec.isolation in (Isolation.PODMAN, Isolation.DOCKER):
            return Planned(containers.plan_container(spec))
        if not spec.command:
            raise ComputeError(
                f"The image {spec.oci_image} has an entry point of its own, which only an OCI engine knows.",
                where=spec.job_id,
                mend="Give the image an entrypoint in stepmill.toml, or an engine: podman or docker.",
            )
        spec = replace(spec, folder=spec.folder.resolve())
        python = self._pythons.facts(spec.python)
        if spec.isolation is Isolation.NONE:
            return self._plan_plain(spec, python, ())
        return self._plan_sandboxed(with_names(spec), python)

    def _plan_sandboxed(self, spec: JobSpec, python: PythonFacts) -> Planned:
        trouble = self._trouble_with_bubblewrap(spec)
        if trouble and spec.isolation is Isolation.BUBBLEWRAP:
            raise UnsupportedError(
                f"{trouble[0].upper()}{trouble[1:]}.",
                where=spec.job_id,
                mend="Install bubblewrap and allow user namespaces, or choose another isolation.",
            )
        sandbox = plan_sandbox(
            spec, host_view(), python, hidden=self._hidden, home=Path.home(), new_user=self._new_user
        )
        if warm := self._plan_warm(spec, python, sandbox):
            return warm
        order = _order(spec, environment_inside(spec, python))
        if not trouble:
            return Planned(self._under_bubblewrap(order, spec, self._with_root(spec, sandbox)))
        if not self._trouble_with_namespaces(spec):
            sandbox = self._with_root(spec, sandbox)
            argv = command_inside(spec)
            order = replace(order, argv=argv, plan=sandbox, namespaces=True, isolation=NAMESPACES)
            return Planned(order)
        return self._plan_plain(spec, python, (f"no sandbox: {trouble}",))

    def _with_root(self, spec: JobSpec, sandbox: SandboxPlan) -> SandboxPlan:
        """Take a root for the job."""
        store = self._roots or spec.folder.parent / ".roots"
        if store not in self._tidied:
            self._tidied.add(store)
            tidy(store, time.time())
        try:
            return replace(sandbox, root=take_root(store, skeleton(sandbox)))
        except OSError as error:
            raise ComputeError(
                f"No file system can be set up for the job: {error}.", where=str(store)
            ) from error

    def _under_bubblewrap(self, order: Order, spec: JobSpec, sandbox: SandboxPlan) -> Order:
        argv = bubblewrap_argv(
            self._bubblewrap, sandbox, command_inside(spec), spec.working_directory, order.environment
        )
        return replace(
            order,
            argv=argv,
            environment={name: value for name, value in order.environment.items() if not is_for_linker(name)},
            directory="/",
            plan=sandbox,
            isolation=Isolation.BUBBLEWRAP.value,
            program_depth=PROGRAM_DEPTH,
        )

    def _plan_warm(self, spec: JobSpec, python: PythonFacts, sandbox: SandboxPlan) -> Planned | None:
        """Plan a fork of a warm parent; None if the job, or this machine, is not made for it."""
        script = script_of(spec) if self._warm else ""
        on_host = place_on_host(sandbox, script, spec.working_directory) if script else None
        if on_host is None or not on_host.is_file() or python.version < (3, 11):
            return None
        if trouble := self._trouble_with_namespaces(spec):
            del trouble  # bubblewrap may still do; starting cold is slower, not weaker
            return None
        order = replace(
            _order(spec, environment_inside(spec, python)),
            argv=command_inside(spec),
            plan=self._with_root(spec, sandbox),
            namespaces=True,
            script=True,
            isolation=NAMESPACES,
        )
        return Planned(order, spec.python, self._scanner.scan(spec.source or on_host))

    def _plan_plain(self, spec: JobSpec, python: PythonFacts, notes: tuple[str, ...]) -> Planned:
        if not spec.network:
            raise UnsupportedError(
                "A job without network needs a sandbox, and there is none here"
                + (f": {notes[0]}." if notes else ", as isolation is set to none."),
                where=spec.job_id,
                mend="Install bubblewrap, or leave EnableNetworkIsolation out.",
            )
        refuse_names(spec, notes[0] if notes else "isolation is set to none")
        relocation = lay_out_plainly(spec, python)
        argv = tuple(relocation.moved(word) for word in command_inside(spec))
        directory = relocation.place(spec.working_directory)
        directory.mkdir(parents=True, exist_ok=True)
        read_only = any(mount.read_only for mount in spec.mounts)
        order = replace(
            _order(spec, plain_environment(spec, relocation, python, os.environ)),
            argv=argv,
            directory=str(directory),
            isolation=Isolation.NONE.value,
            notes=(*notes, MOVED_NOTE, *((WRITABLE_NOTE,) if read_only else ())),
        )
        script = script_of(spec) if self._warm and sys.platform == "linux" else ""
        on_host = directory / relocation.moved(script)
        if script and on_host.is_file() and python.version >= (3, 11):
            imports = self._scanner.scan(spec.source or on_host)
            return Planned(replace(order, script=True), spec.python, imports)
        return Planned(order)

    def _trouble_with_bubblewrap(self, spec: JobSpec) -> str:
        return self._found_out(
            "bubblewrap",
            spec,
            lambda: trouble_with_bubblewrap(self._bubblewrap, network=spec.network, new_user=self._new_user),
        )

    def _trouble_with_namespaces(self, spec: JobSpec) -> str:
        if sys.platform != "linux":
            return "namespaces are a thing of Linux"
        return self._found_out(NAMESPACES, spec, lambda: self._probe_namespaces(self._small_plan(spec)))

    def _found_out(self, name: str, spec: JobSpec, find_out: Callable[[], str]) -> str:
        key = (name, spec.network)
        with self._lock:
            if key not in self._troubles:
                self._troubles[key] = find_out()
            return self._troubles[key]

    def _small_plan(self, spec: JobSpec) -> SandboxPlan:
        view = host_view()
        return SandboxPlan(
            root=str(spec.folder / ".probe"),
            binds=view.binds,
            links=view.links,
            folders=(("/dev", 0o755), ("/proc", 0o755)),
            network=spec.network,
            new_user=self._new_user,
        )


def _order(spec: JobSpec, environment: dict[str, str]) -> Order:
    """Fill in what is the same under every isolation."""
    return Order(
        job_id=spec.job_id,
        argv=spec.command,
        environment=environment,
        directory=spec.working_directory,
        isolation="",
        timeout_seconds=spec.timeout.total_seconds() if spec.timeout is not None else 0.0,
        grace_seconds=spec.grace.total_seconds(),
        log_limit_bytes=spec.log_limit_bytes,
        memory_bytes=spec.resources.memory_bytes or 0,
        cpus=spec.resources.cpus or 0.0,
        limits_said=spec.resources.is_said,
        preamble=spec.preamble,
    )
