"""What `make` does to the project's folder, told by a Python that only notes what it is asked for."""

import fcntl
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from devtools.patience import PATIENCE

ROOT = Path(__file__).parents[1]
LOCKS = {
    "requirements.lock",
    "requirements-dev.lock",
    "deploy/requirements-build.lock",
    "tests/web/package-lock.json",
    "devtools/cloudflare/package-lock.json",
    "devtools/pictures/packaged.txt",
}
KEPT = {
    ".editqueue", "bench/results", "deploy/cloudflare/.deployments", "deploy/cloudflare/.dev.vars", "photos", "some.log"
}  # fmt: skip
"""Ignored by Git, and not made by setup, tests or builds: data, measurements, deployments and their secrets, and what
the first hour of docs/guide.md makes."""
NOTING_PYTHON = f"""#!/bin/sh
echo "$*" >> asked
case "$*" in
  "devtools/alone.py "*) exec {sys.executable} "$@" ;;
  "-m venv "*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/editqueue ;;
  *"-r $(cat cut_off_at 2>/dev/null || echo never)"*) exit 1 ;;
esac
"""


class Project:
    """A folder with the Makefile and the lock files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        for name in ("Makefile", "pyproject.toml", "devtools/alone.py", *LOCKS):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if not (folder / name).exists():
                shutil.copy(ROOT / name, folder / name)
        self.python = folder / "noting-python"
        self.python.write_text(NOTING_PYTHON)
        self.python.chmod(0o755)

    def make(self, *arguments: str, code: int = 0) -> str:
        command = ["make", f"PYTHON={self.python}", *arguments]
        ended = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    def installed(self) -> Sequence[str]:
        """The files of requirements that pip was asked for since the last time."""
        asked = (self.folder / "asked").read_text() if (self.folder / "asked").exists() else ""
        (self.folder / "asked").unlink(missing_ok=True)
        return re.findall(r"-r (\S+)", asked)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "here")


RUN = ["deploy/requirements-build.lock", ".venv/running.lock"]
DEV = ["requirements-dev.lock"]


def test_run_installs_what_running_needs_and_setup_the_rest_on_top_and_then_there_is_nothing_to_do(
    project: Project,
) -> None:
    said = project.make("run")
    assert project.installed() == RUN
    assert "MB" in said
    project.make("setup")
    assert project.installed() == DEV
    for target in ("run", "setup", "run"):
        project.make(target)
        assert project.installed() == []


def test_setup_first_installs_both(project: Project) -> None:
    project.make("setup")
    assert project.installed() == [*RUN, *DEV]
    project.make("run")
    assert project.installed() == []


def test_what_comes_as_a_source_is_built_with_what_a_lock_names(project: Project) -> None:
    project.make("run")

    [asked] = [line for line in (project.folder / "asked").read_text().splitlines() if "-r .venv/running.lock" in line]
    assert "--no-build-isolation" in asked


@pytest.mark.parametrize("lock", [".venv/running.lock", "requirements-dev.lock"])
def test_an_installation_that_was_cut_off_is_made_anew(lock: str, project: Project) -> None:
    (project.folder / "cut_off_at").write_text(lock)
    project.make("setup", code=2)
    half = project.folder / ".venv" / "half-a-package"
    half.touch()
    (project.folder / "cut_off_at").unlink()
    project.installed()

    said = project.make("setup")

    assert "was cut off" in said
    assert project.installed() == [*RUN, *DEV]
    assert not half.exists()


def test_what_runs_stays_while_the_rest_is_cut_off(project: Project) -> None:
    (project.folder / "cut_off_at").write_text("requirements-dev.lock")
    project.make("setup", code=2)
    project.installed()

    project.make("run")

    assert project.installed() == []


@contextmanager
def another_make_installing(project: Project) -> Generator[None]:
    with (project.folder / ".installing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def waiting(project: Project, target: str) -> Generator["subprocess.Popen[str]"]:
    """A make of `target` that has said that it waits."""
    command = ["make", f"PYTHON={project.python}", target]
    with subprocess.Popen(
        command, cwd=project.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as make:
        assert make.stderr is not None
        assert make.stderr.readline() == "another make is installing at this moment; waiting for it\n"
        yield make


@pytest.mark.parametrize("target", ["run", "setup"])
def test_a_second_make_waits_for_the_first_and_does_what_is_left(target: str, project: Project) -> None:
    with ExitStack() as second:
        with another_make_installing(project):
            make = second.enter_context(waiting(project, target))
            assert project.installed() == []
        assert make.wait(PATIENCE) == 0
    assert project.installed() == (RUN if target == "run" else [*RUN, *DEV])


def test_a_second_make_does_nothing_that_the_first_has_done(project: Project) -> None:
    with ExitStack() as second:
        with another_make_installing(project):
            make = second.enter_context(waiting(project, "run"))
            (project.folder / ".venv" / "bin").mkdir(parents=True)
            shutil.copy(project.python, project.folder / ".venv" / "bin" / "editqueue")
            (project.folder / ".venv" / ".runs").write_text(f"{project.folder.resolve()}\n")
        assert make.wait(PATIENCE) == 0
    assert project.installed() == []


@pytest.mark.parametrize("way", ["moved", "copied"])
def test_what_was_made_for_another_folder_is_made_anew(way: str, project: Project, tmp_path: Path) -> None:
    project.make("setup")
    project.installed()
    there = tmp_path / "there"
    if way == "moved":
        project.folder.rename(there)
    else:
        shutil.copytree(project.folder, there, copy_function=shutil.copy2)
    moved = Project(there)

    assert f".venv was made for {project.folder}; making it anew" in moved.make("setup")
    assert moved.installed() == [*RUN, *DEV]
    moved.make("setup")
    assert moved.installed() == []


def test_a_venv_of_before_says_for_no_folder_that_it_was_made_and_is_kept(project: Project) -> None:
    project.make("run")
    project.installed()
    (project.folder / ".venv" / ".runs").write_text("")

    project.make("run")

    assert project.installed() == []


def test_asking_what_would_be_done_does_nothing(project: Project) -> None:
    environment = project.folder / ".venv" / "bin" / "python"
    environment.parent.mkdir(parents=True)
    environment.touch()

    project.make("--dry-run", "setup")

    assert environment.exists()
    assert not (project.folder / "asked").exists()


def test_check_runs_every_tool_and_names_those_that_failed_at_the_end(project: Project) -> None:
    project.make("setup")
    tools = project.folder / ".venv" / "bin"
    for name in ("ruff", "basedpyright", "lint-imports"):
        (tools / name).write_text(f"#!/bin/sh\necho ran {name} $1\n[ {name} != ruff ] || exit 1\n")
        (tools / name).chmod(0o755)

    said = project.make("check", code=2)

    assert re.findall("^ran .*", said, re.MULTILINE) == [
        "ran ruff format",
        "ran ruff check",
        "ran basedpyright",
        "ran lint-imports",
    ]
    assert "failed:\n  .venv/bin/ruff format --check .\n  .venv/bin/ruff check .\n" in said
    assert "biome" in (project.folder / "asked").read_text()


def test_clean_leaves_of_what_git_ignores_only_data_measurements_and_deployments(project: Project) -> None:
    for ignoring in (Path(), Path("deploy", "cloudflare")):
        for line in (ROOT / ignoring / ".gitignore").read_text().splitlines():
            path = project.folder / ignoring / line.strip("/").replace("*", "some")
            path.mkdir(parents=True)
            (path / "file").touch()
    nested = project.folder / "tests" / "web" / "node_modules" / "package"
    nested.mkdir(parents=True)
    written = project.folder / "deploy" / "cloudflare" / "wrangler.elsewhere.json"
    written.touch()

    project.make("clean")

    assert written.exists(), "written by hand, as docs/cloudflare_worker.md has it"

    left = {str(path.relative_to(project.folder).parent) for path in project.folder.rglob("file")}
    assert left == KEPT
    assert not nested.parent.exists()
    assert all((project.folder / lock).exists() for lock in LOCKS)


def test_no_lock_names_the_host_of_a_registry() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    named = [
        path
        for path in listed
        if re.search(r"(\.lock|-lock\.json|packaged\.txt|\.npmrc|\.in)$", path)
        and re.search(r'"resolved"|registry *=|index-url|find-links', (ROOT / path).read_text(encoding="utf-8"))
    ]
    assert named == []


def test_what_running_takes_is_the_lock_without_what_few_settings_ask_for(project: Project) -> None:
    project.make("run")

    taken = (project.folder / ".venv" / "running.lock").read_text(encoding="utf-8")
    whole = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^\S+==.*\n(?: .*\n)+", whole, flags=re.MULTILINE)
    left_out = [pin for pin in pins if pin not in taken]
    assert taken == "".join(pin for pin in pins if pin in taken)
    assert {pin.partition("==")[0] for pin in left_out} == {"cloudflare", *_needed_by_the_extra("otel")}


def _needed_by_the_extra(extra: str) -> set[str]:
    """The packages that come with this extra and with nothing else, by the bill of materials."""
    bom = json.loads((ROOT / "deploy" / "editqueue.cdx.json").read_text(encoding="utf-8"))
    needs = {_named(one["ref"]): {*map(_named, one["dependsOn"])} for one in bom["dependencies"]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {canonicalize_name(Requirement(text).name) for text in project["optional-dependencies"][extra]}
    others = needs["editqueue"] - asked
    return _with_all_they_need(asked, needs) - _with_all_they_need(others, needs)


def _named(ref: str) -> str:
    return ref.removeprefix("pkg:pypi/").partition("@")[0]


def _with_all_they_need(names: Iterable[str], needs: Mapping[str, set[str]]) -> set[str]:
    found, more = set[str](), {*names}
    while more:
        found |= more
        more = {need for name in more for need in needs[name]} - found
    return found


@pytest.mark.parametrize("part", ["requirements.lock", "deploy/requirements-build.lock"])
def test_what_running_and_building_take_is_what_tests_take(part: str) -> None:
    """So that installing the one on top of the other changes nothing."""
    assert _pins(part) <= _pins("requirements-dev.lock")


def _pins(lock: str) -> set[str]:
    return set(re.findall(r"^[^\s#]+==[^\s;\\]+", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))


def test_every_folder_with_packages_of_npm_leaves_the_host_out_of_its_lock() -> None:
    folders = [path.parent for path in ROOT.glob("*/*/package-lock.json")]

    assert len(folders) >= 3
    for folder in folders:
        assert "omit-lockfile-registry-resolved=true" in (folder / ".npmrc").read_text().splitlines()


def test_what_python_imports_is_compiled_once_whatever_the_machine_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    shown = Project(tmp_path).make("--eval", "shown: ; @env", "shown")
    assert "PATH=" in shown
    assert "PYTHONDONTWRITEBYTECODE" not in shown
