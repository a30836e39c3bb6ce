"""Files once they are there: list, mark, rename, delete, preview, approve, revise; and what is told of them."""

from typing import Any

import pytest

from devtools.seeds import claim
from editqueue.domain.files import FileStatus
from tests.entrypoints.http.client import Api, problem_of


async def listed(api: Api, order_id: str, **params: str | int) -> list[dict[str, Any]]:
    answer = await api.get(f"/api/orders/{order_id}/files", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["files"]


async def test_pages_follow_each_other_without_gap_or_repetition(api: Api) -> None:
    order, files = await api.files(7)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for expected in (3, 3, 1):
        page = (await api.get(f"/api/orders/{order.id}/files", params={"limit": 3, **cursor})).json()
        assert len(page["files"]) == expected
        seen += [one["id"] for one in page["files"]]
        cursor = {"cursor": page["next_cursor"]}
    assert seen == [one.id for one in files]
    assert cursor == {"cursor": None}


async def test_filters_narrow_the_list(api: Api) -> None:
    order, files = await api.files(3)
    await api.post("/api/files/bulk-mark", {"ids": [files[0].id], "marked": False})
    await api.submit(order, [files[1].id])
    assert [one["id"] for one in await listed(api, order.id, marked="false")] == [files[0].id]
    assert [one["id"] for one in await listed(api, order.id, status="queued")] == [files[1].id]
    assert len(await listed(api, order.id, marked="true", status="uploaded")) == 1
    assert await listed(api, order.id, room_type="kitchen") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "x"),
        ("cursor", "x"),
        ("cursor", "-1"),
        ("cursor", "9" * 30),
        ("cursor", "\u0663"),
        ("status", "lost"),
        ("marked", "perhaps"),
        ("room_type", "x" * 101),
    ],
)
async def test_bad_parameters_are_named(api: Api, name: str, value: str) -> None:
    order = await api.order()
    answer = await api.get(f"/api/orders/{order.id}/files", params={name: value})
    assert problem_of(answer, 422, "invalid")["field"] == name


async def test_marks_are_set_and_taken_all_or_nothing(api: Api) -> None:
    order, files = await api.files(2, marked=False)
    ids = [one.id for one in files]
    assert (await api.post("/api/files/bulk-mark", {"ids": ids, "marked": True})).json() == {"ok": True}
    assert [one["marked"] for one in await listed(api, order.id)] == [True, True]
    refused = await api.post("/api/files/bulk-mark", {"ids": [*ids, "unknown"], "marked": False})
    assert problem_of(refused, 404, "file_not_found")["ids"] == ["unknown"]
    assert [one["marked"] for one in await listed(api, order.id)] == [True, True]


async def test_a_rename_brings_names_to_the_standard_once(api: Api) -> None:
    _, files = await api.files(2)
    ids = [one.id for one in files]
    first = (await api.post("/api/files/bulk-rename", {"ids": ids})).json()["results"]
    assert first[1] == {
        "id": ids[1],
        "old_name": "bild.jpg",
        "new_name": "20261124-AB12CD_unspecified_002_v1.jpg",
        "status": "renamed",
    }
    second = (await api.post("/api/files/bulk-rename", {"ids": ids})).json()["results"]
    assert [(one["status"], one["old_name"]) for one in second] == [("unchanged", one["new_name"]) for one in first]


async def test_nothing_changes_a_locked_file(api: Api) -> None:
    order, files = await api.files(2)
    await api.lock(files[0])
    before = await listed(api, order.id)
    ids = [one.id for one in files]
    for answer in (
        await api.post("/api/files/bulk-rename", {"ids": ids}),
        await api.post("/api/files/bulk-mark", {"ids": ids, "marked": False}),
        await api.delete("/api/files/bulk", {"ids": ids}),
        await api.post(f"/api/files/{ids[0]}/approve"),
        await api.post(f"/api/files/{ids[0]}/revision", {"note": "Heller"}),
    ):
        assert problem_of(answer, 409, "file_locked")["ids"] == [ids[0]]
    assert await listed(api, order.id) == before


async def test_deleted_files_are_gone(api: Api) -> None:
    order, files = await api.files(3)
    gone = [one.id for one in files[:2]]
    assert (await api.delete("/api/files/bulk", {"ids": gone})).json() == {"ok": True, "deleted": 2}
    assert [one["id"] for one in await listed(api, order.id)] == [files[2].id]
    problem_of(await api.get(f"/api/files/{gone[0]}/preview"), 404, "file_not_found")
    problem_of(await api.post(f"/api/files/{gone[0]}/approve"), 404, "file_not_found")
    problem_of(await api.post(f"/api/files/{gone[0]}/revision", {"note": "x"}), 404, "file_not_found")
    assert sorted(problem_of(await api.delete("/api/files/bulk", {"ids": gone}), 404, "file_not_found")["ids"]) == gone


