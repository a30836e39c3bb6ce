"""Jobs of consumers that did not come back are queued again."""

from editqueue.domain.messages import GAVE_UP
from editqueue.ports import Ports
from editqueue.use_cases.consumer.requeued import tell_of_requeued
from editqueue.use_cases.run_to_completion import run_to_completion


async def rescue(ports: Ports) -> int:
    """Take jobs back from consumers that did not come back within `limits.stale_after`. Returns how many.

    Each costs an attempt; those out of attempts end failed.
    """
    return await run_to_completion(_rescue(ports))


async def _rescue(ports: Ports) -> int:
    now = ports.clock.now()
    jobs = await ports.store.rescue(
        started_before=now - ports.limits.stale_after, max_retries=ports.limits.max_retries, message=GAVE_UP, now=now
    )
    await tell_of_requeued(jobs, ports, cause="stale")
    return len(jobs)
