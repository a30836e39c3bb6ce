"""What D1 says went wrong, in words only, and what it means. It does not name the statement."""

from typing import Final

from editqueue.adapters.job_store.databases.database import ConstraintViolated
from editqueue.domain.errors import StorageUnavailable

_DEFECTS: Final = ("SQLITE_ERROR", "SQLITE_MISMATCH", "SQLITE_TOOBIG", "SQLITE_RANGE", "too many SQL variables")
_AWAY: Final = ("no such table", "internal error")
"""Of what SQLite complains about, what is no defect of ours: a table that was there when the store was opened was taken
away, or Cloudflare failed."""


class WrongStatement(Exception):
    """D1 does not understand a statement or a value of ours."""


def understood(said: str) -> ConstraintViolated | WrongStatement | StorageUnavailable | None:
    """None for words that do not tell."""
    if "constraint failed" in said or "SQLITE_CONSTRAINT" in said:
        return ConstraintViolated(f"D1: {said}")
    if any(words in said for words in _AWAY):
        return StorageUnavailable(f"D1: {said}")
    return WrongStatement(f"D1: {said}") if any(words in said for words in _DEFECTS) else None
