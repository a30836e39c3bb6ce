"""jobs retry --failed: many at once, after asking."""

import sys
from collections import Counter
from collections.abc import Sequence

from editqueue.domain.errors import EditQueueError, SetupError, code_in
from editqueue.domain.jobs import EditJob
from editqueue.entrypoints.commands.console import print_json, print_line
from editqueue.entrypoints.commands.job_filters import JobFilters, shown
from editqueue.settings import load_settings
from editqueue.use_cases.operator.retry_failed import BATCH, find_retryable, retry_failed
from editqueue.wiring.database_clock import clock_of
from editqueue.wiring.job_queue import open_queue
from editqueue.wiring.job_store import open_job_store
from editqueue.wiring.journal import open_journal


async def run_retry_failed(filters: JobFilters, *, yes: bool, as_json: bool) -> None:
    """Raises SetupError where nobody can be asked, and EditQueueError where the answer is no."""
    settings = load_settings()
    async with open_job_store(settings) as store:
        clock = await clock_of(store.probe)
        failed = await find_retryable(filters.query(now=clock.now(), limit=BATCH), store=store)
        if failed and not yes:
            _ask(failed)
        queue = open_queue(settings)
        try:
            with open_journal() as journal:
                made = await retry_failed(failed, store=store, queue=queue, journal=journal, clock=clock)
        finally:
            await queue.close()
    if as_json:
        print_json({"found": len(failed), "put_back": len(made), "jobs": [shown(job) for job in made]})
    elif failed:
        print_line(f"put back {len(made)} of {_counted(failed)}; they stay failed, and their files have new jobs")
    else:
        print_line(f"no failed jobs{filters.in_words()} that can be put back")


def _ask(failed: Sequence[EditJob]) -> None:
    if not sys.stdin.isatty():
        raise SetupError(f"{_counted(failed)} would be put back; say --yes, for nobody is here to be asked")
    codes = Counter(code_in(job.error or "no error") for job in failed).most_common()
    customers = len({job.user_id for job in failed})
    sys.stderr.write(
        f"{_counted(failed)} of {customers} {'customer' if customers == 1 else 'customers'}: "
        f"{', '.join(f'{code} {count}' for code, count in codes)}\nPut back? [y/N] "
    )
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise EditQueueError("nothing was put back")


def _counted(failed: Sequence[EditJob]) -> str:
    return f"{len(failed)} failed {'job' if len(failed) == 1 else 'jobs'}"
