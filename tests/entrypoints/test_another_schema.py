"""Commands on a schema that is not this version's, and that this version works on all the same."""

from pathlib import Path

import pytest

from devtools.databases import new_sqlite
from devtools.installation import Installation
from editqueue.adapters.job_store.opening.migrate import alembic_config
from editqueue.adapters.job_store.opening.revisions import OLDEST_REVISION, newest_revision
from tests.adapters.job_store.opening.test_compatibility import move


@pytest.fixture(name="here")
async def _here(tmp_path: Path) -> Installation:
    """With the oldest schema of all that this version works on."""
    url = new_sqlite(tmp_path)
    await move(url, alembic_config(), OLDEST_REVISION)
    return Installation(tmp_path / "data", {"EDITQUEUE_DATABASE_URL": url, "JWT_SECRET": "s" * 32})


def test_status_and_doctor_say_that_the_schema_is_older_and_doctor_how_to_migrate(here: Installation) -> None:
    assert here.run("status", "--json").json()["schema"] == {"revision": OLDEST_REVISION, "newest": newest_revision()}
    assert f"{OLDEST_REVISION}, this version's is {newest_revision()}" in here.run("status").out
    [check] = [one for one in here.run("doctor", "--json").json()["checks"] if one["name"] == "database"]
    assert check["ok"]
    assert f"at revision {OLDEST_REVISION}, older than {newest_revision()}" in check["detail"]
    assert check["remedy"] == "run `editqueue migrate`"


def test_after_the_migration_nothing_more_is_said_of_it(here: Installation) -> None:
    assert here.run("migrate").code == 0

    assert "schema" not in here.run("status").out
    assert "schema up to date" in here.run("doctor").out
