"""submit-edits: a queued EditJob for every marked file, all or nothing."""

from collections.abc import Sequence

from editqueue.domain.errors import FileLocked, FileNotMarked
from editqueue.domain.jobs import EditJob
from editqueue.ports import Ports
from editqueue.use_cases.customer.access import Rejection, own_order, plain_ids, refuse
from editqueue.use_cases.wake_consumers import wake_consumers

# A lock with its job is no obstacle: that job is the answer. One without is left behind by a crash.
_LOCKED_WITHOUT_JOB = Rejection(
    error=FileLocked, reason="locked", holds=lambda state: state.file.locked and state.active_job is None
)
_NOT_MARKED = Rejection(error=FileNotMarked, reason="not marked for editing", holds=lambda state: not state.file.marked)


async def submit_edits(
    file_ids: Sequence[str], *, order_id: str, user_id: str, express: bool, notes: str | None, ports: Ports
) -> Sequence[EditJob]:
    """The active job of every file, new or already there, in the order asked for.

    Raises OrderNotFound, Forbidden, FileNotFound, FileLocked, FileNotMarked, naming every offending id.
    """
    await own_order(order_id, user_id=user_id, store=ports.store)
    wanted = await plain_ids(file_ids, user_id=user_id, store=ports.store, order_id=order_id)
    made = await ports.store.submit(
        wanted, order_id=order_id, user_id=user_id, express=express, notes=notes, now=ports.clock.now()
    )
    refuse(wanted, made.seen, user_id=user_id, order_id=order_id, rejections=[_LOCKED_WITHOUT_JOB, _NOT_MARKED])
    new = set(made.new)
    for job in made.jobs:
        if job.id in new:
            ports.journal.transition(job, before=None, cause="submit")
    await wake_consumers(made.new, queue=ports.queue, journal=ports.journal)
    jobs = {job.file_id: job for job in made.jobs}
    return [jobs[file_id] for file_id in wanted]
