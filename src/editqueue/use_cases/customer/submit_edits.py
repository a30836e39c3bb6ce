"""submit-edits: a queued EditJob for every marked file, all or nothing."""

from collections.abc import Sequence

from editqueue.domain.errors import FileLocked, FileNotMarked
from editqueue.domain.jobs import EditJob
from editqueue.ports import Ports
from editqueue.use_cases.customer.access import Rejection, own_order, plain_ids, refuse
from editqueue.use_cases.wake_consumers import wake_consumers

# A lock with its job is no obstacle: that job is the answer. One without is left behind by a crash.
_LOCKED_WITHOUT_JOB = Rejection(
    error=FileLocked, reason="locked", holds=lambda one: one.file.locked and one.active_job is None
)
_NOT_MARKED = Rejection(error=FileNotMarked, reason="not marked for editing", holds=lambda one: not one.file.marked)


async def submit_edits(
    file_ids: Sequence[str],
    *,
    order_id: str,
    user_id: str,
    express: bool,
    notes: str | None,
    ports: Ports,
) -> Sequence[EditJob]:
    """The active job of every file, new or already there, in the order asked for.

    Raises OrderNotFound, Forbidden, FileNotFound, FileLocked, FileNotMarked, naming every offending id.
    """
    await own_order(order_id, user_id=user_id, store=ports.store)
    wanted = await plain_ids(file_ids, user_id=user_id, store=ports.store, order_id=order_id)
    seen, active, new = await ports.store.submit(
        wanted, order_id=order_id, user_id=user_id, express=express, notes=notes, now=ports.clock.now()
    )
    refuse(wanted, seen, user_id=user_id, order_id=order_id, flaws=[_LOCKED_WITHOUT_JOB, _NOT_MARKED])
    jobs = {job.file_id: job for job in active}
    _tell(active, new, ports)
    await wake_consumers(new, queue=ports.queue, journal=ports.journal)
    return [jobs[one] for one in wanted]


def _tell(active: Sequence[EditJob], new: Sequence[str], ports: Ports) -> None:
    fresh = set(new)
    for job in active:
        if job.id in fresh:
            ports.journal.transition(job, before=None, cause="submit")
