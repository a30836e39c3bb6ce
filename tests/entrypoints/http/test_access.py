"""Promise 11, nobody else's: every route, asked by nobody, by forgers, by somebody else and by the owner."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from typing import Any

import httpx
import jwt
import pytest

from devtools.seeds import NOON
from devtools.world import SECRET, World, original
from editqueue.domain.files import File
from editqueue.entrypoints.http.app import create_app
from editqueue.wiring.database_clock import DatabaseClock
from tests.entrypoints.http.client import BASE, FRIEND, Api, build_app, problem_of, token

MINE = frozenset({"GET /api/notifications"})
"""Names nobody: everyone gets their own."""


@dataclass(frozen=True)
class Call:
    route: str
    ok: int = 200
    body: Mapping[str, object] | None = None
    """`{file}`, `{order}` and `{key}` in it are filled in."""


CALLS = [
    Call("POST /api/uploads/intent", 200, {"filename": "a.jpg", "mime": "image/jpeg", "order_id": "{order}"}),
    Call("POST /api/uploads/finalize", 200, {"object_key": "{key}", "bytes": 7}),
    Call("GET /api/orders/{order}/files"),
    Call("POST /api/files/bulk-mark", 200, {"ids": ["{file}"], "marked": True}),
    Call("POST /api/files/bulk-rename", 200, {"ids": ["{file}"]}),
    Call("DELETE /api/files/bulk", 200, {"ids": ["{file}"]}),
    Call("POST /api/orders/{order}/submit-edits", 201, {"files": ["{file}"]}),
    Call("GET /api/orders/{order}/status"),
    Call("GET /api/files/{file}/preview"),
    Call("POST /api/files/{file}/approve"),
    Call("POST /api/files/{file}/revision", 201, {"note": "Heller"}),
    Call("GET /api/notifications"),
]


def unsigned() -> str:
    claims = {"sub": "anna", "exp": NOON + timedelta(hours=1)}
    return jwt.encode(claims, None, algorithm="none")  # pyright: ignore[reportUnknownMemberType]  # as in auth.py


def signed(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, SECRET, algorithm="HS256")  # pyright: ignore[reportUnknownMemberType]  # as in auth.py


STRANGERS = {
    "no token": "",
    "forged": token("anna", secret="f" * 32),
    "expired": token("anna", ttl=timedelta(minutes=-1)),
    "alg none": unsigned(),
    "garbage": "a.b.c",
}


def sent_as(how: str, value: str) -> dict[str, str]:
    if not value:
        return {}
    return {"Authorization": f"Bearer {value}"} if how == "bearer" else {"Cookie": f"auth_session={value}"}


async def ask(api: Api, call: Call, file: File, headers: Mapping[str, str]) -> httpx.Response:
    known = {"{file}": file.id, "{order}": file.order_id, "{key}": file.object_key}

    def filled(value: object) -> object:
        if isinstance(value, str):
            return known.get(value, value)
        return [file.id] if isinstance(value, list) else value

    method, path = call.route.split()
    for name, value in known.items():
        path = path.replace(name, value)
    body = None if call.body is None else {name: filled(value) for name, value in call.body.items()}
    return await api.http.request(method, path, json=body, headers=headers)


async def finished(api: Api) -> File:
    """A file of anna's that every route would take: uploaded, edited, marked."""
    _, [file] = await api.files(1)
    await api.world.bucket.write(file.object_key, original(file)[:7], content_type="image/jpeg")
    await api.finish(file)
    await api.world.store.mark_files([file.id], user_id="anna", marked=True, now=api.world.clock.now())
    return file


@pytest.mark.reliability
@pytest.mark.parametrize("how", ["bearer", "cookie"])
@pytest.mark.parametrize("call", CALLS, ids=lambda one: one.route)
async def test_every_route_answers_its_owner_and_nobody_else(api: Api, call: Call, how: str) -> None:
    file = await finished(api)
    [before] = await api.world.store.files([file.id])
    for value in STRANGERS.values():
        problem_of(await ask(api, call, file, sent_as(how, value)), 401, "unauthenticated")
    others = await ask(api, call, file, sent_as(how, token("bert")))
    if call.route in MINE:
        assert others.json() == {"items": [], "next_cursor": None}
    else:
        problem_of(others, 403, "forbidden")
    assert await api.world.store.files([file.id]) == [before]
    answer = await ask(api, call, file, sent_as(how, token("anna")))
    assert answer.status_code == call.ok, answer.text


@pytest.mark.parametrize("call", CALLS, ids=lambda one: one.route)
async def test_no_cache_may_keep_what_is_answered(api: Api, call: Call) -> None:
    file = await finished(api)
    for value in (token("anna"), token("bert"), "forged"):
        assert (await ask(api, call, file, sent_as("bearer", value))).headers["cache-control"] == "no-store"


async def test_a_stranger_is_told_so_before_the_body_has_come(api: Api) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body was asked for")
        yield b""

    answer = await api.http.post("/api/files/bulk-mark", content=never())

    problem_of(answer, 401, "unauthenticated")


WRITES = [one for one in CALLS if not one.route.startswith("GET")]


