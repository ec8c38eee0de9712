from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from stepmill.compute.local.bubblewrap import bubblewrap_argv, is_for_linker, trouble_with_bubblewrap
from stepmill.compute.local.host import HostView, has_capability, host_view
from stepmill.compute.local.pythons import PythonFacts, Pythons
from stepmill.compute.local.sandbox import (
    command_inside,
    environment_inside,
    place_on_host,
    plan_sandbox,
    shims,
)
from stepmill.compute.spec import JobSpec, Mount
from stepmill.compute.supervision.order import Bind, SandboxPlan
from stepmill.core.errors import ComputeError

HOST = HostView((Bind("/usr", "/usr"), Bind("/etc", "/etc")), (("/bin", "usr/bin"),), ("/etc/ssh",))


def _spec(tmp_path: Path, **fields: Any) -> JobSpec:
    return JobSpec(
        "job",
        tmp_path / "job",
        ("python3", "a.py"),
        **{"environment": {}, "python": Path("/v/bin/python"), **fields},
    )


def _facts(*folders: str, executable: str = "/v/bin/python") -> PythonFacts:
    shown = tuple(Path(folder) for folder in folders)
    return PythonFacts(Path(executable), (3, 11, 7), shown, base=Path("/usr/bin/python3"))


def _shown(plan: SandboxPlan) -> list[tuple[str, str, bool]]:
    return [(bind.source, bind.target, bind.read_only) for bind in plan.binds]


def test_a_job_sees_the_system_its_python_and_its_mounts(tmp_path: Path) -> None:
    spec = _spec(tmp_path, mounts=(Mount(tmp_path, "/opt/ml/model"),))
    plan = plan_sandbox(spec, HOST, _facts("/v", "/v/lib/python3.11", "/usr/lib/python3", "/home/u/pyenv"))
    assert _shown(plan) == [
        ("/usr", "/usr", True),
        ("/etc", "/etc", True),
        ("/v", "/v", True),
        ("/home/u/pyenv", "/home/u/pyenv", True),
        ("/var/empty", "/etc/ssh", True),
        (str(tmp_path), "/opt/ml/model", False),
    ]
    assert ("/bin", "usr/bin") in plan.links
    assert plan.root == ""


def test_programs_of_the_job_come_before_all_others(tmp_path: Path) -> None:
    spec = _spec(tmp_path, programs=(("torchrun", "#!/bin/sh\n"),))
    facts = _facts("/v", executable="/v/bin/python")
    assert ("/opt/stepmill/bin/torchrun", 0o755, "#!/bin/sh\n") in plan_sandbox(spec, HOST, facts).files
    assert environment_inside(spec, facts)["PATH"].split(":")[1:3] == ["/opt/stepmill/bin", "/v/bin"]


def test_what_is_hidden_stays_so_in_an_input_around_it(tmp_path: Path) -> None:
    (tmp_path / ".stepmill").mkdir()
    mounts = (Mount(tmp_path, "/opt/ml/all", read_only=True), Mount(tmp_path / ".stepmill", "/opt/ml/own"))
    plan = plan_sandbox(_spec(tmp_path, mounts=mounts), HOST, _facts(), hidden=(tmp_path / ".stepmill",))
    assert _shown(plan)[-1] == ("/var/empty", "/opt/ml/all/.stepmill", True)


def test_the_users_home_is_never_shown_as_a_whole(tmp_path: Path) -> None:
    facts = _facts("/", "/home", "/home/u", "/home/u/project/src")
    plan = plan_sandbox(_spec(tmp_path), HOST, facts, home=Path("/home/u"))
    assert [target for _, target, _ in _shown(plan) if target.startswith("/home")] == ["/home/u/project/src"]


def test_hidden_folders_are_covered_and_what_is_needed_of_them_shown_again(tmp_path: Path) -> None:
    hidden = (Path("/p/.stepmill"), Path("/elsewhere"))
    facts = _facts("/p", "/p/.stepmill/env", "/p/.stepmill/env/lib")
    plan = plan_sandbox(_spec(tmp_path), HOST, facts, hidden=hidden)
    assert _shown(plan)[2:] == [
        ("/p", "/p", True),
        ("/var/empty", "/etc/ssh", True),
        ("/.covers/0", "/p/.stepmill", False),
        ("/p/.stepmill/env", "/p/.stepmill/env", True),
    ]
    assert ("/.covers/0", 0o755) in plan.folders


