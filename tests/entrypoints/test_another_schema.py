"""Commands on a schema that is not this version's, and that this version works on all the same."""

import json
from pathlib import Path

import pytest

from devtools.databases import new_sqlite
from devtools.installation import Installation
from devtools.otlp_collector import otlp_collector
from devtools.seeds import seed_files, seed_order, submit
from editqueue.adapters.bucket.local.marker import mark
from editqueue.adapters.job_store.opening.migrate import alembic_config
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.adapters.job_store.opening.revisions import OLDEST_REVISION, newest_revision
from tests.adapters.job_store.opening.test_compatibility import move

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


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


async def test_where_traces_are_on_they_begin_at_the_attempt_and_the_log_says_so(here: Installation) -> None:
    store = await open_store(here.environment["EDITQUEUE_DATABASE_URL"], traceparent=lambda: TRACEPARENT)
    await submit(store, await seed_files(store, await seed_order(store), 1))
    await store.close()
    mark(here.bucket)

    with otlp_collector() as collector:
        here.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url
        log = [json.loads(line) for line in here.run("sweep").err.splitlines()]
        [attempt] = [span for span in collector.spans() if span.name == "attempt edit_jobs"]

    assert [line["event"] for line in log].count("traces_not_joined") == 1
    assert (attempt.parent_id, attempt.attributes["error.type"]) == ("", "raw_missing")
