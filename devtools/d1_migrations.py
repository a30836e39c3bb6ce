"""The migrations as D1 takes them: one .sql file for each of Alembic's, generated, never edited.

python -m devtools.d1_migrations deploy/cloudflare/migrations
"""

import io
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory

from editqueue.adapters.job_store.opening.migrate import alembic_config

_OPENING = "-- Generated from Alembic's {name}.py by `make d1-migrations`; do not edit.\n\n"


def d1_migrations(make_config: Callable[[], Config] = alembic_config) -> Mapping[str, str]:
    """File name to SQL, in the order in which wrangler applies them."""
    scripts = ScriptDirectory.from_config(make_config())
    oldest_first = reversed(list(scripts.walk_revisions()))
    return {f"{Path(script.path).stem}.sql": _sql(script, make_config()) for script in oldest_first}


def _sql(script: Script, config: Config) -> str:
    buffer = io.StringIO()
    config.output_buffer = buffer
    command.upgrade(config, f"{script.down_revision or 'base'}:{script.revision}", sql=True)
    text = re.sub(r"^-- Running upgrade.*\n+", "", buffer.getvalue(), flags=re.MULTILINE)
    plain = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).strip()
    return f"{_OPENING.format(name=Path(script.path).stem)}{plain}\n"


def main(folder: Path, make_config: Callable[[], Config] = alembic_config) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, sql in d1_migrations(make_config).items():
        (folder / name).write_text(sql, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
