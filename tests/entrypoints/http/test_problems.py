"""Bad requests and bad days: always a problem with a code, the field or ids named, and never our insides."""

import json
import re
import warnings
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from pydantic import BaseModel, ValidationError

from devtools.memory_bucket import MemoryBucket
from devtools.seeds import NOON, claim, submit
from devtools.world import SECRET, World
from editqueue.domain.errors import ClaimLost, PermanentError, StorageUnavailable
from editqueue.entrypoints.http import app, defects, guards, in_time, problems, schemas
from editqueue.entrypoints.http.app import create_app
from editqueue.entrypoints.http.in_time import Closing
from editqueue.ports.bucket import ObjectInfo
from tests.entrypoints.http.client import BASE, FRIEND, PROBLEM, Api, bearer, build_app, problem_of
from tests.entrypoints.http.test_route_table import ROUTES

ODD_IDS = ["\x00", "a\x00b", "\ud800", "x" * 10_000, "../../etc/passwd", "' OR 1=1 --", "💡", "%00", "\u202e", " "]
INTENT = "/api/uploads/intent"
FINALIZE = "/api/uploads/finalize"
MARK = "/api/files/bulk-mark"
ANNA = {"Content-Type": "application/json", **bearer("anna")}
GOOD_INTENT: dict[str, Any] = {"filename": "a.jpg", "mime": "image/jpeg", "order_id": "o"}
GOOD_FINALIZE: dict[str, Any] = {"object_key": "k", "bytes": 1}

BAD_BODIES: list[tuple[str, str, object, str]] = [
    ("POST", INTENT, {}, "filename"),
    ("POST", INTENT, [], "body"),
    ("POST", INTENT, None, "body"),
    ("POST", INTENT, {**GOOD_INTENT, "filename": 7}, "filename"),
    ("POST", INTENT, {**GOOD_INTENT, "filename": ""}, "filename"),
    ("POST", INTENT, {**GOOD_INTENT, "filename": ".."}, "filename"),
    ("POST", INTENT, {**GOOD_INTENT, "filename": "folder/"}, "filename"),
    ("POST", INTENT, {**GOOD_INTENT, "filename": "a\x00.jpg"}, "filename"),
    ("POST", INTENT, {**GOOD_INTENT, "filename": "a\n.jpg"}, "filename"),
    ("POST", INTENT, {**GOOD_INTENT, "filename": "\ud800.jpg"}, "filename"),
    ("POST", INTENT, {**GOOD_INTENT, "filename": "a\u202egpj.exe"}, "filename"),
    ("POST", INTENT, {**GOOD_INTENT, "filename": "a" * 300}, "filename"),
    ("POST", INTENT, {**GOOD_INTENT, "mime": "application/pdf"}, "mime"),
    ("POST", INTENT, {**GOOD_INTENT, "mime": "video/webm"}, "mime"),
    ("POST", INTENT, {**GOOD_INTENT, "mime": "image/"}, "mime"),
    ("POST", INTENT, {**GOOD_INTENT, "mime": "image/jpeg\r\nx-evil: 1"}, "mime"),
    ("POST", INTENT, {**GOOD_INTENT, "room_type": "k\x00"}, "room_type"),
    ("POST", INTENT, {**GOOD_INTENT, "stack_id": "s" * 101}, "stack_id"),
    ("POST", INTENT, {**GOOD_INTENT, "user_id": "ben"}, "user_id"),
    ("POST", FINALIZE, {**GOOD_FINALIZE, "bytes": -1}, "bytes"),
    ("POST", FINALIZE, {**GOOD_FINALIZE, "bytes": "1"}, "bytes"),
    ("POST", FINALIZE, {**GOOD_FINALIZE, "bytes": 1.5}, "bytes"),
    ("POST", FINALIZE, {**GOOD_FINALIZE, "bytes": True}, "bytes"),
    ("POST", FINALIZE, {**GOOD_FINALIZE, "bytes": 10**400}, "bytes"),
    ("POST", FINALIZE, {**GOOD_FINALIZE, "checksum": "abc"}, "checksum"),
    ("POST", FINALIZE, {**GOOD_FINALIZE, "exif_meta": {"a": {"b": {}}}}, "exif_meta.a"),
    ("POST", FINALIZE, {**GOOD_FINALIZE, "exif_meta": {"a": [1, {}]}}, "exif_meta.a.1"),
    ("POST", FINALIZE, {**GOOD_FINALIZE, "exif_meta": {"a": "x" * 65_536}}, "exif_meta"),
    ("POST", FINALIZE, {**GOOD_FINALIZE, "exif_meta": {"a": float("inf")}}, "exif_meta.a"),
    ("POST", FINALIZE, GOOD_FINALIZE, "object_key"),
    ("POST", FINALIZE, {**GOOD_FINALIZE, "object_key": "user/anna/orders/o\x00/raw/a.jpg"}, "object_key"),
    ("POST", FINALIZE, {**GOOD_FINALIZE, "object_key": "user/anna/orders/o/processed/a.jpg"}, "object_key"),
    ("POST", MARK, {"ids": [], "marked": True}, "ids"),
    ("POST", MARK, {"ids": ["a"] * 1001, "marked": True}, "ids"),
    ("POST", MARK, {"ids": "a", "marked": True}, "ids"),
    ("POST", MARK, {"ids": [7], "marked": True}, "ids.0"),
    ("POST", MARK, {"ids": ["a"], "marked": "yes"}, "marked"),
    ("POST", MARK, {"ids": ["a"], "marked": 1}, "marked"),
    ("POST", MARK, {"ids": ["a"]}, "marked"),
    ("POST", "/api/files/bulk-rename", {"ids": []}, "ids"),
    ("DELETE", "/api/files/bulk", {}, "ids"),
    ("POST", "/api/orders/o/submit-edits", {"files": []}, "files"),
    ("POST", "/api/orders/o/submit-edits", {"files": ["a"], "express": "ja"}, "express"),
    ("POST", "/api/orders/o/submit-edits", {"files": ["a"], "order_notes": "\x00"}, "order_notes"),
    ("POST", "/api/files/f/revision", {"note": ""}, "note"),
    ("POST", "/api/files/f/revision", {"note": "a" * 1001}, "note"),
    ("POST", "/api/files/f/revision", {"note": "\x00"}, "note"),
    ("GET", "/api/notifications?limit=0", None, "limit"),
    ("GET", "/api/notifications?limit=201", None, "limit"),
    ("GET", "/api/notifications?limit=1e99", None, "limit"),
    ("GET", "/api/notifications?cursor=%00", None, "cursor"),
    ("GET", "/api/notifications?cursor=bogus", None, "cursor"),
    ("GET", "/api/orders/o/files?cursor=-1", None, "cursor"),
    ("GET", "/api/orders/o/files?cursor=99999999999", None, "cursor"),
    ("GET", "/api/orders/o/files?cursor=%D9%A3", None, "cursor"),
    ("GET", "/api/orders/o/files?status=approved", None, "status"),
    ("GET", "/api/orders/o/files?marked=maybe", None, "marked"),
    ("GET", "/api/orders/o/files?room_type=%00", None, "room_type"),
]


