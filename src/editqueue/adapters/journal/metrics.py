"""Prometheus metrics, served on the consumer's own port and never as an API route."""

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from editqueue.adapters.journal.metrics_server import MetricsServer
from editqueue.domain.errors import SetupError
from editqueue.domain.jobs import ACTIVE
from editqueue.ports.consumers import LivingConsumer
from editqueue.ports.job_store import QueueStats

GROUNDS = ("database", "bucket", "images")
"""What every job stands on, as `Journal.paused` names it."""


class Metrics:
    """Counters of this process, and gauges of the whole system. Every name is explained in docs/log_and_metrics.md."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.transitions = Counter(
            "editqueue_jobs", "Jobs that entered a status in this process", ["status", "cause"], registry=self.registry
        )
        self.attempts = Histogram(
            "editqueue_attempt_seconds",
            "Duration of attempts at a job",
            ["result"],
            buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
            registry=self.registry,
        )
        self.bytes_copied = Counter("editqueue_copied_bytes", "Bytes copied to processed/", registry=self.registry)
        self.errors = Counter("editqueue_errors", "Errors written to the error log", ["code"], registry=self.registry)
        self.warnings = Counter("editqueue_warnings", "Warnings by event", ["event"], registry=self.registry)
        self.log_lines_dropped = CountElsewhere(
            "editqueue_log_lines_dropped", "Log lines that could not be written", registry=self.registry
        )
        self.paused = Gauge(
            "editqueue_consumer_paused",
            "1 while the consumer of this process claims nothing because its ground is away",
            ["ground"],
            registry=self.registry,
        )
        for ground in GROUNDS:
            self.paused.labels(ground=ground).set(0)
        self.skew = Gauge(
            "editqueue_clock_skew_seconds",
            "How far this machine's clock is ahead of another's, as last measured; negative when it is behind",
            ["against"],
            registry=self.registry,
        )

        self.active = Gauge(
            "editqueue_active_jobs",
            "Jobs that are queued or in progress, in the whole database",
            ["status"],
            registry=self.registry,
        )
        self.oldest = Gauge(
            "editqueue_oldest_eligible_job_seconds",
            "How long the oldest job that may run has waited; 0 when there is none",
            registry=self.registry,
        )

        self.consumers_alive = Gauge(
            "editqueue_consumers_alive",
            "Consumers that hold the lock by which others know that they live; NaN on a database that tells of none",
            registry=self.registry,
        )
        self.consumer_jobs = Gauge(
            "editqueue_consumer_jobs", "Jobs in progress, by the consumer alive", ["consumer"], registry=self.registry
        )

    def observe(self, queue_stats: QueueStats, *, now: datetime) -> None:
        """Set the gauges to what the database holds."""
        for status in ACTIVE:
            self.active.labels(status=status.value).set(queue_stats.jobs.get(status, 0))
        oldest = queue_stats.oldest_eligible
        self.oldest.set(0 if oldest is None else max(0, (now - oldest).total_seconds()))

    def observe_consumers(self, living: Sequence[LivingConsumer] | None) -> None:
        """Set the gauges to the consumers alive; None where nobody can tell."""
        self.consumers_alive.set(float("nan") if living is None else len(living))
        self.consumer_jobs.clear()
        for consumer in living or ():
            self.consumer_jobs.labels(consumer=consumer.name).set(len(consumer.jobs))

    def clock_skew(self, against: str, *, seconds: float) -> None:
        """Set how far our clock is ahead of that of `against` ("database", "bucket")."""
        self.skew.labels(against=against).set(seconds)

    def serve(self, port: int, *, host: str = "127.0.0.1") -> Callable[[], None]:
        """Serve until what it returns is called. Raises SetupError when the port is taken."""
        try:
            server = MetricsServer(self.registry, host=host, port=port)
        except OSError as error:
            raise SetupError(
                f"EDITQUEUE_METRICS_PORT={port} on {host}: {error.strerror or error}; choose another port or unset it"
            ) from error
        thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
        thread.start()

        def close() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return close


class CountElsewhere(Collector):
    """A counter whose number somebody else keeps: a lock of Prometheus' is nothing to wait for when a line is lost."""

    def __init__(self, name: str, text: str, *, registry: CollectorRegistry) -> None:
        self._name = name
        self._text = text
        self._counts: list[Callable[[], int]] = []
        registry.register(self)

    def counted_by(self, count: Callable[[], int]) -> None:
        self._counts.append(count)

    def collect(self) -> Iterable[CounterMetricFamily]:
        yield CounterMetricFamily(self._name, self._text, value=sum(count() for count in self._counts))
