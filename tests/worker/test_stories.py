"""The customer's acceptance scenarios through the Worker itself, in workerd on D1, R2, Queues and Images."""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from devtools.cloudflare.host import NETWORK_LOST, QUEUE_FULL, R2_BROKEN, Cloudflare
from devtools.cloudflare.isolate import isolate
from devtools.cloudflare.shop import PHOTO, Shop
from devtools.patience import PATIENCE
from devtools.pictures.raws import dng, preview
from devtools.pictures.samples import decoded, difference, encoded, scene, with_exif
from editqueue.domain.keys import ObjectKeys
from editqueue.domain.messages import RAW_MISSING
from editqueue.entrypoints.http.auth import issue_token
from editqueue.ports.job_store import Claim

DEEP = 50_000
"""Levels of JSON: ten times what Python in a Worker survives."""
HEAP = "import pyodide_js; pyodide_js._module.HEAP8.length"


@pytest.fixture
async def shop(cloudflare: Cloudflare) -> AsyncIterator[Shop]:
    """Nothing is left behind: neither rows nor objects."""
    secret = cloudflare.settings["JWT_SECRET"]
    token = issue_token("anna", secret=secret, now=datetime.now(UTC), ttl=timedelta(hours=1))
    async with isolate(cloudflare) as opened, cloudflare.client(headers={"Authorization": f"Bearer {token}"}) as http:
        yield Shop(cloudflare, opened, http)
        await cloudflare.tell("heal")
        await opened.bucket.delete([one.key async for one in opened.bucket.list("")])


async def test_submit_is_delivered_processed_and_shown(shop: Shop) -> None:
    files = await shop.order_with(PHOTO, PHOTO, PHOTO)
    before = await shop.counted()

    jobs = await shop.submit(files)
    await shop.until(before, sent=3, settled=3)

    assert await shop.status(files) == {"queued": 0, "in_progress": 0, "done": 3, "failed": 0, "total": 3}
    assert {one.id for one in await shop.jobs(files)} == set(jobs)
    assert [(one["status"], one["locked"]) for one in await shop.shown(files)] == [("done", False)] * 3
    assert await shop.notes(files) == ["edit_done"] * 3
    stored = await shop.objects(files[0])
    assert stored["raw"] == stored["processed"] == PHOTO
    assert (await shop.bucket.head(ObjectKeys.from_raw(files[0].object_key).processed)).content_type == "image/jpeg"


async def test_the_preview_is_small_private_and_behind_a_url_that_works(shop: Shop) -> None:
    [file] = await shop.order_with(with_exif(scene(1600, 1000), 1))
    assert (await shop.http.get(f"/api/files/{file.id}/preview")).status_code == 404
    before = await shop.counted()
    await shop.submit([file])
    await shop.until(before, settled=1)

    answer = await shop.http.get(f"/api/files/{file.id}/preview")
    picture = await shop.http.get(answer.json()["url"])

    assert (answer.status_code, picture.status_code) == (200, 200)
    assert picture.headers["content-type"] == "image/jpeg"
    assert decoded(picture.content).size == (1280, 800)
    assert difference(decoded(picture.content), scene(1280, 800)) < 6
    assert b"Exif" not in picture.content
    assert b"SecretCamera" not in picture.content


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (encoded(scene(640, 400), "PNG"), (640, 400)),
        (encoded(scene(1500, 3000), "WEBP"), (640, 1280)),
        (dng(preview(encoded(scene(1620, 1080))), padding=200_000), (1280, 853)),
        (dng(preview(encoded(scene(1620, 1080))), orientation=6), (853, 1280)),
    ],
    ids=["png", "webp", "raw", "turned raw"],
)
async def test_every_format_of_images_and_the_jpeg_inside_raws_become_previews(
    shop: Shop, body: bytes, size: tuple[int, int]
) -> None:
    [file] = await shop.order_with(body, name="IMG_1.DNG", mime="image/x-adobe-dng")
    before = await shop.counted()
    await shop.submit([file])
    await shop.until(before, settled=1)

    stored = await shop.objects(file)

    assert stored["processed"] == body
    assert stored["preview"] is not None
    assert decoded(stored["preview"]).format == "JPEG"
    assert decoded(stored["preview"]).size == size


