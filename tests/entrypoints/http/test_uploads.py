"""Intent, PUT, finalize."""

import hashlib
from typing import Any

import httpx
import pytest

from editqueue.domain.files import Order
from tests.entrypoints.http.client import Api, bearer, problem_of

BODY = b"not really a picture"
DIGEST = hashlib.sha256(BODY).hexdigest()
INTENT = "/api/uploads/intent"
FINALIZE = "/api/uploads/finalize"


async def intend(api: Api, order: Order, **changes: object) -> httpx.Response:
    return await api.post(INTENT, {"filename": "IMG_1.jpg", "mime": "image/jpeg", "order_id": order.id, **changes})


async def uploaded(api: Api, body: bytes = BODY) -> str:
    """The object key of something that was PUT through its signed URL."""
    intent: dict[str, Any] = (await intend(api, await api.order())).json()
    put = await api.http.put(intent["signed_url"], content=body, headers=intent["headers"])
    assert put.status_code == 200, put.text
    return intent["object_key"]


async def finalize(api: Api, key: str, size: int = len(BODY), *, user: str = "anna", **more: object) -> httpx.Response:
    return await api.post(FINALIZE, {"object_key": key, "bytes": size, **more}, user=user)


async def test_an_upload_becomes_a_file(api: Api) -> None:
    order = await api.order()
    intent = (await intend(api, order, room_type="kitchen", stack_id="s1")).json()
    assert intent["object_key"].startswith(f"user/anna/orders/{order.id}/raw/IMG_1-")
    put = await api.http.put(intent["signed_url"], content=BODY, headers=intent["headers"])
    assert put.status_code == 200
    answer = await finalize(api, intent["object_key"], checksum=DIGEST, exif_meta={"iso": 100, "lens": ["a", 1.5]})
    assert answer.status_code == 200
    assert answer.json()["status"] == "uploaded"
    [file] = (await api.get(f"/api/orders/{order.id}/files")).json()["files"]
    assert file["id"] == answer.json()["file_id"]
    assert (file["name"], file["mime"], file["bytes"]) == ("IMG_1.jpg", "image/jpeg", len(BODY))
    assert (file["room_type"], file["stack_id"], file["index"], file["ver"]) == ("kitchen", "s1", 1, 1)
    assert (file["locked"], file["marked"], file["approved"], file["preview_url"]) == (False, False, False, None)
    assert file["created_at"] == "2026-11-24T12:00:00.000Z"


async def test_the_signed_url_takes_only_what_was_signed(api: Api) -> None:
    intent = (await intend(api, await api.order())).json()
    url = intent["signed_url"]
    assert (await api.http.put(url, content=BODY, headers={"Content-Type": "text/html"})).status_code == 415
    forged = url.replace("IMG_1", "IMG_2")
    assert (await api.http.put(forged, content=BODY, headers=intent["headers"])).status_code == 403
    api.world.clock.advance(api.world.ports.limits.signed_url * 1.01)
    assert (await api.http.put(url, content=BODY, headers=intent["headers"])).status_code == 403
    problem_of(await finalize(api, intent["object_key"]), 409, "object_not_uploaded")


async def test_an_original_is_written_once_before_and_after_finalize(api: Api) -> None:
    intent = (await intend(api, await api.order())).json()
    key = intent["object_key"]

    async def put(body: bytes) -> httpx.Response:
        return await api.http.put(intent["signed_url"], content=body, headers=intent["headers"])

    assert intent["headers"] == {"Content-Type": "image/jpeg", "If-None-Match": "*"}
    assert (await put(BODY)).status_code == 200
    problem_of(await put(b"another picture!!!"), 412, "object_exists")
    assert (await finalize(api, key, checksum=DIGEST)).status_code == 200
    problem_of(await put(b"another picture!!!"), 412, "object_exists")
    assert await api.world.bucket.read(key) == BODY


