"""Reset the locks that an aborted consumer left behind."""

from collections.abc import Sequence

from editqueue.ports.job_store import JobStore
from editqueue.ports.time import Clock


async def release_locks(*, store: JobStore, clock: Clock) -> Sequence[str]:
    """Unlock every file that is locked without a job in progress. Returns their ids."""
    return await store.reset_stale_locks(now=clock.now())
