"""What D1's HTTP API answers, as rows or as one of our errors."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import IntegrityError, ProgrammingError

from editqueue.adapters.job_store.databases.database import Rows
from editqueue.domain.errors import StorageUnavailable

_MAY_PASS: Final = frozenset({408, 409, 429})
"""Of the client errors. 409 is Cloudflare's for a database that is being moved or restored."""
_DEFECTS: Final = ("SQLITE_ERROR", "SQLITE_MISMATCH", "SQLITE_TOOBIG", "SQLITE_RANGE", "too many SQL variables")
_AWAY: Final = ("no such table", "internal error")
"""Of what SQLite complains about, what is no defect of ours: a table that was there when the store was opened was taken
away, or Cloudflare failed."""
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

    Raises IntegrityError for a row that a constraint refuses, ProgrammingError for a wrong statement, D1Refused for
    what the settings must mend, and StorageUnavailable for what may pass.
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
    cause = RuntimeError(f"D1: {said}")
    if "constraint failed" in first.message or "SQLITE_CONSTRAINT" in first.message:
        return IntegrityError(None, None, cause)
    if any(words in first.message for words in _AWAY) or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return StorageUnavailable(str(cause))
    if any(word in first.message for word in _DEFECTS):
        return ProgrammingError(None, None, cause)
    if status in _MAY_PASS or status < HTTPStatus.BAD_REQUEST or first.code == _OF_THE_DATABASE:
        return StorageUnavailable(str(cause))
    return D1Refused(f"D1: {said}; {_remedy(status)}")


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