async def test_an_upload_must_send_the_headers_that_it_was_given(api: Api) -> None:
    intent = (await intend(api, await api.order())).json()
    answer = await api.http.put(intent["signed_url"], content=BODY, headers={"Content-Type": "image/jpeg"})
    assert "If-None-Match: *" in problem_of(answer, 428, "request_refused")["detail"]
    problem_of(await finalize(api, intent["object_key"]), 409, "object_not_uploaded")


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("..\\..\\boot.jpg", "boot.jpg"),
        ("/absolute.jpg", "absolute.jpg"),
        ("Küche 🏠.jpg", "Küche 🏠.jpg"),
        ("<script>alert(1)</script>.jpg", "script>.jpg"),
        ("x" * 251 + ".jpg", "x" * 251 + ".jpg"),
        (".jpg", ".jpg"),
        ("Bildschirmfoto 12\u202f30.png", "Bildschirmfoto 12 30.png"),
        ("' OR 1=1; --.jpg", "' OR 1=1; --.jpg"),
    ],
)
async def test_odd_names_are_shown_but_never_make_keys(api: Api, filename: str, shown: str) -> None:
    order = await api.order()
    answer = await intend(api, order, filename=filename)
    assert answer.status_code == 200, answer.text
    intent = answer.json()
    prefix = f"user/anna/orders/{order.id}/raw/"
    name = intent["object_key"].removeprefix(prefix)
    assert intent["object_key"].startswith(prefix)
    assert name.isascii()
    assert "/" not in name
    assert ".." not in name
    assert len(name) < 100
    await api.http.put(intent["signed_url"], content=BODY, headers=intent["headers"])
    assert (await finalize(api, intent["object_key"])).status_code == 200
    [file] = (await api.get(f"/api/orders/{order.id}/files")).json()["files"]
    assert file["name"] == shown


@pytest.mark.parametrize(
    "filename",
    ["", "   ", "..", ".", "folder/", "nul\x00.jpg", "line\n.jpg", "x" * 300 + ".jpg", "x" * 5000]
    + [f"photo{mark}gpj.exe" for mark in "\u200e\u200f\u202e\u2067\u2028"],
)
async def test_names_nobody_should_look_at_are_refused(api: Api, filename: str) -> None:
    problem = problem_of(await intend(api, await api.order(), filename=filename), 422, "invalid")
    assert problem["field"] == "filename"


async def test_half_a_surrogate_pair_is_refused(api: Api) -> None:
    order = await api.order()
    raw = f'{{"filename": "a\\ud83d.jpg", "mime": "image/jpeg", "order_id": "{order.id}"}}'
    answer = await post_raw(api, INTENT, raw.encode())
    assert problem_of(answer, 422, "invalid")["field"] in {"filename", "body"}


async def post_raw(api: Api, path: str, body: bytes) -> httpx.Response:
    return await api.http.post(path, content=body, headers={**bearer("anna"), "Content-Type": "application/json"})


@pytest.mark.parametrize("mime", ["", "text/html", "image/", "image/../x", "video/x-msvideo", "image/jpeg\r\nX: y"])
async def test_other_mimes_are_refused(api: Api, mime: str) -> None:
    assert problem_of(await intend(api, await api.order(), mime=mime), 422, "invalid")["field"] == "mime"


@pytest.mark.parametrize("mime", ["image/jpeg", "image/x-canon-cr3", "IMAGE/HEIC", "video/mp4", "video/quicktime"])
async def test_pictures_and_clips_are_taken(api: Api, mime: str) -> None:
    assert (await intend(api, await api.order(), mime=mime)).json()["headers"]["Content-Type"] == mime.lower()


@pytest.mark.parametrize("missing", ["filename", "mime", "order_id"])
async def test_what_is_missing_is_named(api: Api, missing: str) -> None:
    body = {"filename": "a.jpg", "mime": "image/jpeg", "order_id": "x"}
    del body[missing]
    assert problem_of(await api.post(INTENT, body), 422, "invalid")["field"] == missing


