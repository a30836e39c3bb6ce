"""The Cloudflare adapter, the real SDK and the stand-in, all on one clock that passes only when somebody waits."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from devtools.cloudflare_queue.server import ACCOUNT_ID, QUEUE_ID, TOKEN, StandIn, cloudflare_queue
from devtools.world import InstantPause, SteppingClock
from editqueue.adapters.job_queue.cloudflare.access import QueueAccess
from editqueue.adapters.job_queue.cloudflare.api import CloudflareApi
from editqueue.adapters.job_queue.cloudflare.queue import CloudflareQueue, Lease
from editqueue.ports import Limits


@dataclass(frozen=True, kw_only=True)
class CloudflareWorld:
    server: StandIn
    queue: CloudflareQueue
    clock: SteppingClock
    pause: InstantPause
    access: QueueAccess
    others: list[CloudflareQueue] = field(default_factory=list[CloudflareQueue])

    def another(self, *, concurrency: int = 1) -> CloudflareQueue:
        """The queue as a second process sees it."""
        made = CloudflareQueue(
            CloudflareApi(self.access),
            lease=Lease.of(Limits(), concurrency=concurrency),
            clock=self.clock,
            pause=self.pause,
        )
        self.others.append(made)
        return made


@asynccontextmanager
async def cloudflare_world(
    *, concurrency: int = 1, clock: SteppingClock | None = None, max_retries: int = 3, token: str = TOKEN
) -> AsyncGenerator[CloudflareWorld]:
    clock = clock or SteppingClock()
    pause = InstantPause(clock)
    async with cloudflare_queue(clock=lambda: clock.now().timestamp(), max_retries=max_retries) as server:
        access = QueueAccess(account_id=ACCOUNT_ID, queue_id=QUEUE_ID, token=token, base_url=server.base_url)
        lease = Lease.of(Limits(), concurrency=concurrency)
        queue = CloudflareQueue(CloudflareApi(access), lease=lease, clock=clock, pause=pause)
        world = CloudflareWorld(server=server, queue=queue, clock=clock, pause=pause, access=access)
        try:
            yield world
        finally:
            for one in [queue, *world.others]:
                await one.close()


def with_token(world: CloudflareWorld, token: str) -> CloudflareApi:
    return CloudflareApi(replace(world.access, token=token))
