"""What is deployed: wrangler takes the configuration, and D1 gets the schema that Alembic makes."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from deploy.cloudflare.rollout.project import read_template
from devtools.cloudflare.installation import DEPLOY, HERE, lay_out_worker, node
from devtools.d1_migrations import d1_migrations
from devtools.databases import new_sqlite
from editqueue.wiring.cloudflare_settings import NAMES, WALL_LIMIT, worker_settings

pytestmark = pytest.mark.timeout(600)  # the first layout installs and compiles, on a machine that may be busy
EXPERIMENTAL = '"secrets" fields are experimental and may change or break at any time.'
"""The one thing that wrangler may say against the configuration; an unknown field would be another."""
SMALL = 7_000_000
"""Bytes, compressed; Cloudflare takes 10 MB."""
CONFIG = read_template(DEPLOY / "wrangler.jsonc")


def wrangler(*command: str) -> str:
    node()
    done = subprocess.run(
        [str(HERE / "node_modules" / ".bin" / "wrangler"), *command],
        cwd=DEPLOY,
        env={**os.environ, "CI": "1", "WRANGLER_SEND_METRICS": "false", "NO_COLOR": "1", "PATH": with_this_python()},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def with_this_python() -> str:
    """For the build, whose `python3` needs pip: the system's may have none."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


@pytest.fixture(scope="module")
def uploaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What wrangler says, and the files that it would upload."""
    node()
    folder = tmp_path_factory.mktemp("uploaded")
    return wrangler("deploy", "--dry-run", "--outdir", str(folder)), folder


def test_wrangler_takes_the_configuration_and_finds_every_binding(uploaded: tuple[str, Path]) -> None:
    said, folder = uploaded

    assert "--dry-run: exiting now" in said
    assert re.findall(r"^    - (.*)", said, re.MULTILINE) == [EXPERIMENTAL]
    for binding in ("env.DB (editqueue)", "env.BUCKET (piximmo-media)", "env.QUEUE (editqueue-jobs)", "env.IMAGES"):
        assert binding in said
    assert (folder / "worker.py").is_file()


def test_wrangler_uploads_all_that_is_laid_out_compiled_files_too_and_it_is_small(
    uploaded: tuple[str, Path], tmp_path: Path
) -> None:
    said, folder = uploaded
    lay_out_worker(tmp_path / "bundle")

    assert files(folder) - {"README.md"} == files(tmp_path / "bundle")
    assert "python_modules/editqueue/entrypoints/__pycache__/cloudflare.cpython-314.pyc" in files(folder)
    [compressed] = re.findall(r"gzip: ([\d.]+) KiB", said)
    assert float(compressed) * 1024 < SMALL


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_d1_migrations_are_the_generated_ones() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in (DEPLOY / "migrations").iterdir()}

    assert committed == d1_migrations(), "run `make d1-migrations`"


@pytest.fixture
def applied(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The database that wrangler keeps after applying the migrations."""
    wrangler("d1", "migrations", "apply", "editqueue", "--local", "--persist-to", str(tmp_path))
    [file] = [path for path in tmp_path.rglob("*.sqlite") if path.name != "metadata.sqlite"]
    database = sqlite3.connect(file)
    yield database
    database.close()


def test_wrangler_applies_them_and_d1_has_the_schema_of_alembic(applied: sqlite3.Connection, tmp_path: Path) -> None:
    migrated = sqlite3.connect(new_sqlite(tmp_path / "alembic").removeprefix("sqlite:///"))

    assert schema(applied) == schema(migrated)

    migrated.close()


def schema(database: sqlite3.Connection) -> dict[str, str]:
    """Name to definition, whitespace aside, but for what wrangler and SQLite keep for themselves."""
    rows = database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
    own = ("d1_", "sqlite_", "_cf_")
    return {name: " ".join(sql.split()) for name, sql in rows if not name.startswith(own)}


def test_the_configuration_is_what_the_customer_asked_for() -> None:
    [consumer] = CONFIG["queues"]["consumers"]
    [producer] = CONFIG["queues"]["producers"]
    variables: dict[str, str] = CONFIG["vars"]

    assert CONFIG["triggers"]["crons"] == ["*/2 * * * *"]
    assert (variables["FEATURE_PRODUCTION"], variables["FEATURE_GALLERY"]) == ("false", "false")
    assert (variables["EDITQUEUE_SWEEP_BATCH"], variables["EDITQUEUE_MAX_RETRIES"]) == ("10", "3")
    assert consumer["queue"] == producer["queue"]
    assert consumer["dead_letter_queue"] not in {None, consumer["queue"]}
    assert consumer["max_batch_size"] * float(variables["EDITQUEUE_JOB_TIMEOUT"]) < WALL_LIMIT


def test_every_variable_is_one_that_the_worker_reads() -> None:
    given = {**CONFIG["vars"], **dict.fromkeys(CONFIG["secrets"]["required"], "x" * 32)}

    settings = worker_settings(type("Env", (), given)())

    assert set(given) <= set(NAMES)
    assert settings.limits.sweep_batch == 10


def test_the_lock_holds_what_pyproject_names_and_no_address() -> None:
    lock = (DEPLOY / "requirements.lock").read_text(encoding="utf-8")
    project: Any = tomllib.loads((DEPLOY / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    for wanted in project["dependencies"]:
        assert f"\n{wanted.partition('>=')[0]}==" in f"\n{lock}"
    assert "://" not in lock
    assert '"resolved"' not in (HERE / "package-lock.json").read_text(encoding="utf-8")


def test_the_wiring_imports_without_what_a_worker_lacks() -> None:
    """In a process in which those modules cannot be imported, whatever is installed."""
    lacking = ["obstore", "pyvips", "alembic", "psycopg", "greenlet", "sqlalchemy.ext.asyncio"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({json.dumps(lacking)}))\n"
        "import editqueue.wiring.cloudflare, editqueue.entrypoints.http.app, editqueue.use_cases.consumer.sweep"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_the_workers_sdk_stays_out_of_the_development_environment() -> None:
    assert find_spec("workers") is None, "its .pth file patches every start of the interpreter"
