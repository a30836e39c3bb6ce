"""Jobs of consumers that are gone are queued again at once."""

from collections.abc import Sequence
from typing import Final

from editqueue.domain.messages import GAVE_UP
from editqueue.ports import Ports
from editqueue.ports.holder import Holder
from editqueue.use_cases.consumer.requeued import tell_of_requeued
from editqueue.use_cases.run_to_completion import run_to_completion

COMES_BACK_WITHIN: Final = 2.0
"""Seconds. A database server that restarts ends the locks of all consumers at once, and who lives needs a moment to
take its own again."""


async def take_over(ports: Ports) -> int:
    """Take the jobs back from consumers whose lock is free, and still is a moment later. Returns how many.

    Each costs an attempt, as after any crash; those out of attempts end failed. Who holds no lock of its own takes
    nothing: what has ended that lock may have ended those of the others, too.
    """
    gone = await ports.store.gone_holders() if _is_held(ports.holder) else ()
    if not gone:
        return 0
    await ports.pause(COMES_BACK_WITHIN)
    return await run_to_completion(_take_over(gone, ports)) if _is_held(ports.holder) else 0


def _is_held(holder: Holder) -> bool:
    return holder.held_as is not None


async def _take_over(gone: Sequence[str], ports: Ports) -> int:
    jobs = await ports.store.take_over(
        gone, max_retries=ports.limits.max_retries, message=GAVE_UP, now=ports.clock.now()
    )
    await tell_of_requeued(jobs, ports, cause="taken_over")
    return len(jobs)
