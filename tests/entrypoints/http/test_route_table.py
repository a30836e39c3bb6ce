"""The contract, written down a second time: no route and no property comes or goes unnoticed."""

from typing import Any

from fastapi import FastAPI
from starlette.routing import Mount

from devtools.world import World
from tests.entrypoints.http.client import Api, build_app, problem_of

FILE = {
    "id",
    "order_id",
    "object_key",
    "name",
    "mime",
    "bytes",
    "room_type",
    "stack_id",
    "index",
    "ver",
    "status",
    "locked",
    "marked",
    "approved",
    "preview_url",
    "created_at",
    "updated_at",
}
ROUTES: dict[str, tuple[int, dict[str, set[str]]]] = {
    "POST /api/uploads/intent": (200, {"": {"signed_url", "object_key", "headers"}}),
    "POST /api/uploads/finalize": (200, {"": {"file_id", "status"}}),
    "GET /api/orders/{id}/files": (200, {"": {"files", "next_cursor"}, "files": FILE}),
    "POST /api/files/bulk-mark": (200, {"": {"ok"}}),
    "POST /api/files/bulk-rename": (200, {"": {"results"}, "results": {"id", "old_name", "new_name", "status"}}),
    "DELETE /api/files/bulk": (200, {"": {"ok", "deleted"}}),
    "POST /api/orders/{id}/submit-edits": (201, {"": {"ok", "jobs"}, "jobs": {"id", "file_id", "status"}}),
    "GET /api/orders/{id}/status": (200, {"": {"queued", "in_progress", "done", "failed", "total"}}),
    "GET /api/files/{id}/preview": (200, {"": {"url", "expires_at"}}),
    "POST /api/files/{id}/approve": (200, {"": {"ok", "status"}}),
    "POST /api/files/{id}/revision": (201, {"": {"ok", "status", "job_id"}}),
    "GET /api/notifications": (
        200,
        {"": {"items", "next_cursor"}, "items": {"id", "type", "created_at", "order_id", "file_id", "message"}},
    ),
    "GET /healthz": (200, {"": {"status"}}),
}
"""Status and property names of the good answer; the name of a list stands for its items."""


def described(app: FastAPI) -> dict[str, tuple[int, dict[str, set[str]]]]:
    document = app.openapi()
    schemas: dict[str, Any] = document["components"]["schemas"]

    def shape(reference: dict[str, str]) -> dict[str, Any]:
        return schemas[reference["$ref"].rpartition("/")[2]]["properties"]

    found: dict[str, tuple[int, dict[str, set[str]]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            [status] = [one for one in operation["responses"] if one.startswith("2")]
            answer = shape(operation["responses"][status]["content"]["application/json"]["schema"])
            items = {name: set(shape(one["items"])) for name, one in answer.items() if "$ref" in one.get("items", {})}
            found[f"{method.upper()} {path}"] = (int(status), {"": set(answer), **items})
    return found


async def test_the_routes_and_their_answers_are_these(world: World) -> None:
    assert described(build_app(world)) == ROUTES


async def test_beside_them_are_only_the_description_the_objects_and_the_review_page(world: World) -> None:
    app = build_app(world)
    assert [one.path for one in app.routes if isinstance(one, Mount)] == ["/objects", "/review-assets"]
    hidden = {str(getattr(one, "path", "")) for one in app.routes} - {one.split()[1] for one in ROUTES}
    assert hidden - {""} == {"/openapi.json", "/objects", "/orders/{id}/review", "/review-assets"}


async def test_health_and_description_need_no_token(api: Api) -> None:
    assert (await api.http.get("/healthz")).json() == {"status": "ok"}
    assert (await api.http.get("/openapi.json")).status_code == 200


async def test_nothing_else_is_there(api: Api) -> None:
    for path in (
        "/docs",
        "/redoc",
        "/api",
        "/api/",
        "/api/jobs",
        "/api/files",
        "/metrics",
        "/api/notifications/",
        "/orders",
    ):
        problem_of(await api.get(path), 404, "not_found")
    problem_of(await api.post("/api/notifications"), 405, "method_not_allowed")
