"""`editqueue jobs`: the commands about jobs. As in cli.py, each imports what it needs when it is called."""

import asyncio
from typing import Annotated

import typer

from editqueue.domain.jobs import JobStatus
from editqueue.entrypoints.cli_options import JobId, Json, OfOrder, OfUser, OlderThan, Since, utf8
from editqueue.entrypoints.commands.job_filters import JobFilters

jobs = typer.Typer(no_args_is_help=True, help="Look at jobs, put failed ones back, end one.")

HOW_TO_RETRY = "give the id of one failed job, or --failed for many"


@jobs.command("list")
def jobs_list(
    *,
    status: JobStatus | None = None,
    user_id: OfUser = None,
    order_id: OfOrder = None,
    code: Annotated[str | None, typer.Option(callback=utf8, help="With this error, e.g. storage_unavailable.")] = None,
    since: Since = None,
    older_than: OlderThan = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: Json = False,
) -> None:
    """The newest jobs."""
    from editqueue.entrypoints.commands import jobs as job_commands

    filters = JobFilters(
        status=status, user_id=user_id, order_id=order_id, error_code=code, since=since, older_than=older_than
    )
    asyncio.run(job_commands.run_jobs_list(filters, limit=limit, as_json=as_json))


@jobs.command("show")
def jobs_show(job_id: JobId, as_json: Json = False) -> None:  # noqa: FBT002
    """One job, and every attempt at it."""
    from editqueue.entrypoints.commands import jobs as job_commands

    asyncio.run(job_commands.run_jobs_show(job_id, as_json=as_json))


@jobs.command("retry")
def jobs_retry(
    job_id: Annotated[str | None, typer.Argument(callback=utf8)] = None,
    *,
    failed: Annotated[
        bool, typer.Option("--failed", help="All that failed, as far as nothing happened to their file since.")
    ] = False,
    code: Annotated[
        str | None, typer.Option(callback=utf8, help="With --failed: with this error, e.g. storage_unavailable.")
    ] = None,
    since: Since = None,
    older_than: OlderThan = None,
    user_id: OfUser = None,
    order_id: OfOrder = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --failed: do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Make a new job for the file of a failed one, or of many."""
    if failed == (job_id is not None):
        raise typer.BadParameter(HOW_TO_RETRY)
    if job_id is not None:
        if any(given is not None for given in (code, since, older_than, user_id, order_id)):
            raise typer.BadParameter("--code, --since, --older-than, --user and --order go with --failed")
        from editqueue.entrypoints.commands import jobs as job_commands

        asyncio.run(job_commands.run_jobs_retry(job_id, as_json=as_json))
        return
    from editqueue.entrypoints.commands import retrying

    filters = JobFilters(
        status=JobStatus.FAILED, user_id=user_id, order_id=order_id, error_code=code, since=since, older_than=older_than
    )
    asyncio.run(retrying.run_retry_failed(filters, yes=yes, as_json=as_json))


@jobs.command("cancel")
def jobs_cancel(job_id: JobId, as_json: Json = False) -> None:  # noqa: FBT002
    """End a job that is queued; its customer is told. One that is in progress is refused."""
    from editqueue.entrypoints.commands import jobs as job_commands

    asyncio.run(job_commands.run_jobs_cancel(job_id, as_json=as_json))