async def test_only_a_done_file_is_approved(api: Api) -> None:
    order, [file] = await api.files(1)
    problem_of(await api.post(f"/api/files/{file.id}/approve"), 409, "file_not_done")
    await api.finish(file)
    for _ in range(2):
        answer = await api.post(f"/api/files/{file.id}/approve")
        assert (answer.status_code, answer.json()) == (200, {"ok": True, "status": "approved"})
    [after] = await listed(api, order.id)
    assert (after["approved"], after["status"]) == (True, "done")


async def test_a_revision_resets_the_approval_and_raises_the_version(api: Api) -> None:
    order, [file] = await api.files(1)
    problem_of(await api.post(f"/api/files/{file.id}/revision", {"note": "Heller"}), 409, "file_not_done")
    await api.finish(file)
    await api.post(f"/api/files/{file.id}/approve")
    answer = await api.post(f"/api/files/{file.id}/revision", {"note": "Heller\nbitte"})
    assert answer.status_code == 201
    job = await api.world.store.job(answer.json()["job_id"])
    assert answer.json() == {"ok": True, "status": "queued", "job_id": job.id if job else None}
    [after] = await listed(api, order.id)
    assert (after["approved"], after["ver"], after["status"]) == (False, 2, "queued")
    problem_of(await api.post(f"/api/files/{file.id}/revision", {"note": "again"}), 409, "job_active")
    assert [one["ver"] for one in await listed(api, order.id)] == [2]


@pytest.mark.parametrize("note", ["", "x" * 1001, "a\x00", 7, None])
async def test_a_note_has_1_to_1000_characters(api: Api, note: object) -> None:
    _, [file] = await api.files(1)
    await api.finish(file)
    answer = await api.post(f"/api/files/{file.id}/revision", {"note": note})
    assert problem_of(answer, 422, "invalid")["field"] == "note"
    assert (await api.post(f"/api/files/{file.id}/revision", {"note": "ü" * 1000})).status_code == 201


async def test_a_preview_comes_with_the_edit_and_its_link_works_for_five_minutes(api: Api) -> None:
    _, [file] = await api.files(1)
    problem_of(await api.get(f"/api/files/{file.id}/preview"), 404, "preview_not_found")
    await api.finish(file)
    answer = (await api.get(f"/api/files/{file.id}/preview")).json()
    assert answer["expires_at"] == "2026-11-24T12:05:00.000Z"
    picture = await api.http.get(answer["url"])
    assert (picture.status_code, picture.content) == (200, b"a preview")
    assert picture.headers["content-type"] == "image/jpeg"
    api.world.clock.advance(api.world.ports.limits.signed_url * 1.01)
    assert (await api.http.get(answer["url"])).status_code == 403


async def test_the_counts_are_those_of_the_files(api: Api) -> None:
    order, files = await api.files(5)
    status = f"/api/orders/{order.id}/status"
    await api.finish(files[0])
    await api.lock(files[1])
    await api.submit(order, [files[2].id])
    taken = await claim(api.world.store)
    now = api.world.clock.now()
    await api.world.store.fail(taken, error="x", message="{name}", file_status=FileStatus.FAILED, now=now)
    await api.submit(order, [files[3].id])
    assert (await api.get(status)).json() == {"queued": 1, "in_progress": 1, "done": 1, "failed": 1, "total": 4}
    await api.delete("/api/files/bulk", {"ids": [files[0].id]})
    assert (await api.get(status)).json() == {"queued": 1, "in_progress": 1, "done": 0, "failed": 1, "total": 3}


async def test_notifications_come_newest_first_page_by_page_to_their_owner(api: Api) -> None:
    order, files = await api.files(3)
    for file in files:
        await api.finish(file)
    first = (await api.get("/api/notifications", params={"limit": 2})).json()
    rest = (await api.get("/api/notifications", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    items = first["items"] + rest["items"]
    assert [one["file_id"] for one in items] == [one.id for one in reversed(files)]
    assert {(one["type"], one["order_id"]) for one in items} == {("edit_done", order.id)}
    assert rest["next_cursor"] is None
    assert (await api.get("/api/notifications", user="bert")).json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(("name", "value"), [("limit", "0"), ("limit", "201"), ("cursor", "\x00")])
async def test_bad_paging_of_notifications_is_named(api: Api, name: str, value: str) -> None:
    assert problem_of(await api.get("/api/notifications", params={name: value}), 422, "invalid")["field"] == name
