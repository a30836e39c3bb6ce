"""Errors as application/problem+json (RFC 9457): the only place where an error meets an HTTP status."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from editqueue.domain.errors import (
    Conflict,
    EditQueueError,
    Forbidden,
    Invalid,
    NotFound,
    PermanentError,
    Refused,
    TooLarge,
    TransientError,
)
from editqueue.entrypoints.http.auth import Unauthenticated
from editqueue.ports.journal import Journal

STATUS_OF: Mapping[type[EditQueueError], int] = {
    NotFound: 404,
    Forbidden: 403,
    Conflict: 409,
    Invalid: 422,
    TooLarge: 413,
    TransientError: 503,
    PermanentError: 502,
}

LONGEST_NAME = 100
"""Characters that are told of a field's name: an unknown one may be as long as its body."""


class Problem(BaseModel):
    """What every error answers with. `code` is stable; `detail` is for people and may change."""

    model_config = ConfigDict(extra="forbid")

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    ids: list[str] | None = None
    """All that `code` holds for."""
    also: dict[str, list[str]] | None = None
    """Ids of the same request that are refused for other reasons, by the code of the reason."""
    field: str | None = None


class ProblemResponse(JSONResponse):
    media_type: str = "application/problem+json"

    def render(self, content: Any) -> bytes:
        """In ASCII: a problem may quote what the client sent, and half a surrogate pair has no UTF-8."""
        return json.dumps(content).encode("ascii")


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {ProblemResponse.media_type: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, text in {
        400: "two lengths of the body that may contradict each other",
        401: "no token, or one that is expired or forged",
        403: "somebody else's order or file, or a foreign origin",
        404: "unknown or deleted id",
        408: "the body came too slowly",
        409: "locked, or in conflict with the present state; nothing was changed",
        413: "the body or the upload is too large",
        422: "a bad body or parameter, the field named",
        500: "a defect on our side; it has been logged",
        502: "the database or the bucket refuses us; it has been logged, and trying again does not help",
        503: "the database or the bucket is away, slow, or the server is ending; try again after Retry-After seconds",
    }.items()
}
"""What every route may answer besides its own, for the description."""


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    ids: Sequence[str] = (),
    also: Mapping[str, Sequence[str]] | None = None,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> ProblemResponse:
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        ids=list(ids) or None,
        also={other: list(named) for other, named in (also or {}).items()} or None,
        field=field,
    )
    return ProblemResponse(body.model_dump(exclude_none=True), status_code=status, headers=headers)


def unavailable_now(code: str, detail: str) -> ProblemResponse:
    """503 at the end of a connection."""
    return problem(503, code, detail, headers={"Retry-After": "5", "Connection": "close"})


def add_problem_handlers(app: FastAPI, journal: Journal) -> None:
    """For every error but those that nobody expected here; what is ours is logged."""

    async def refused(_: Request, error: Exception) -> ProblemResponse:
        assert isinstance(error, EditQueueError)  # noqa: S101  # registered for kinds of it below
        status = next(status for kind, status in STATUS_OF.items() if isinstance(error, kind))
        if isinstance(error, Refused):
            return problem(status, error.code, str(error), ids=error.ids, also=error.also, field=error.field)
        journal.error(None, error)
        if status == 503:
            again = {"Retry-After": "5"}
            return problem(status, error.code, "a service we need is away; try again soon", headers=again)
        return problem(status, error.code, "a service we need refuses us, and will again; it has been logged")

    for kind in STATUS_OF:
        app.add_exception_handler(kind, refused)
    app.add_exception_handler(Unauthenticated, _unauthenticated)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _unauthenticated(_: Request, error: Exception) -> ProblemResponse:
    return problem(401, "unauthenticated", str(error), headers={"WWW-Authenticate": "Bearer"})


async def _invalid(_: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this class above
    first: dict[str, Any] = error.errors()[0]
    if first["type"] == "json_invalid":
        return problem(422, "invalid", "the body is not JSON", field="body")
    place = [str(part)[:LONGEST_NAME] for part in first["loc"]]
    field = ".".join(place[1:]) or place[0]
    return problem(422, "invalid", f"{field}: {first['msg']}", field=field)


async def _http(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class above
    if error.status_code == 400:  # FastAPI's word for a body that no JSON parser takes: bad UTF-8, endless nesting
        return problem(422, "invalid", "the body is not JSON", field="body")
    phrase = HTTPStatus(error.status_code).phrase
    detail = _whereabouts(request) if error.status_code == 404 and error.detail == phrase else str(error.detail)
    return problem(error.status_code, phrase.lower().replace(" ", "_"), detail, headers=error.headers)


def _whereabouts(request: Request) -> str:
    """For whoever asks for an address where nothing is, such as /."""
    page = getattr(request.app.state, "review_page", None)
    pages = "" if page is None else f", and {page} is the review page of an order"
    return f"nothing is at this address; {request.app.openapi_url} describes the API{pages}"
