"""`python -m tests.web.tools tsc|biome ARGS`: what checks the page.

Node comes as a wheel, the packages from npm as package-lock.json says: there is nothing to install by hand. All of it
lies here and not beside the page, because that folder is published as it is.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

from devtools.node import NODE, put_first_in_path
from devtools.npm import NotInstalled, install

HERE: Final = Path(__file__).parent
PROGRAMS: Final = {"tsc": Path("typescript", "bin", "tsc"), "biome": Path("@biomejs", "biome", "bin", "biome")}


def main(name: str, *args: str) -> int:
    """The exit code of the program."""
    put_first_in_path()
    try:
        program = install(HERE) / PROGRAMS[name]
    except NotInstalled as error:
        print(error, file=sys.stderr)
        return 1
    return subprocess.run([NODE, program, *args], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
