"""Promise 5: submit-edits changes jobs, files and notes together or not at all."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Executable, text

from editqueue.adapters.job_store import SqlStore, migrate_schema
from editqueue.adapters.job_store.database import Rows
from editqueue.adapters.job_store.engine import EngineDatabase, create_engine
from editqueue.domain.errors import StorageUnavailable
from editqueue.domain.files import File, FileStatus
from tests.seeds import NOON, seed_files, seed_order

pytestmark = pytest.mark.reliability
STATEMENTS = 6


class BrokenDatabase:
    """A Database in which statement number `fails` of a group cannot be executed."""

    def __init__(self, inner: EngineDatabase) -> None:
        self.inner = inner
        self.fails: int | None = None
        self.groups: list[int] = []

    async def run(self, *statements: Executable) -> Sequence[Rows]:
        self.groups.append(len(statements))
        if self.fails is None:
            return await self.inner.run(*statements)
        broken = [*statements]
        broken[self.fails] = text("INSERT INTO no_such_table VALUES (1)")
        return await self.inner.run(*broken)

    async def close(self) -> None:
        await self.inner.close()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[BrokenDatabase]:
    url = f"sqlite:///{tmp_path}/store.db"
    await migrate_schema(url)
    opened = BrokenDatabase(EngineDatabase(create_engine(url)))
    yield opened
    await opened.close()


async def _submit(store: SqlStore, files: Sequence[File]) -> Sequence[str]:
    _, _, made = await store.submit(
        [one.id for one in files],
        order_id=files[0].order_id,
        user_id="anna",
        express=False,
        notes="bitte hell",
        now=NOON,
    )
    return made


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


@pytest.mark.parametrize("count", [1, 100, 1000])
async def test_promise_19_the_number_of_statements_does_not_grow_with_the_files(
    database: BrokenDatabase, count: int
) -> None:
    store = SqlStore(database)
    files = await seed_files(store, await seed_order(store), count)
    database.groups.clear()

    assert len(await _submit(store, files)) == count

    assert database.groups == [STATEMENTS]
