"""Promise 5: submit-edits changes jobs, files and notes together or not at all."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import pytest
from sqlalchemy import text

from devtools.seeds import NOON, seed_files, seed_order
from devtools.world import World
from editqueue.adapters.job_store.databases.database import Database, Rows
from editqueue.adapters.job_store.databases.statement import Statement, once
from editqueue.adapters.job_store.opening.open_store import open_database
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.errors import StorageUnavailable
from editqueue.domain.files import File, FileStatus
from tests.reliability.audit import audit, audit_books
from tests.reliability.early_sender import messages_before_the_commit
from tests.reliability.fates import FATES
from tests.reliability.plan import Plan
from tests.reliability.processes import Processes
from tests.reliability.report import Tally
from tests.reliability.site import Site, many_files
from tests.reliability.size import sized

pytestmark = pytest.mark.reliability
STATEMENTS = 6
BATCH = 10
"""Jobs that one tick works on."""
JOBS = sized(2, 20) * BATCH


class BrokenDatabase:
    """A Database in which statement number `fails` of a group cannot be executed."""

    def __init__(self, inner: Database) -> None:
        self.inner = inner
        self.fails: int | None = None
        self.groups: list[int] = []

    async def run(self, *statements: Statement) -> Sequence[Rows]:
        self.groups.append(len(statements))
        if self.fails is None:
            return await self.inner.run(*statements)
        broken = [*statements]
        broken[self.fails] = once(text("INSERT INTO no_such_table VALUES (1)"))
        return await self.inner.run(*broken)

    async def probe(self) -> datetime:
        return await self.inner.probe()

    async def close(self) -> None:
        await self.inner.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[BrokenDatabase]:
    opened = BrokenDatabase(open_database(database_url))
    yield opened
    await opened.close()


async def _submit(store: SqlStore, files: Sequence[File]) -> Sequence[str]:
    made = await store.submit(
        [one.id for one in files],
        order_id=files[0].order_id,
        user_id="anna",
        express=False,
        notes="bitte hell",
        now=NOON,
    )
    return made.new


@pytest.mark.parametrize("number", range(STATEMENTS))
async def test_a_failing_statement_leaves_nothing_behind(database: BrokenDatabase, number: int) -> None:
    store = SqlStore(database)
    order = await seed_order(store)
    files = await seed_files(store, order, 3)
    database.fails = number

    with pytest.raises(StorageUnavailable):
        await _submit(store, files)

    database.fails = None
    unchanged = await store.order(order.id)
    assert unchanged == order
    assert {one.status for one in await store.files([one.id for one in files])} == {FileStatus.UPLOADED}
    assert not await store.has_work()
    assert len(await _submit(store, files)) == 3


async def test_messages_follow_the_commit(world: World, database_url: str) -> None:
    assert await messages_before_the_commit(world, database_url) == []


async def test_with_no_message_ever_sent_the_cron_drains_everything(site: Site, forks: Processes, tally: Tally) -> None:
    async with site.open() as here:
        files = await here.submitted(JOBS)
        plan = Plan(task="tick", environment=site.environment())

        worked_on = [int(*(await forks.run(plan)).lines()) for _ in range(JOBS // BATCH + 1)]

        assert worked_on == [BATCH] * (JOBS // BATCH) + [0]
        assert await audit(here, files, FATES[""]) + await audit_books(here) == []
        tally.jobs += JOBS


@pytest.mark.parametrize("count", [1, 100, 1000])
async def test_promise_19_the_number_of_statements_does_not_grow_with_the_files(
    database: BrokenDatabase, database_url: str, count: int
) -> None:
    store = SqlStore(database)
    order = await seed_order(store)
    files = await store.files(await many_files(database_url, order, count))
    database.groups.clear()

    assert len(await _submit(store, files)) == count

    assert database.groups == [STATEMENTS]
