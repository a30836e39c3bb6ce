"""`make previous-version REV=v0.1.0`: the wheel of a commit, for the tests of upgrades, which run it beside this one.

The same commit gives the same bytes with the same hatchling. What the tests do not need, half of it, is left out.
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
WHEEL: Final = ROOT / "tests" / "upgrades" / "previous_version.whl"
LEFT_OUT: Final = ("/demo_pictures/", "/sboms/")
USAGE: Final = "say which commit is the previous version: make previous-version REV=v0.1.0"


def build(commit: str, wheel: Path) -> None:
    """Write the wheel of `commit`. Raises CalledProcessError where Git does not know it, or it cannot be built."""
    date = _git("show", "--no-patch", "--format=%ct", f"{commit}^{{commit}}").decode().strip()
    with tempfile.TemporaryDirectory() as folder:
        tree, made = Path(folder) / "tree", Path(folder) / "made"
        tree.mkdir()
        subprocess.run(["tar", "-x", "-C", tree], input=_git("archive", commit), check=True)
        subprocess.run(
            [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", made, tree],
            env={**os.environ, "SOURCE_DATE_EPOCH": date},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        [found] = made.glob("*.whl")
        with (
            zipfile.ZipFile(found) as whole,
            zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as kept,
        ):
            for entry in whole.infolist():
                if not any(part in entry.filename for part in LEFT_OUT):
                    kept.writestr(entry, whole.read(entry))


def _git(*words: str) -> bytes:
    return subprocess.run(["git", "-C", ROOT, *words], stdout=subprocess.PIPE, check=True).stdout


def main(words: list[str]) -> None:
    """Ends the program with a line where no commit is given."""
    if not words or not words[0]:
        sys.exit(USAGE)
    build(words[0], WHEEL)
    print(f"written: {WHEEL}")


if __name__ == "__main__":
    main(sys.argv[1:])
