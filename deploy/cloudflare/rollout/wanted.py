"""What should be in the account, from wrangler.jsonc and the choices made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.cloudflare.rollout.problem import Problem
from deploy.cloudflare.rollout.record import Record


@dataclass(frozen=True, kw_only=True)
class Wanted:
    name: str
    """Of the Worker and its database."""
    bucket: str
    jurisdiction: str | None
    origins: Sequence[str]
    queue: str
    dead_letters: str
    crons: Sequence[str]
    consumer: Mapping[str, int]
    """The settings of the queue's consumer, as the API names them."""

    @property
    def database(self) -> str:
        return self.name


def wanted(template: Mapping[str, Any], record: Record, *, name: str) -> Wanted:
    """Raises Problem for a Worker that does no jobs."""
    if len(template["queues"].get("consumers", ())) != 1:
        raise Problem(
            "wrangler.jsonc has no consumer of the queue, and this command sets up a Worker that does the jobs: put "
            "queues.consumers back. docs/cloudflare_worker.md says how to deploy one whose consumers are elsewhere"
        )
    [consumer] = template["queues"]["consumers"]
    return Wanted(
        name=name,
        bucket=record.bucket,
        jurisdiction=record.jurisdiction,
        origins=record.origins,
        queue=f"{name}-jobs",
        dead_letters=f"{name}-dead",
        crons=template["triggers"]["crons"],
        consumer={
            "batch_size": consumer["max_batch_size"],
            "max_retries": consumer["max_retries"],
            "max_wait_time_ms": 1000 * consumer["max_batch_timeout"],
            "max_concurrency": consumer["max_concurrency"],
        },
    )


def default_record(template: Mapping[str, Any], *, name: str) -> Record:
    """The choices that wrangler.jsonc makes. A deployment of another name, a staging say, has a bucket of its own."""
    [bucket] = template["r2_buckets"]
    own = bucket["bucket_name"] if name == template["name"] else f"{name}-media"
    origins = template["vars"]["ALLOWED_ORIGINS"].split(",")
    return Record(bucket=own, origins=tuple(origin.strip() for origin in origins))


def configuration(template: Mapping[str, Any], record: Record, wanted: Wanted) -> dict[str, Any]:
    """What wrangler deploys: the committed configuration with this account's names and ids in it."""
    [database], [bucket] = template["d1_databases"], template["r2_buckets"]
    [producer], [consumer] = template["queues"]["producers"], template["queues"]["consumers"]
    place = {} if wanted.jurisdiction is None else {"jurisdiction": wanted.jurisdiction}
    endpoint = {} if wanted.jurisdiction is None else {"R2_JURISDICTION": wanted.jurisdiction}
    return {
        **template,
        "name": wanted.name,
        "account_id": record.account_id,
        "d1_databases": [{**database, "database_name": wanted.database, "database_id": record.database_id}],
        "r2_buckets": [{**bucket, "bucket_name": wanted.bucket, **place}],
        "queues": {
            "producers": [{**producer, "queue": wanted.queue}],
            "consumers": [{**consumer, "queue": wanted.queue, "dead_letter_queue": wanted.dead_letters}],
        },
        "vars": {
            **template["vars"],
            "CLOUDFLARE_ACCOUNT_ID": record.account_id,
            "EDITQUEUE_BUCKET_URL": f"s3://{wanted.bucket}",
            "ALLOWED_ORIGINS": ",".join(wanted.origins),
            **endpoint,
        },
    }
