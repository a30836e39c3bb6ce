"""Node and npm come out of a wheel, and packages of npm are installed once, by one process, whole."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devtools import npm
from devtools.node import BIN, NODE, put_first_in_path
from devtools.npm import NotInstalled, install


def test_programs_of_npm_find_the_node_of_the_wheel_and_an_npm_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"/nowhere:{BIN}:/usr/bin:/bin")

    put_first_in_path()

    said = [subprocess.run([name, "--version"], capture_output=True, text=True, check=True) for name in ("node", "npm")]
    assert said[0].stdout == subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout
    assert said[1].stdout.split(".")[0].isdigit()


def _takes_its_place(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    program = folder / "npm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(npm, "NPM", program)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "packages"
    made.mkdir()
    (made / "package-lock.json").write_text("{}")
    return made


def test_of_several_at_once_one_installs(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _takes_its_place(monkeypatch, tmp_path, "rm -rf node_modules; mkdir node_modules; echo $@ >> ran")

    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(install, [folder] * 4))

    assert found == {folder / "node_modules"}
    assert (folder / "ran").read_text() == "ci --ignore-scripts\n"


def test_another_lock_and_an_installation_that_was_cut_off_are_installed_anew(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _takes_its_place(monkeypatch, tmp_path, "rm -rf node_modules; mkdir node_modules; echo $@ >> ran")
    install(folder)
    (folder / "package-lock.json").write_text('{"another": 1}')
    _takes_its_place(monkeypatch, tmp_path, "rm -rf node_modules; mkdir node_modules; echo no network >&2; exit 1")
    with pytest.raises(NotInstalled, match=r"npm ci failed in .*: no network"):
        install(folder)
    _takes_its_place(monkeypatch, tmp_path, "rm -rf node_modules; mkdir node_modules; echo $@ >> ran")

    install(folder, scripts=True)

    assert (folder / "ran").read_text() == "ci --ignore-scripts\nci\n"