async def test_what_images_does_not_read_gets_the_identical_copy(shop: Shop) -> None:
    tiff = encoded(scene(64, 40), "TIFF")
    [file] = await shop.order_with(tiff, name="IMG_1.TIF", mime="image/tiff")
    before = await shop.counted()
    await shop.submit([file])
    await shop.until(before, settled=1)

    assert (await shop.objects(file))["preview"] == tiff
    assert (await shop.bucket.head(ObjectKeys.from_raw(file.object_key).preview)).content_type == "image/tiff"
    assert await shop.notes([file]) == ["edit_done"]


async def test_a_file_that_is_no_picture_fails_at_once_and_the_next_one_is_done(shop: Shop) -> None:
    files = await shop.order_with(b"only text", b"\xff\xd8\xff\xe0 cut", PHOTO)
    before = await shop.counted()
    await shop.submit(files)
    await shop.until(before, settled=3)

    assert [one["status"] for one in await shop.shown(files)] == ["failed", "failed", "done"]
    assert [one.attempts for one in await shop.jobs(files)] == [1, 1, 1]
    assert sorted(await shop.notes(files)) == ["edit_done", "revision_required", "revision_required"]


async def test_a_missing_raw_fails_the_job_and_the_file_can_be_submitted_again(shop: Shop) -> None:
    [file] = await shop.order_with(PHOTO)
    await shop.bucket.delete([file.object_key])
    before = await shop.counted()
    await shop.submit([file])
    await shop.until(before, settled=1)

    [job] = await shop.jobs([file])
    [shown] = await shop.shown([file])
    [note] = await shop.store.notifications("anna", limit=9, before_id=None)
    assert (job.status, job.attempts) == ("failed", 1)
    assert (shown["status"], shown["locked"]) == ("queued", False)
    assert (note.type, note.message) == ("revision_required", RAW_MISSING.replace("{name}", "IMG_1.JPG"))
    await shop.bucket.write(file.object_key, PHOTO, content_type="image/jpeg")
    await shop.submit([file])
    await shop.until(before, settled=2)
    assert (await shop.status([file]))["done"] == 1


async def test_delete_rename_and_revision_answer_409_while_the_job_runs(shop: Shop) -> None:
    files = await shop.order_with(PHOTO, PHOTO)
    ids = [one.id for one in files]
    before = await shop.counted()
    await shop.cloudflare.tell("rule", call="copy", hold=True)
    await shop.submit(files[:1])
    await shop.until(before, held=1)

    refused = [
        await shop.http.request("DELETE", "/api/files/bulk", json={"ids": ids}),
        await shop.http.post("/api/files/bulk-rename", json={"ids": ids}),
        await shop.http.post(f"/api/files/{ids[0]}/revision", json={"note": "heller"}),
    ]
    [running, idle] = await shop.shown(files)
    await shop.cloudflare.tell("release")
    await shop.until(before, settled=1)
    deleted = await shop.http.request("DELETE", "/api/files/bulk", json={"ids": ids})

    assert [(one.status_code, one.json()["code"]) for one in refused] == [(409, "file_locked")] * 3
    assert [(one["status"], one["locked"]) for one in (running, idle)] == [("in_progress", True), ("uploaded", False)]
    assert (deleted.status_code, await shop.shown(files)) == (200, [])


async def test_promise_5_the_cron_does_what_no_message_delivered(shop: Shop) -> None:
    files = await shop.order_with(*[PHOTO] * 3)
    before = await shop.counted()
    await shop.cloudflare.fail("sendBatch", QUEUE_FULL)
    await shop.submit(files)
    assert (await shop.status(files))["queued"] == 3

    await shop.cloudflare.tell("cron")

    after = await shop.counted()
    assert (await shop.status(files))["done"] == 3
    assert (after["sent"], after["delivered"]) == (before["sent"], before["delivered"])


