"""One call of the API, as the parts of the stand-in see it, and the answers that refuse one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ALREADY_EXISTS = 409
NOT_FOUND = 404


class Refusal(Exception):
    """An answer with `success: false`; `code` is Cloudflare's own number."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Call:
    """`path` holds the parts of the path by name, `body` the JSON or, of an upload, its metadata."""

    path: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Any = None
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """Parts of an upload by file name."""
