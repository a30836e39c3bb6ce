"""Compile every Python file of a folder, as the interpreter that runs this will import it. `precompile.mjs` runs it.

The files are of *unchecked hash*: the interpreter takes them as they are and never looks whether the source is newer,
which it could not tell in the Worker, where files have no time.
"""

import py_compile
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path

IN_THE_WORKER = "/session/metadata/python_modules"
"""Where the runtime shows the packages to Python: tracebacks name files by this path."""


def main(folder: Path) -> None:
    for source in sorted(folder.rglob("*.py")):
        py_compile.compile(
            str(source),
            dfile=f"{IN_THE_WORKER}/{source.relative_to(folder)}",
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    print(sys.version.split()[0], MAGIC_NUMBER.hex())


if __name__ == "__main__":
    main(Path("/folder"))
