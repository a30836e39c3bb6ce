"""D1 over HTTP, beyond the contract that it keeps with the other databases."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, literal, select, text, update

from devtools.cloudflare_queue.d1 import D1Api, Refusal, SqlError
from editqueue.adapters.job_store.databases.d1_answers import D1Refused
from editqueue.adapters.job_store.databases.d1_errors import WrongStatement
from editqueue.adapters.job_store.databases.d1_http import D1HttpDatabase
from editqueue.adapters.job_store.databases.d1_literals import with_literals
from editqueue.adapters.job_store.databases.d1_rate_limit import RateLimit
from editqueue.adapters.job_store.databases.database import ConstraintViolated
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.schema import files, orders
from editqueue.domain.errors import StorageUnavailable

ORDER = {"id": "1", "user_id": "anna", "title": "Haus", "shootcode": "AB", "last_index": 0, "created_at": 7}
ADD = once(insert(orders).values(ORDER))
READ = once(select(orders.c.id, orders.c.last_index))


@pytest.fixture(name="database")
async def _database(api: D1Api) -> AsyncIterator[D1HttpDatabase]:
    database = D1HttpDatabase(api.access)
    yield database
    await database.close()


async def test_a_group_is_one_request_and_one_transaction(api: D1Api, database: D1HttpDatabase) -> None:
    rows = await database.run(ADD, READ)
    with pytest.raises(ConstraintViolated):
        await database.run(once(insert(orders).values(ORDER | {"id": "2"})), ADD)

    assert rows == [[], [{"id": "1", "last_index": 0}]]
    assert [len(batch) for batch in api.batches] == [2, 2]
    assert await database.run(READ) == [[{"id": "1", "last_index": 0}]], "the first row of a batch that failed is left"


def test_texts_are_bound_and_numbers_stand_in_the_sql() -> None:
    change = update(files).where(files.c.id == "a", files.c.ver == -3).values(locked=True, marked=False, room_type=None)

    sql, texts = with_literals(once(change.values(name="neu", bytes=7_000_000_000)))

    assert texts == ["neu", "a"]
    assert sql == (
        "UPDATE files SET name=?, bytes=7000000000, room_type=NULL, locked=1, marked=0 "
        "WHERE files.id = ? AND files.ver = (-3)"
    )


def test_what_is_neither_text_nor_whole_number_is_refused_before_it_is_sent() -> None:
    with pytest.raises(TypeError, match="float"):
        with_literals(once(select(literal(1.5))))


async def test_a_text_that_looks_like_a_number_stays_one(database: D1HttpDatabase) -> None:
    [[found]] = await database.run(once(select(literal("007").label("text"), literal(7).label("number"))))

    assert found == {"text": "007", "number": 7}


@pytest.mark.parametrize(
    ("refusal", "error", "says"),
    [
        (Refusal(status=401, code=10000, message="Authentication error"), D1Refused, "D1: Edit"),
        (Refusal(status=403, code=7403, message="not authorized"), D1Refused, "CLOUDFLARE_API_TOKEN"),
        (Refusal(status=404, code=7404, message="could not be found"), D1Refused, "wrangler d1 list"),
        (Refusal(status=400, code=7400, message="failed to decode id"), D1Refused, "EDITQUEUE_DATABASE_URL"),
        (Refusal(status=408, code=1, message="slow"), StorageUnavailable, "HTTP 408, 1 slow"),
        (Refusal(status=429, code=971, message="rate"), StorageUnavailable, "HTTP 429, 971 rate"),
        (Refusal(status=500, code=7500, message="internal error; reference = x"), StorageUnavailable, "internal"),
        (Refusal(status=400, code=7500, message="internal error; reference = x"), StorageUnavailable, "internal"),
        (Refusal(status=400, code=7500, message="no such table: files: SQLITE_ERROR"), StorageUnavailable, "table"),
        (Refusal(status=400, code=7500, message="D1 DB is overloaded."), StorageUnavailable, r"overloaded\.$"),
        (Refusal(status=503, code=0, message=""), StorageUnavailable, "D1: HTTP 503"),
        (
            Refusal(status=400, code=7500, message="UNIQUE constraint failed: orders.id: SQLITE_CONSTRAINT"),
            ConstraintViolated,
            "orders.id",
        ),
        (Refusal(status=400, code=7500, message='near "x": syntax error: SQLITE_ERROR'), WrongStatement, "syntax"),
        (Refusal(status=200, code=7500, message="D1 DB is overloaded"), StorageUnavailable, "overloaded"),
    ],
    ids=lambda value: f"{value.status} {value.message}" if isinstance(value, Refusal) else "",
)
async def test_every_answer_is_one_of_our_errors(
    api: D1Api, database: D1HttpDatabase, refusal: Refusal, error: type[Exception], says: str
) -> None:
    api.refusals.append(refusal)

    with pytest.raises(error, match=says):
        await database.run(ADD)

    assert api.batches == []


async def test_a_wrong_statement_is_a_defect(database: D1HttpDatabase) -> None:
    with pytest.raises(WrongStatement, match="no such column"):
        await database.run(once(text("SELECT missing FROM orders")))


async def test_a_read_whose_answer_got_lost_is_asked_again_and_a_write_is_not(
    api: D1Api, database: D1HttpDatabase
) -> None:
    api.lost += ["INSERT", "SELECT"]

    with pytest.raises(StorageUnavailable, match="cannot be reached"):
        await database.run(ADD)

    assert await database.run(READ) == [[{"id": "1", "last_index": 0}]]
    assert len(api.batches) == 3


async def test_nobody_there_is_an_outage_and_no_defect(api: D1Api) -> None:
    away = D1HttpDatabase(replace(api.access, base_url="http://127.0.0.1:9/client/v4"))

    with pytest.raises(StorageUnavailable, match="cannot be reached: ConnectError"):
        await away.run(ADD)
    await away.close()


@pytest.mark.parametrize("answer", [[], [{"success": True, "results": []}, {"success": False}]])
async def test_half_an_answer_is_none(
    api: D1Api, database: D1HttpDatabase, answer: Sequence[Mapping[str, Any]]
) -> None:
    async def half(_: object) -> Sequence[Mapping[str, Any]]:
        return answer

    api.backend = half

    with pytest.raises(StorageUnavailable, match="of 2 statements"):
        await database.run(ADD, ADD)


async def test_after_429_nothing_is_asked_until_the_time_that_it_names(api: D1Api) -> None:
    seconds = [0.0]
    database = D1HttpDatabase(api.access, rate_limit=RateLimit(elapsed=lambda: seconds[0]))
    api.refusals.append(Refusal(status=429, code=971, message="limit", headers={"retry-after": "120"}))

    with pytest.raises(StorageUnavailable, match="429"):
        await database.run(ADD)
    with pytest.raises(StorageUnavailable, match="may go in 120 s"):
        await database.run(ADD)
    assert api.batches == []
    seconds[0] = 121.0
    await database.run(ADD)

    assert len(api.batches) == 1
    await database.close()


async def test_closing_lets_what_is_under_way_end_and_refuses_the_rest(api: D1Api, database: D1HttpDatabase) -> None:
    came, go, behind = asyncio.Event(), asyncio.Event(), api.backend

    async def slow(statements: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        came.set()
        await go.wait()
        return await behind(statements)

    api.backend = slow
    running = asyncio.create_task(database.run(ADD))
    await came.wait()
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    with pytest.raises(StorageUnavailable, match="being closed"):
        await database.run(ADD)
    go.set()
    await closing

    assert await running == [[]]


async def test_what_hangs_when_it_is_closed_is_cut_off(
    api: D1Api, database: D1HttpDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("editqueue.adapters.job_store.databases.d1_http.CLOSING_SECONDS", 0.01)
    came, never = asyncio.Event(), asyncio.Event()

    async def hanging(_: object) -> Sequence[Mapping[str, Any]]:
        came.set()
        await never.wait()
        raise SqlError("nobody waits")

    api.backend = hanging
    running = asyncio.create_task(database.run(ADD))
    await came.wait()
    await database.close()

    with pytest.raises(StorageUnavailable, match="being closed"):
        await running
    never.set()


async def test_a_group_has_ten_seconds(api: D1Api, database: D1HttpDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("editqueue.adapters.job_store.databases.d1_http.GROUP_SECONDS", 0.01)
    never = asyncio.Event()

    async def hanging(_: object) -> Sequence[Mapping[str, Any]]:
        await never.wait()
        raise SqlError("nobody waits")

    api.backend = hanging

    with pytest.raises(StorageUnavailable, match=r"no answer within 0\.01 s"):
        await database.run(ADD)
    never.set()


UNKNOWN: Sequence[Mapping[str, object]] = (
    {"batch": [{"sql": "SELECT ?", "params": [1]}]},
    {"batch": [{"params": ["a"]}]},
    {"batch": [], "mode": "fast"},
    {},
)


@pytest.mark.parametrize("body", UNKNOWN)
async def test_the_stand_in_refuses_what_cloudflares_schema_does_not_know(api: D1Api, body: object) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {api.access.token}"}) as http:
        answer = await http.post(api.url, json=body)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, 7400)
