"""Which keys the bucket accepts: the same for all adapters, so that no key works on one store only."""

from editqueue.domain.errors import PermanentError

MAX_KEY_BYTES = 1024
"""R2's limit."""


def check_key(key: str) -> str:
    """`key` itself. Raises PermanentError, naming the key, for one that is unsafe or not portable."""
    if not key.isprintable() or "\\" in key:
        problem = "has a backslash or an unprintable character"
    elif len(key.encode()) > MAX_KEY_BYTES:
        problem = f"is longer than {MAX_KEY_BYTES} bytes"
    elif "" in key.split("/"):
        problem = "is empty, absolute or has an empty segment"
    elif not {".", ".."}.isdisjoint(key.split("/")):
        problem = "climbs through '.' or '..'"
    else:
        return key
    raise PermanentError(f"not a valid object key: {key!r} {problem}")
