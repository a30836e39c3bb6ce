"""Wheel and sdist: what is inside, and that the wheel runs without the project's tree."""

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.release.packages import PROJECT, ROOT, Packages, build, run, try_out

NAME = f"editqueue-{PROJECT['version']}"
INFO = f"{NAME}.dist-info"


@pytest.fixture(scope="module", name="packages")
def _packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    return build(tmp_path_factory.mktemp("dist"))


def ours() -> set[str]:
    """Every file of the package, as Git has it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "src"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {path for path in listed.stdout.splitlines() if (ROOT / path).exists()}


def files_of(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as opened:
        return {*opened.namelist()}


def test_the_wheel_has_the_package_its_licence_and_its_bill_of_materials_and_nothing_else(packages: Packages) -> None:
    about = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE", "sboms/editqueue.cdx.json"}

    assert files_of(packages.wheel) == {
        *(path.removeprefix("src/") for path in ours()),
        *(f"{INFO}/{name}" for name in about),
    }


def test_the_wheel_brings_migrations_page_and_texts(packages: Packages) -> None:
    inside = files_of(packages.wheel)

    migrations = "editqueue/adapters/job_store/opening/migrations/versions/"
    assert len([path for path in inside if path.startswith(migrations)]) >= 5
    assert {"editqueue/web/review.html", "editqueue/web/review-assets/de.json"} <= inside


def test_the_sdist_has_what_the_wheel_is_made_of_and_nothing_else(packages: Packages) -> None:
    with tarfile.open(packages.sdist) as opened:
        inside = {member.name.removeprefix(f"{NAME}/") for member in opened.getmembers() if member.isfile()}

    beside = {"README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", "deploy/editqueue.cdx.json"}
    assert inside == {*ours(), *beside, ".gitignore", "PKG-INFO"}


def test_the_tree_and_the_sdist_give_the_same_wheel_byte_for_byte(packages: Packages, tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(tmp_path), str(ROOT))

    [from_the_tree] = tmp_path.glob("*.whl")
    assert sha256(from_the_tree) == sha256(packages.wheel)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_bill_of_materials_in_the_wheel_is_the_one_of_the_lock(packages: Packages) -> None:
    with zipfile.ZipFile(packages.wheel) as opened:
        inside = opened.read(f"{INFO}/sboms/editqueue.cdx.json")

    assert inside == (ROOT / "deploy" / "editqueue.cdx.json").read_bytes()


@pytest.mark.timeout(300)
def test_the_wheel_alone_takes_a_photo_from_upload_to_done(packages: Packages, tmp_path: Path) -> None:
    """Its dependencies are those of this environment, of which the project's own tree is left out."""
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", str(environment))
    python = environment / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(packages.wheel))
    [site] = environment.glob("lib/*/site-packages")
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    (site / "dependencies.pth").write_text("\n".join(borrowed))

    assert str(site) in run(str(python), "-c", "import editqueue; print(editqueue.__file__)")
    try_out(environment / "bin" / "editqueue", tmp_path)