async def test_a_bad_request_is_told_which_field(api: Api) -> None:
    told: list[tuple[str, str, object, str]] = []
    for method, path, body, _ in BAD_BODIES:
        content = None if method == "GET" else json.dumps(body).encode()
        answer = await api.http.request(method, path, content=content, headers=ANNA)
        told.append((method, path, body, problem_of(answer, 422, "invalid")["field"]))
    assert told == BAD_BODIES


UNREADABLE = {
    "not JSON": b"{",
    "not UTF-8": b'{"ids": ["\xff\xfe"]}',
    "endless nesting": b'{"ids": ' + b"[" * 200_000,
    "nesting after half a string": b'{"ids": "\\"' + b'\\"' * 200_000,
    "nesting behind a string": b'{"[\\"": ' + b'[{"":' * 60 + b"1" + b"}]" * 60 + b"}",
    "a number of 5,000 digits": b'{"ids": ' + b"7" * 5000 + b"}",
}


@pytest.mark.parametrize("kind", UNREADABLE)
async def test_a_body_that_is_not_json_is_a_bad_request(api: Api, kind: str) -> None:
    answer = await api.http.post("/api/files/bulk-rename", content=UNREADABLE[kind], headers=ANNA)
    assert problem_of(answer, 422, "invalid")["field"] == "body"


async def test_brackets_in_text_are_no_nesting(api: Api) -> None:
    answer = await api.http.post("/api/files/bulk-rename", json={"ids": ["[" * 200, '"' + "{" * 200]}, headers=ANNA)
    problem_of(answer, 404, "file_not_found")


async def test_an_unknown_field_is_named_even_if_it_cannot_be_written_down(api: Api) -> None:
    answer = await api.http.post("/api/files/bulk-rename", content=b'{"ids": ["a"], "\\ud800": 1}', headers=ANNA)
    problem_of(answer, 422, "invalid")


async def test_of_an_unknown_field_as_long_as_its_body_only_the_beginning_is_told(api: Api) -> None:
    answer = await api.post("/api/files/bulk-rename", {"ids": ["a"], "x" * 500_000: 1})
    assert problem_of(answer, 422, "invalid")["field"] == "x" * 100
    assert len(answer.content) < 1000


