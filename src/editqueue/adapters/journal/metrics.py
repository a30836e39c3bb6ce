"""Prometheus metrics, served on the consumer's own port and never as an API route."""

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from editqueue.domain.errors import SetupError


class Metrics:
    """Counters of this process. Every name is explained in docs/operations.md."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.transitions = Counter(
            "editqueue_jobs",
            "Jobs that entered a status in this process",
            ["status", "cause"],
            registry=self.registry,
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

    def serve(self, port: int) -> None:
        """Serve on 127.0.0.1. Raises SetupError when the port is taken."""
        try:
            start_http_server(port, addr="127.0.0.1", registry=self.registry)
        except OSError as error:
            raise SetupError(
                f"EDITQUEUE_METRICS_PORT={port}: {error.strerror}; choose another port or unset it"
            ) from error
