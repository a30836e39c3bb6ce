"""The wheel installed from nothing, its dependencies from the lock, on every Python there is: `make test-release`."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.release.packages import PROJECT, ROOT, Packages, build, run, try_out

ASKED = os.environ.get("EDITQUEUE_TEST_PYTHONS", "python3.11 python3.12 python3.13 python3.14").split()
"""Programs in PATH, or paths; those that are not there, or are stubs of a version manager, are left out."""


def version_of(python: str) -> str:
    """Such as 3.13, or nothing where this is no Python that runs."""
    program = shutil.which(python)
    if program is None:
        return ""
    asked = (program, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


PYTHONS = {version: python for python in ASKED if (version := version_of(python))}


@pytest.fixture(scope="module", name="packages")
def _packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    return build(tmp_path_factory.mktemp("dist"))


@pytest.mark.release
def test_the_oldest_python_that_is_supported_is_among_those_tried() -> None:
    assert PROJECT["requires-python"].removeprefix(">=") in PYTHONS, (
        f"give its path: make test-release PYTHONS=...; {ASKED}"
    )


@pytest.mark.release
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("version", PYTHONS)
def test_a_photo_is_edited_by_an_installation_from_nothing(version: str, packages: Packages, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    run(PYTHONS[version], "-m", "venv", str(environment))
    python = str(environment / "bin" / "python")
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--require-hashes", "-r", str(ROOT / "requirements.lock"))
    run(*pip, "--no-deps", "--no-index", str(packages.wheel))

    assert run(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip() == version
    assert "No broken requirements found" in run(python, "-m", "pip", "check")
    try_out(environment / "bin" / "editqueue", tmp_path)
