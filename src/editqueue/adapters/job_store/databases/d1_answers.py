"""What D1's HTTP API answers, as rows or as one of our errors."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from editqueue.adapters.job_store.databases.d1_errors import WrongStatement, understood
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.domain.errors import StorageUnavailable

_MAY_PASS: Final = frozenset({408, 409, 429})
"""Of the client errors. 409 is Cloudflare's for a database that is being moved or restored."""
_OF_THE_DATABASE: Final = 7500
"""The code of what went wrong in the database, so that token, account and id are right. Cloudflare's own failures have
it as well, an overloaded database for example, and any HTTP status."""


class D1Refused(StorageUnavailable):
    """Cloudflare will not let us: token, account or database id are wrong. Only a setting can mend it."""


class _Error(BaseModel):
    code: int | None = None
    message: str = ""


class _Result(BaseModel):
    results: list[dict[str, Any]] | None = None
    success: bool = True


class _Answer(BaseModel):
    success: bool = False
    errors: list[_Error] | None = None
    result: list[_Result] | None = None


def read_answer(status: int, body: bytes, *, statements: int) -> Sequence[Rows]:
    """The rows of each of so many statements.

    Raises ConstraintViolated for a row that a constraint refuses, WrongStatement for a wrong one, D1Refused for what
    the settings must mend, and StorageUnavailable for what may pass.
    """
    try:
        answer = _Answer.model_validate_json(body)
    except ValidationError as error:
        if status == HTTPStatus.OK:
            raise StorageUnavailable("D1 gave an answer that nobody can read") from error
        answer = _Answer()
    if status != HTTPStatus.OK or not answer.success:
        raise _error(status, (answer.errors or [_Error()])[0])
    results = answer.result or []
    if len(results) != statements or not all(result.success for result in results):
        raise StorageUnavailable(f"D1 answered {len(results)} of {statements} statements")
    return [result.results or [] for result in results]


def _error(status: int, first: _Error) -> Exception:
    said = f"HTTP {status}" + (f", {first.code}" if first.code else "") + (f" {first.message}" if first.message else "")
    cause = understood(said)
    if cause is not None and not (isinstance(cause, WrongStatement) and status >= HTTPStatus.INTERNAL_SERVER_ERROR):
        return cause
    if status in _MAY_PASS or not _is_client_error(status) or first.code == _OF_THE_DATABASE:
        return StorageUnavailable(f"D1: {said}")
    return D1Refused(f"D1: {said}; {_remedy(status)}")


def _is_client_error(status: int) -> bool:
    return HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR


def _remedy(status: int) -> str:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return (
            "make CLOUDFLARE_API_TOKEN one with the account permission D1: Edit for this very account "
            "(CLOUDFLARE_ACCOUNT_ID)"
        )
    return (
        "check the database id in EDITQUEUE_DATABASE_URL=d1://ID; `wrangler d1 list` shows the ids of the account that "
        "CLOUDFLARE_ACCOUNT_ID names"
    )
