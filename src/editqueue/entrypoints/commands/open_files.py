"""How many files and connections this process may have open."""

import resource
from contextlib import suppress
from typing import Final

WANTED: Final = 65_536
RESERVED: Final = 100
"""Of them, for the database, image processes, the queue, and connections that are just being accepted or refused."""
MOST_CONNECTIONS: Final = 1000


def raise_open_files_limit() -> None:
    """To what the system allows, at most 65,536: the soft limit, 1,024 in most shells, is too low for a server."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # macOS says "unlimited" and allows less
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_connections() -> int:
    """As many as leave room for everything else; each may have an object open besides itself."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = WANTED if soft == resource.RLIM_INFINITY else soft
    return max(16, min(MOST_CONNECTIONS, (allowed - RESERVED) // 2))
