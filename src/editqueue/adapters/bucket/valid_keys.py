"""Which keys the bucket accepts: the same for all adapters, so that no key works on one store only."""

from editqueue.domain.errors import PermanentError

MAX_KEY_BYTES = 1024
"""R2's limit."""


def check_key(key: str) -> str:
    """`key` itself. Raises PermanentError, naming the key, for one that is unsafe or not portable."""
    problem = _problem(key)
    if problem is not None:
        raise PermanentError(f"not a valid object key: {key!r} {problem}")
    return key


def _problem(key: str) -> str | None:
    if not key.isprintable() or "\\" in key:
        return "has a backslash or an unprintable character"
    if len(key.encode()) > MAX_KEY_BYTES:
        return f"is longer than {MAX_KEY_BYTES} bytes"
    segments = key.split("/")
    if "" in segments:
        return "is empty, absolute or has an empty segment"
    if any(segment in {".", ".."} for segment in segments):
        return "climbs through '.' or '..'"
    return None
