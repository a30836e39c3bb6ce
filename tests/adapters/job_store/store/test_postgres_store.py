"""What the store on PostgreSQL does besides the contract: many workers' claims and finishes in one round trip."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import psycopg
import pytest
from sqlalchemy import text

from devtools.databases import new_postgres
from devtools.own_postgres import own_postgres
from devtools.patience import PATIENCE
from devtools.seeds import LATER, NOON, URL, claim, seed_files, seed_order, submit
from devtools.uncommitted import uncommitted
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.database_url import parse
from editqueue.adapters.job_store.databases.postgres import DIALECT, PostgresDatabase
from editqueue.adapters.job_store.databases.statement import Statement, once
from editqueue.adapters.job_store.opening.open_store import migrate_schema
from editqueue.adapters.job_store.rows import to_ms
from editqueue.adapters.job_store.statements.claim import UNSURE_FOR
from editqueue.adapters.job_store.statements.claim_on_postgres import claim_up_to
from editqueue.adapters.job_store.store.postgres_store import PostgresStore
from editqueue.domain.errors import ClaimLost, StorageUnavailable
from editqueue.domain.files import FileStatus
from editqueue.domain.jobs import JobStatus
from editqueue.ports.job_store import Claim


class CountingDatabase(PostgresDatabase):
    groups = 0
    swallows = False
    """Whether the next answer is lost."""

    def __init__(self, url: str) -> None:
        super().__init__(parse(url))
        self.entered = asyncio.Event()

    async def run(self, *statements: Statement) -> Sequence[Rows]:
        self.groups += 1
        self.entered.set()
        rows = await super().run(*statements)
        if self.swallows:
            self.swallows = False
            raise StorageUnavailable("the connection is gone")
        return rows


class Opened:
    def __init__(self, url: str) -> None:
        self.url = url
        self.database = CountingDatabase(url)
        self.store = PostgresStore(self.database)

    async def queue(self, count: int, *, express: bool = False) -> Sequence[str]:
        order = await seed_order(self.store)
        return await submit(self.store, await seed_files(self.store, order, count), express=express)

    async def file_of(self, job_id: str) -> str | None:
        job = await self.store.job(job_id)
        return job and job.file_id

    async def claim_at_once(self, count: int) -> Sequence[Claim | None]:
        self.database.groups = 0
        return await asyncio.gather(*(self.store.claim_next(now=NOON) for _ in range(count)))

    async def finish(self, one: Claim) -> None:
        await self.store.finish(one, preview_url=URL, bytes_copied=7, now=NOON)


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    with new_postgres() as new:
        made = Opened(new())
        yield made
        await made.store.close()


async def test_claims_made_at_once_take_the_next_jobs_in_turn_with_one_statement(opened: Opened) -> None:
    ids = await opened.queue(10)

    claims = await opened.claim_at_once(8)

    assert [one.job.id if one else None for one in claims] == list(ids[:8])
    assert all(one and one.file.locked and one.file.id == one.job.file_id for one in claims)
    assert opened.database.groups == 1


async def test_of_claims_made_at_once_every_fifth_is_not_express_while_both_wait(opened: Opened) -> None:
    others = await opened.queue(3)
    express = await opened.queue(17, express=True)

    first, second = await opened.claim_at_once(16), await opened.claim_at_once(4)

    assert [one.job.id for one in first if one] == [*express[:13], *others]
    assert [one.job.id for one in second if one] == list(express[13:])


async def test_a_claim_waits_for_no_other_nor_for_its_number(opened: Opened) -> None:
    others, express = await opened.queue(2), await opened.queue(5, express=True)
    for _ in range(4):
        await claim(opened.store)
    before_commit = claim_up_to(1).bind(now=to_ms(NOON), token="held", holder=None, express_from=0, others_from=0)
    async with uncommitted(parse(opened.url).options, [before_commit.compiled(DIALECT)]) as ([[held]], cursor):
        async with asyncio.timeout(PATIENCE):
            sixth = await claim(opened.store)
        await cursor.execute("ROLLBACK")

    assert (held["job_file_id"], sixth.job.id) == (await opened.file_of(others[0]), express[4])
    assert (await claim(opened.store)).job.id == others[0]


async def test_claims_beyond_the_queue_get_nothing(opened: Opened) -> None:
    await opened.queue(2)

    claims = await opened.claim_at_once(5)

    assert [one is not None for one in claims] == [True, True, False, False, False]


async def test_a_late_finish_among_others_loses_alone(opened: Opened) -> None:
    await opened.queue(3)
    claims = [await claim(opened.store) for _ in range(3)]
    requeued = await opened.store.rescue(started_before=LATER, max_retries=3, message="", now=LATER)
    assert len(requeued) == 3
    current = [await claim(opened.store, now=LATER) for _ in range(3)]
    opened.database.groups = 0

    ends = await asyncio.gather(
        *(opened.finish(one) for one in [current[0], claims[1], current[2]]), return_exceptions=True
    )

    assert ends[0] is None
    assert isinstance(ends[1], ClaimLost)
    assert ends[2] is None
    assert opened.database.groups == 2  # the finishes, and whether an earlier one of the loser's stands
    jobs = [await opened.store.job(one.job.id) for one in current]
    assert [job.status if job else None for job in jobs] == [JobStatus.DONE, JobStatus.IN_PROGRESS, JobStatus.DONE]
    assert len(await opened.store.notifications("anna", limit=9, before_id=None)) == 2


async def test_a_finish_that_cannot_be_written_harms_no_other(opened: Opened) -> None:
    await opened.queue(3)
    claims = [await claim(opened.store) for _ in range(3)]

    ends = await asyncio.gather(
        opened.finish(claims[0]),
        opened.store.finish(claims[1], preview_url="r2://\x00", bytes_copied=7, now=NOON),
        opened.finish(claims[2]),
        return_exceptions=True,
    )

    assert [one is None for one in ends] == [True, False, True]
    files = await opened.store.files([one.file.id for one in claims])
    assert sorted(file.status for file in files) == [FileStatus.DONE, FileStatus.DONE, FileStatus.IN_PROGRESS]


async def test_a_claim_whose_caller_was_cancelled_is_handed_back_unspent(opened: Opened) -> None:
    [job_id] = await opened.queue(1)
    asking = asyncio.create_task(opened.store.claim_next(now=NOON))
    await opened.database.entered.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    again = await claim(opened.store)

    assert (again.job.id, again.job.attempts) == (job_id, 1)


async def test_a_claim_that_the_server_makes_after_it_was_given_up_is_handed_back_unspent() -> None:
    with own_postgres() as server:
        await migrate_schema(server.url())
        database = PostgresDatabase(parse(server.url()), command_seconds=0.5)
        store = PostgresStore(database)
        assert await store.claim_next(now=NOON) is None  # from now on the statement is prepared, and sent at once
        [[session]] = await database.run(once(text("SELECT pg_backend_pid() AS pid")))
        first, second = await submit(store, await seed_files(store, await seed_order(store), 2))
        os.kill(session["pid"], signal.SIGSTOP)
        try:
            with pytest.raises(StorageUnavailable):
                await store.claim_next(now=NOON)
            taken = await _claim_at_last(store)
        finally:
            os.kill(session["pid"], signal.SIGCONT)
        await _until_in_progress(store, second)

        again = await claim(store)

        assert [(one.job.id, one.job.attempts) for one in (taken, again)] == [(first, 1), (second, 1)]
        await store.finish(again, preview_url=URL, bytes_copied=7, now=NOON)
        await store.close()


async def _claim_at_last(store: PostgresStore) -> Claim:
    """Over another connection, which is made first."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(StorageUnavailable):
                return await claim(store)


