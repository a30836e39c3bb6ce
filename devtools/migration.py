"""`make migration NAME="lanes and pauses"`: the next revision of the schema, as Alembic's file and as D1's.

The revision is the difference between what the migrations make and what schema.py declares; where there is none, an
empty one is written, to be filled. A person reads it afterwards: Alembic sees tables, columns and indexes, not checks,
and knows nothing of the rows that are there. `make d1-migrations` writes D1's file anew after a change.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy import create_engine

from devtools import d1_migrations
from editqueue.adapters.job_store.opening.migrate import alembic_config

ROOT: Final = Path(__file__).parents[1]
D1: Final = ROOT / "deploy" / "cloudflare" / "migrations"
USAGE: Final = 'say what the revision does: make migration NAME="lanes and pauses"'
_NOTE: Final = re.compile(r" *# ###.*###\n")
"""Of Alembic, at the beginning and the end of what it has found."""


def write_revision(name: str, config: Config) -> Path:
    """Alembic's file, with the number after the newest. Raises ValueError where `name` has neither letter nor digit."""
    words = re.findall(r"[a-z0-9]+", name.lower())
    if not words:
        raise ValueError(USAGE)
    newest = ScriptDirectory.from_config(config).get_current_head()
    config.set_main_option("file_template", f"%%(rev)s_{'_'.join(words)}")
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/migrated.db")
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            made = command.revision(config, name.strip(), autogenerate=True, rev_id=f"{int(newest or 0) + 1:04}")
        engine.dispose()
    assert isinstance(made, Script)
    return _tidied(Path(made.path))


def _tidied(path: Path) -> Path:
    path.write_text(_NOTE.sub("", path.read_text(encoding="utf-8")), encoding="utf-8")
    for ruff in (["format"], ["check", "--fix-only"]):  # what is left to lint is told by `make check`
        subprocess.run([sys.executable, "-m", "ruff", *ruff, "--quiet", path], check=True)
    return path


def main(name: str, *, make_config: Callable[[], Config] = alembic_config, d1: Path = D1) -> None:
    """Writes and prints both files. Ends the program with a line where `name` is no name."""
    try:
        path = write_revision(name, make_config())
    except ValueError as error:
        sys.exit(str(error))
    d1_migrations.main(d1, make_config)
    print(f"written, to be read and mended by you:\n  {path}\n  {d1 / path.with_suffix('.sql').name}")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