@pytest.mark.parametrize("body", [schemas.UploadIntent, schemas.UploadFinalize, schemas.BulkMark, schemas.SubmitEdits])
def test_of_many_unknown_fields_one_is_told(body: type[BaseModel]) -> None:
    with pytest.raises(ValidationError) as raised:
        body.model_validate({str(number): number for number in range(10_000)})
    [error] = raised.value.errors()
    assert (error["type"], error["loc"]) == ("extra_forbidden", ("0",))


async def test_an_odd_id_in_a_body_is_an_unknown_file(api: Api) -> None:
    _, [file] = await api.files(1, marked=False)
    for odd, (path, rest) in product(ODD_IDS, [(MARK, {"marked": True}), ("/api/files/bulk-rename", {})]):
        content = json.dumps({"ids": [file.id, odd], **rest}).encode()
        problem = problem_of(await api.http.post(path, content=content, headers=ANNA), 404, "file_not_found")
        assert problem["ids"] == [odd[:40]]
    [same] = await api.world.store.files([file.id])
    assert (same.marked, same.name) == (False, file.name)


@pytest.mark.parametrize("length", [36, 1000])
async def test_of_many_unknown_ids_each_is_told_as_far_as_an_id_goes_and_ten_in_words(api: Api, length: int) -> None:
    ids = [f"{number:04}".ljust(length, "x") for number in range(1000)]
    answer = await api.post(MARK, {"ids": ids, "marked": True})

    problem = problem_of(answer, 404, "file_not_found")
    assert problem["ids"] == [file_id[:40] for file_id in ids]
    assert problem["detail"].endswith("and 990 more")
    assert len(answer.content) < 50_000


async def test_an_unknown_order_as_long_as_its_body_is_told_as_far_as_an_id_goes(api: Api) -> None:
    answer = await api.post(INTENT, {**GOOD_INTENT, "order_id": "x" * 500_000})
    assert problem_of(answer, 404, "order_not_found")["ids"] == ["x" * 40]
    assert len(answer.content) < 1000


async def test_an_odd_order_in_a_body_is_an_unknown_order(api: Api) -> None:
    for odd in ODD_IDS:
        content = json.dumps({**GOOD_INTENT, "order_id": odd}).encode()
        problem_of(await api.http.post(INTENT, content=content, headers=ANNA), 404, "order_not_found")


ODD_PATHS = ["%00", "%ff", "%ED%A0%80", "x" * 5000, "%F0%9F%92%A1", "'%20OR%201=1%20--", "..%00", "%25"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/api/orders/{}/files", "order_not_found"),
        ("GET", "/api/orders/{}/status", "order_not_found"),
        ("POST", "/api/orders/{}/submit-edits", "order_not_found"),
        ("GET", "/api/files/{}/preview", "file_not_found"),
        ("POST", "/api/files/{}/approve", "file_not_found"),
        ("POST", "/api/files/{}/revision", "file_not_found"),
    ],
)
async def test_an_odd_id_in_a_path_is_unknown(api: Api, method: str, path: str, code: str) -> None:
    body = {"files": ["a"]} if "submit" in path else {"note": "a"}
    for odd in ODD_PATHS:
        problem_of(await api.http.request(method, path.format(odd), json=body, headers=ANNA), 404, code)


@pytest.mark.parametrize("path", ["/", "/docs", "/api/nothing"])
async def test_an_address_where_nothing_is_leads_to_those_where_something_is(api: Api, path: str) -> None:
    detail = problem_of(await api.get(path), 404, "not_found")["detail"]

    assert "/openapi.json describes the API" in detail
    assert "/orders/{id}/review is the review page of an order" in detail


async def test_a_conflict_names_every_file_in_the_way(api: Api) -> None:
    _, files = await api.files(3)
    await submit(api.world.store, files)
    held = {(await claim(api.world.store)).file.id for _ in range(2)}
    ids = [one.id for one in files]
    for method, path in (("DELETE", "/api/files/bulk"), ("POST", "/api/files/bulk-rename")):
        answer = await api.http.request(method, path, json={"ids": ids}, headers=ANNA)
        assert set(problem_of(answer, 409, "file_locked")["ids"]) == held
    assert all(one.deleted_at is None for one in await api.world.store.files(ids))


async def test_a_declared_body_over_a_mebibyte_is_too_large(api: Api) -> None:
    body = b'{"ids": ["' + b"a" * 1024 * 1024 + b'"]}'
    problem_of(await api.http.post("/api/files/bulk-rename", content=body, headers=ANNA), 413, "body_too_large")


