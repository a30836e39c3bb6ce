"""jobs retry --failed: many at once, after asking."""

import signal
import sys

from editqueue.domain.errors import EditQueueError, SetupError
from editqueue.entrypoints.commands.console import print_json, print_line
from editqueue.entrypoints.commands.job_filters import JobFilters, shown
from editqueue.settings import load_settings
from editqueue.use_cases.operator.retry_failed import BATCH, Retryable, find_retryable, retry_failed
from editqueue.wiring.database_clock import clock_of
from editqueue.wiring.job_queue import open_queue
from editqueue.wiring.job_store import open_job_store
from editqueue.wiring.journal import open_journal


async def run_retry_failed(filters: JobFilters, *, yes: bool, as_json: bool) -> None:
    """Raises SetupError where nobody can be asked, and EditQueueError where the answer is no."""
    settings = load_settings()
    async with open_job_store(settings) as store:
        clock = await clock_of(store.probe)
        found = await find_retryable(filters.query(now=clock.now(), limit=BATCH), store=store)
        if found.jobs and not yes:
            _ask(found)
        queue = open_queue(settings)
        try:
            with open_journal() as journal:
                made = await retry_failed(found.jobs, store=store, queue=queue, journal=journal, clock=clock)
        finally:
            await queue.close()
    if as_json:
        print_json({"found": len(found.jobs), "put_back": len(made), "jobs": [shown(job) for job in made]})
    elif found.jobs:
        print_line(f"put back {len(made)} of {_counted(found)}{_what_became(len(made), len(found.jobs))}")
    else:
        print_line(f"no failed jobs{filters.in_words()} that can be put back")


def _what_became(made: int, found: int) -> str:
    """Of those that were put back, and of the others."""
    others = {0: "", 1: "; the other was"}.get(found - made, "; the others were")
    return "".join(
        (
            "; they stay failed, and their files have new jobs" if made else "",
            f"{others} put back, deleted or edited meanwhile" if others else "",
        )
    )


def _ask(found: Retryable) -> None:
    if not sys.stdin.isatty():
        raise SetupError(f"{_counted(found)} would be put back; say --yes, for nobody is here to be asked")
    codes = sorted(found.codes.items(), key=lambda code: code[1], reverse=True)
    sys.stderr.write(
        f"{_counted(found)} of {found.customers} {'customer' if found.customers == 1 else 'customers'}: "
        f"{', '.join(f'{code} {count}' for code, count in codes)}\nPut back? [y/N] "
    )
    sys.stderr.flush()
    if _answer() not in {"y", "yes"}:
        raise EditQueueError("nothing was put back")


def _answer() -> str:
    """Ctrl-C ends it at once: the event loop's handler would wait for the line to be read."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return sys.stdin.readline().strip().lower()
    except KeyboardInterrupt:
        raise EditQueueError("nothing was put back") from None
    finally:
        signal.signal(signal.SIGINT, handler)


def _counted(found: Retryable) -> str:
    return f"{len(found.jobs)} failed {'job' if len(found.jobs) == 1 else 'jobs'}"
