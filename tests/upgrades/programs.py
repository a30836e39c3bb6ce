"""The version before this one, as a program beside this one."""

import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devtools.installation import Installation
from devtools.previous_version import ROOT, WHEEL
from editqueue.adapters.job_store.opening.revisions import newest_revision

VERSIONS: Final = Path("editqueue", "adapters", "job_store", "opening", "migrations", "versions")
ADDITIVE: Final = '''"""A column, a table and an index, as a next version might bring them."""

import sqlalchemy as sa
from alembic import op

from editqueue.adapters.job_store.opening.steps import create_index

revision = "{revision}"
down_revision = "{newest}"
oldest_program = "{oldest}"


def upgrade() -> None:
    create_index("files_by_mime", "files", ["mime"])
    op.add_column("edit_jobs", sa.Column("weather", sa.Text()))
    op.add_column("files", sa.Column("weather", sa.Text()))
    op.create_table("weathers", sa.Column("name", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("name"))


def downgrade() -> None:
    op.drop_table("weathers")
    op.drop_column("files", "weather")
    op.drop_column("edit_jobs", "weather")
    op.drop_index("files_by_mime", table_name="files")
'''


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """What Python runs as `editqueue` where `path` comes first."""

    path: Path
    newest: str
    """Revision that it knows."""

    def at(self, folder: Path, settings: Mapping[str, str]) -> Installation:
        return Installation(folder, {**settings, "PYTHONPATH": str(self.path)})


def previous_version(folder: Path) -> Program:
    """That of tests/upgrades/previous_version.whl, unpacked into `folder`."""
    with zipfile.ZipFile(WHEEL) as wheel:
        wheel.extractall(folder)
    revisions = [path.name[:4] for path in (folder / VERSIONS).glob("[0-9]*.py")]
    return Program(path=folder, newest=max(revisions))


def version_after(previous: Program, folder: Path) -> Program:
    """This version; in a copy with one more migration where no migration has come since `previous`."""
    newest = newest_revision()
    if newest > previous.newest:
        return Program(path=ROOT / "src", newest=newest)
    shutil.copytree(ROOT / "src", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return Program(path=folder, newest=add_migration(folder / VERSIONS, newest=newest, oldest_program=previous.newest))


def add_migration(versions: Path, *, newest: str, oldest_program: str) -> str:
    """An additive one on top of those in the folder `versions`. Returns its revision."""
    revision = f"{int(newest) + 1:04}"
    text = ADDITIVE.format(revision=revision, newest=newest, oldest=oldest_program)
    (versions / f"{revision}_the_weather.py").write_text(text, encoding="utf-8")
    return revision