async def test_an_unknown_order_is_404(api: Api) -> None:
    answer = await api.post(INTENT, {"filename": "a.jpg", "mime": "image/jpeg", "order_id": "nowhere"})
    problem_of(answer, 404, "order_not_found")


async def test_finalize_before_the_put_is_refused(api: Api) -> None:
    key = (await intend(api, await api.order())).json()["object_key"]
    problem_of(await finalize(api, key), 409, "object_not_uploaded")


async def test_another_size_is_refused(api: Api) -> None:
    problem_of(await finalize(api, await uploaded(api), len(BODY) + 1), 409, "object_differs")


async def test_another_checksum_is_refused_and_the_right_one_taken(api: Api) -> None:
    key = await uploaded(api)
    problem_of(await finalize(api, key, checksum="0" * 64), 409, "object_differs")
    assert (await finalize(api, key, checksum=DIGEST.upper())).status_code == 200


async def test_another_users_key_is_forbidden(api: Api) -> None:
    problem_of(await finalize(api, await uploaded(api), user="bert"), 403, "forbidden")


async def test_over_the_limit_is_refused_before_anything_else(api: Api) -> None:
    limit = api.world.ports.limits.max_upload_bytes
    key = await uploaded(api)
    problem_of(await finalize(api, key, limit + 1), 413, "upload_too_large")
    problem_of(await finalize(api, key, limit), 409, "object_differs")


async def test_finalizing_twice_gives_the_same_file(api: Api) -> None:
    key = await uploaded(api)
    first, second = await finalize(api, key), await finalize(api, key, checksum=DIGEST)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    problem_of(await finalize(api, key, 3), 409, "object_differs")


async def test_a_deleted_file_does_not_come_back(api: Api) -> None:
    key = await uploaded(api)
    file_id = (await finalize(api, key)).json()["file_id"]
    assert (await api.delete("/api/files/bulk", {"ids": [file_id]})).json() == {"ok": True, "deleted": 1}
    problem_of(await finalize(api, key), 404, "file_not_found")


@pytest.mark.parametrize("key", ["", "../etc/passwd", "user/anna/orders/o/preview/x.jpg", "user/anna/\x00", "x" * 2000])
async def test_what_is_no_raw_key_is_refused(api: Api, key: str) -> None:
    assert problem_of(await finalize(api, key), 422, "invalid")["field"] == "object_key"


async def test_a_key_never_handed_out_is_404(api: Api) -> None:
    problem_of(await finalize(api, "user/anna/orders/o/raw/made-up.jpg"), 404, "upload_not_found")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"bytes": -1}, "bytes"),
        ({"bytes": "20"}, "bytes"),
        ({"bytes": 1.5}, "bytes"),
        ({"bytes": 10**400}, "bytes"),
        ({"checksum": "abc"}, "checksum"),
        ({"checksum": "g" * 64}, "checksum"),
        ({"exif_meta": [1]}, "exif_meta"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_wrong_types_are_named(api: Api, change: dict[str, object], field: str) -> None:
    answer = await api.post(FINALIZE, {"object_key": "k", "bytes": 1, **change})
    assert problem_of(answer, 422, "invalid")["field"].split(".")[0] == field


async def test_a_user_whose_id_no_object_key_can_hold_is_known_and_gets_no_place_for_an_upload(api: Api) -> None:
    user = "家" * 27
    order = await api.order(user)
    assert (await api.get(f"/api/orders/{order.id}/files", user=user)).status_code == 200

    wish = {"filename": "a.jpg", "mime": "image/jpeg", "order_id": order.id}
    problem = problem_of(await api.post("/api/uploads/intent", wish, user=user), 422, "invalid")

    assert problem["field"] == "sub"
    assert "at most 240" in problem["detail"]