async def test_the_cron_takes_back_a_job_whose_worker_died(shop: Shop) -> None:
    [file] = await shop.order_with(PHOTO)
    await shop.cloudflare.fail("sendBatch", QUEUE_FULL)
    await shop.submit([file])
    long_ago = datetime.now(UTC) - timedelta(minutes=16)
    await shop.store.retry_later(
        await _claimed(shop, datetime.now(UTC)), error="x", run_after=long_ago, now=datetime.now(UTC)
    )
    await _claimed(shop, long_ago)

    await shop.cloudflare.tell("cron")

    [job] = await shop.jobs([file])
    assert (job.status, job.attempts) == ("done", 3)


async def _claimed(shop: Shop, now: datetime) -> Claim:
    taken = await shop.store.claim_next(now=now)
    assert taken is not None
    return taken


async def test_a_batch_whose_handler_raised_is_delivered_again(shop: Shop) -> None:
    files = await shop.order_with(PHOTO, PHOTO)
    before = await shop.counted()
    await shop.cloudflare.tell("rule", call="queue", verdict="die")

    await shop.submit(files)
    await shop.until(before, failed=1, settled=2)

    assert (await shop.status(files))["done"] == 2
    assert [one.attempts for one in await shop.jobs(files)] == [1, 1]
    assert await shop.notes(files) == ["edit_done"] * 2


async def test_a_message_is_retried_by_itself_while_the_database_is_away(shop: Shop) -> None:
    files = await shop.order_with(PHOTO, PHOTO)
    before = await shop.counted()
    await shop.cloudflare.fail("batch", NETWORK_LOST, where="SET starts")  # the first claim of the batch

    await shop.submit(files)
    await shop.until(before, retried=1, settled=1)

    assert await shop.status(files) == {"queued": 1, "in_progress": 0, "done": 1, "failed": 0, "total": 2}
    await shop.cloudflare.tell("cron")
    assert (await shop.status(files))["done"] == 2
    assert [one.attempts for one in await shop.jobs(files)] == [1, 1]


async def test_a_job_that_storage_failed_goes_back_and_its_message_comes_again_after_the_backoff(shop: Shop) -> None:
    [file] = await shop.order_with(PHOTO)
    before = await shop.counted()
    await shop.cloudflare.fail("copy", R2_BROKEN)

    await shop.submit([file])
    await shop.until(before, retried=1)

    [job] = await shop.jobs([file])
    assert (job.status, job.attempts) == ("queued", 1)
    assert timedelta(seconds=11) < job.run_after - job.created_at
    assert (await shop.shown([file]))[0]["locked"] is False


async def test_duplicates_and_foreign_messages_are_harmless(shop: Shop) -> None:
    files = await shop.order_with(PHOTO, PHOTO)
    before = await shop.counted()
    jobs = await shop.submit(files)

    ours: list[object] = [{"job_id": one} for one in jobs * 5]
    deep = "[" * DEEP + "]" * DEEP
    foreign: list[object] = [{"job_id": "unknown"}, {"job_id": 7}, {"other": 1}, [], "text", None, 5, deep]
    await shop.cloudflare.tell("send", bodies=[*ours, *foreign])
    await shop.until(before, settled=2 + len(ours) + len(foreign))

    assert (await shop.status(files))["done"] == 2
    assert [one.attempts for one in await shop.jobs(files)] == [1, 1]
    assert await shop.notes(files) == ["edit_done"] * 2


async def test_a_double_click_gives_the_same_jobs(shop: Shop) -> None:
    files = await shop.order_with(PHOTO)
    await shop.cloudflare.fail("sendBatch", QUEUE_FULL, times=2)

    first, second = await asyncio.gather(shop.submit(files), shop.submit(files))

    assert first == second
    assert len(await shop.jobs(files)) == 1


async def test_strangers_and_large_bodies_are_refused_as_on_a_server(shop: Shop) -> None:
    async with shop.cloudflare.client() as stranger:
        assert (await stranger.get("/api/notifications")).status_code == 401
        assert (await stranger.get("/healthz")).json() == {"status": "ok"}

    large = await shop.http.post("/api/files/bulk-mark", content=b"[" * 3_000_000)

    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("attack", ["body", "body of a stranger", "token", "method"])
