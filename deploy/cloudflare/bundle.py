"""Lay out what the Worker is made of: its entry at the top, the package beside it, nothing that only servers need.

python3 bundle.py FOLDER
"""

import shutil
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "editqueue"
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


def main(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SOURCE, folder / "editqueue", ignore=shutil.ignore_patterns(*LEFT_OUT))
    (folder / "worker.py").write_text(ENTRY, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
