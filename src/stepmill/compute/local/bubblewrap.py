"""Writes a ``SandboxPlan`` as a command line of bubblewrap, and finds out whether bubblewrap works here."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

from stepmill.compute.supervision.order import PERILOUS_PROC, SandboxPlan

# bubblewrap's own process, its process 1 inside, and then the program.
PROGRAM_DEPTH = 2

_PROBE_SECONDS = 30.0
_OF_THE_C_LIBRARY = frozenset({"GCONV_PATH", "GLIBC_TUNABLES", "LOCPATH", "NLSPATH"})


def bubblewrap_argv(
    program: str, plan: SandboxPlan, command: tuple[str, ...], directory: str, environment: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the command line. ``environment`` is to be given to bubblewrap itself, less what
    ``is_for_linker`` names.

    Variables of the dynamic linker would act on bubblewrap too, so they are set inside only.
    """
    words = [program, "--bind", plan.root, "/", *_kernel_places()]
    for bind in plan.binds:
        words += [_flag(read_only=bind.read_only, device=bind.device), plan.source(bind), bind.target]
    words += _namespaces(network=plan.network, new_user=plan.new_user)
    for name, value in environment.items():
        if is_for_linker(name):
            words += ["--setenv", name, value]
    return (*words, "--chdir", directory, "--", *command)


def is_for_linker(name: str) -> bool:
    """Say whether a variable changes how programs are loaded, or what the C library loads for them."""
    return name.startswith("LD_") or name in _OF_THE_C_LIBRARY


def _kernel_places() -> list[str]:
    """Return the words for /dev and /proc.

    bubblewrap itself leaves /proc/sys writable for root: it asks access(2), which says of the folder that
    root may not write there, and then takes the files in it for as safe.
    """
    words = ["--dev", "/dev", "--proc", "/proc"]
    for name in PERILOUS_PROC:
        if os.path.exists(path := f"/proc/{name}"):
            words += ["--ro-bind", path, path]
    return words


def _flag(*, read_only: bool, device: bool) -> str:
    if device:
        return "--dev-bind"
    return "--ro-bind" if read_only else "--bind"


def _namespaces(*, network: bool, new_user: bool) -> list[str]:
    words = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--new-session"]
    words += ["--cap-drop", "ALL"]
    if new_user:
        words += ["--unshare-user", "--uid", "0", "--gid", "0"]
    return words if network else [*words, "--unshare-net"]


def find_bubblewrap() -> str:
    """Return the path of the program; empty if it is not installed."""
    return shutil.which("bwrap") or ""


def trouble_with_bubblewrap(program: str, *, network: bool, new_user: bool) -> str:
    """Run an empty sandbox; return why it does not work here, empty if it does."""
    if not program:
        return "bubblewrap (bwrap) is not installed"
    words = [program, "--ro-bind", "/", "/", *_kernel_places()]
    words += [*_namespaces(network=network, new_user=new_user), "--", "/bin/sh", "-c", ":"]
    try:
        answer = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_SECONDS, check=False,
            env={"PATH": os.defpath},
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        return f"bubblewrap does not run: {error}"
    if answer.returncode == 0:
        return ""
    said = answer.stderr.decode("utf-8", "replace").strip().splitlines()
    return f"bubblewrap is not allowed here: {said[-1] if said else answer.returncode}"
