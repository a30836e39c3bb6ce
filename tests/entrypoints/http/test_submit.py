"""submit-edits: all or nothing, and a double click is harmless."""

from collections.abc import Sequence
from dataclasses import replace

import httpx
import pytest

from devtools.world import World
from editqueue.adapters.job_queue.local import LocalQueue
from editqueue.domain.errors import StorageUnavailable
from editqueue.domain.files import File, Order
from editqueue.domain.ids import new_id
from editqueue.ports.job_store import JobQuery
from tests.entrypoints.http.client import BASE, Api, bearer, build_app, problem_of


def ids_of(files: Sequence[File]) -> list[str]:
    return [one.id for one in files]


async def assert_refused_whole(api: Api, order: Order, ids: Sequence[str], status: int, code: str) -> list[str]:
    """The offending ids; no job came of it and no file moved."""
    before = (await api.get(f"/api/orders/{order.id}/files")).json()
    jobs = await api.world.store.jobs(JobQuery())
    problem = problem_of(await api.submit(order, ids), status, code)
    assert await api.world.store.jobs(JobQuery()) == jobs
    assert (await api.get(f"/api/orders/{order.id}/files")).json() == before
    return sorted(problem["ids"])


async def test_every_marked_file_gets_a_job_in_the_order_asked_for(api: Api) -> None:
    order, files = await api.files(3)
    wanted = ids_of(files)[::-1]
    answer = await api.submit(order, wanted, express=True, order_notes="Bitte hell.\nDanke")
    assert answer.status_code == 201
    assert answer.json()["ok"] is True
    assert [(one["file_id"], one["status"]) for one in answer.json()["jobs"]] == [(i, "queued") for i in wanted]
    kept = await api.world.store.jobs(JobQuery())
    assert {one.id for one in kept} == {one["id"] for one in answer.json()["jobs"]}
    assert all(one.express for one in kept)


async def test_unknown_ids_are_all_named(api: Api) -> None:
    order, files = await api.files(2)
    unknown = [new_id(), "nonsense", "' OR 1=1", "a\x00b"]
    assert await assert_refused_whole(api, order, [*ids_of(files), *unknown], 404, "file_not_found") == sorted(unknown)


async def test_files_of_another_order_are_all_named(api: Api) -> None:
    order, files = await api.files(1)
    _, elsewhere = await api.files(2)
    ids = ids_of([*files, *elsewhere])
    assert await assert_refused_whole(api, order, ids, 404, "file_not_found") == sorted(ids_of(elsewhere))


async def test_files_of_another_user_are_all_named(api: Api) -> None:
    order, files = await api.files(1)
    _, foreign = await api.files(2, user="bert")
    ids = ids_of([*files, *foreign])
    assert await assert_refused_whole(api, order, ids, 403, "forbidden") == sorted(ids_of(foreign))


async def test_deleted_files_are_all_named(api: Api) -> None:
    order, files = await api.files(3)
    gone = ids_of(files[1:])
    await api.delete("/api/files/bulk", {"ids": gone})
    assert await assert_refused_whole(api, order, ids_of(files), 404, "file_not_found") == sorted(gone)


async def test_unmarked_files_are_all_named(api: Api) -> None:
    order, files = await api.files(3)
    plain = ids_of(files[1:])
    await api.post("/api/files/bulk-mark", {"ids": plain, "marked": False})
    assert await assert_refused_whole(api, order, ids_of(files), 409, "file_not_marked") == sorted(plain)


async def test_a_locked_file_answers_with_its_job(api: Api) -> None:
    order, files = await api.files(2)
    job_id = await api.lock(files[0])
    answer = await api.submit(order, ids_of(files))
    assert answer.status_code == 201, answer.text
    locked, fresh = answer.json()["jobs"]
    assert locked == {"id": job_id, "file_id": files[0].id, "status": "in_progress"}
    assert fresh["status"] == "queued"


@pytest.mark.parametrize("count", [0, 1001])
async def test_no_ids_and_too_many_are_refused(api: Api, count: int) -> None:
    order = await api.order()
    assert problem_of(await api.submit(order, ["x"] * count), 422, "invalid")["field"] == "files"


async def test_a_thousand_ids_are_taken(api: Api) -> None:
    order, [file] = await api.files(1)
    answer = await api.submit(order, [file.id] * 1000)
    assert answer.status_code == 201
    assert len(answer.json()["jobs"]) == 1
    unknown = [new_id() for _ in range(1000)]
    assert len(problem_of(await api.submit(order, unknown), 404, "file_not_found")["ids"]) == 1000


@pytest.mark.parametrize("body", [b"", b"{", b"not json", b"\xff\xfe", b"null", b"[]", b'"files"', b"[" * 50_000])
async def test_what_is_no_json_object_is_refused(api: Api, body: bytes) -> None:
    order = await api.order()
    headers = {**bearer("anna"), "Content-Type": "application/json"}
    answer = await api.http.post(f"/api/orders/{order.id}/submit-edits", content=body, headers=headers)
    assert problem_of(answer, 422, "invalid")["field"] == "body"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"files": "x"}, "files"),
        ({"files": [1]}, "files"),
        ({"files": [None]}, "files"),
        ({"files": None}, "files"),
        ({"express": "yes"}, "express"),
        ({"express": 1}, "express"),
        ({"order_notes": 7}, "order_notes"),
        ({"order_notes": "x" * 5001}, "order_notes"),
        ({"order_notes": "a\x00"}, "order_notes"),
        ({"priority": 1}, "priority"),
    ],
)
async def test_wrong_types_are_named(api: Api, change: dict[str, object], field: str) -> None:
    order = await api.order()
    answer = await api.post(f"/api/orders/{order.id}/submit-edits", {"files": ["x"], **change})
    assert problem_of(answer, 422, "invalid")["field"].split(".")[0] == field


async def test_a_double_click_gives_the_same_jobs(api: Api) -> None:
    order, files = await api.files(3)
    first, second = await api.submit(order, ids_of(files)), await api.submit(order, ids_of(files))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert len(await api.world.store.jobs(JobQuery())) == 3
    assert api.world.journal.causes() == ["submit"] * 3


async def test_an_unknown_order_is_404(api: Api) -> None:
    answer = await api.post("/api/orders/nowhere/submit-edits", {"files": ["x"]})
    assert problem_of(answer, 404, "order_not_found")["ids"] == ["nowhere"]


class DeadQueue(LocalQueue):
    async def send(self, job_ids: Sequence[str]) -> None:
        raise StorageUnavailable("the queue is away")


async def test_jobs_are_made_even_if_the_queue_is_away(api: Api, world: World) -> None:
    order, files = await api.files(2)
    app = build_app(world, replace(world.ports, queue=DeadQueue()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as http:
        answer = await Api(world, http).submit(order, ids_of(files))
    assert answer.status_code == 201, answer.text
    assert len(await world.store.jobs(JobQuery())) == 2
    assert world.journal.errors or world.journal.warnings, "somebody is told"
