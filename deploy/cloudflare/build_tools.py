"""What laying out the Worker needs besides Python: pip's wheels for WebAssembly, and the Worker's CPython in Node."""

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
KEPT = HERE / ".packages"
"""What is the same from one layout to the next; may be removed at any time."""
LOCK = HERE / "requirements.lock"
NPM = HERE.parents[1] / "devtools" / "cloudflare"
PYODIDE = NPM / "node_modules" / "pyodide"
PLATFORM = (
    *("--python-version", "3.14", "--implementation", "cp", "--abi", "cp314", "--abi", "none"),
    *("--platform", "pyemscripten_2026_0_wasm32", "--platform", "any"),
)


@contextmanager
def alone() -> Generator[None]:
    """One process at a time installs and compiles; the others wait and find it done."""
    KEPT.mkdir(exist_ok=True)
    with (KEPT / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def digest(files: Iterable[Path]) -> str:
    """One name for what these files hold and are called."""
    names = hashlib.sha256()
    for path in sorted(files):
        names.update(f"{path.relative_to(HERE.parents[1])}\0".encode())
        names.update(hashlib.sha256(path.read_bytes()).digest())
    return names.hexdigest()[:16]


def install_packages(folder: Path) -> None:
    """The packages of the lock file, as the Worker's platform takes them, whatever Python runs this."""
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile")
    wheels = ("--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(LOCK), *PLATFORM)
    _run(*pip, *wheels, "--target", str(folder), remedy="it needs pip and, the first time, a package index")


def compile_python(folder: Path) -> None:
    """A file in __pycache__ beside each Python file below the folder, by the Worker's CPython."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise SystemExit(
            "Node and npm are not installed, and the Worker's Python is compiled in Node; "
            "on Debian: apt-get install nodejs npm"
        )
    if _installed(NPM / "node_modules" / ".package-lock.json") != _installed(NPM / "package-lock.json"):
        _run("npm", "--prefix", str(NPM), "ci", remedy="it needs, the first time, npm's registry")
    _run(
        "node",
        str(HERE / "precompile.mjs"),
        str(PYODIDE),
        str(folder),
        remedy=f"is {PYODIDE} whole? `npm ci` beside it",
    )


def _installed(lock: Path) -> str | None:
    """The version of Pyodide that a lock file of npm names, None without such a file."""
    if not lock.is_file():
        return None
    version: str = json.loads(lock.read_text(encoding="utf-8"))["packages"]["node_modules/pyodide"]["version"]
    return version


def _run(*command: str, remedy: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own words
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-1500:]
        raise SystemExit(f"the Worker could not be laid out: `{' '.join(command[:4])} ...` failed; {remedy}:\n{said}")