@pytest.mark.parametrize("call", WRITES, ids=lambda one: one.route)
async def test_a_foreign_page_cannot_write_with_the_cookie(api: Api, call: Call) -> None:
    file = await finished(api)
    [before] = await api.world.store.files([file.id])
    cookie = sent_as("cookie", token("anna"))
    for origin in ("https://evil.example", "null", f"{FRIEND}.evil.example", "http://["):
        problem_of(await ask(api, call, file, {**cookie, "Origin": origin}), 403, "foreign_origin")
    assert await api.world.store.files([file.id]) == [before]
    assert (await ask(api, call, file, {**cookie, "Origin": FRIEND})).status_code == call.ok


@pytest.mark.parametrize(
    ("public_url", "allowed"),
    [(None, {"http://here", FRIEND}), ("https://edit.pix.immo", {"https://edit.pix.immo", FRIEND})],
)
async def test_which_pages_are_our_own_the_host_says_only_where_nobody_has_said_it(
    world: World, public_url: str | None, allowed: set[str]
) -> None:
    app = create_app(world.ports, jwt_secret=SECRET, allowed_origins=[FRIEND], own_origin=public_url)
    headers = {**sent_as("cookie", token("anna")), "Host": "here"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE, headers=headers) as http:
        answers = {
            origin: await http.post("/api/files/f/approve", headers={"Origin": origin})
            for origin in ("http://here", "https://edit.pix.immo", FRIEND, "https://evil.example")
        }

    assert {origin for origin, answer in answers.items() if answer.status_code == 404} == allowed
    assert {answer.status_code for answer in answers.values()} == {403, 404}


async def test_a_bearer_token_needs_no_origin(api: Api) -> None:
    file = await finished(api)
    headers = {**sent_as("bearer", token("anna")), "Origin": "https://evil.example"}
    answer = await ask(api, WRITES[0], file, headers)
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


async def test_allowed_origins_get_cors_and_others_do_not(api: Api) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    friend = await api.http.options("/api/files/bulk-mark", headers={"Origin": FRIEND, **asked})
    assert friend.status_code == 200
    assert friend.headers["access-control-allow-origin"] == FRIEND
    assert friend.headers["access-control-allow-credentials"] == "true"
    foe = await api.http.options("/api/files/bulk-mark", headers={"Origin": "https://evil.example", **asked})
    assert foe.status_code == 400
    assert "access-control-allow-origin" not in foe.headers


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "anna"},
        {"exp": 4_000_000_000},
        {"sub": "", "exp": 4_000_000_000},
        {"sub": 7, "exp": 4_000_000_000},
        {"sub": "x" * 129, "exp": 4_000_000_000},
        {"sub": "an\nna", "exp": 4_000_000_000},
    ],
)
async def test_a_token_must_name_a_user_and_an_end(api: Api, claims: dict[str, object]) -> None:
    answer = await api.http.get("/api/notifications", headers=sent_as("bearer", signed(claims)))
    problem_of(answer, 401, "unauthenticated")


@pytest.mark.parametrize("ahead", [timedelta(seconds=2), timedelta(hours=1)])
async def test_a_token_of_a_machine_whose_clock_is_ahead_holds_at_once(api: Api, ahead: timedelta) -> None:
    value = token("anna", issued_at=NOON + ahead)
    assert (await api.http.get("/api/notifications", headers=sent_as("bearer", value))).status_code == 200


@pytest.mark.parametrize(
    ("claim", "seconds", "refused_for"),
    [
        ("exp", -29, None),
        ("exp", -30, "has expired"),
        ("nbf", 30, None),
        ("nbf", 31, "not valid yet"),
        ("iat", 86_400, None),
    ],
)
async def test_a_token_holds_from_its_beginning_to_its_end_by_the_clock_of_the_database(
    api: Api, claim: str, seconds: int, refused_for: str | None
) -> None:
    now = api.world.clock.advance(timedelta(days=3000))
    claims = {"sub": "anna", "exp": now + timedelta(hours=1)} | {claim: now + timedelta(seconds=seconds)}
    answer = await api.http.get("/api/notifications", headers=sent_as("bearer", signed(claims)))
    if refused_for is None:
        assert answer.status_code == 200
    else:
        assert refused_for in problem_of(answer, 401, "unauthenticated")["detail"]


NO_TIMES: list[object] = [
    "soon",
    "4000000000",
    None,
    True,
    [],
    {},
    10**400,
    -(10**400),
    10**15,
    1e300,
    float("inf"),
    float("nan"),
]


async def test_what_is_no_time_is_refused_wherever_a_token_says_it(api: Api) -> None:
    for claim, odd in product(("exp", "nbf"), NO_TIMES):
        claims: dict[str, object] = {"sub": "anna", "exp": NOON + timedelta(hours=1)} | {claim: odd}
        answer = await api.http.get("/api/notifications", headers=sent_as("bearer", signed(claims)))
        assert "not valid: " in problem_of(answer, 401, "unauthenticated")["detail"], (claim, odd)


async def test_as_long_as_nobody_knows_the_time_a_forger_is_told_so_and_others_that_it_may_pass(world: World) -> None:
    ports = replace(world.ports, clock=DatabaseClock(world.store.probe, system=world.clock))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build_app(world, ports)), base_url=BASE) as http:
        forged = await http.get("/api/notifications", headers=sent_as("bearer", STRANGERS["forged"]))
        sound = await http.get("/api/notifications", headers=sent_as("bearer", token("anna")))

    problem_of(forged, 401, "unauthenticated")
    problem_of(sound, 503, "storage_unavailable")
