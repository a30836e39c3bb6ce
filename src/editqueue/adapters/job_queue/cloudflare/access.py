"""Where a queue at Cloudflare is, and what was found there."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueAccess:
    account_id: str
    queue_id: str
    token: str = field(repr=False)
    base_url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueFinding:
    """What a look at the queue found."""

    ok: bool
    detail: str
    remedy: str = ""
    transient: bool = False
    """True for trouble that may end by itself: no reason not to start."""