async def _until_in_progress(store: PostgresStore, job_id: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while (job := await store.job(job_id)) is None or job.status is not JobStatus.IN_PROGRESS:  # noqa: ASYNC110  # a server makes it true
            await asyncio.sleep(0.01)


async def test_what_a_claim_without_an_answer_took_and_others_hold_waits_for_them(opened: Opened) -> None:
    lost, other = await opened.queue(2)
    opened.database.swallows = True
    with pytest.raises(StorageUnavailable):
        await opened.store.claim_next(now=NOON)
    with psycopg.connect(opened.url) as holder:
        holder.execute("SELECT id FROM files WHERE id = %s FOR UPDATE", [await opened.file_of(lost)])
        assert (await claim(opened.store)).job.id == other

    assert (await claim(opened.store)).job.id == lost


async def test_a_claim_without_an_answer_that_was_taken_over_is_left_alone(opened: Opened) -> None:
    [job_id] = await opened.queue(1)
    opened.database.swallows = True
    with pytest.raises(StorageUnavailable):
        await opened.store.claim_next(now=NOON)
    elsewhere = PostgresStore(CountingDatabase(opened.url))
    await elsewhere.rescue(started_before=LATER, max_retries=3, message="", now=NOON)
    taken = await claim(elsewhere)

    assert await opened.store.claim_next(now=NOON) is None
    await elsewhere.finish(taken, preview_url=URL, bytes_copied=7, now=NOON)
    await elsewhere.close()

    job = await opened.store.job(job_id)
    assert job is not None
    assert (job.status, job.attempts) == (JobStatus.DONE, 2)


async def test_once_what_a_lost_claim_took_is_stale_it_is_looked_for_no_more(opened: Opened) -> None:
    opened.database.swallows = True
    with pytest.raises(StorageUnavailable):
        await opened.store.claim_next(now=NOON)
    opened.database.groups = 0

    await opened.store.claim_next(now=NOON + UNSURE_FOR)

    assert opened.database.groups == 1


async def test_customers_and_batches_over_the_same_files_never_wait_crosswise(opened: Opened) -> None:
    await opened.queue(16)
    claims = [one for one in await opened.claim_at_once(16) if one]
    ids = [one.file.id for one in claims]

    await asyncio.gather(
        *(opened.finish(one) for one in reversed(claims)),
        *(opened.store.mark_files(ids, user_id="anna", marked=True, now=NOON) for _ in range(8)),
    )

    assert {file.status for file in await opened.store.files(ids)} == {FileStatus.DONE}


async def test_a_connection_that_the_server_has_ended_is_replaced_unnoticed(opened: Opened) -> None:
    [job_id] = await opened.queue(1)
    with psycopg.connect(opened.url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    await _read_what_arrived()

    assert (await claim(opened.store)).job.id == job_id


async def _read_what_arrived() -> None:
    """One turn of the event loop looks at the sockets, the next calls back."""
    for _ in range(3):
        await asyncio.sleep(0)
