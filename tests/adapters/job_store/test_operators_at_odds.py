"""What operators ask for while the queue moves on, or where it was left in disorder."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from devtools.databases import NewDatabase
from devtools.seeds import LATER, NOON, claim, seed_files, seed_order, submit
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.opening.open_store import migrate_schema, open_database, open_store
from editqueue.adapters.job_store.schema import files, jobs
from editqueue.adapters.job_store.statements import attempts, job_lists
from editqueue.domain.attempts import Attempt, AttemptEnd, story_of
from editqueue.domain.errors import SetupError
from editqueue.domain.files import FileStatus
from editqueue.ports.job_store import JobQuery


async def test_an_attempt_that_ended_while_it_was_read_is_told_once(new_database: NewDatabase) -> None:
    store = await open_store(new_database())
    await submit(store, await seed_files(store, await seed_order(store), 1))
    running = (await claim(store)).job
    await store.close()
    ended = Attempt(
        number=running.attempts,
        consumer=running.holder,
        began_at=running.started_at or NOON,
        ended_at=LATER,
        ended_by=AttemptEnd.RETRY,
        error="e: away",
        run_after=LATER,
    )

    assert [*story_of(running, [ended]).attempts] == [ended]


async def test_a_job_that_moves_while_it_is_looked_for_is_listed_once(new_database: NewDatabase) -> None:
    url = new_database()
    store = await open_store(url)
    await submit(store, await seed_files(store, await seed_order(store), 1))
    await store.close()
    database = open_database(url)
    [rows] = await database.run(once(select(*jobs.c)))
    await database.close()

    found = job_lists.jobs(JobQuery(error_code="e")).read([rows, rows, []])

    assert len(found) == 1


async def test_a_job_whose_file_was_left_locked_can_be_cancelled(new_database: NewDatabase) -> None:
    url = new_database()
    store, database = await open_store(url), open_database(url)
    [file] = await seed_files(store, await seed_order(store), 1)
    [job_id] = await submit(store, [file])
    await database.run(once(update(files).values(status=FileStatus.IN_PROGRESS.value, locked=True)))

    ended = await store.cancel_job(job_id, error="cancelled: by hand", message="{name}", now=LATER)

    [left] = await store.files([file.id])
    assert (ended.done, left.status, left.locked) == (True, FileStatus.FAILED, False)
    await database.close()
    await store.close()


async def test_more_old_attempts_of_one_moment_than_are_forgotten_at_once(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "FORGOTTEN_AT_ONCE", 1)
    attempts._forget_old.cache_clear()  # pyright: ignore[reportPrivateUsage]
    store = await open_store(new_database())
    [job_id] = await submit(store, await seed_files(store, await seed_order(store), 1))
    for _ in range(3):
        await store.release(await claim(store), now=NOON)

    await store.begin_expiry(finished_before=NOON + timedelta(seconds=1), abandoned_before=NOON, limit=9, now=LATER)

    story = await store.job_story(job_id)
    assert story is not None
    assert [*story.attempts] == []
    await store.close()
    attempts._forget_old.cache_clear()  # pyright: ignore[reportPrivateUsage]


async def test_a_schema_that_is_not_for_this_version_any_more_is_neither_used_nor_migrated(
    new_database: NewDatabase,
) -> None:
    url = new_database()
    database = open_database(url)
    await database.run(
        once(text("UPDATE alembic_version SET version_num = '9999'")),
        once(text("UPDATE schema_compatibility SET oldest_program = '9998'")),
    )
    await database.close()

    for migrate in (True, False):
        with pytest.raises(SetupError, match="is at revision 9999, this version knows"):
            await open_store(url, migrate=migrate)
    with pytest.raises(SetupError, match="run the version that brought it there"):
        await migrate_schema(url)
