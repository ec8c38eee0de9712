"""Makes a small OCI image out of this machine's own Python: no registry is needed."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

IMAGE = "localhost/stepmill-test:1"

_PROGRAMS = ("sh", "sleep", "env")
_LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}


def why_not(engine: str) -> str:
    """Return why an engine cannot be used here; empty if it can, and then the image is there."""
    if shutil.which(engine) is None:
        return f"{engine} is not installed"
    if _call(engine, "info").returncode:
        return f"{engine} does not work here"
    if not _call(engine, "image", "inspect", IMAGE).returncode:
        return ""
    imported = _call(engine, "import", "-", IMAGE, data=_image())
    return "" if not imported.returncode else f"{engine} imports no image: {imported.stderr.decode()[-300:]}"


def _call(engine: str, *words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([engine, *words], input=data, capture_output=True, timeout=300, check=False)


def _image() -> bytes:
    """Return a tar of a system with a shell and the Python that runs this."""
    base = Path(sys.base_prefix)
    python = Path(sys.executable).resolve()
    library = Path(sysconfig.get_path("stdlib"))
    programs = [Path(found).resolve() for name in _PROGRAMS if (found := shutil.which(name))]
    extensions = list((library / "lib-dynload").glob("*.so"))
    libraries = {path for program in (python, *programs, *extensions) for path in _needs(program)}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in (
            "usr",
            "usr/bin",
            "usr/sbin",
            "usr/lib",
            "usr/lib64",
            "etc",
            "opt",
            "proc",
            "dev",
            "sys",
        ):
            _add_folder(tar, name, 0o755)
        for name in ("tmp", "var", "var/tmp", "root"):
            _add_folder(tar, name, 0o1777)
        for name, target in _LINKS.items():
            _add_link(tar, name, target)
        for name, program in zip(_PROGRAMS, programs, strict=True):
            tar.add(program, f"usr/bin/{name}")
        for path in sorted(libraries):
            tar.add(path.resolve(), _usr(path))
        _add_python(tar, base, library, python)
    return buffer.getvalue()


def _add_python(tar: tarfile.TarFile, base: Path, library: Path, python: Path) -> None:
    def keep(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        unwanted = ("/site-packages", "/test", "/__pycache__", "/idlelib", "/ensurepip", "/config-")
        return None if any(word in member.name for word in unwanted) else member

    place = str(library).lstrip("/")
    tar.add(library, place, filter=keep)
    tar.add(python, str(base / "bin" / python.name).lstrip("/"))
    for name in ("python", "python3"):
        _add_link(tar, f"usr/bin/{name}", str(base / "bin" / python.name))


def _add_folder(tar: tarfile.TarFile, name: str, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, mode
    tar.addfile(member)


def _add_link(tar: tarfile.TarFile, name: str, target: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    tar.addfile(member)


def _needs(program: Path) -> list[Path]:
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return [Path(found) for found in re.findall(r"(/\S+) \(0x", told)]


def _usr(path: Path) -> str:
    """Return the place of a library where /lib is only a link to /usr/lib."""
    name = str(path).lstrip("/")
    return name if not name.startswith("lib") else f"usr/{name}"
