"""migrate, order create, status and jobs: what needs the database alone, and imports nothing else."""

from dataclasses import asdict
from datetime import datetime

from editqueue.domain.jobs import EditJob
from editqueue.entrypoints.commands.console import print_facts, print_json, print_line
from editqueue.ports.job_store import JobQuery
from editqueue.settings import load_settings
from editqueue.use_cases.operator.create_order import create_order
from editqueue.use_cases.operator.find_job import find_job
from editqueue.use_cases.operator.retry_job import retry_job
from editqueue.wiring.data_dir import prepared_data_dir
from editqueue.wiring.database_clock import clock_of
from editqueue.wiring.job_queue import open_queue
from editqueue.wiring.job_store import migrate, open_job_store
from editqueue.wiring.journal import open_journal
from editqueue.wiring.system_clock import SystemClock


async def run_migrate() -> None:
    settings = load_settings()
    if settings.embedded:
        prepared_data_dir(settings)
    print_line(f"the schema is at revision {await migrate(settings)}")


async def run_order_create(user_id: str, title: str) -> None:
    async with open_job_store(load_settings(), makes=True) as store:
        order = await create_order(user_id=user_id, title=title, store=store, clock=await clock_of(store.probe))
        print_json({"order_id": order.id})


async def run_status(*, as_json: bool) -> None:
    async with open_job_store(load_settings()) as store:
        now = SystemClock().now()
        queue_stats = await store.queue_stats(now=now)
        oldest = queue_stats.oldest_eligible
        age = None if oldest is None else round((now - oldest).total_seconds(), 3)
        consumers = await store.living_consumers()
        if as_json:
            facts = {"oldest_eligible_seconds": age, "stale_locks": queue_stats.stale_locks}
            living = None if consumers is None else [asdict(consumer) for consumer in consumers]
            print_json({"jobs": queue_stats.jobs, "files": queue_stats.files} | facts | {"consumers": living})
            return
        print_facts({f"jobs {name}": count for name, count in queue_stats.jobs.items()})
        print_facts({f"files {name}": count for name, count in queue_stats.files.items()})
        print_facts({"oldest eligible job waits (s)": age, "stale locks": queue_stats.stale_locks})
        print_facts({"consumers alive": None if consumers is None else len(consumers)})
        for consumer in consumers or ():
            print_line(f"consumer {consumer.name}  {' '.join(consumer.jobs) or 'waits'}")


async def run_jobs_list(query: JobQuery, *, as_json: bool) -> None:
    async with open_job_store(load_settings()) as store:
        found = await store.jobs(query)
        if as_json:
            print_json([_shown(job) for job in found])
            return
        for job in found:
            facts = (
                f"{job.id}  {job.status.value:<11}  attempts {job.attempts}  file {job.file_id}  order {job.order_id}"
            )
            print_line(f"{facts}  {job.error or ''}".rstrip())


async def run_jobs_show(job_id: str, *, as_json: bool) -> None:
    async with open_job_store(load_settings()) as store:
        job = await find_job(job_id, store=store)
        (print_json if as_json else print_facts)(_shown(job))


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
        print_json(_shown(job) | {"retry_of": job_id})
        return
    print_line(f"job {job_id} stays failed, as the record of what happened; its file has a new job:")
    print_facts(_shown(job))


def _shown(job: EditJob) -> dict[str, object]:
    """A job without its token, which is worth something to whoever holds it."""
    facts = {name: value for name, value in asdict(job).items() if name not in {"token", "fair_order"}}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in facts.items()}
