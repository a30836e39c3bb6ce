"""What the tests of the Worker stand on, installed once and kept in .packages: npm's packages, the interpreter, and
the Worker as it is uploaded, with a snapshot of its memory."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.cloudflare.rollout.project import read_template
from devtools.cloudflare.pyodide_bundle import BUNDLE, FLAGS_OF_A_MADE_BUNDLE, write_bundle
from devtools.cloudflare.pyodide_download import download_bundle
from devtools.node import NODE, put_first_in_path
from devtools.npm import NotInstalled, install

ROOT: Final = Path(__file__).parents[2]
HERE: Final = Path(__file__).parent
DEPLOY: Final = ROOT / "deploy" / "cloudflare"
PACKAGES: Final = HERE / ".packages"
LOCK: Final = DEPLOY / "requirements.lock"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pyodide:
    """Where workerd finds its interpreter."""

    folder: Path
    flags: Sequence[str]
    """Compatibility flags beside those of wrangler.jsonc."""

    def for_host(self) -> Mapping[str, object]:
        return {"options": [f"--pyodide-bundle-disk-cache-dir={self.folder}"], "flags": self.flags}


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    node: Path
    pyodide: Pyodide
    worker: Path
    """The folder that is uploaded."""
    snapshot: Path
    """The memory of the Worker before its first event; there once it was made."""


def node() -> Path:
    """Node, with the packages of the lock file installed beside us. Raises NotInstalled."""
    install(HERE, scripts=True)
    return NODE


@contextmanager
def _alone() -> Generator[None]:
    """One test process installs, the others wait."""
    PACKAGES.mkdir(exist_ok=True)
    with (PACKAGES / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def pyodide_of_workerd() -> Pyodide:
    """What workerd downloads, or, where there is no network, the same made of npm's package."""
    folder = PACKAGES / f"pyodide-{_digest(HERE / 'package-lock.json', DEPLOY / 'wrangler.jsonc')}"
    with _alone():
        if not folder.is_dir():
            fresh = folder.with_suffix(".new")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            config = read_template(DEPLOY / "wrangler.jsonc")
            flags, date = config["compatibility_flags"], config["compatibility_date"]
            if not download_bundle(HERE / "node_modules" / ".bin" / "workerd", fresh, date=date, flags=flags):
                write_bundle(HERE / "node_modules" / "pyodide", fresh)
            fresh.rename(folder)
    return Pyodide(folder=folder, flags=FLAGS_OF_A_MADE_BUNDLE if (folder / BUNDLE).is_file() else ())


def installed_worker(make_snapshot: Callable[[Installed], None]) -> Installed:
    """The Worker of this checkout; made anew when anything in it has changed."""
    program, pyodide = node(), pyodide_of_workerd()
    folder = PACKAGES / f"worker-{_digest(*_sources())}"
    installed = Installed(node=program, pyodide=pyodide, worker=folder / "worker", snapshot=folder / "snapshot.bin")
    with _alone():
        if not installed.snapshot.is_file():
            for old in PACKAGES.glob("worker-*"):
                shutil.rmtree(old)
            lay_out_worker(installed.worker)
            make_snapshot(installed)
    return installed


def lay_out_worker(folder: Path, *options: str) -> None:
    """All that is uploaded, into `folder`. Raises NotInstalled."""
    put_first_in_path()  # it compiles in Node
    command = [sys.executable, str(DEPLOY / "bundle.py"), str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotInstalled(done.stderr.strip())


def _sources() -> Sequence[Path]:
    """All that a snapshot depends on."""
    own = [*(ROOT / "src").rglob("*.py"), *DEPLOY.glob("*.py"), *DEPLOY.glob("*.mjs"), DEPLOY / "wrangler.jsonc", LOCK]
    return [*sorted(own), *sorted(HERE.glob("*.mjs")), HERE / "probe.py", HERE / "package-lock.json"]


def _digest(*paths: Path) -> str:
    hashed = hashlib.sha256()
    for path in paths:
        hashed.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return hashed.hexdigest()[:16]
