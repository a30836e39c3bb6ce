"""Opening a store on D1's HTTP API: it must be there, of our schema, and keep a batch together."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devtools.cloudflare_queue.d1 import D1Api, SqlError, d1_api, sqlite_d1
from devtools.databases import sqlite_path
from editqueue.adapters.job_store.opening.open_d1 import open_d1_store
from editqueue.domain.errors import SetupError


@pytest.fixture(name="api")
async def _api(tmp_path: Path) -> AsyncIterator[D1Api]:
    with sqlite_d1(sqlite_path(tmp_path)) as behind:
        async with d1_api(behind) as api:
            yield api


async def test_it_takes_two_requests_and_leaves_nothing(api: D1Api) -> None:
    store = await open_d1_store(api.access)

    assert len(api.batches) == 2
    [found] = await api.backend([{"sql": "SELECT * FROM consumer_pauses"}])
    assert found["results"] == []
    await store.close()


async def test_a_batch_that_is_no_transaction_is_refused_and_what_it_left_is_removed(api: D1Api) -> None:
    behind = api.backend

    async def one_by_one(statements: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        return [(await behind([statement]))[0] for statement in statements]

    api.backend = one_by_one

    with pytest.raises(SetupError, match="half of a batch"):
        await open_d1_store(api.access)

    [found] = await behind([{"sql": "SELECT * FROM consumer_pauses"}])
    assert found["results"] == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"token": "wrong"}, "D1: Edit"),
        ({"account_id": "0" * 32}, "7403.*CLOUDFLARE_ACCOUNT_ID"),
        ({"database_id": "00000000-0000-0000-0000-000000000000"}, "wrangler d1 list"),
        ({"base_url": "http://127.0.0.1:9"}, "cannot be reached"),
    ],
    ids=["token", "account", "database", "address"],
)
async def test_what_is_wrong_is_one_line_with_a_remedy(api: D1Api, change: Mapping[str, Any], says: str) -> None:
    with pytest.raises(SetupError, match=says) as refused:
        await open_d1_store(replace(api.access, **change))

    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith("EDITQUEUE_DATABASE_URL: cannot open d1://")


async def test_a_schema_that_is_not_for_this_version_any_more_is_no_work_for_wrangler(api: D1Api) -> None:
    await api.backend([{"sql": "UPDATE alembic_version SET version_num = '9999'"}])
    await api.backend([{"sql": "UPDATE schema_compatibility SET oldest_program = '9998'"}])
    with pytest.raises(SetupError, match=r"revision 9999, .* run the version that brought it there"):
        await open_d1_store(api.access)


async def test_a_schema_that_is_missing_or_old_names_who_migrates_it(api: D1Api) -> None:
    await api.backend([{"sql": "UPDATE alembic_version SET version_num = '0002'"}])
    with pytest.raises(SetupError, match=r"revision 0002, this version needs .*wrangler d1 migrations apply"):
        await open_d1_store(api.access)

    async def empty(_: object) -> Sequence[Mapping[str, Any]]:
        raise SqlError("no such table: consumer_pauses: SQLITE_ERROR")

    api.backend = empty
    with pytest.raises(SetupError, match="revision none"):
        await open_d1_store(api.access)