def test_the_working_directory_is_there(tmp_path: Path) -> None:
    plan = plan_sandbox(_spec(tmp_path, working_directory="/work/here"), HOST, _facts())
    assert ("/work/here", 0o755) in plan.folders
    plan = plan_sandbox(_spec(tmp_path, working_directory="/usr/lib"), HOST, _facts())
    assert not any(path.startswith("/usr") for path, _ in plan.folders)


@pytest.mark.parametrize("target", ["", "a", "/", "//", "//a", "/a/", "/a/./b", "/a/../b", "/a//b", "/a\0b"])
def test_targets_must_be_plain_absolute_paths(tmp_path: Path, target: str) -> None:
    with pytest.raises(ComputeError):
        plan_sandbox(_spec(tmp_path, mounts=(Mount(tmp_path, target),)), HOST, _facts())


def test_places_are_found_on_this_machine(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    mounts = (Mount(tmp_path, "/opt/ml"), Mount(tmp_path / "code", "/opt/ml/code"))
    plan = plan_sandbox(_spec(tmp_path, mounts=mounts), HOST, _facts())
    assert place_on_host(plan, "/opt/ml/code/a.py", "/") == tmp_path / "code/a.py"
    assert place_on_host(plan, "ml/x/../a.py", "/opt") == tmp_path / "a.py"
    assert place_on_host(plan, "/etc/ssh/key", "/") is None
    assert place_on_host(plan, "/root/x", "/") is None
    assert place_on_host(plan, "/usr/bin/env", "/") == Path("/usr/bin/env")


def test_the_interpreter_stands_for_python(tmp_path: Path) -> None:
    assert command_inside(_spec(tmp_path)) == ("/v/bin/python", "a.py")
    other = JobSpec("job", tmp_path, ("/bin/sh", "python3"), {}, Path("/v/bin/python"))
    assert command_inside(other) == ("/bin/sh", "python3")


def test_variables_of_the_job_win(tmp_path: Path) -> None:
    spec = _spec(tmp_path, environment={"HOME": "/opt/ml", "X": "1"})
    found = environment_inside(spec, _facts(executable=sys.executable))
    assert (found["HOME"], found["X"], found["LANG"]) == ("/opt/ml", "1", "C.UTF-8")
    assert str(Path(sys.executable).parent) in found["PATH"].split(":")


def test_programs_named_python_stand_in_where_there_are_none(tmp_path: Path) -> None:
    real = tmp_path / "python3.12"
    real.touch()
    assert [path for path, _, _ in shims(real)] == ["/opt/stepmill/bin/python", "/opt/stepmill/bin/python3"]
    (tmp_path / "python3").symlink_to("python3.12")
    (tmp_path / "python").write_text("another one")
    shims.cache_clear()
    ((path, mode, text),) = shims(real)
    assert (path, mode, text) == ("/opt/stepmill/bin/python", 0o755, f'#!/bin/sh\nexec "{real}" "$@"\n')


def test_the_plan_as_a_command_line() -> None:
    plan = SandboxPlan(
        "/roots/1",
        (
            Bind("/usr", "/usr"),
            Bind("/j/ml", "/opt/ml", read_only=False),
            Bind("/dev/dri", "/dev/dri", device=True),
            Bind("/var/empty", "/etc/ssh", in_root=True),
        ),
        network=False,
        new_user=True,
    )
    words = bubblewrap_argv(
        "/usr/bin/bwrap", plan, ("/bin/x", "--y"), "/opt", {"A": "1", "LD_PRELOAD": "p.so"}
    )
    line = " ".join(words)
    assert line.startswith("/usr/bin/bwrap --bind /roots/1 / --dev /dev --proc /proc --ro-bind /proc/")
    assert " --ro-bind /proc/sys /proc/sys " in line[: line.index("--ro-bind /usr /usr ")]
    assert "--bind /j/ml /opt/ml --dev-bind /dev/dri /dev/dri --ro-bind /roots/1/var/empty /etc/ssh" in line
    assert "--unshare-user --uid 0 --gid 0" in line
    assert "--unshare-net" in line
    assert "--die-with-parent" in line
    assert line.endswith("--setenv LD_PRELOAD p.so --chdir /opt -- /bin/x --y")
    assert "A 1" not in line


def test_with_rights_and_network_less_is_asked_for() -> None:
    words = bubblewrap_argv("bwrap", SandboxPlan("/r", new_user=False), ("x",), "/", {})
    assert "--unshare-user" not in words
    assert "--unshare-net" not in words
    assert "--cap-drop" in words


def test_variables_of_the_linker() -> None:
    assert is_for_linker("LD_LIBRARY_PATH")
    assert is_for_linker("GCONV_PATH")
    assert not is_for_linker("OLD_PATH")


def test_why_bubblewrap_does_not_work(tmp_path: Path) -> None:
    assert "not installed" in trouble_with_bubblewrap("", network=True, new_user=True)
    refusing = tmp_path / "bwrap"
    refusing.write_text(
        "#!/bin/sh\necho first >&2; echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1\n"
    )
    refusing.chmod(0o755)
    trouble = trouble_with_bubblewrap(str(refusing), network=True, new_user=True)
    assert trouble == "bubblewrap is not allowed here: bwrap: setting up uid map: Permission denied"
    refusing.write_text("#!/bin/sh\nexit 3\n")
    assert trouble_with_bubblewrap(str(refusing), network=True, new_user=True).endswith("here: 3")
    assert "does not run" in trouble_with_bubblewrap(str(tmp_path / "no"), network=True, new_user=True)


def test_this_machine_shows_no_homes() -> None:
    view = host_view()
    assert view.covers(Path("/usr/bin/env"))
    for place in ("/home", "/root", "/var/lib", "/mnt", "/srv", "/opt/ml", "/run/user"):
        assert not view.covers(Path(place))
    assert not has_capability(63)


class TestPythons:
    def test_this_interpreter_tells_what_it_needs(self) -> None:
        facts = Pythons().facts(Path(sys.executable))
        assert facts.version == tuple(sys.version_info[:3])
        assert facts.executable == Path(sys.executable)
        assert {Path(sys.prefix), Path(sys.base_prefix)} <= set(facts.folders)
        assert any(path.name == "site-packages" for path in facts.folders)

    def test_it_is_asked_once_and_again_after_an_installation(self, tmp_path: Path) -> None:
        site = tmp_path / "site-packages"
        site.mkdir()
        asked = tmp_path / "asked"
        fake = tmp_path / "python"
        told = {"executable": str(fake), "prefix": "/usr", "base_prefix": "/usr", "version": [3, 11, 1]}
        answer = json.dumps({**told, "base": str(fake), "search_path": [str(site)], "mapped": []})
        fake.write_text(f"#!/bin/sh\necho x >> {asked}\necho noise\necho '{answer}'\n")
        fake.chmod(0o755)
        pythons = Pythons()
        assert pythons.facts(fake) == pythons.facts(fake)
        assert asked.read_text() == "x\n"
        (site / "new.pth").touch()
        pythons.facts(fake)
        assert asked.read_text() == "x\nx\n"

    @pytest.mark.parametrize("text", ["exit 1", "echo nothing", "echo '[]'", "true"])
    def test_one_that_does_not_work_is_refused(self, tmp_path: Path, text: str) -> None:
        fake = tmp_path / "python"
        fake.write_text(f"#!/bin/sh\n{text}\n")
        fake.chmod(0o755)
        with pytest.raises(ComputeError, match="does not run"):
            Pythons().facts(fake)

    def test_the_folders_of_its_links_are_needed(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
        (tmp_path / "b/python").symlink_to(sys.executable)
        (tmp_path / "a/python").symlink_to("../b/python")
        folders = Pythons().facts(tmp_path / "a/python").folders
        assert {tmp_path / "a", tmp_path / "b"} <= set(folders)
