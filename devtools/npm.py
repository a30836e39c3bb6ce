"""Packages of npm, as a package-lock.json says, in the folder node_modules beside it."""

import fcntl
import hashlib
import subprocess
from pathlib import Path
from typing import Final

from devtools.node import NPM, put_first_in_path

PATIENCE: Final = 900
"""Seconds for one installation: 100 MB over a slow line."""


class NotInstalled(Exception):
    """Something that the tests stand on could not be fetched; the message says what, and why."""


def install(folder: Path, *, scripts: bool = False) -> Path:
    """Install what folder/package-lock.json names unless it is there; gives folder/node_modules.

    One process installs, the others wait. `scripts` are those that packages run once they are installed.
    Raises NotInstalled.
    """
    modules = folder / "node_modules"
    # npm empties the folder before it fills it, so this stamp never outlives what it stands for.
    stamp = modules / ".installed"
    with (folder / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = hashlib.sha256(lock.read()).hexdigest()
        if stamp.is_file() and stamp.read_text() == wanted:
            return modules
        _ci(folder, () if scripts else ("--ignore-scripts",))
        stamp.write_text(wanted)
    return modules


def _ci(folder: Path, options: tuple[str, ...]) -> None:
    put_first_in_path()
    command = [NPM, "ci", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE)
    if done.returncode != 0:
        raise NotInstalled(f"npm ci failed in {folder}, which needs npm's registry: {done.stderr.strip()[-500:]}")