async def test_nobody_can_end_the_isolate_with_a_request(shop: Shop, attack: str) -> None:
    """Python in a Worker dies of JSON that nests too deeply."""
    deep = "[" * DEEP + "]" * DEEP
    async with shop.cloudflare.client() as stranger:
        if attack.startswith("body"):
            headers = {"content-type": "application/json"}
            asking = stranger if attack == "body of a stranger" else shop.http
            answer = await asking.post("/api/files/bulk-mark", content=deep, headers=headers)
        elif attack == "token":
            header = urlsafe_b64encode(b"[" * 6000 + b"]" * 6000).decode()
            answer = await stranger.get("/api/notifications", headers={"authorization": f"Bearer {header}.e30.e30"})
        else:
            answer = await stranger.request("PROPFIND", "/api/notifications")

    expected = {"body": 422, "body of a stranger": 401, "token": 401, "method": 405}
    assert answer.status_code == expected[attack]
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await shop.http.get("/healthz")).status_code == 200


async def test_a_body_that_breaks_off_leaves_one_line_in_the_log_and_no_traceback(shop: Shop) -> None:
    written = len(shop.cloudflare.log.read_text())
    address = urlsplit(shop.cloudflare.gateway)
    _, half = await asyncio.open_connection(address.hostname, address.port)
    head = f"POST /api/files/bulk-mark HTTP/1.1\r\nHost: x\r\nAuthorization: {shop.http.headers['authorization']}\r\n"
    half.write(f'{head}Content-Length: 1000\r\n\r\n{{"ids": ['.encode())
    await half.drain()
    half.close()

    lines = await _logged(shop.cloudflare, written)

    [line] = [json.loads(one) for one in lines]
    assert (line["event"], line["level"]) == ("request_cut_off", "warning")
    assert (line["method"], line["path"]) == ("POST", "/api/files/bulk-mark")
    assert (await shop.http.get("/healthz")).status_code == 200


async def _logged(cloudflare: Cloudflare, written: int) -> list[str]:
    """What was written since, as soon as there is something, and the Worker has answered once more."""
    async with cloudflare.client() as http, asyncio.timeout(PATIENCE):
        while True:
            assert (await http.get("/healthz")).status_code == 200
            lines = cloudflare.log.read_text()[written:].splitlines()
            if lines:
                return lines


async def test_the_runtime_gives_the_cron_nothing_but_its_controller(shop: Shop) -> None:
    """And the handlers are content with that: a parameter without a default would fail every tick."""
    written = len(shop.cloudflare.log.read_text())

    await shop.cloudflare.tell("cron")

    assert shop.cloudflare.log.read_text()[written:] == ""


async def test_the_runtime_loads_nothing_native(shop: Shop) -> None:
    modules = await shop.isolate.run("modules")

    packages = {name.partition(".")[0] for name in modules}
    assert {"editqueue", "fastapi", "sqlalchemy"} <= packages
    assert not packages & {"obstore", "pyvips", "alembic", "psycopg", "greenlet", "httpx"}
    assert "sqlalchemy.ext.asyncio" not in modules


async def test_an_isolate_makes_the_application_once(shop: Shop) -> None:
    for _ in range(3):
        assert (await shop.http.get("/healthz")).status_code == 200

    made = "import gc, fastapi; sum(isinstance(one, fastapi.FastAPI) for one in gc.get_objects())"
    assert await shop.isolate.run(made) == 1


async def test_a_large_raw_never_enters_pythons_memory(shop: Shop) -> None:
    body = dng(preview(encoded(scene(1620, 1080))), padding=60_000_000)
    [file] = await shop.order_with(body, name="IMG_1.DNG", mime="image/x-adobe-dng")
    before = await shop.counted()
    heap = await shop.isolate.run(HEAP)
    await shop.submit([file])
    await shop.until(before, settled=1)

    assert await shop.isolate.run(HEAP) - heap < 8_000_000
    assert heap < 100_000_000, "the runtime allows 128 MB in all"
    assert (await shop.bucket.head(ObjectKeys.from_raw(file.object_key).processed)).size == len(body)
    assert (await shop.status([file]))["done"] == 1
