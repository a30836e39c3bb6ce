"""What is uploaded: everything that the Worker imports, compiled for its interpreter, and little else."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.cloudflare.installation import lay_out_worker, node

pytestmark = pytest.mark.timeout(600)  # the first layout installs and compiles, on a machine that may be busy
ENTRY = "editqueue.entrypoints.cloudflare"
OF_THE_RUNTIME = {"js", "pyodide", "pyodide_js", "_pyodide_entrypoint_helper"}
UNCHECKED_HASH = 0b01
"""The flags in a compiled file, by PEP 552: made from a hash, which is not compared when it is imported."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    node()
    folder = tmp_path_factory.mktemp("bundle") / "laid_out"
    lay_out_worker(folder)
    return folder


def test_every_module_that_the_worker_could_import_is_in_it(bundle: Path) -> None:
    packages = bundle / "python_modules"

    wanted = reachable(packages, ENTRY)

    assert {name for name in wanted if not is_there(packages, name)} == set()
    assert {"fastapi", "sqlalchemy.dialects.sqlite", "editqueue.use_cases.consumer.sweep"} <= wanted


def reachable(packages: Path, entry: str) -> set[str]:
    """Every module that the application names in an import, at the top or in a function, from the entry on."""
    found, waiting = {entry}, [entry]
    while waiting:
        for name in imports_of(packages, waiting.pop()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def imports_of(packages: Path, module: str) -> Iterator[str]:
    path = packages.joinpath(*module.split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not module.startswith("editqueue") or not source.is_file():
        return
    for part in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(part, ast.Import):
            yield from (alias.name for alias in part.names)
        elif isinstance(part, ast.ImportFrom) and part.module is not None:
            yield part.module
            names = (f"{part.module}.{alias.name}" for alias in part.names)
            yield from (
                name for name in names if packages.joinpath(*name.split(".")).is_dir() or is_there(packages, name)
            )


def is_there(packages: Path, module: str) -> bool:
    if module.partition(".")[0] in sys.stdlib_module_names | OF_THE_RUNTIME:
        return True
    path = packages.joinpath(*module.split("."))
    return path.is_dir() or any(path.parent.glob(f"{path.name}.*"))


def test_every_module_is_compiled_for_one_interpreter_and_never_compared_with_its_source(bundle: Path) -> None:
    compiled = list(bundle.rglob("*.pyc"))
    headers = {path.read_bytes()[:8] for path in compiled}

    assert len(compiled) > 500
    assert len({header[:4] for header in headers}) == 1, "more than one magic number"
    assert {int.from_bytes(header[4:], "little") for header in headers} == {UNCHECKED_HASH}


def test_sources_stay_where_they_are_read_and_nowhere_else(bundle: Path) -> None:
    sources = [path.relative_to(bundle) for path in bundle.rglob("*.py")]

    assert {path.parts[1] for path in sources if path.parts[0] == "python_modules"} == {"anyio", "editqueue"}
    for source in sources:
        if source.name != "worker.py":
            assert list((bundle / source).parent.glob(f"__pycache__/{source.stem}.*.pyc")), f"{source} is not compiled"


def test_it_holds_no_module_that_only_servers_need(bundle: Path) -> None:
    own = {path.name for path in (bundle / "python_modules" / "editqueue").rglob("*") if path.is_file()}
    packages = bundle / "python_modules"

    assert not {"engine.py", "cli.py", "server.py", "review.html"} & own
    assert not [name for name in ("sqlalchemy/orm", "sqlalchemy/dialects/mysql") if (packages / name).exists()]


def test_packages_still_tell_their_versions(bundle: Path) -> None:
    """The runtime's SDK asks for them, and forbids random numbers at the start to those that do not answer."""
    for name in ("fastapi", "opentelemetry_api"):
        [metadata] = (bundle / "python_modules").glob(f"{name}-*.dist-info/METADATA")
        assert re.search(r"^Version: \d", metadata.read_text(encoding="utf-8"), re.MULTILINE)


def test_a_second_layout_replaces_the_first_and_is_the_same(bundle: Path, tmp_path: Path) -> None:
    for stale in (tmp_path / "build", tmp_path / "python_modules"):
        stale.mkdir()
        (stale / "stale.py").touch()

    lay_out_worker(tmp_path / "build", "--beside")

    assert contents(tmp_path / "build") == {"worker.py": (bundle / "worker.py").read_bytes()}
    assert contents(tmp_path / "python_modules") == contents(bundle / "python_modules")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
