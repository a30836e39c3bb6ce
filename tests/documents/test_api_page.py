"""docs/api.md says what the application answers: routes, fields, limits, statuses and every code of an error."""

import re
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from devtools.world import World
from editqueue.domain import errors
from editqueue.domain.files import FileStatus, NotificationType
from editqueue.entrypoints.http.guards import MAX_BODY
from editqueue.ports import Limits
from tests.entrypoints.http.client import build_app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
HTTP = [ROOT / "src/editqueue/entrypoints/http", ROOT / "src/editqueue/adapters/bucket/local"]
OF_THE_COMMAND_LINE = {"job_not_found", "job_not_failed", "job_not_queued", "error", "refused"}
"""Codes that no route answers with: no route takes a job, and the last two are of classes that nobody raises."""


def section(title: str) -> str:
    return re.split(r"^## ", PAGE.split(f"## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def rows(title: str) -> list[list[str]]:
    """The cells of all tables of a section, without their heads."""
    found = [line.strip("| ").split(" | ") for line in section(title).splitlines() if line.startswith("| ")]
    return [cells for cells in found if cells[0] not in {"route", "field", "status"} or "`" in cells[0]]


def codes(title: str) -> dict[str, set[str]]:
    """By HTTP status."""
    found: dict[str, set[str]] = {}
    for cells in rows(title):
        if re.fullmatch(r"\d{3}", cells[0]):
            found.setdefault(cells[0], set()).update(re.findall(r"`(\w+)`", cells[1]))
    return found


def schema_of(app: FastAPI, reference: dict[str, Any]) -> dict[str, Any]:
    return app.openapi()["components"]["schemas"][reference["$ref"].rpartition("/")[2]]


def asked(app: FastAPI, operation: dict[str, Any]) -> list[str]:
    """What a request may have beside its path; optional fields have a question mark."""
    parameters = [one for one in operation.get("parameters", []) if one["in"] == "query"]
    names = [f"{one['name']}?" for one in parameters if not one["required"]]
    if "requestBody" in operation:
        schema = schema_of(app, operation["requestBody"]["content"]["application/json"]["schema"])
        required = schema.get("required", [])
        names += [name if name in required else f"{name}?" for name in schema["properties"]]
    return names


def answered(app: FastAPI, operation: dict[str, Any]) -> tuple[str, list[str]]:
    [(status, answer)] = [(status, one) for status, one in operation["responses"].items() if status[0] == "2"]
    return status, [*schema_of(app, answer["content"]["application/json"]["schema"])["properties"]]


def test_routes_take_and_give_what_the_page_says(world: World) -> None:
    app = build_app(world)
    said = {
        route: ([] if request == "-" else request.split(", "), answer)
        for route, request, answer in (cells for cells in rows("Routes") if len(cells) == 3)
    }

    assert "/healthz" in said.popitem()[0]
    described = {
        f"{method.upper()} {path}": operation
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/api")
    }
    assert said.keys() == described.keys()
    for route, (request, answer) in said.items():
        status, fields = answered(app, described[route])
        assert sorted(request) == sorted(asked(app, described[route])), route
        assert answer == f"{status} {', '.join(fields)}", route


def test_the_page_has_every_field_of_a_file_and_of_a_notification(world: World) -> None:
    schemas = build_app(world).openapi()["components"]["schemas"]
    text = section("Files")

    for name in ("FileItem", "NotificationItem"):
        assert [field for field in schemas[name]["properties"] if f"`{field}`" not in text] == []


def test_the_page_has_the_statuses_that_there_are() -> None:
    statuses = [cells[0].strip("`") for cells in rows("Files")]

    assert statuses == [status.value for status in FileStatus]
    assert all(f"`{kind.value}`" in section("Files") for kind in NotificationType)


def test_limits_are_those_of_the_application(world: World) -> None:
    schemas = build_app(world).openapi()["components"]["schemas"]
    said = {name: cells[1] for cells in rows("Routes") if len(cells) == 2 for name in re.findall(r"`(\w+)`", cells[0])}

    def text_limit(schema: str, field: str) -> int:
        described = schemas[schema]["properties"][field]
        return next(one["maxLength"] for one in [described, *described.get("anyOf", [])] if "maxLength" in one)

    assert f"up to {text_limit('UploadIntent', 'room_type')} characters" in said["room_type"]
    assert f"up to {text_limit('UploadFinalize', 'object_key')} characters" in said["object_key"]
    assert f"up to {text_limit('SubmitEdits', 'order_notes')} characters" in said["order_notes"]
    assert f"1 to {text_limit('Revision', 'note')} characters" in said["note"]
    assert f"1 to {schemas['BulkIds']['properties']['ids']['maxItems']} ids" in said["ids"]
    assert f"up to {Limits().max_upload_bytes:,}" in said["bytes"]
    assert MAX_BODY == 1024**2
    assert "over 1 MiB" in section("Errors")


def test_every_code_that_the_application_answers_with_is_explained() -> None:
    sources = [path.read_text(encoding="utf-8") for folder in HTTP for path in sorted(folder.rglob("*.py"))]
    written = {
        code
        for text in sources
        for code in re.findall(r"(?:problem\(\s*|, )\d{3},\s*\"(\w+)\"|\(\d{3}, \"(\w+)\"", text)
    }
    of_classes = {kind.code for kind in every(errors.Refused)}
    known = {code for pair in written for code in pair if code} | of_classes - OF_THE_COMMAND_LINE
    explained = set[str]().union(*codes("Errors").values(), *codes("Signed URLs").values())

    assert {"too_many_uploads", "url_forged", "file_locked"} <= known
    assert known - explained == set()


def every(kind: type[errors.EditQueueError]) -> set[type[errors.EditQueueError]]:
    return {kind, *(below for one in kind.__subclasses__() for below in every(one))}


def test_every_status_of_the_description_is_explained(world: World) -> None:
    operations = [one for methods in build_app(world).openapi()["paths"].values() for one in methods.values()]
    statuses = {status for one in operations for status in one["responses"] if status[0] in "45"}

    assert statuses <= codes("Errors").keys()
