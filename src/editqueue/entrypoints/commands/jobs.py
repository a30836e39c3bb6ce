"""jobs list, show, retry and cancel: what needs the database and the queue alone."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from editqueue.domain.attempts import Attempt, AttemptEnd, JobStory
from editqueue.domain.errors import code_in
from editqueue.entrypoints.commands.console import print_facts, print_json, print_line
from editqueue.entrypoints.commands.job_filters import JobFilters, shown
from editqueue.settings import load_settings
from editqueue.use_cases.operator.cancel_job import cancel_job
from editqueue.use_cases.operator.find_job import find_story
from editqueue.use_cases.operator.retry_job import retry_job
from editqueue.wiring.database_clock import clock_of
from editqueue.wiring.job_queue import open_queue
from editqueue.wiring.job_store import open_job_store
from editqueue.wiring.journal import open_journal
from editqueue.wiring.system_clock import SystemClock


async def run_jobs_list(filters: JobFilters, *, limit: int, as_json: bool) -> None:
    query = filters.query(now=SystemClock().now(), limit=limit)
    async with open_job_store(load_settings()) as store:
        found = await store.jobs(query)
    if as_json:
        print_json([shown(job) for job in found])
        return
    if not found:
        print_line(f"no jobs{f' that are {filters.status.value}' if filters.status else ''}{filters.in_words()}")
    for job in found:
        facts = f"{job.id}  {job.status.value:<11}  attempts {job.attempts}  file {job.file_id}  order {job.order_id}"
        print_line(f"{facts}  {job.error or ''}".rstrip())


async def run_jobs_show(job_id: str, *, as_json: bool) -> None:
    async with open_job_store(load_settings()) as store:
        story = await find_story(job_id, store=store)
    if as_json:
        print_json(shown(story.job) | {"history": [_told(attempt) for attempt in story.attempts]})
        return
    print_facts(shown(story.job))
    _print_story(story)


async def run_jobs_retry(job_id: str, *, as_json: bool) -> None:
    settings = load_settings()
    async with open_job_store(settings) as store:
        queue = open_queue(settings)
        try:
            clock = await clock_of(store.probe)
            with open_journal() as journal:
                job = await retry_job(job_id, store=store, queue=queue, journal=journal, clock=clock)
        finally:
            await queue.close()
    if as_json:
        print_json(shown(job) | {"retry_of": job_id})
        return
    print_line(f"job {job_id} stays failed, as the record of what happened; its file has a new job:")
    print_facts(shown(job))


async def run_jobs_cancel(job_id: str, *, as_json: bool) -> None:
    async with open_job_store(load_settings()) as store:
        clock = await clock_of(store.probe)
        with open_journal() as journal:
            cancelled = await cancel_job(job_id, store=store, journal=journal, clock=clock)
    if as_json:
        print_json(shown(cancelled.job))
    elif cancelled.is_new:
        told = "its file is failed, and the customer was told so and may submit it again"
        print_line(f"job {job_id} is cancelled; {told}")
    else:
        print_line(f"job {job_id} was cancelled before; nothing changed")


def _print_story(story: JobStory) -> None:
    if not story.is_whole:
        print_line("attempts that are not below are not kept any more, or were made under a version that kept none")
    for attempt in story.attempts:
        consumer = attempt.consumer or "a consumer that held no lock"
        began = attempt.began_at.isoformat(timespec="seconds")
        print_line(
            f"attempt {attempt.number}  {began}  on {consumer}  {_outcome(attempt)}  {attempt.error or ''}".rstrip()
        )


def _outcome(attempt: Attempt) -> str:
    """How it ended, after how long, and what was tried next."""
    if attempt.ended_at is None or attempt.ended_by is None:
        return "runs"
    after = f"after {(attempt.ended_at - attempt.began_at).total_seconds():.1f} s"
    if attempt.run_after is None:
        return f"{after}: {'done' if attempt.ended_by is AttemptEnd.FINISH else f'{attempt.ended_by.value}, failed'}"
    again = f"tried again from {attempt.run_after.isoformat(timespec='seconds')}"
    not_counted = ", not counted" if attempt.ended_by is AttemptEnd.HAND_BACK else ""
    return f"{after}: {attempt.ended_by.value}{not_counted}, {again}"


def _told(attempt: Attempt) -> Mapping[str, object]:
    facts = {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(attempt).items()
    }
    return facts | {"error_code": None if attempt.error is None else code_in(attempt.error)}
