"""Lay out everything that is uploaded as the Worker.

python3 bundle.py FOLDER            FOLDER/worker.py and FOLDER/python_modules/
python3 bundle.py FOLDER --beside   FOLDER/worker.py and, beside FOLDER, python_modules/: where wrangler looks for it
"""

import argparse
import shutil
from pathlib import Path

from build_tools import HERE, KEPT, NPM, alone, compile_python, digest
from site_packages import compiled_packages, forget

SOURCE = HERE.parents[1] / "src" / "editqueue"
LEFT_OUT = (
    "web",
    "commands",
    "__pycache__",
    "cli.py",
    "consumer.py",
    "server.py",
    "web_server.py",
    "connections.py",
    "background_output.py",
    "python_messages.py",
    "metered.py",
    "metrics.py",
    "database_clock.py",
    "bucket_folder.py",
    "copies.py",
    "opening",
    "engine.py",
    "postgres.py",
    "postgres_store.py",
    "sqlite.py",
    "processes",
    "decoders",
    "render.py",
)
ENTRY = '''"""What the runtime looks for: the class that answers its events."""

from editqueue.entrypoints.cloudflare import Default

__all__ = ["Default"]
'''


def main(folder: Path, python_modules: Path) -> None:
    with alone():
        for old in (folder, python_modules):
            shutil.rmtree(old, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "worker.py").write_text(ENTRY, encoding="utf-8")
        shutil.copytree(compiled_packages(), python_modules)
        shutil.copytree(_compiled_application(), python_modules, dirs_exist_ok=True)


def _compiled_application() -> Path:
    """A folder with the application and its compiled files beside the sources, which its tracebacks quote."""
    makers = (HERE / "bundle.py", HERE / "precompile.py", NPM / "package-lock.json")
    folder = KEPT / f"editqueue-{digest([*SOURCE.rglob('*.py'), *makers])}"
    if not folder.is_dir():
        fresh = KEPT / "new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(SOURCE, fresh / "editqueue", ignore=shutil.ignore_patterns(*LEFT_OUT))
        compile_python(fresh)
        forget("editqueue-*")
        fresh.rename(folder)
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--beside", action="store_true", help="python_modules/ beside FOLDER, not in it")
    given = parser.parse_args()
    main(given.folder, (given.folder.resolve().parent if given.beside else given.folder) / "python_modules")
