"""Which queue a server uses, and whether Cloudflare's is set up right.

The SDK behind Cloudflare's and PostgreSQL's driver take half a second to import: each is imported where it is used.
"""

import asyncio
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from editqueue.adapters.job_queue.cloudflare.access import QueueAccess, QueueFinding
from editqueue.adapters.job_queue.local import LocalQueue
from editqueue.adapters.job_queue.neighbours import Neighbours
from editqueue.adapters.job_queue.none import NoQueue
from editqueue.adapters.job_store.databases.database_url import parse
from editqueue.domain.errors import SetupError
from editqueue.ports.job_queue import JobQueue
from editqueue.settings import Settings
from editqueue.wiring.system_clock import SystemClock

if TYPE_CHECKING:
    from editqueue.adapters.postgres_session import PostgresSession


def open_queue(settings: Settings, session: "PostgresSession | None" = None) -> JobQueue:
    """`session` is that of a consumer on PostgreSQL, closed by whoever opened it. Without one, nothing is received
    there; what is submitted is told by the database itself."""
    if settings.queue == "postgres" and session is not None:
        from editqueue.adapters.job_queue.postgres import PostgresQueue  # noqa: PLC0415  # as the first lines say

        return PostgresQueue(session)
    if settings.queue in {"none", "postgres"}:
        return NoQueue(idle_poll=timedelta(seconds=settings.sweep_interval))
    if settings.queue == "local":
        return LocalQueue(_neighbours(settings))
    if not _has_sdk():
        raise SetupError(f"{_WITHOUT_SDK.detail}; {_WITHOUT_SDK.remedy}")
    from editqueue.adapters.job_queue.cloudflare.api import CloudflareApi  # noqa: PLC0415  # as the first lines say
    from editqueue.adapters.job_queue.cloudflare.queue import CloudflareQueue, Lease  # noqa: PLC0415  # the same

    return CloudflareQueue(
        CloudflareApi(_queue_access(settings)),
        lease=Lease.of(settings.limits, concurrency=settings.concurrency),
        clock=SystemClock(),
        pause=asyncio.sleep,
    )


def _neighbours(settings: Settings) -> Neighbours | None:
    """Who shares a file of SQLite shares a folder beside it."""
    if not settings.database_url.startswith("sqlite:"):
        return None
    database = parse(settings.database_url).url.database or ""
    return Neighbours(Path(f"{database}-wake"))


async def look_at_queue(settings: Settings, *, pulling: bool = True) -> QueueFinding | None:
    """Ask Cloudflare whether token, account and queue fit together; None for the other kinds of queue.

    `pulling` expects a pull consumer, too.
    """
    if settings.queue != "cloudflare":
        return None
    if not _has_sdk():
        return _WITHOUT_SDK
    from editqueue.adapters.job_queue.cloudflare.check import look_at  # noqa: PLC0415  # as the first lines say

    return await look_at(_queue_access(settings), pulling=pulling)


_WITHOUT_SDK: Final = QueueFinding(
    ok=False,
    detail="EDITQUEUE_QUEUE=cloudflare needs the package cloudflare, which is not installed",
    remedy="in a checkout `make setup`, elsewhere `pip install cloudflare`",
)


def _has_sdk() -> bool:
    return find_spec("cloudflare") is not None


def _queue_access(settings: Settings) -> QueueAccess:
    return QueueAccess(
        account_id=settings.cloudflare_account_id or "",
        queue_id=settings.cloudflare_queue_id or "",
        token=settings.cloudflare_api_token or "",
        base_url=settings.cloudflare_base_url,
    )