async def test_a_body_in_chunks_over_a_mebibyte_is_too_large(api: Api) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    answer = await api.http.post("/api/files/bulk-rename", content=endless(), headers=ANNA)
    problem_of(answer, 413, "body_too_large")


@pytest.mark.parametrize("path", [MARK, "/objects/user/anna/orders/o/raw/a.jpg"])
async def test_a_body_with_two_lengths_is_no_request(world: World, path: str) -> None:
    headers = {**ANNA, "Content-Length": "40", "Transfer-Encoding": "chunked"}
    serving = create_app(world.ports, jwt_secret=SECRET, closing=Closing())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(serving), base_url=BASE) as http:
        answer = await http.post(path, content=b'{"ids":["a"],"marked":true}', headers=headers)

    assert "Transfer-Encoding" in problem_of(answer, 400, "bad_request")["detail"]
    assert answer.headers["connection"] == "close"


class _AwayBucket(MemoryBucket):
    """A bucket whose every look-up fails."""

    error: Exception = StorageUnavailable("10.0.0.7:9000 refused the connection, password hunter2")

    async def head(self, key: str) -> ObjectInfo:
        raise self.error


async def _finalize_on(world: World, api: Api, error: Exception) -> httpx.Response:
    bucket = _AwayBucket(signer=world.signer)
    bucket.error = error
    _, [file] = await api.files(1)
    failing = build_app(world, replace(world.ports, bucket=bucket))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(failing), base_url=BASE) as client:
        body = {"object_key": file.object_key, "bytes": file.bytes}
        return await client.post(FINALIZE, json=body, headers={**ANNA, "Origin": FRIEND})


@pytest.mark.parametrize(
    ("error", "status", "code", "detail", "retry_after"),
    [
        (RuntimeError("hunter2"), 500, "internal", "something went wrong on our side", None),
        (ClaimLost("hunter2"), 500, "internal", "something went wrong on our side", None),
        (PermanentError("hunter2 is denied"), 502, "permanent", "refuses us, and will again", None),
        (_AwayBucket.error, 503, "storage_unavailable", "is away; try again soon", "5"),
    ],
)
async def test_what_is_our_fault_is_logged_once_and_told_only_as_far_as_it_helps_on_every_page(
    api: Api, world: World, error: Exception, status: int, code: str, detail: str, retry_after: str | None
) -> None:
    answer = await _finalize_on(world, api, error)

    assert detail in problem_of(answer, status, code)["detail"]
    assert "hunter2" not in answer.text
    assert answer.headers.get("retry-after") == retry_after
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert answer.headers["cache-control"] == "no-store"
    assert [one for _, one in world.journal.errors] == [error]


SOON = NOON + timedelta(hours=1)


def _signed(algorithm: str = "HS256", **claims: object) -> bytes:
    """Signed with the right secret: only what is named here is wrong with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the secret is short for HS512, but it is the one that would be used
        # PyJWT types its keys by an optional library
        made = jwt.encode({"sub": "anna", "exp": SOON} | claims, SECRET, algorithm)  # pyright: ignore[reportUnknownMemberType]
    return made.encode()


async def test_odd_tokens_are_refused(api: Api) -> None:
    good = await api.http.get("/api/notifications", headers={"Authorization": f"Bearer {_signed().decode()}"})
    assert good.status_code == 200
    for token in (_signed("HS512"), b"\xff\xfe", b"a.b", b".." * 4000):
        answer = await api.http.get("/api/notifications", headers=[(b"authorization", b"Bearer " + token)])
        problem_of(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


def answered_statuses() -> set[str]:
    """Those that errors become, and those that are written out where a problem is made."""
    made = re.compile(r"\bproblem\(\s*(\d{3})\b")
    sources = [
        Path(module.__file__ or "").read_text(encoding="utf-8") for module in (app, defects, guards, in_time, problems)
    ]
    return {str(status) for status in problems.STATUS_OF.values()} | {
        found for text in sources for found in made.findall(text)
    }


async def test_every_route_of_the_api_describes_every_problem_that_it_answers(api: Api) -> None:
    document: dict[str, Any] = (await api.http.get("/openapi.json")).json()
    assert "Problem" in document["components"]["schemas"]
    assert answered_statuses() >= {"400", "401", "403", "413", "422", "500", "502", "503"}
    for route in sorted(set(ROUTES) - {"GET /healthz"}):
        method, path = route.split()
        answers = document["paths"][path][method.lower()]["responses"]
        assert {status for status in answers if status >= "400"} == answered_statuses(), route
        assert all(PROBLEM in answers[status]["content"] for status in answered_statuses())
