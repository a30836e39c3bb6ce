"""migrate, order create, token, status and jobs."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from editqueue.domain.errors import Invalid, JobNotFailed, JobNotFound
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.entrypoints.commands.console import (
    on_the_system,
    print_facts,
    print_json,
    print_line,
    stop_on_signals,
    within_grace,
)
from editqueue.entrypoints.commands.serving import confirm_bucket
from editqueue.entrypoints.http.auth import issue_token
from editqueue.ports.job_store import JobQuery
from editqueue.settings import load_settings
from editqueue.use_cases.consumer.sweep import sweep
from editqueue.use_cases.operator.create_order import create_order
from editqueue.use_cases.wake_consumers import wake_consumers
from editqueue.wiring.server import Server, migrate


def run_migrate() -> None:
    settings = load_settings()
    if settings.embedded:
        settings.prepared_data_dir()
    print_line(f"the schema is at revision {asyncio.run(migrate(settings))}")


def run_sweep() -> None:
    async def work(server: Server) -> None:
        await confirm_bucket(server, working=True)
        stop = asyncio.Event()
        with stop_on_signals(stop):
            report = await within_grace(sweep(server.ports, stopped=stop.is_set), stop)
        print_json(asdict(report))

    on_the_system(work)


def run_order_create(user_id: str, title: str) -> None:
    async def work(server: Server) -> None:
        ports = server.ports
        order = await create_order(user_id=user_id, title=title, store=ports.store, clock=ports.clock)
        print_json({"order_id": order.id})

    on_the_system(work)


def run_token(user_id: str, seconds: int) -> None:
    if not 0 < len(user_id) <= 128 or not user_id.isprintable():
        raise Invalid("--user-id must be 1 to 128 printable characters")
    secret = load_settings().jwt_secret()
    print_line(issue_token(user_id, secret=secret, now=datetime.now(UTC), ttl=timedelta(seconds=seconds)))


def run_status(*, as_json: bool) -> None:
    async def work(server: Server) -> None:
        now = server.ports.clock.now()
        queue_stats = await server.ports.store.queue_stats(now=now)
        oldest = queue_stats.oldest_eligible
        age = None if oldest is None else round((now - oldest).total_seconds(), 3)
        if as_json:
            facts = {"oldest_eligible_seconds": age, "stale_locks": queue_stats.stale_locks}
            print_json({"jobs": queue_stats.jobs, "files": queue_stats.files} | facts)
            return
        print_facts({f"jobs {name}": count for name, count in queue_stats.jobs.items()})
        print_facts({f"files {name}": count for name, count in queue_stats.files.items()})
        print_facts({"oldest eligible job waits (s)": age, "stale locks": queue_stats.stale_locks})

    on_the_system(work)


def run_jobs_list(*, status: JobStatus | None, order_id: str | None, limit: int, as_json: bool) -> None:
    async def work(server: Server) -> None:
        found = await server.ports.store.jobs(JobQuery(status=status, order_id=order_id, limit=limit))
        if as_json:
            print_json([_shown(job) for job in found])
            return
        for job in found:
            print_line(f"{job.id}  {job.status.value:<11}  attempts {job.attempts}  {job.error or ''}".rstrip())

    on_the_system(work)


def run_jobs_show(job_id: str, *, as_json: bool) -> None:
    async def work(server: Server) -> None:
        job = await server.ports.store.job(job_id)
        if job is None:
            raise JobNotFound(f"there is no job {job_id!r}; `editqueue jobs list` shows those there are")
        (print_json if as_json else print_facts)(_shown(job))

    on_the_system(work)


def run_jobs_retry(job_id: str, *, as_json: bool) -> None:
    async def work(server: Server) -> None:
        ports = server.ports
        old = await ports.store.job(job_id)
        if old is None:
            raise JobNotFound(f"there is no job {job_id!r}; `editqueue jobs list` shows those there are")
        job = await ports.store.retry_job(job_id, now=ports.clock.now())
        if job is None:
            raise JobNotFailed(f"job {job_id} is {old.status.value}, or its file is deleted or has an active job")
        ports.journal.transition(job, before=None, cause="retry by hand")
        await wake_consumers([job.id], queue=ports.queue, journal=ports.journal)
        (print_json if as_json else print_facts)(_shown(job))

    on_the_system(work)


def _shown(job: EditJob) -> dict[str, object]:
    """A job without its token, which is worth something to whoever holds it."""
    facts = {name: value for name, value in asdict(job).items() if name not in {"token", "fair_order"}}
    return {name: _text(value) for name, value in facts.items()}


def _text(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
