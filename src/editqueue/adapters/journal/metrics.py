"""Prometheus metrics, served on the consumer's own port and never as an API route."""

import platform
import threading
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, disable_created_metrics

from editqueue.adapters.journal.collected_at_scrape import CountElsewhere, DiskSpace
from editqueue.adapters.journal.job_metrics import JobMetrics
from editqueue.adapters.journal.known_labels import ERROR_CODES, GROUNDS, WARNINGS
from editqueue.adapters.journal.metrics_server import MetricsServer
from editqueue.adapters.journal.queue_metrics import QueueMetrics
from editqueue.adapters.journal.request_metrics import RequestMetrics
from editqueue.domain.errors import SetupError


class Metrics:
    """Counters of this process, and gauges of the whole system. Every name is explained in docs/log_and_metrics.md."""

    def __init__(self) -> None:
        disable_created_metrics()  # a second series for each counter and histogram, which nobody asks for
        self.registry = CollectorRegistry()
        self.jobs = JobMetrics(self.registry)
        self.queue = QueueMetrics(self.registry)
        self.requests = RequestMetrics(self.registry)
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
        self.skew = Gauge(
            "editqueue_clock_skew_seconds",
            "How far this machine's clock is ahead of another's, as last measured; negative when it is behind",
            ["against"],
            registry=self.registry,
        )
        self.disks = DiskSpace(registry=self.registry)
        for ground in GROUNDS:
            self.paused.labels(ground=ground)
        for code in ERROR_CODES:
            self.errors.labels(code=code)
        for event in WARNINGS:
            self.warnings.labels(event=event)
        build = Gauge(
            "editqueue_build_info", "1, for the version that runs", ["version", "python"], registry=self.registry
        )
        build.labels(version=_own_version(), python=platform.python_version()).set(1)
        ProcessCollector(registry=self.registry)

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


def _own_version() -> str:
    try:
        return version("editqueue")
    except PackageNotFoundError:  # run from a folder that nobody installed
        return "unknown"
