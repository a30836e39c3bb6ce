"""What the database holds, as last looked at: of the whole system, not of this process."""

import time
from collections.abc import Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge

from editqueue.domain.jobs import ACTIVE
from editqueue.ports.consumers import LivingConsumer
from editqueue.ports.job_store import QueueStats


class QueueMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._active = Gauge(
            "editqueue_active_jobs",
            "Jobs that are queued or in progress, in the whole database",
            ["status"],
            registry=registry,
        )
        self._oldest = Gauge(
            "editqueue_oldest_eligible_job_seconds",
            "How long the oldest job that may run has waited; 0 when there is none",
            registry=registry,
        )
        self._stale_locks = Gauge(
            "editqueue_stale_locks", "Files that are in progress without a job in progress", registry=registry
        )
        self._alive = Gauge(
            "editqueue_consumers_alive",
            "Consumers that hold the lock by which others know that they live; NaN on a database that tells of none",
            registry=registry,
        )
        self._jobs = Gauge(
            "editqueue_consumer_jobs", "Jobs in progress, by the consumer alive", ["consumer"], registry=registry
        )
        self._read_at = Gauge(
            "editqueue_database_read_timestamp_seconds",
            "When this process last read these numbers from the database, by its own clock; 0 before the first time",
            registry=registry,
        )

    def observe(self, queue_stats: QueueStats, living: Sequence[LivingConsumer] | None, *, now: datetime) -> None:
        """Set the gauges to what the database holds. `living` is None where nobody can tell who lives."""
        for status in ACTIVE:
            self._active.labels(status=status.value).set(queue_stats.jobs.get(status, 0))
        oldest = queue_stats.oldest_eligible
        self._oldest.set(0 if oldest is None else max(0, (now - oldest).total_seconds()))
        self._stale_locks.set(queue_stats.stale_locks)
        self._alive.set(float("nan") if living is None else len(living))
        self._jobs.clear()
        for consumer in living or ():
            self._jobs.labels(consumer=consumer.name).set(len(consumer.jobs))
        self._read_at.set(time.time())
