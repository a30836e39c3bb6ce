"""What every database keeps of the requests that jobs come from, where traces are on."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from devtools.seeds import LATER, NOON, URL, claim, seed_files, seed_order, submit
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.sqlite import DIALECT
from editqueue.adapters.job_store.databases.statement import Statement, once
from editqueue.adapters.job_store.schema import traces
from editqueue.adapters.job_store.statements.group import reading
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.adapters.job_store.store.sqlite_store import SqliteStore
from tests.contracts.conftest import RunningRequest

SUBMITTING = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ANOTHER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


async def kept(store: SqlStore) -> list[str]:
    """The requests that jobs are joined to, as the database has them."""
    return [*await store.send(reading(once(select(traces.c.traceparent)), lambda row: str(row["traceparent"])))]


async def test_a_job_is_claimed_with_the_request_that_made_it(traced_store: SqlStore, running: RunningRequest) -> None:
    running.now = SUBMITTING
    [job_id] = await submit(traced_store, await seed_files(traced_store, await seed_order(traced_store), 1))
    running.now = None

    job = (await claim(traced_store)).job

    assert (job.id, job.traceparent) == (job_id, SUBMITTING)


async def test_a_job_that_was_made_by_no_request_is_joined_to_none(traced_store: SqlStore) -> None:
    await submit(traced_store, await seed_files(traced_store, await seed_order(traced_store), 1))

    assert (await claim(traced_store)).job.traceparent is None
    assert await kept(traced_store) == []


async def test_many_jobs_of_one_request_are_all_joined_to_it(traced_store: SqlStore, running: RunningRequest) -> None:
    running.now = SUBMITTING
    await submit(traced_store, await seed_files(traced_store, await seed_order(traced_store), 3))

    assert [(await claim(traced_store)).job.traceparent for _ in range(3)] == [SUBMITTING] * 3


async def test_whoever_submits_again_or_is_refused_joins_nothing(
    traced_store: SqlStore, running: RunningRequest
) -> None:
    order = await seed_order(traced_store)
    files = await seed_files(traced_store, order, 1)
    unmarked = await seed_files(traced_store, order, 1, marked=False)
    running.now = SUBMITTING
    await submit(traced_store, files)
    running.now = ANOTHER
    await submit(traced_store, files)
    await traced_store.submit(
        [unmarked[0].id], order_id=order.id, user_id=order.user_id, express=False, notes=None, now=NOON
    )

    assert await kept(traced_store) == [SUBMITTING]


async def test_an_attempt_that_is_made_again_is_joined_to_the_same_request_and_a_revision_to_its_own(
    traced_store: SqlStore, running: RunningRequest
) -> None:
    [file] = await seed_files(traced_store, await seed_order(traced_store), 1)
    running.now = SUBMITTING
    await submit(traced_store, [file])
    running.now = None
    await traced_store.retry_later(await claim(traced_store), error="transient: x", run_after=NOON, now=NOON)
    again = await claim(traced_store, LATER)
    await traced_store.finish(again, preview_url=URL, bytes_copied=7, now=LATER)
    running.now = ANOTHER
    await traced_store.revise(file.id, user_id=file.user_id, note="heller", now=LATER)

    assert again.job.traceparent == SUBMITTING
    assert (await claim(traced_store, LATER + timedelta(minutes=1))).job.traceparent == ANOTHER


async def test_what_operators_put_back_is_joined_to_no_request(traced_store: SqlStore, running: RunningRequest) -> None:
    [file] = await seed_files(traced_store, await seed_order(traced_store), 1)
    running.now = SUBMITTING
    [job_id] = await submit(traced_store, [file])
    running.now = None
    failed = await claim(traced_store)
    await traced_store.fail(failed, error="permanent: x", message="{name}", file_status=file.status, now=NOON)

    assert await traced_store.retry_job(job_id, now=LATER) is not None
    assert (await claim(traced_store, LATER)).job.traceparent is None


async def test_the_requests_of_old_jobs_are_forgotten_with_their_objects(
    traced_store: SqlStore, running: RunningRequest
) -> None:
    running.now = SUBMITTING
    await submit(traced_store, await seed_files(traced_store, await seed_order(traced_store), 2))

    async def sweep(made_before: timedelta) -> None:
        now = await traced_store.probe()  # ids of jobs are by the real time
        await traced_store.begin_expiry(
            finished_before=now + made_before, abandoned_before=now - timedelta(hours=1), limit=10, now=now
        )

    await sweep(-timedelta(days=1))
    assert await kept(traced_store) == [SUBMITTING] * 2
    await sweep(timedelta(days=1))
    assert await kept(traced_store) == []


async def test_the_requests_of_old_jobs_are_forgotten_where_traces_are_off_by_now(
    traced_store: SqlStore, running: RunningRequest
) -> None:
    running.now = SUBMITTING
    await submit(traced_store, await seed_files(traced_store, await seed_order(traced_store), 1))
    database = traced_store._database  # pyright: ignore[reportPrivateUsage]  # the same, under a store without traces
    off = type(traced_store)(database, **_others_of(traced_store))
    tomorrow = await off.probe() + timedelta(days=1)

    await off.begin_expiry(finished_before=tomorrow, abandoned_before=NOON, limit=10, now=tomorrow)

    assert await kept(traced_store) == []


async def test_where_traces_are_off_a_submit_and_a_claim_send_what_they_always_sent(
    traced_store: SqlStore, running: RunningRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.now = SUBMITTING
    database = traced_store._database  # pyright: ignore[reportPrivateUsage]  # the same, under a store without traces
    off, sent = type(traced_store)(database, **_others_of(traced_store)), list[str]()
    run = database.run

    async def recorded(*statements: Statement) -> Sequence[Rows]:
        sent.extend(statement.compiled(DIALECT)[0] for statement in statements)
        return await run(*statements)

    monkeypatch.setattr(database, "run", recorded)
    await submit(off, await seed_files(off, await seed_order(off), 1))

    assert (await claim(off)).job.traceparent is None
    assert "traces" not in " ".join(sent)
    assert await kept(traced_store) == []


def _others_of(store: SqlStore) -> Mapping[str, Any]:
    if not isinstance(store, SqliteStore):
        return {}
    return {"holders": store._holders}  # pyright: ignore[reportPrivateUsage]  # the same
