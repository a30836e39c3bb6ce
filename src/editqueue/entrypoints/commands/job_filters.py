"""Which jobs a command is about, in the words of the command line, and how a job is shown."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.job_store import JobQuery


@dataclass(frozen=True, kw_only=True, slots=True)
class JobFilters:
    """None asks for nothing."""

    status: JobStatus | None
    user_id: str | None
    order_id: str | None
    error_code: str | None
    since: timedelta | None
    older_than: timedelta | None

    def query(self, *, now: datetime, limit: int) -> JobQuery:
        """Raises Invalid for what cannot be true of one job."""
        return JobQuery(
            status=self.status,
            user_id=self.user_id,
            order_id=self.order_id,
            error_code=self.error_code,
            since=None if self.since is None else now - self.since,
            older_than=None if self.older_than is None else now - self.older_than,
            limit=limit,
        )

    def in_words(self) -> str:
        """Empty where nothing is asked for."""
        words = [
            ("with error {}", self.error_code),
            ("of customer {}", self.user_id),
            ("of order {}", self.order_id),
            ("in the last {}", _spoken(self.since)),
            ("older than {}", _spoken(self.older_than)),
        ]
        return "".join(f" {phrase.format(value)}" for phrase, value in words if value is not None)


def _spoken(span: timedelta | None) -> str | None:
    """In the largest unit in which it is a whole number."""
    if span is None:
        return None
    seconds = int(span.total_seconds())
    size, unit = next(
        (size, unit) for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")) if seconds % size == 0
    )
    return f"{seconds // size} {unit}"


def shown(job: EditJob) -> dict[str, object]:
    """A job without its token, which is worth something to whoever holds it."""
    facts = {name: value for name, value in asdict(job).items() if name not in {"token", "fair_order", "traceparent"}}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in facts.items()}
