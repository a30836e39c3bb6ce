"""Which queue a server uses, and whether Cloudflare's is set up right.

The SDK behind Cloudflare's takes half a second to import and few need it: it is imported where it is used.
"""

import asyncio
from datetime import timedelta

from editqueue.adapters.job_queue.cloudflare.access import QueueAccess, QueueFinding
from editqueue.adapters.job_queue.local import LocalQueue
from editqueue.adapters.job_queue.none import NoQueue
from editqueue.ports.job_queue import JobQueue
from editqueue.settings import Settings
from editqueue.wiring.system_clock import SystemClock


def open_queue(settings: Settings) -> JobQueue:
    if settings.queue == "none":
        return NoQueue(idle_poll=timedelta(seconds=settings.sweep_interval))
    if settings.queue == "local":
        return LocalQueue()
    from editqueue.adapters.job_queue.cloudflare.api import CloudflareApi  # noqa: PLC0415  # as the first lines say
    from editqueue.adapters.job_queue.cloudflare.queue import CloudflareQueue, Lease  # noqa: PLC0415  # the same

    return CloudflareQueue(
        CloudflareApi(_queue_access(settings)),
        lease=Lease.of(settings.limits, concurrency=settings.concurrency),
        clock=SystemClock(),
        pause=asyncio.sleep,
    )


async def look_at_queue(settings: Settings, *, pulling: bool = True) -> QueueFinding | None:
    """Ask Cloudflare whether token, account and queue fit together; None for the other kinds of queue.

    `pulling` expects a pull consumer, too.
    """
    if settings.queue != "cloudflare":
        return None
    from editqueue.adapters.job_queue.cloudflare.check import look_at  # noqa: PLC0415  # as the first lines say

    return await look_at(_queue_access(settings), pulling=pulling)


def _queue_access(settings: Settings) -> QueueAccess:
    return QueueAccess(
        account_id=settings.cloudflare_account_id or "",
        queue_id=settings.cloudflare_queue_id or "",
        token=settings.cloudflare_api_token or "",
        base_url=settings.cloudflare_base_url,
    )
