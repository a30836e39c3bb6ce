"""What a consumer does for one message, wherever it came from."""

from datetime import timedelta

from editqueue.domain.jobs import JobStatus
from editqueue.ports import Ports
from editqueue.ports.job_queue import Message
from editqueue.use_cases.consumer.process_job import process_next

PASSED_OVER = timedelta(seconds=15)
"""Until a message comes again whose job could run but could not be claimed."""


async def answer_message(message: Message, ports: Ports) -> timedelta | None:
    """Work on the job that is next in turn, which need not be the one the message names.

    So express and fairness hold in whatever order a queue delivers; there are as many messages as jobs.
    Returns after which time the message must come again; None when it has done its duty.
    """
    if message.job_id is None:
        ports.journal.warning("message_not_ours", receipt=message.receipt)
        return None
    end = await process_next(ports)
    if end is not None:
        return end.retry_in
    # A message that finds nothing to claim is not spent while its own job is queued: that one waits for its retry, or
    # somebody held its row for a moment and the claim passed it over.
    job = await ports.store.job(message.job_id)
    if job is None or job.status is not JobStatus.QUEUED:
        return None
    return max(job.run_after - ports.clock.now(), PASSED_OVER)
